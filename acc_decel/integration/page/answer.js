/* The answer: what the status tells, the deceleration with its quantiles, and every output. */

/* Why the combination counts as outside the trained domain, as far as a rule says it. */
function brokenRules(columns) {
  const value = (name) => columns[car().columns.indexOf(name)];
  return DATA.exclusions.filter((rule) => {
    const beyond = rule.below ? value(rule.factor) < rule.limit : value(rule.factor) > rule.limit;
    return value(rule.column) > rule.threshold && beyond;
  });
}

function warnings(answer, columns) {
  const { outOfRange, notAvailable, flags, refused, outside } = DATA.status;
  const list = flags.filter((flag) => hasBit(answer.status, flag.bit)).map((flag) => {
    const rules = flag.bit === outside ? brokenRules(columns).map((rule) => rule.meaning) : [];
    const names = flag.bit !== refused ? [] : [
      ...toldFactors(car().factors, answer.status, outOfRange).map((f) => `${f.label} must be ${f.low} to ${f.high} ${f.unit}`),
      ...toldFactors(car().factors, answer.status, notAvailable).filter((f) => !f.optional).map((f) => `${f.label} must be known`),
    ];
    return { kind: flag.bit === refused ? 'bad' : 'warn', title: words(flag.name), text: [flag.meaning, ...rules, ...names].join('. ') };
  });
  const missing = toldFactors(car().factors, answer.status, notAvailable);
  if (missing.length) {
    const names = missing.map((f) => f.label).join(', ');
    list.push({ kind: 'plain', title: `${missing.length} of ${car().factors.length} factors not known`, text: names });
  }
  return list.length ? list : [{ kind: 'good', title: 'Nothing to report', text: 'every factor is known and in its range' }];
}

function showWarnings(answer, columns) {
  const list = warnings(answer, columns);
  byId('status').replaceChildren(...list.map(({ kind, title, text }) =>
    element('li', { class: kind }, element('b', {}, title), `: ${text}`)));
  const serious = list.filter(({ kind }) => kind === 'bad' || kind === 'warn');
  document.body.className = serious.some(({ kind }) => kind === 'bad') ? 'bad' : serious.length ? 'warn' : '';
  byId('flag').textContent = serious.map(({ title }) => title).join(', ');
}

const quantiles = () => DATA.outputs.filter((o) => o.quantile !== null).sort((a, b) => a.quantile - b.quantile);

function figure(value, unit, meaning, name, isMain) {
  const shown = element('b', {}, value, element('small', {}, ` ${unit}`));
  return element('div', { class: isMain ? 'figure main' : 'figure', 'data-output': name }, shown, element('span', {}, meaning));
}

/* A figure for each output, the quantiles in ascending order, and the distances of the same quantiles. */
function showFigures(answer) {
  const others = DATA.outputs.filter((o) => o.quantile === null);
  const figures = [...quantiles(), ...others].map((output) => {
    const value = answer.values[place(output.name)];
    const box = figure(answer.refused ? '–' : number(value, 2), output.unit, output.meaning, output.name, output.name === DATA.roles.median);
    box.dataset.value = value;
    return box;
  });
  byId('figures').replaceChildren(...figures);
}

/* The quantiles on one axis, beside what a car may assume and what an ACC may ask for. */
function showScale(answer) {
  byId('scale').hidden = answer.refused;
  if (answer.refused) return;
  const values = quantiles().map((o) => answer.values[place(o.name)]);
  const [low, high] = [Math.min(0, ...values), Math.max(12, ...values)];
  const label = quantiles().map((o, i) => `${o.quantile * 100} %: ${number(values[i], 2)}`).join(', ');
  picture(byId('scale'), 92, `deceleration quantiles in m/s²: ${label}`, (width) => {
    const x = (d) => 10 + ((width - 20) * (d - low)) / (high - low);
    const at = (role) => x(answer.values[ROLE[role]]);
    let drawn = box(x(low), 42, x(high) - x(low), 18, 'track', 9);
    drawn += box(at('lower_99'), 42, at('upper') - at('lower_99'), 18, 'deep', 4) + box(at('lower'), 42, at('upper') - at('lower'), 18, 'band', 4);
    drawn += box(at('median') - 2, 36, 4, 30, 'median', 2);
    for (const t of ticks(low, high, 7)) drawn += text(x(t), 84, t, 'soft') + line(x(t), 64, x(t), 69, 'grid');
    for (const [value, label, kind, y] of [[DATA.comfort, 'ACC limit', 'limit', 12], [state.assumed, 'assumed', 'assumed', 28]]) {
      drawn += line(x(value), y + 3, x(value), 64, kind) + text(x(value), y, `${label} ${value}`, kind);
    }
    return drawn;
  });
}

/* The line that stays in sight while the page is scrolled. */
function showGlance(answer) {
  const stop = car().stoppingDistance(state.factors[DATA.speed].value, answer, 'lower');
  byId('glance').textContent = answer.refused
    ? 'no answer'
    : `${number(answer.values[ROLE.median])} m/s², 95 of 100 above ${number(answer.values[ROLE.lower])}; ${Number.isFinite(stop) ? `stops within ${number(stop, 0)} m` : 'may not stop'}`;
}
