/* Everything together: start, and what happens when something changes. */

function changed() {
  const columns = knownColumns();
  const [answer] = car().predict([columns]);
  markFactors(answer);
  showWarnings(answer, columns);
  showFigures(answer);
  showScale(answer);
  showGlance(answer);
  showRoad(answer);
  showLanes(answer);
  showFan();
  showCall();
  byId('assumed').value = state.assumed;
  byId('place').value = roadNow();
  byId('sensors').value = sensorsNow();
  writeFragment();
}

/* Controls and answers again, after more than one factor has changed. */
function redraw() {
  showFactors();
  changed();
}

function listen(id, event, action) {
  byId(id).addEventListener(event, () => action(byId(id).value));
}

function connect() {
  listen('car', 'input', (name) => {
    state.car = cars.findIndex((c) => c.name === name);
    for (const factor of car().factors.filter((f) => f.name in (car().car.full ?? {}))) state.factors[factor.name].value = factor.start;
    show();
  });
  listen('place', 'input', (name) => {
    if (name) setRoad(DATA.roads.find((road) => road.name === name));
    redraw();
  });
  listen('sensors', 'input', (i) => {
    if (i) setKnown(DATA.knowledge[i].factors);
    redraw();
  });
  listen('assumed', 'input', (value) => {
    if (!(Number(value) > 0)) return;
    state.assumed = Number(value);
    changed();
  });
  for (const id of ['over', 'language', 'pair', 'lead']) {
    listen(id, 'input', (value) => {
      state[id] = value;
      changed();
    });
  }
  byId('brake').addEventListener('click', playStop);
  byId('rewind').addEventListener('click', rewind);
  addEventListener('resize', changed);
  addEventListener('hashchange', () => {
    readFragment();
    show();
  });
}

/* The choices of the page, then everything. */
function show() {
  const factors = car().factors;
  if (!factors.some((f) => f.name === state.over)) state.over = DATA.over;
  if (!(state.language in LANGUAGES)) state.language = Object.keys(LANGUAGES)[0];
  if (state.pair !== 'unlucky') state.pair = 'typical';
  options(byId('car'), cars.map((c) => [c.name, words(c.name)]), car().name);
  options(byId('over'), factors.map((f) => [f.name, f.label]), state.over);
  options(byId('language'), Object.keys(LANGUAGES).map((name) => [name, name]), state.language);
  options(byId('place'), [['', 'as set below'], ...DATA.roads.map((road) => [road.name, words(road.name)])], '');
  options(byId('sensors'), [['', 'as set below'], ...DATA.knowledge.map((set, i) => [i, `${set.title} (${set.factors.length} more)`])], '');
  if (!cars.some((c) => c.name === state.lead)) state.lead = car().name;
  options(byId('lead'), cars.map((c) => [c.name, words(c.name)]), state.lead);
  byId('lead').parentElement.hidden = cars.length === 1;
  byId('pair').value = state.pair;
  byId('about').textContent = car().car.description;
  redraw();
}

async function start() {
  cars = await startedFirmware();
  const failed = cars.filter((c) => c.selfTest !== 0);
  byId('test').className = failed.length ? 'bad' : 'good';
  byId('test').textContent = failed.length
    ? `SELF-TEST FAILED (${failed.map((c) => `${c.name}: ${c.selfTest}`).join(', ')}): use no figure of this page`
    : `self-test passed: the C of the ECU runs here (schema ${DATA.schema})`;
  if (failed.length) return;
  readFragment();
  connect();
  document.querySelector('main').hidden = false;
  show();
  document.documentElement.dataset.ready = 'true';
}

start().catch((error) => {
  byId('test').className = 'bad';
  byId('test').textContent = `This page could not start: ${error.message}`;
  document.documentElement.dataset.ready = 'failed';
});
