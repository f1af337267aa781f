/**
 * Edges of the person: a soft outline along the picture's own edges, and clean colours in it,
 * as image/matte.py.
 *
 * `refine` is a guided filter (He, Sun & Tang 2013) in its fast form (He & Sun 2015): its
 * coefficients are found on blocks of pixels and applied to the pixels themselves.
 * `edgeColours` estimates the person's colours by blur fusion (Forte 2021): blurred colours
 * of either side, then what the mixture leaves over. Both work only where an edge is.
 */

import { guidedCoefficients } from "./guided.js";
import {
  around, blank, boxBlur, cropPlane, dilateDisc, mapped, most, plane, sampleAt, shrink,
  shrinkPicture, times,
} from "./image.js";
import { clamp, round } from "./numbers.js";

const REACH = 4; // blocks that the guided filter reaches, as its authors advise
const WORK_SIDE = 1280; // longest side at which it is worked out, in blocks
const COLOUR_SIDE = 320; // longest side at which colours are averaged, in blocks
const BAND = 256; // rows of pixels done at once
const STRIP = 32; // rows of pixels that an edge is followed in
const CUT = 0.08; // of the filter's answer at either end: it comes out a little too soft

/** Side, in pixels, of the blocks on which `refine` works; `cell` is that of the net's. */
export function step(height, width, cell) {
  return Math.max(1, round((1.5 * cell) / REACH), Math.ceil(Math.max(height, width) / WORK_SIDE));
}

/**
 * Draw a coarse foreground's edge along the edges of the picture.
 *
 * @param image an RGBA picture
 * @param coarse a plane in [0, 1] of the picture's size, or a value for each block of `step`
 * @param {number} cell how coarse: the side of the net's cells, in the picture's pixels
 * @returns {Float32Array} height * width in [0, 1]. Where the net is sure within a few cells
 *   around, its answer stands, rounded to 0 or 1; between, the guided filter decides.
 */
export function refine(image, coarse, cell) {
  const { width, height } = image;
  const k = step(height, width, cell);
  const isFull = coarse.width === width && coarse.height === height;
  const target = isFull ? shrink(coarse, k) : coarse;
  if (most(target.data) < 0.5) return new Float32Array(width * height);
  const reach = Math.max(2, round((1.5 * cell) / k));
  const { unsure, changing } = edgeBand(target, reach);
  const out = rounded(target, k, width, height);
  const box = around(changing, 2 * reach);
  if (!box) return out;
  const guide = shrinkPicture(image, k, inPixels(box, k)).map((one) => mapped((v) => v / 255, one));
  const model = guidedCoefficients(guide, cropPlane(target, box), reach, 1e-4);
  for (const run of runs(changing, box, Math.ceil(STRIP / k))) {
    drawRun(out, image, run, k, { target, unsure, box, ...model });
  }
  return out;
}

/** Blocks as pixels that are all alike, rounded to 0 or 1. */
function rounded(blocks, k, width, height) {
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / k) * blocks.width;
    if (y % k) {
      out.copyWithin(y * width, (y - 1) * width, y * width);
      continue;
    }
    for (let x = 0; x < width; x++) {
      out[y * width + x] = blocks.data[row + Math.floor(x / k)] > 0.5 ? 1 : 0;
    }
  }
  return out;
}

/** Pixels of one window of blocks, as the filter draws them. */
function drawRun(out, image, run, k, { target, unsure, box, slope, offset }) {
  const { width, height } = image;
  const grown = [
    ...[...slope, offset].map((one) => grower(one, k, box.left, box.top)),
    ...[target, unsure].map((one) => grower(one, k, 0, 0)),
  ];
  const [left, right] = [run.left * k, Math.min(run.right * k, width)];
  const lines = grown.map(() => new Float64Array(right - left));
  const [red, green, blue, shift, sure, weight] = lines;
  const scale = 1 / ((1 - 2 * CUT) * 255);
  for (let y = run.top * k; y < Math.min(run.bottom * k, height); y++) {
    grown.forEach((grow, i) => grow(y, left, lines[i]));
    for (let i = 0, at = y * width + left; i < right - left; i++, at++) {
      const rgb = 4 * at;
      const { data } = image;
      const seen = red[i] * data[rgb] + green[i] * data[rgb + 1] + blue[i] * data[rgb + 2];
      const fine = clamp(seen * scale + (shift[i] - CUT) / (1 - 2 * CUT), 0, 1);
      const plain = clamp(2 * sure[i] - 0.5, 0, 1);
      out[at] = plain + weight[i] * (fine - plain);
    }
  }
}

/** Writes a row of pixels from `x` on out of blocks, linear between their middles; the first
 * block is that at (left, top). */
function grower(blocks, k, left, top) {
  const { data, width, height } = blocks;
  return (y, from, line) => {
    const down = clamp((y + 0.5) / k - 0.5 - top, 0, height - 1);
    const low = Math.floor(down);
    const share = down - low;
    const first = low * width;
    const second = Math.min(low + 1, height - 1) * width;
    for (let i = 0; i < line.length; i++) {
      const across = clamp((from + i + 0.5) / k - 0.5 - left, 0, width - 1);
      const a = across | 0;
      const b = a + 1 < width ? a + 1 : a;
      const part = across - a;
      const above = data[first + a] + part * (data[first + b] - data[first + a]);
      const below = data[second + a] + part * (data[second + b] - data[second + a]);
      line[i] = above + share * (below - above);
    }
  };
}

/**
 * Where the edge is: `unsure` in [0, 1], 1 within `reach` of where the target is undecided;
 * `changing` 1 where that or the target is neither all nor nothing.
 */
function edgeBand(target, reach) {
  const undecided = mapped((value) => (value > 0.04 && value < 0.96 ? 1 : 0), target);
  const unsure = boxBlur(dilateDisc(undecided, reach), reach);
  const marks = new Uint8Array(target.data.length);
  for (let i = 0; i < marks.length; i++) {
    const some = target.data[i] > 0.04 ? 1 : 0;
    const notAll = target.data[i] < 0.96 ? 2 : 0;
    marks[i] = some | notAll | (unsure.data[i] > 0 ? 4 : 0);
  }
  const near = nearby(marks, target.width);
  for (let i = 0; i < near.length; i++) near[i] = (near[i] & 3) === 3 || near[i] & 4 ? 1 : 0;
  return { unsure, changing: { ...target, data: near } };
}

/** The bits of each pixel and of its eight neighbours. */
function nearby(marks, width) {
  const across = marks.slice();
  for (let row = 0; row < marks.length; row += width) {
    for (let x = row + 1; x < row + width; x++) {
      across[x] |= marks[x - 1];
      across[x - 1] |= marks[x];
    }
  }
  const out = across.slice();
  for (let i = width; i < out.length; i++) {
    out[i] |= across[i - width];
    out[i - width] |= across[i];
  }
  return out;
}

/**
 * A picture's foreground on nothing.
 *
 * @param image an RGBA picture
 * @param {Float32Array} alpha height * width in [0, 1]
 * @returns a picture, straight alpha. Where alpha is 1 the colours are untouched; where it is
 *   between, the background's share is taken out; where it is 0 they are 0.
 */
export function cutOut(image, alpha) {
  const out = blank(image.width, image.height);
  for (let i = 0, at = 0; i < alpha.length; i++, at += 4) {
    if (alpha[i] === 0) continue;
    out.data[at] = image.data[at];
    out.data[at + 1] = image.data[at + 1];
    out.data[at + 2] = image.data[at + 2];
    out.data[at + 3] = (alpha[i] * 255 + 0.5) | 0;
  }
  for (const { index, colours } of edgeColours(image, alpha)) {
    for (let i = 0; i < index.length; i++) {
      for (let c = 0; c < 3; c++) out.data[4 * index[i] + c] = (colours[3 * i + c] + 0.5) | 0;
    }
  }
  return out;
}

/**
 * The foreground's own colours where it covers pixels in part, some rows at a time.
 *
 * @yields {{index: Int32Array, colours: Float32Array}} places in the flat picture, and three
 *   colours of each in [0, 255]. Places together are those with 0 < alpha < 1.
 */
export function* edgeColours(image, alpha) {
  const { width, height } = image;
  const k = Math.max(1, round(Math.max(width, height) / COLOUR_SIDE));
  const share = shrink(plane(width, height, alpha), k);
  const [wide, close] = radii(Math.max(share.width, share.height));
  const soft = mapped((value) => (value > 0 && value < 1 - 1e-6 ? 1 : 0), share);
  const box = around(soft, wide + close);
  if (!box) return;
  const colours = shrinkPicture(image, k, inPixels(box, k));
  const sides = eitherSide(colours, cropPlane(share, box), [wide, close]);
  for (let top = 0; top < height; top += BAND) {
    const index = partly(alpha, top * width, Math.min(top + BAND, height) * width);
    if (index.length) yield { index, colours: unmixed(image, alpha, index, sides, box, k) };
  }
}

/** Places from `start` to `stop` whose alpha is between 0 and 1. */
function partly(alpha, start, stop) {
  const found = [];
  for (let i = start; i < stop; i++) if (alpha[i] > 0 && alpha[i] < 1) found.push(i);
  return Int32Array.from(found);
}

function unmixed(image, alpha, index, { front, back }, box, k) {
  const out = new Float32Array(3 * index.length);
  for (let i = 0; i < index.length; i++) {
    const at = index[i];
    const x = ((at % image.width) + 0.5) / k - 0.5 - box.left;
    const y = (Math.floor(at / image.width) + 0.5) / k - 0.5 - box.top;
    const a = alpha[at];
    for (let c = 0; c < 3; c++) {
      const f = sampleAt(front[c], x, y);
      const left = image.data[4 * at + c] - a * f - (1 - a) * sampleAt(back[c], x, y);
      out[3 * i + c] = clamp(f + a * left, 0, 255);
    }
  }
  return out;
}

/** Of the two averages, in blocks: wide enough to bridge an edge, and close to it. */
function radii(side) {
  return [Math.max(4, Math.floor(side / 30)), Math.max(2, Math.floor(side / 200))];
}

/** Smooth fields of the foreground's and background's colours, wide first, then close. */
function eitherSide(colours, alpha, radii) {
  let [front, back] = [colours, colours];
  const rest = mapped((a) => 1 - a, alpha);
  for (const radius of radii) {
    const mean = (values) => boxBlur(values, 2 * radius + 1);
    const [frontShare, backShare] = [mean(alpha), mean(rest)];
    const over = (sum, share) => sum / (share + 1e-5);
    const [f, b] = [front, back];
    front = f.map((one) => mapped(over, mean(times(one, alpha)), frontShare));
    back = b.map((one) => mapped(over, mean(times(one, rest)), backShare));
    colours.forEach((one, c) => settle(one.data, alpha.data, front[c].data, back[c].data));
  }
  return { front, back };
}

/** Give both sides what the mixture of them leaves over. */
function settle(seen, alpha, front, back) {
  for (let i = 0; i < seen.length; i++) {
    const a = alpha[i];
    const left = seen[i] - a * front[i] - (1 - a) * back[i];
    front[i] = clamp(front[i] + a * left, 0, 255);
    back[i] = clamp(back[i] + (1 - a) * left, 0, 255);
  }
}

/** Small windows that hold all of a mask within a box: strips of rows, and in each the
 * columns that the mask has there. */
function* runs(mask, box, strip) {
  for (let top = box.top; top < box.bottom; top += strip) {
    const bottom = Math.min(top + strip, box.bottom);
    let [start, last] = [-1, -1];
    for (let x = box.left; x < box.right; x++) {
      if (!hasColumn(mask, x, top, bottom)) continue;
      if (start >= 0 && x - last > strip) {
        yield { top, bottom, left: start, right: last + 1 };
        start = -1;
      }
      if (start < 0) start = x;
      last = x;
    }
    if (start >= 0) yield { top, bottom, left: start, right: last + 1 };
  }
}

function hasColumn({ data, width }, x, top, bottom) {
  for (let y = top; y < bottom; y++) if (data[y * width + x]) return true;
  return false;
}

/** The pixels of a window of blocks; it may reach beyond the picture. */
function inPixels({ top, left, bottom, right }, k) {
  return { top: top * k, left: left * k, bottom: bottom * k, right: right * k };
}
