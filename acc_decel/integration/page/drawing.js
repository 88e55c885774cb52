/* Small tools for elements, numbers and pictures. */

const number = (value, digits = 1) => (Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '∞');
const words = (name) => name.replaceAll('_', ' ');

/* An element with attributes and children; attributes that begin with "on" are listeners. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (typeof value === 'boolean') node.toggleAttribute(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/* Draws a picture as wide as its box, so that its letters have the same size on every screen. */
function picture(box, height, label, draw) {
  const width = Math.max(box.clientWidth, 280);
  box.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">${draw(width)}</svg>`;
}

const line = (x1, y1, x2, y2, kind) => `<line class="${kind}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
const box = (x, y, width, height, kind, round = 0) =>
  `<rect class="${kind}" x="${x}" y="${y}" width="${Math.max(width, 0)}" height="${Math.max(height, 0)}" rx="${round}"/>`;
const text = (x, y, words, kind = '', anchor = 'middle') =>
  `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;

/* Round numbers from `low` to `high`, about `count` of them. */
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= raw);
  const marks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-6; k += 1) marks.push(Number((k * step).toPrecision(12)));
  return marks;
}

/* A car seen from the side, its front at x, 46 wide in full size. */
const sideView = (x, y, kind, size = 1) =>
  `<g class="${kind}" transform="translate(${x - 46 * size} ${y}) scale(${size})"><path d="M1 19q0-6 7-7l7-7q2-2 5-2h10q3 0 5 2l5 7q5 1 5 6v3H1z"/>` +
  '<path class="glass" d="M12 11l5-5q1-1 3-1h3v6zm13-6h5q2 0 3 1l4 5H25z"/>' +
  '<circle class="tyre" cx="11" cy="22" r="4.5"/><circle class="tyre" cx="36" cy="22" r="4.5"/></g>';
