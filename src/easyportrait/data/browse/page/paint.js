/** Masks in colour: filled, as outlines, and the difference of two. */

const NONE = 9; // values from here on are no class
export const ONLY_MASK = [255, 170, 51];
export const ONLY_PREDICTION = [51, 196, 255];
export const OTHER_CLASS = [255, 77, 157];

const rgba = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
const [WHITE, MASK, PREDICTION, OTHER] = [[255, 255, 255], ONLY_MASK, ONLY_PREDICTION, OTHER_CLASS].map(rgba);

/**
 * What is drawn of each value.
 * @param {{name: string, rgb: number[]}[]} classes
 * @param {string[]} off names that are not drawn; "unknown" stands for values of no class.
 */
export function brush(classes, off) {
  const colour = new Uint32Array(256).fill(WHITE);
  const isOn = new Uint8Array(256).fill(off.includes("unknown") ? 0 : 1);
  classes.forEach(({ name, rgb }, i) => {
    colour[i] = rgba(rgb);
    isOn[i] = off.includes(name) ? 0 : 1;
  });
  return { colour, isOn };
}

function prepared(canvas, { width, height }) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  return { show: () => context.putImageData(image, 0, 0), pixels: new Uint32Array(image.data.buffer) };
}

/** Colours of the classes that are on; what is of no class is chequered. */
export function fill(canvas, labels, { colour, isOn }) {
  const { pixels, show } = prepared(canvas, labels);
  const { width, data } = labels;
  const step = Math.max(1, Math.round(width / 160));
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (!isOn[value]) continue;
    if (value < NONE || ((((i % width) / step) | 0) + ((i / width / step) | 0)) & 1) pixels[i] = colour[value];
  }
  show();
}

/** The rim of each region, inside it. */
export function outline(canvas, labels, { colour, isOn }) {
  const { pixels, show } = prepared(canvas, labels);
  const { width, height, data } = labels;
  const reach = Math.max(1, Math.round(Math.max(width, height) / 700));
  for (let y = 0, i = 0; y < height; y++) {
    const up = y >= reach ? -reach * width : 0;
    const down = y + reach < height ? reach * width : 0;
    for (let x = 0; x < width; x++, i++) {
      const value = data[i];
      if (!isOn[value]) continue;
      const left = x >= reach ? -reach : 0;
      const right = x + reach < width ? reach : 0;
      if (data[i + up] !== value || data[i + down] !== value || data[i + left] !== value || data[i + right] !== value) {
        pixels[i] = colour[value];
      }
    }
  }
  show();
}

/**
 * Where mask and prediction differ in the classes that are on.
 * Where nobody knows (no class in the mask) nothing differs.
 * @returns {{mask: number, prediction: number, other: number}} pixels of each colour.
 */
export function difference(canvas, labels, predicted, { isOn }) {
  const { pixels, show } = prepared(canvas, labels);
  const { data } = labels;
  const theirs = predicted.data;
  const counts = { mask: 0, prediction: 0, other: 0 };
  for (let i = 0; i < data.length; i++) {
    const a = data[i];
    const b = theirs[i];
    if (a === b || a >= NONE) continue;
    if (isOn[a] && isOn[b]) (pixels[i] = OTHER), counts.other++;
    else if (isOn[a]) (pixels[i] = MASK), counts.mask++;
    else if (isOn[b]) (pixels[i] = PREDICTION), counts.prediction++;
  }
  show();
  return counts;
}

/** The mask as a model of fewer classes can tell it, so that only what it could know differs. */
export function told(labels, predicted, task) {
  if (task === "joint") return labels;
  const tell = task === "ps" ? (v) => (v > 0 && v < NONE ? 1 : v) : (v) => (v === 1 ? 0 : v);
  return { ...labels, data: labels.data.map(tell) };
}

/** {left, top, right, bottom} around skin and the parts of faces, or null without any. */
export function faceBox({ width, height, data }) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (data[i] < 2 || data[i] >= NONE) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  return right < 0 ? null : { left, top, right: right + 1, bottom: bottom + 1 };
}
