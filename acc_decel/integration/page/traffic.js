/* Stopping curves, the gap to a lead, and what happens when it brakes: the formulas of acc_decel.acc. */

/* Straight lines through `values` at rising `places`. Towards an infinite value the line is infinite at once. */
function interpolated(x, places, values) {
  let i = 0;
  while (i < places.length - 2 && x >= places[i + 1]) i += 1;
  const share = places[i + 1] > places[i] ? (x - places[i]) / (places[i + 1] - places[i]) : 0;
  if (values[i + 1] === Infinity) return share > 0 ? Infinity : values[i];
  return values[i] + share * (values[i + 1] - values[i]);
}

/* The way [m] and delay [s] of full braking from each speed [m/s]; a way never falls with the speed. */
function stoppingCurve(speeds, decelerations, delays) {
  let more = 0;
  const ways = speeds.map((v, i) => {
    const least = v ** 2 / (2 * DATA.lanes.hardest);
    more = Math.max(more, (decelerations[i] > 0 ? v ** 2 / (2 * decelerations[i]) : Infinity) - least);
    return more + least;
  });
  return { speeds: [0, ...speeds], ways: [0, ...ways], delays: [delays[0], ...delays] };
}

const constantCurve = (deceleration, delay = 0) =>
  stoppingCurve([DATA.lanes.speeds.at(-1)], [deceleration], [delay]);

const delayFrom = (curve, speed) => interpolated(speed, curve.speeds, curve.delays);

/* The car holds its speed for `hold` [s], then it brakes to standstill: times [s] and speeds [m/s] at the corners. */
function motion(curve, speed, hold) {
  const { speeds, ways } = curve;
  const times = [0];
  for (let i = 1; i < speeds.length; i += 1) {
    const part = ways[i] === Infinity ? Infinity : (2 * (ways[i] - ways[i - 1])) / (speeds[i] + speeds[i - 1]);
    times.push(times[i - 1] + part);
  }
  const whole = interpolated(speed, speeds, times);
  if (whole === Infinity) return { times: [hold], speeds: [speed] };
  const below = speeds.filter((v) => v < speed).reverse();
  return {
    times: [hold, ...below.map((v) => hold + whole - interpolated(v, speeds, times))],
    speeds: [speed, ...below],
  };
}

function speedAt(path, time) {
  const last = path.times.length - 1;
  if (time <= path.times[0]) return path.speeds[0];
  return time >= path.times[last] ? path.speeds[last] : interpolated(time, path.times, path.speeds);
}

/* The stretches of time between all corners of two motions: length [s], and rate of closing [m/s] at both ends. */
function stretches(own, lead) {
  const times = [0, ...own.times, ...lead.times].sort((a, b) => a - b);
  const rate = (time) => speedAt(own, time) - speedAt(lead, time);
  return times.slice(1).map((end, i) => ({ start: times[i], step: end - times[i], from: rate(times[i]), to: rate(end) }));
}

/* The most [m] by which the own car comes nearer. */
function greatestClosing(own, lead) {
  let [closing, most] = [0, 0];
  for (const { step, from, to } of stretches(own, lead)) {
    if (from > 0 && to < 0) most = Math.max(most, closing + (0.5 * from ** 2 * step) / (from - to));
    closing += 0.5 * (from + to) * step;
    most = Math.max(most, closing);
  }
  return most;
}

/* The gap [m] that is kept at this speed: safe if the lead brakes as hard as believed, and at least what is allowed. */
function gapToKeep({ own, lead, reaction }, speed) {
  const { restGap, minTimeGap, greatestGap } = DATA.lanes;
  const path = motion(own, speed, reaction + delayFrom(own, speed));
  const closing = path.times.length === 1 ? Infinity : greatestClosing(path, motion(lead, speed, 0));
  return Math.min(Math.max(closing + restGap, minTimeGap * speed + restGap), greatestGap);
}

/* How a stop ends that begins with `gap` [m]: time [s] and speed [m/s] of the impact, or the gap that is left. */
function outcome(own, lead, gap) {
  let left = gap;
  for (const { start, step, from, to } of stretches(own, lead)) {
    const slope = step > 0 ? (to - from) / step : 0;
    const root = Math.sqrt(from ** 2 + 2 * slope * left);
    const hit = (2 * left) / (from + root); // the smaller root of from t + slope t^2 / 2 = left
    if (hit >= 0 && hit <= step) return { hit: true, time: start + hit, impact: Math.max(from + slope * hit, 0) };
    left -= 0.5 * (from + to) * step;
  }
  const stays = own.speeds.at(-1) > 0 && lead.speeds.at(-1) === 0;
  if (stays) return { hit: true, time: lead.times.at(-1) + left / own.speeds.at(-1), impact: own.speeds.at(-1) };
  return { hit: false, rest: left };
}

/* How far [m] a car has come. */
function positionAt(path, time) {
  let [position, before, speed] = [0, 0, path.speeds[0]];
  for (const corner of [...path.times, Infinity]) {
    const end = Math.min(corner, time);
    const next = speedAt(path, end);
    position += 0.5 * (speed + next) * (end - before);
    if (end === time) return position;
    [before, speed] = [end, next];
  }
  return position;
}

/* The curve of a car of which `columns` are known, for one of the quantiles; null where the firmware refuses. */
function curveOf(firmware, columns, role) {
  const rows = DATA.lanes.speeds.map((v) => withSpeed(firmware, columns, v));
  const answers = firmware.predict(rows);
  if (answers.some((answer) => answer.refused)) return null;
  return { answers, curve: curveOfAnswers(answers.map((a) => a.values[ROLE[role]]), answers) };
}

const curveOfAnswers = (decelerations, answers) =>
  stoppingCurve(DATA.lanes.speeds, decelerations, answers.map((a) => a.values[ROLE.delay]));

function withSpeed(firmware, columns, speed) {
  return firmware.columns.map((name, i) => (name === DATA.speed ? speed : columns[i]));
}

/* What is known of a lead on the same road: the road, and nothing of the car, which brakes fully. */
function leadColumns(firmware, columns) {
  let i = 0;
  return firmware.factors.flatMap((factor) => {
    const own = columns.slice(i, (i += factor.columns.length));
    return factor.ofTheRoad ? own : own.map(() => factor.standard ?? NaN);
  });
}

/* The hardest braking of a lead that may be any car of this page; where readings contradict, at least that of any road. */
function hardestLead(columns) {
  const each = cars.map((firmware) => {
    const known = curveOf(firmware, leadColumns(firmware, columns), 'upper');
    const anywhere = curveOf(firmware, leadColumns(firmware, columns.map(() => NaN)), 'upper');
    return known && anywhere && known.answers.map((answer, i) => {
      const other = hasBit(answer.status, DATA.status.outside) ? anywhere.answers[i].values[ROLE.upper] : -Infinity;
      return { upper: Math.max(answer.values[ROLE.upper], other), delay: answer.values[ROLE.delay] };
    });
  });
  if (each.some((answers) => !answers)) return null;
  const most = (key) => DATA.lanes.speeds.map((_, i) => Math.max(...each.map((answers) => answers[i][key])));
  return stoppingCurve(DATA.lanes.speeds, most('upper'), most('delay'));
}
