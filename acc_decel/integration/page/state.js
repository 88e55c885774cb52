/* What the visitor has chosen: it is all in the fragment of the address. */

const state = { car: 0, factors: {}, assumed: DATA.lanes.assumed, over: '', language: '', pair: 'typical', lead: '', hidden: [] };
let cars = [];
const car = () => cars[state.car];
const factorNamed = (name) => car().factors.find((f) => f.name === name);
const certain = (factor, level) => factor.levels.map((other) => Number(other === level));

/* One value of a factor in the state: the number, or a probability for each level. */
function startValue(factor) {
  return factor.levels.length ? certain(factor, factor.levels[0]) : factor.start;
}

function setStart() {
  for (const factor of car().factors) {
    state.factors[factor.name] = { known: !factor.estimate, value: startValue(factor) };
  }
  setRoad(DATA.roads.find((road) => road.name === DATA.start) ?? DATA.roads[0]);
}

/* What a road of the list makes of a factor: its value, or that of every start. */
function valueOn(road, factor) {
  const handicap = road.handicap[factor.name];
  const value = handicap === undefined ? road.values[factor.name] : handicap * (car().car.full[factor.name] ?? 1);
  if (value === undefined) return startValue(factor);
  return factor.levels.length ? certain(factor, value) : Math.min(Math.max(value, factor.low), factor.high);
}

function setRoad(road) {
  for (const factor of car().factors) state.factors[factor.name].value = valueOn(road, factor);
}

function setKnown(names) {
  for (const factor of car().factors.filter((f) => f.optional)) {
    state.factors[factor.name].known = names.includes(factor.name);
  }
}

/* The road and the sensors of the lists that the state is the same as, if any. */
function roadNow() {
  const same = (road) => car().factors.every((f) => String(state.factors[f.name].value) === String(valueOn(road, f)));
  return DATA.roads.find(same)?.name ?? '';
}

function sensorsNow() {
  const known = car().factors.filter((f) => f.optional && state.factors[f.name].known).map((f) => f.name);
  const same = ({ factors }) => factors.length === known.length && factors.every((name) => known.includes(name));
  return String(DATA.knowledge.findIndex(same)).replace('-1', '');
}

/* The columns of a factor with this value. */
const columnsOf = (factor, value) => (factor.levels.length ? value : [value]);

/* What the car knows, as the firmware takes it. `changed` names values that count as known. */
function knownColumns(changed = {}) {
  return car().factors.flatMap((factor) => {
    const { known, value } = state.factors[factor.name];
    if (factor.name in changed) return columnsOf(factor, changed[factor.name]);
    return known ? columnsOf(factor, value) : factor.columns.map(() => NaN);
  });
}

const likeliest = (value) => value.indexOf(Math.max(...value));

/* What is true, whether the car knows it or not: of a kind its most probable level, and no estimate. */
function trueColumns() {
  return car().factors.flatMap((factor) => {
    const { value } = state.factors[factor.name];
    if (factor.estimate) return [NaN];
    return factor.levels.length ? certain(factor, factor.levels[likeliest(value)]) : [value];
  });
}

function valueText(factor) {
  const { value } = state.factors[factor.name];
  if (!factor.levels.length) return String(value);
  if (Math.max(...value) === 1) return factor.levels[likeliest(value)];
  return factor.levels.map((level, i) => `${level}:${value[i]}`).filter((_, i) => value[i] > 0).join(',');
}

function readValue(factor, text) {
  if (!factor.levels.length) return Number.isFinite(parseFloat(text)) ? parseFloat(text) : startValue(factor);
  const shares = Object.fromEntries(text.split(',').map((part) => part.split(':')));
  const value = factor.levels.map((level) => (level in shares ? Number(shares[level] ?? 1) : 0));
  return value.every((share) => share >= 0) && value.some((share) => share > 0) ? value : startValue(factor);
}

function writeFragment() {
  const unknown = car().factors.filter((f) => !state.factors[f.name].known).map((f) => f.name);
  const parts = [
    ['car', car().name],
    ...car().factors.map((f) => [f.name, valueText(f)]),
    ['unknown', unknown.join('.')],
    ...['assumed', 'over', 'language', 'pair', 'lead'].map((key) => [key, state[key]]),
    ['hidden', state.hidden.join('.')],
    ['played', play.ended ? 'yes' : ''],
  ];
  const text = parts.filter(([, value]) => value !== '').map(([key, value]) => `${key}=${value}`).join('&');
  history.replaceState(null, '', `#${text}`);
}

function readFragment() {
  const asked = new URLSearchParams(location.hash.slice(1));
  state.car = Math.max(cars.findIndex((c) => c.name === asked.get('car')), 0);
  setStart();
  for (const factor of car().factors.filter((f) => asked.has(f.name))) {
    state.factors[factor.name].value = readValue(factor, asked.get(factor.name));
  }
  if (asked.has('unknown')) {
    const unknown = asked.get('unknown').split('.');
    setKnown(car().factors.map((f) => f.name).filter((name) => !unknown.includes(name)));
  } else if (car().factors.some((f) => asked.has(f.name))) setKnown(car().factors.map((f) => f.name).filter((name) => asked.has(name)));
  if (parseFloat(asked.get('assumed')) > 0) state.assumed = parseFloat(asked.get('assumed'));
  for (const key of ['over', 'language', 'pair', 'lead']) state[key] = asked.get(key) ?? state[key];
  play.ended = asked.get('played') === 'yes';
  state.hidden = (asked.get('hidden') ?? '').split('.').filter(Boolean);
}
