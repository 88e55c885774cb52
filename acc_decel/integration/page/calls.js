/* The same call in Python, in C and at the command line. */

const plain = (value) => String(Number(value.toFixed(6)));
const isCertain = (value) => Math.max(...value) === 1;

function pythonCall(factors) {
  const literal = (factor) => {
    const { known, value } = state.factors[factor.name];
    if (!known) return 'None';
    if (!factor.levels.length) return plain(value);
    if (isCertain(value)) return `"${factor.levels[likeliest(value)]}"`;
    return `{${factor.levels.map((level, i) => `"${level}": ${plain(value[i])}`).filter((_, i) => value[i] > 0).join(', ')}}`;
  };
  const given = factors.filter((f) => state.factors[f.name].known || f.standard !== null);
  const lines = given.map((factor) => `    ${factor.name}=${literal(factor)},`);
  return ['from acc_decel import Predictor', '', `answer = Predictor("${car().car.model}").predict(`, ...lines, ')', 'print(answer)'].join('\n');
}

function cCall(factors) {
  const literal = (value) => `${/[.e]/.test(plain(value)) ? plain(value) : `${plain(value)}.0`}F`;
  const lines = factors.filter((f) => state.factors[f.name].known).flatMap((factor) => {
    const values = columnsOf(factor, state.factors[factor.name].value);
    return factor.columns.map((column, i) => `factors.${column} = ${literal(values[i])};`);
  });
  return ['#include "acc_decel.h"', '', 'acc_decel_factors_t factors = acc_decel_no_factors();', 'acc_decel_prediction_t prediction;',
    ...lines, 'acc_decel_status_t status = acc_decel_predict(&factors, &prediction);'].join('\n');
}

/* An option takes a kind by its name. Probabilities are columns of a table. */
function commandLine(factors) {
  const known = factors.filter((f) => state.factors[f.name].known);
  const value = (factor) => state.factors[factor.name].value;
  const missingStandard = factors.some((f) => f.standard !== null && !state.factors[f.name].known);
  if (!missingStandard && known.every((f) => !f.levels.length || isCertain(value(f)))) {
    const chosen = (f) => (f.levels.length ? f.levels[likeliest(value(f))] : plain(value(f)));
    const given = known.map((f) => ` \\\n  --${f.name.replaceAll('_', '-')} ${chosen(f)}`);
    return `acc-decel predict --model ${car().car.model}${given.join('')}`;
  }
  const names = factors.flatMap((f) => f.columns).join(',');
  const values = knownColumns().map((v) => (Number.isNaN(v) ? '' : plain(v))).join(',');
  return `printf '%s\\n' \\\n  ${names} \\\n  ${values} > event.csv\nacc-decel predict --model ${car().car.model} --input event.csv`;
}

const LANGUAGES = { Python: pythonCall, C: cCall, 'command line': commandLine };

function showCall() {
  byId('call').textContent = LANGUAGES[state.language](car().factors);
}
