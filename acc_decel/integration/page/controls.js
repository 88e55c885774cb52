/* A control for each factor: its value, and whether the car knows it. */

/* The value in another unit that people use, if the factor has one. */
function otherUnit(factor, value) {
  if (!factor.other) return '';
  const [unit, size, offset] = factor.other;
  return `= ${number((value - offset) / size, 0)} ${unit}`;
}

function knownSwitch(factor) {
  if (!factor.optional) return element('span', { class: 'always' }, 'always known');
  const own = state.factors[factor.name];
  const input = element('input', { type: 'checkbox', role: 'switch', 'aria-label': `${factor.label} is known`, id: `known_${factor.name}` });
  const words = element('span');
  const show = () => { words.textContent = own.known ? 'known' : 'not known'; };
  input.checked = own.known;
  input.addEventListener('input', () => {
    own.known = input.checked;
    show();
    changed();
  });
  show();
  return element('label', { class: 'known' }, input, words);
}

function numberControls(factor) {
  const own = state.factors[factor.name];
  const shared = { min: factor.low, max: factor.high, step: factor.step };
  const label = `${factor.label}${factor.unit && ` [${factor.unit}]`}`;
  const field = element('input', { type: 'number', 'aria-label': label, ...shared, step: 'any', id: `number_${factor.name}` });
  const slider = element('input', { type: 'range', id: `value_${factor.name}`, ...shared });
  const also = element('span', { class: 'unit' });
  const show = () => {
    also.textContent = `${factor.unit} ${otherUnit(factor, own.value)}`;
    slider.setAttribute('aria-valuetext', `${own.value} ${also.textContent}`);
  };
  const take = (from, to) => () => {
    if (from.value === '') return;
    own.value = Number(from.value);
    to.value = from.value;
    show();
    changed();
  };
  [field.value, slider.value] = [own.value, own.value];
  slider.addEventListener('input', take(slider, field));
  field.addEventListener('input', take(field, slider));
  show();
  return element('div', { class: 'number' }, slider, field, also);
}

function switchControls(factor) {
  const own = state.factors[factor.name];
  const input = element('input', { type: 'checkbox', role: 'switch', id: `value_${factor.name}` });
  input.checked = own.value === factor.high;
  input.addEventListener('input', () => {
    own.value = input.checked ? factor.high : factor.low;
    changed();
  });
  return element('label', { class: 'known on' }, input, ' on');
}

/* One button for each kind, and a slider for its probability. The other probabilities keep their ratio. */
function kindControls(factor) {
  const own = state.factors[factor.name];
  const buttons = factor.levels.map((level) =>
    element('button', { type: 'button', onclick: () => set(certain(factor, level)) }, words(level)));
  const sliders = factor.levels.map((level, i) =>
    element('input', { type: 'range', min: 0, max: 1, step: 0.01, 'aria-label': `probability of ${words(level)}`, oninput: () => mix(i) }));
  const shares = factor.levels.map(() => element('output'));
  const show = () => factor.levels.forEach((level, i) => {
    buttons[i].setAttribute('aria-pressed', String(own.value[i] === 1));
    sliders[i].value = own.value[i];
    shares[i].textContent = `${Math.round(own.value[i] * 100)} %`;
  });
  function set(value) {
    own.value = value;
    show();
    changed();
  }
  function mix(i) {
    const share = Number(sliders[i].value);
    const rest = own.value.reduce((sum, other, j) => (j === i ? sum : sum + other), 0);
    const even = 1 / (factor.levels.length - 1);
    const others = own.value.map((other) => (rest > 0 ? other / rest : even) * (1 - share));
    set(others.map((other, j) => Number((j === i ? share : other).toFixed(4))));
  }
  show();
  const rows = factor.levels.map((level, i) => element('div', { class: 'share' }, words(level), sliders[i], shares[i]));
  const details = element('details', {}, element('summary', {}, 'as probabilities'), ...rows);
  details.open = Math.max(...own.value) < 1;
  return element('div', { class: 'kinds', role: 'group', 'aria-label': factor.label }, ...buttons, details);
}

function controlsOf(factor) {
  if (factor.levels.length) return kindControls(factor);
  return factor.isSwitch ? switchControls(factor) : numberControls(factor);
}

function factorRow(factor) {
  const name = factor.levels.length
    ? element('span', { class: 'name' }, factor.label)
    : element('label', { class: 'name', for: `value_${factor.name}` }, factor.label);
  const told = element('p', { class: 'told', id: `told_${factor.name}` });
  const head = element('div', { class: 'head' }, name, knownSwitch(factor));
  const meaning = element('p', { class: 'meaning' }, factor.meaning);
  return element('div', { class: 'factor', id: `factor_${factor.name}` }, head, meaning, controlsOf(factor), told);
}

function showFactors() {
  byId('factors').replaceChildren(...car().factors.map(factorRow));
}

/* Marks the factors that the status tells of. */
function markFactors(answer) {
  const { outOfRange, notAvailable } = DATA.status;
  car().factors.forEach((factor, i) => {
    const outside = hasBit(answer.status, outOfRange + i);
    const missing = hasBit(answer.status, notAvailable + i);
    const row = byId(`factor_${factor.name}`);
    row.classList.toggle('outside', outside);
    row.classList.toggle('missing', missing);
    const range = factor.levels.length ? 'the probabilities must sum to 1' : `must be ${factor.low} to ${factor.high} ${factor.unit}`;
    byId(`told_${factor.name}`).textContent = outside ? range : '';
  });
}

function options(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, label]) => element('option', { value }, label)));
  select.value = chosen;
}
