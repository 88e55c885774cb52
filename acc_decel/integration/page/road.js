/* Stopping distances on a road, beside the distance that an assumed constant deceleration gives. */

function distances(answer) {
  const speed = state.factors[DATA.speed].value;
  const stop = (role) => car().stoppingDistance(speed, answer, role);
  const assumed = car().wasm.stopping_distance(speed, state.assumed, answer.values[ROLE.delay]);
  return { half: stop('median'), most: stop('lower'), all: stop('lower_99'), best: stop('upper'), assumed };
}

function verdict({ half, most, assumed }) {
  if (most <= assumed) return ['good', `The assumption holds in 95 of 100 stops. It gives away ${number(assumed - most)} m.`];
  if (!Number.isFinite(most)) return ['bad', '5 of 100 may not stop at all, whatever the assumption.'];
  const often = half > assumed ? `, and in half of them ${number(half - assumed)} m or more` : '';
  return ['bad', `The assumption is ${number(most - assumed)} m or more too short in 5 of 100 stops${often}.`];
}

function roadPicture(width, way) {
  const end = Math.max(20, ...[way.half, way.most, way.assumed].filter(Number.isFinite)) * 1.12;
  const [left, right] = [14, width - 14];
  const x = (d) => left + ((right - left) * Math.min(d, end)) / end;
  let drawn = box(left, 96, right - left, 40, 'road', 6);
  drawn += box(x(way.best), 98, x(way.most) - x(way.best), 36, 'band', 4) + box(x(way.most), 98, x(way.all) - x(way.most), 36, 'deep', 4);
  drawn += line(left, 116, right, 116, 'lane');
  drawn += sideView(Math.max(x(way.half), left + 48), 76, 'own');
  const flags = [
    ['assumed', way.assumed, 'assumed', 16],
    ['95 of 100', way.most, 'most', 38],
    ['half of all', way.half, 'half', 60],
  ];
  for (const [label, distance, kind, y] of flags) {
    const place = x(distance);
    const anchor = place > width - 80 ? 'end' : place < 80 ? 'start' : 'middle';
    drawn += line(place, y + 5, place, 134, kind) + text(place, y, Number.isFinite(distance) ? `${label} ${number(distance)} m` : `${label}: may not stop`, kind, anchor);
  }
  for (const t of ticks(0, end, width / 90)) drawn += line(x(t), 136, x(t), 141, 'grid') + text(x(t), 155, t, 'soft');
  const far = Number.isFinite(way.all) ? `99 of 100 stop within ${number(way.all, 0)} m` : '1 of 100 may not stop';
  return drawn + text(right, 174, way.all > end ? `${far}, beyond the picture` : far, 'soft', 'end');
}

function showRoad(answer) {
  if (answer.refused) {
    byId('road').textContent = 'no answer';
    byId('verdict').textContent = '';
    return;
  }
  const way = distances(answer);
  const label = `half of all stops need up to ${number(way.half)} m, 95 of 100 up to ${number(way.most)} m, assumed ${number(way.assumed)} m`;
  picture(byId('road'), 180, label, (width) => roadPicture(width, way));
  const [kind, sentence] = verdict(way);
  byId('verdict').className = kind;
  byId('verdict').textContent = sentence;
}
