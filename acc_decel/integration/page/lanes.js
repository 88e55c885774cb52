/* Lanes on one road: each keeps the gap that its belief asks for. Then the lead brakes fully. */

const CAR_SIZE = 0.85;
const LONGEST_PLAY = 10; // [s]
const FARTHEST = 250; // [m] of gap that is drawn
const play = { time: 0, frame: 0, ended: false };

/* What each lane believes of the own car and of the lead. */
function beliefs(columns) {
  const { arms, reaction, table } = DATA.lanes;
  const list = arms.map((arm) => {
    const [own, lead] = arm.adjustable ? [state.assumed, state.assumed] : [arm.own, arm.lead];
    return { ...arm, title: arm.adjustable ? `Fixed belief: both brake at ${own} m/s²` : arm.title, own: constantCurve(own, arm.delay), lead: constantCurve(lead) };
  });
  const rows = car().car.table;
  if (rows) {
    const row = tableRow(table);
    const [own, lead] = [rows.own[row], rows.lead[row]];
    const title = `Table of ${table.rows.length} rows: ${table.rows[row]}, ${number(own)} / ${number(lead)} m/s²`;
    list.push({ name: 'table', title, reaction, own: constantCurve(own, table.delay), lead: constantCurve(lead) });
  }
  const own = curveOf(car(), columns, 'lower');
  const lead = hardestLead(columns);
  if (own && lead) list.push({ name: 'ours', title: 'Ours: what is known', reaction, own: own.curve, lead });
  return list;
}

/* The row of the true surface: the best case of a table. */
function tableRow({ surface, film, byLevel }) {
  const wet = state.factors[film].value > 0;
  return byLevel[likeliest(state.factors[surface].value)][Number(wet)];
}

/* How both cars really brake: as half of such cars do, or an unlucky pair. */
function truth() {
  const columns = trueColumns();
  const [own, lead] = state.pair === 'unlucky' ? ['lower', 'upper'] : ['median', 'median'];
  const ahead = cars.find((other) => other.name === state.lead);
  const [ownCurve, leadCurve] = [curveOf(car(), columns, own), curveOf(ahead, leadColumns(ahead, columns), lead)];
  if (!ownCurve || !leadCurve) return null;
  const speed = state.factors[DATA.speed].value;
  const hold = DATA.lanes.reaction + delayFrom(ownCurve.curve, speed);
  return { speed, own: motion(ownCurve.curve, speed, hold), lead: motion(leadCurve.curve, speed, 0) };
}

function laneResults() {
  const real = truth();
  if (!real) return null;
  const lanes = beliefs(knownColumns()).map((lane) => {
    const gap = gapToKeep(lane, real.speed);
    return { ...lane, gap, end: outcome(real.own, real.lead, gap) };
  });
  return { ...real, lanes };
}

const km_h = (speed) => `${number(speed * 3.6, 0)} km/h`;

function resultText({ gap, end }) {
  if (gap >= DATA.lanes.greatestGap) return ['warn', 'may not stop: this ACC must not drive here'];
  if (end.hit) return ['bad', `hits the lead at ${end.impact < 0.5 / 3.6 ? 'walking pace' : km_h(end.impact)}`];
  return ['good', `stops ${number(end.rest)} m behind`];
}

function laneRow(lane, speed) {
  const gap = lane.gap >= DATA.lanes.greatestGap ? 'no safe gap' : `gap ${number(lane.gap, 0)} m, ${number(lane.gap / speed)} s`;
  const shown = !state.hidden.includes(lane.name);
  const input = element('input', { type: 'checkbox', 'aria-label': `show the lane ${lane.title}` });
  input.checked = shown;
  input.addEventListener('input', () => {
    state.hidden = input.checked ? state.hidden.filter((name) => name !== lane.name) : [...state.hidden, lane.name];
    changed();
  });
  const head = element('div', { class: 'lanehead' }, element('label', {}, input, ` ${lane.title}`), element('span', { class: 'gap' }, gap), element('span', { class: 'result' }));
  const row = element('div', { class: `laneof ${lane.name}`, 'data-gap': lane.gap }, head);
  if (shown) row.append(element('div', { class: 'strip' }));
  return row;
}

/* Where both cars of a lane are `time` seconds after the lead began to brake: bumpers [m] from where the lead began. */
function laneAt({ own, lead }, { gap, end }, time) {
  const now = end.hit ? Math.min(time, end.time) : time;
  return { own: positionAt(own, now) - gap, lead: positionAt(lead, now), over: end.hit && time >= end.time };
}

function drawLane(strip, results, lane, axis) {
  const { own, lead, over } = laneAt(results, lane, play.time);
  picture(strip, 44, `${lane.title}: gap ${number(lead - own, 0)} m`, (width) => {
    const long = 46 * CAR_SIZE;
    const x = (d) => long + 8 + ((width - 2 * long - 12) * (d - axis.from)) / (axis.to - axis.from);
    let drawn = box(0, 24, width, 20, 'road', 5) + line(0, 34, width, 34, 'lane');
    if (lead > own) drawn += box(x(Math.max(own, axis.from)), 31, x(lead) - x(Math.max(own, axis.from)), 6, 'gapbar', 3);
    drawn += sideView(x(lead) + long, 9, 'lead', CAR_SIZE) + sideView(x(Math.max(own, axis.from)), 9, over ? 'crashed' : 'own', CAR_SIZE);
    if (over) drawn += `<path class="bang" transform="translate(${x(lead)} 4)" d="M0 0l4 9 10-4-5 9 9 6-11 1 1 10-8-7-8 7 1-10-11-1 9-6-5-9 10 4z"/>`;
    return drawn;
  });
}

function drawLanes(results) {
  const reach = Math.min(Math.max(...results.lanes.map((lane) => lane.gap)), FARTHEST);
  const axis = { from: -reach, to: positionAt(results.lead, 60) + 2 };
  for (const lane of results.lanes) {
    const strip = document.querySelector(`.laneof.${lane.name} .strip`);
    if (strip) drawLane(strip, results, lane, axis);
    const result = document.querySelector(`.laneof.${lane.name} .result`);
    const done = play.time >= (lane.end.hit ? lane.end.time : results.own.times.at(-1));
    const [kind, words] = strip && play.time > 0 && done ? resultText(lane) : ['', ''];
    result.className = `result ${kind}`;
    result.textContent = words;
  }
}

function showLanes(answer) {
  cancelAnimationFrame(play.frame);
  const results = answer.refused ? null : laneResults();
  byId('brake').disabled = !results;
  byId('outcome').textContent = '';
  if (!results) {
    byId('lanes').textContent = 'no answer';
    return;
  }
  const drive = (lane) => laneRow(lane, results.speed);
  byId('lanes').replaceChildren(...results.lanes.map(drive));
  play.time = play.ended ? endOf(results) : 0; // after a stop has been played, a change shows its end at once
  drawLanes(results);
}

const endOf = (results) => Math.max(results.own.times.at(-1), results.lead.times.at(-1), ...results.lanes.map((lane) => lane.end.time ?? 0)) + 0.01;

function playStop() {
  const results = laneResults();
  const end = endOf(results);
  const pace = Math.max(1, end / LONGEST_PLAY);
  const began = performance.now();
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  cancelAnimationFrame(play.frame);
  play.ended = false;
  const step = (now) => {
    play.time = still ? end : Math.min(Math.max((pace * (now - began)) / 1000, 0.001), end);
    drawLanes(results);
    byId('clock').textContent = `${number(play.time)} s after the lead began to brake${pace > 1 ? `, ${number(pace)} times as fast` : ''}`;
    if (play.time < end) play.frame = requestAnimationFrame(step);
    else finishPlay(results);
  };
  play.frame = requestAnimationFrame(step);
}

function finishPlay(results) {
  play.ended = true;
  writeFragment();
  const shown = results.lanes.filter((lane) => !state.hidden.includes(lane.name));
  byId('outcome').textContent = shown.map((lane) => `${lane.title}: ${resultText(lane)[1]}.`).join(' ');
}

function rewind() {
  play.ended = false;
  byId('clock').textContent = '';
  changed();
}
