/** Pictures at other sizes, and rectangles of them, as OpenCV makes them to within a step. */

import { clamp, round } from "./numbers.js";

export const PAD = 127; // grey beyond a picture; training pads with the same

/** A grey picture, opaque. */
export function greyPicture(width, height) {
  const data = new Uint8ClampedArray(4 * width * height).fill(PAD);
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
  return { data, width, height };
}

/**
 * Scale a part of a picture into a place of another one.
 *
 * Where it shrinks along both sides, each pixel is the mean of what it covers; else it lies
 * linearly between its neighbours.
 *
 * @param {Picture} from
 * @param {{left: number, top: number, width: number, height: number}} part of it, whole pixels
 * @param {Picture} to
 * @param {{left: number, top: number, width: number, height: number}} place in that, likewise
 */
export function resizeInto(from, part, to, place) {
  const shrinks = part.width >= place.width && part.height >= place.height;
  const taps = shrinks ? meanTaps : linearTaps;
  const across = taps(part.width, place.width);
  const down = taps(part.height, place.height);
  const rows = new RowCache(from, part, across);
  const sum = new Float64Array(3 * place.width);
  for (let y = 0; y < place.height; y++) {
    sum.fill(0);
    for (let tap = down.starts[y], row = down.first[y]; tap < down.starts[y + 1]; tap++, row++) {
      addRow(sum, rows.at(row), down.weights[tap]);
    }
    writeRow(to, 4 * ((place.top + y) * to.width + place.left), sum);
  }
}

/** A whole picture at another size. */
export function resized(picture, width, height) {
  const out = greyPicture(width, height);
  const [whole, place] = [picture, out].map((p) => ({
    left: 0,
    top: 0,
    width: p.width,
    height: p.height,
  }));
  resizeInto(picture, whole, out, place);
  return out;
}

/**
 * A rectangle of the picture at another size, grey beyond the picture's border. Only what
 * is inside is scaled, so a rectangle far larger than the picture costs nothing.
 *
 * @param {Picture} picture
 * @param {number} left of the rectangle, in whole pixels, as the next three
 * @param {number} top
 * @param {number} width
 * @param {number} height
 * @param {number} across size of the answer
 * @param {number} down
 * @returns {Picture}
 */
export function cut(picture, left, top, width, height, across, down) {
  const out = greyPicture(across, down);
  const rows = [top, top + height].map((y) => clamp(y, 0, picture.height));
  const columns = [left, left + width].map((x) => clamp(x, 0, picture.width));
  if (rows[0] === rows[1] || columns[0] === columns[1]) return out;
  const [y0, y1] = placed(
    rows.map((y) => ((y - top) * down) / height),
    down,
  );
  const [x0, x1] = placed(
    columns.map((x) => ((x - left) * across) / width),
    across,
  );
  const part = {
    left: columns[0],
    top: rows[0],
    width: columns[1] - columns[0],
    height: rows[1] - rows[0],
  };
  resizeInto(picture, part, out, { left: x0, top: y0, width: x1 - x0, height: y1 - y0 });
  return out;
}

/** Whole pixels, one at least, within [0, size). */
function placed([from, to], size) {
  const start = round(from);
  const stop = Math.min(Math.max(round(to), start + 1), size);
  return [Math.min(start, stop - 1), stop];
}

/**
 * @typedef {{first: Int32Array, starts: Int32Array, weights: Float64Array}} Taps
 *   Pixel i of the answer is made of pixels from first[i] on, weighed by
 *   weights[starts[i]] to weights[starts[i + 1] - 1].
 */

/** Each pixel the mean of what it covers. @returns {Taps} */
function meanTaps(from, to) {
  const scale = from / to;
  return tapsOf(to, (i) => {
    const [start, stop] = [i * scale, Math.min((i + 1) * scale, from)];
    const [low, high] = [Math.floor(start + 1e-9), Math.ceil(stop - 1e-9)];
    const covered = (pixel) => Math.min(pixel + 1, stop) - Math.max(pixel, start);
    const weights = Array.from({ length: high - low }, (_, k) => covered(low + k) / (stop - start));
    return [low, weights];
  });
}

/** Each pixel between its two neighbours. @returns {Taps} */
function linearTaps(from, to) {
  const scale = from / to;
  return tapsOf(to, (i) => {
    const at = clamp((i + 0.5) * scale - 0.5, 0, from - 1);
    const low = Math.min(Math.floor(at), Math.max(0, from - 2));
    return [low, from === 1 ? [1] : [1 - (at - low), at - low]];
  });
}

function tapsOf(count, make) {
  const made = Array.from({ length: count }, (_, i) => make(i));
  const starts = new Int32Array(count + 1);
  made.forEach(([, weights], i) => (starts[i + 1] = starts[i] + weights.length));
  return {
    first: Int32Array.from(made, ([first]) => first),
    starts,
    weights: Float64Array.from(made.flatMap(([, weights]) => weights)),
  };
}

/** Rows of a picture at another width; the last two are kept, as neighbours share them. */
class RowCache {
  #rows = [
    { number: -1, values: null },
    { number: -1, values: null },
  ];

  constructor(picture, part, taps) {
    Object.assign(this, { picture, part, taps });
    for (const row of this.#rows) row.values = new Float32Array(3 * taps.first.length);
  }

  at(number) {
    const row = this.#rows[number & 1];
    if (row.number !== number) {
      row.number = number;
      this.#work(number, row.values);
    }
    return row.values;
  }

  #work(number, out) {
    const { data, width } = this.picture;
    const { first, starts, weights } = this.taps;
    const start = 4 * ((this.part.top + number) * width + this.part.left);
    for (let x = 0, at = 0; x < first.length; x++, at += 3) {
      let [r, g, b] = [0, 0, 0];
      for (
        let tap = starts[x], from = start + 4 * first[x];
        tap < starts[x + 1];
        tap++, from += 4
      ) {
        const weight = weights[tap];
        r += weight * data[from];
        g += weight * data[from + 1];
        b += weight * data[from + 2];
      }
      out[at] = r;
      out[at + 1] = g;
      out[at + 2] = b;
    }
  }
}

function addRow(sum, row, weight) {
  for (let at = 0; at < sum.length; at++) sum[at] += weight * row[at];
}

/** Rounded as a Uint8ClampedArray does it: to the nearest, halves to the even one. */
function writeRow(picture, start, values) {
  for (let from = 0, to = start; from < values.length; from += 3, to += 4) {
    picture.data[to] = values[from];
    picture.data[to + 1] = values[from + 1];
    picture.data[to + 2] = values[from + 2];
  }
}
