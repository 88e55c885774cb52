/* Unpacks the page: one gzip stream holds its data, style, script, and the firmware of each car. */
'use strict';

let DATA;
let SECTIONS; /* of the firmware: for each section the bytes of every car, so that what cars share is stored once */

async function unpack() {
  const packed = Uint8Array.from(atob(document.getElementById('packed').textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const bytes = await new Response(stream).arrayBuffer();
  let place = new Uint8Array(bytes).indexOf(10) + 1;
  const cut = (length) => bytes.slice(place, (place += length));
  const read = (buffer) => new TextDecoder().decode(buffer);
  const lengths = JSON.parse(read(bytes.slice(0, place)));
  const [data, style, script] = lengths.texts.map((length) => read(cut(length)));
  DATA = JSON.parse(data);
  SECTIONS = lengths.sections.map((section) => section.map(cut));
  document.head.append(Object.assign(document.createElement('style'), { textContent: style }));
  document.head.append(Object.assign(document.createElement('script'), { textContent: script }));
}

unpack().catch((error) => {
  document.getElementById('test').textContent = `This page could not start: ${error.message}`;
});
