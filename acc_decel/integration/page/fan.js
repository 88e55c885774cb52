/* The quantiles over one factor, all others as they are. */

const POINTS = 121;

/* Values of the factor to ask for, and the label of each kind. */
function sweep(factor) {
  if (factor.levels.length) return factor.levels.map((level) => ({ value: certain(factor, level), label: words(level) }));
  if (factor.isSwitch) return [{ value: factor.low, label: 'off' }, { value: factor.high, label: 'on' }];
  return Array.from({ length: POINTS }, (_, i) => ({ value: factor.low + ((factor.high - factor.low) * i) / (POINTS - 1) }));
}

function fanScales(factor, points, answers, width) {
  const all = answers.flatMap((a) => quantiles().map((o) => a.values[place(o.name)])).filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...all), Math.max(4, state.assumed, ...all) * 1.05];
  const [left, right, top, bottom] = [40, width - 12, 16, 276];
  const slot = (right - left) / points.length;
  const kinds = Boolean(points[0].label);
  return {
    low, high, left, right, top, bottom, kinds, slot,
    x: (i) => left + (kinds ? slot * (i + 0.5) : ((right - left) * i) / (points.length - 1)),
    y: (d) => bottom - ((bottom - top) * (d - low)) / (high - low),
    at: (value) => left + ((right - left) * (value - factor.low)) / (factor.high - factor.low),
  };
}

function fanBands({ x, y, kinds, slot }, answers) {
  const value = (answer, role) => answer.values[ROLE[role]];
  if (answers.every((answer) => answer.refused)) return '';
  if (kinds) {
    const half = Math.min(slot * 0.32, 30);
    return answers.filter((a) => !a.refused).map((a) => {
      const i = answers.indexOf(a);
      const bar = (from, to, kind) => box(x(i) - half, y(value(a, to)), 2 * half, y(value(a, from)) - y(value(a, to)), kind, 3);
      return bar('lower_99', 'upper', 'deep') + bar('lower', 'upper', 'band') + box(x(i) - half, y(value(a, 'median')) - 1.5, 2 * half, 3, 'median');
    }).join('');
  }
  const shown = answers.map((a, i) => [a, i]).filter(([a]) => !a.refused);
  const points = (role) => shown.map(([a, i]) => `${x(i).toFixed(1)},${y(value(a, role)).toFixed(1)}`);
  const area = (from, kind) => `<polygon class="${kind}" points="${[...points('upper'), ...points(from).reverse()].join(' ')}"/>`;
  return `${area('lower_99', 'deep')}${area('lower', 'band')}<polyline class="curve" points="${points('median').join(' ')}"/>`;
}

function fanPicture(factor, points, answers, width) {
  const scales = fanScales(factor, points, answers, width);
  const { x, y, left, right, top, bottom, kinds, slot } = scales;
  const own = state.factors[factor.name];
  let drawn = ticks(scales.low, scales.high, 5).map((t) => line(left, y(t), right, y(t), 'grid') + text(left - 6, y(t) + 4, t, 'soft', 'end')).join('');
  drawn += fanBands(scales, answers);
  answers.forEach((answer, i) => {
    if (hasBit(answer.status, DATA.status.outside)) drawn += box(x(i) - slot / 2, bottom - 5, slot, 5, 'rare');
  });
  drawn += line(left, y(state.assumed), right, y(state.assumed), 'assumed') + text(right, y(state.assumed) - 5, 'assumed', 'assumed', 'end');
  if (kinds) points.forEach((point, i) => { drawn += text(x(i), bottom + (slot < 80 && i % 2 ? 32 : 17), point.label, 'soft'); });
  else for (const t of ticks(factor.low, factor.high, width / 90)) drawn += text(scales.at(t), bottom + 17, t, 'soft');
  if (own.known && !factor.levels.length) {
    const here = kinds ? x(own.value === factor.high ? 1 : 0) : scales.at(own.value);
    drawn += line(here, top, here, bottom, 'here') + text(here, top - 4, 'now', 'soft');
  }
  return drawn + text((left + right) / 2, bottom + 50, `${factor.label} ${factor.unit && `[${factor.unit}]`}`, 'soft');
}

function showFan() {
  const factor = factorNamed(state.over);
  const points = sweep(factor);
  const answers = car().predict(points.map((point) => knownColumns({ [factor.name]: point.value })));
  const median = answers.map((a) => a.values[ROLE.median]).filter(Number.isFinite);
  const label = `median deceleration over ${factor.label}: ${number(median[0])} to ${number(median.at(-1))} m/s²`;
  picture(byId('fan'), 332, label, (width) => fanPicture(factor, points, answers, width));
  const rare = answers.some((answer) => hasBit(answer.status, DATA.status.outside));
  byId('rare').hidden = !rare;
}
