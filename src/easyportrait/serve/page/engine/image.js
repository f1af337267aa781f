/**
 * Pictures and planes, and the few routines on them that the effects need.
 *
 * A picture is {data: Uint8ClampedArray (RGBA), width, height}, as ImageData; a plane is one
 * value a pixel, {data: Float32Array, width, height}; several channels are several planes. A
 * window is {top, left, bottom, right} in whole pixels, bottom and right exclusive. Each
 * routine answers what OpenCV's of that name does, up to rounding; a test holds them to it.
 */

import { clamp, round } from "./numbers.js";

/** Blocks of pixels, at least, that the sigma of a bell spans which is worked out on blocks. */
const FEWEST = 4;

// -- planes and windows ----------------------------------------------------------------------

export function plane(width, height, data = new Float32Array(width * height)) {
  return { data, width, height };
}

/** A plane of what a function makes of each value of others, which are all of one size. */
export function mapped(make, ...planes) {
  const [a, b, c] = planes.map((one) => one.data);
  const out = plane(planes[0].width, planes[0].height);
  const { data } = out;
  if (planes.length === 1) for (let i = 0; i < data.length; i++) data[i] = make(a[i]);
  else if (planes.length === 2) for (let i = 0; i < data.length; i++) data[i] = make(a[i], b[i]);
  else for (let i = 0; i < data.length; i++) data[i] = make(a[i], b[i], c[i]);
  return out;
}

/** One plane times another. */
export function times(a, b) {
  const out = plane(a.width, a.height);
  for (let i = 0; i < out.data.length; i++) out.data[i] = a.data[i] * b.data[i];
  return out;
}

export function most(values) {
  let top = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > top) top = values[i];
  return top;
}

export function copied(picture) {
  const { data, width, height } = picture; // an ImageData has nothing that could be spread
  return { data: data.slice(), width, height };
}

export function blank(width, height) {
  return { data: new Uint8ClampedArray(4 * width * height), width, height };
}

export function whole({ width, height }) {
  return { top: 0, left: 0, bottom: height, right: width };
}

export function sizeOf(window) {
  return { width: window.right - window.left, height: window.bottom - window.top };
}

/** What of a picture lies in a window, as a new picture. */
export function crop(picture, window) {
  const { width, height } = sizeOf(window);
  const out = blank(width, height);
  for (let y = 0; y < height; y++) {
    const from = 4 * ((window.top + y) * picture.width + window.left);
    out.data.set(picture.data.subarray(from, from + 4 * width), 4 * y * width);
  }
  return out;
}

/** Put a part back into a picture, which changes. */
export function paste(picture, part, window) {
  for (let y = 0; y < part.height; y++) {
    const row = part.data.subarray(4 * y * part.width, 4 * (y + 1) * part.width);
    picture.data.set(row, 4 * ((window.top + y) * picture.width + window.left));
  }
}

/** A window of a plane, as a new plane. */
export function cropPlane(values, window) {
  const out = plane(window.right - window.left, window.bottom - window.top);
  for (let y = 0; y < out.height; y++) {
    const from = (window.top + y) * values.width + window.left;
    out.data.set(values.data.subarray(from, from + out.width), y * out.width);
  }
  return out;
}

/** A plane with so many pixels of a value around it. */
export function framed(values, by, value) {
  const out = plane(values.width + 2 * by, values.height + 2 * by);
  out.data.fill(value);
  for (let y = 0; y < values.height; y++) {
    const row = values.data.subarray(y * values.width, (y + 1) * values.width);
    out.data.set(row, (y + by) * out.width + by);
  }
  return out;
}

/** One channel of a picture as a plane, 0 to 255. */
export function channel(picture, index) {
  const out = plane(picture.width, picture.height);
  const { data } = picture;
  for (let i = 0, at = index; i < out.data.length; i++, at += 4) out.data[i] = data[at];
  return out;
}

/** The smallest window that holds all of a mask, and a margin; null for an empty one. */
export function around(mask, margin = 0) {
  const { data, width, height } = mask;
  let [top, left, bottom, right] = [height, width, 0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!data[at]) continue;
      if (y < top) top = y;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      bottom = y + 1;
    }
  }
  if (!right) return null;
  return {
    top: Math.max(0, top - margin),
    left: Math.max(0, left - margin),
    bottom: Math.min(height, bottom + margin),
    right: Math.min(width, right + margin),
  };
}

/** 0 up to `low`, 1 from `high` on, smooth between. */
export function ramp(value, low, high) {
  const t = clamp((value - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
}

// -- statistics ------------------------------------------------------------------------------

export function median(values) {
  return percentile(values, 50);
}

/** As NumPy's: linear between the two nearest. NaN for nothing. */
export function percentile(values, share) {
  const sorted = Float32Array.from(values).sort();
  const at = (share / 100) * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/** The values of a plane where a condition on another's is met. */
export function where(values, others, meets) {
  const out = [];
  for (let i = 0; i < others.data.length; i++) {
    if (meets(others.data[i])) out.push(values.data[i]);
  }
  return Float32Array.from(out);
}

// -- beyond the border -----------------------------------------------------------------------

/** Which of `length` values stands at -before .. length + after; -1 is none ("constant"). */
export function beyond(length, before, after, border) {
  const out = new Int32Array(before + length + after);
  for (let i = 0; i < out.length; i++) out[i] = inside(i - before, length, border);
  return out;
}

function inside(at, length, border) {
  if (at >= 0 && at < length) return at;
  if (border === "constant") return -1;
  if (border === "replicate" || length === 1) return clamp(at, 0, length - 1);
  const shift = border === "reflect" ? 1 : 0; // "reflect101": the last value stands once
  while (at < 0 || at >= length) at = at < 0 ? -at - shift : 2 * length - 2 + shift - at;
  return at;
}

// -- filters ---------------------------------------------------------------------------------

/** The mean over size x size pixels (or `high` rows). */
export function boxBlur(values, size, border = "reflect101", high = size) {
  return boxDown(boxAcross(values, size, border), high, border);
}

function boxAcross(values, size, border) {
  const { data, width, height } = values;
  if (size === 1) return values;
  const before = size >> 1;
  const places = beyond(width, before, size - 1 - before, border);
  const line = new Float64Array(places.length + 1);
  const out = plane(width, height);
  const norm = 1 / size;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let i = 0; i < before; i++) line[i] = places[i] < 0 ? 0 : data[row + places[i]];
    for (let i = 0; i < width; i++) line[before + i] = data[row + i];
    for (let i = before + width; i < places.length; i++) {
      line[i] = places[i] < 0 ? 0 : data[row + places[i]];
    }
    let sum = 0;
    for (let i = 0; i < size; i++) sum += line[i];
    for (let x = 0; x < width; x++) {
      out.data[row + x] = sum * norm;
      sum += line[x + size] - line[x];
    }
  }
  return out;
}

function boxDown(values, size, border) {
  const { data, width, height } = values;
  if (size === 1) return values;
  const before = size >> 1;
  const places = beyond(height, before, size - before, border);
  const nothing = new Float32Array(width);
  const rowAt = (y) => (y < 0 ? nothing : data.subarray(y * width, (y + 1) * width));
  const sums = new Float64Array(width);
  for (let i = 0; i < size; i++) {
    const row = rowAt(places[i]);
    for (let x = 0; x < width; x++) sums[x] += row[x];
  }
  const out = plane(width, height);
  for (let y = 0; y < height; y++) {
    slide(sums, rowAt(places[y]), rowAt(places[y + size]), out.data, y * width, 1 / size);
  }
  return out;
}

/** Write sums, then take a row out of them and one in. */
function slide(sums, gone, come, out, at, norm) {
  for (let x = 0; x < sums.length; x++) {
    const sum = sums[x];
    out[at + x] = sum * norm;
    sums[x] = sum + (come[x] - gone[x]);
  }
}

/** A bell of that standard deviation. */
export function gaussianBlur(values, sigma, border = "reflect101") {
  if (sigma >= 2 * FEWEST) return blurredOnBlocks(values, sigma, border);
  const reach = (round(8 * sigma + 1) | 1) >> 1;
  const half = new Float64Array(reach + 1);
  for (let i = 0; i <= reach; i++) half[i] = Math.exp((-i * i) / (2 * sigma * sigma));
  const sum = 2 * half.reduce((total, one) => total + one) - half[0];
  for (let i = 0; i <= reach; i++) half[i] /= sum;
  return convolvedAndTurned(convolvedAndTurned(values, half, border), half, border);
}

/** Rows under a kernel, as columns: twice is both ways. */
function convolvedAndTurned({ data, width, height }, half, border) {
  const reach = half.length - 1;
  const places = beyond(width, reach, reach, border);
  const line = new Float64Array(places.length);
  const out = plane(height, width);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let i = 0; i < line.length; i++) line[i] = data[row + places[i]];
    for (let x = 0, at = y; x < width; x++, at += height) {
      const middle = x + reach;
      let sum = half[0] * line[middle];
      for (let i = 1; i <= reach; i++) sum += half[i] * (line[middle - i] + line[middle + i]);
      out.data[at] = sum;
    }
  }
  return out;
}

/** A wide bell: the mean of blocks, a narrower one on them, and cubics between their middles;
 * blocks go on beyond the border as far as the bell reaches. */
function blurredOnBlocks(values, sigma, border) {
  const k = Math.floor(sigma / FEWEST);
  const narrow = Math.sqrt(sigma * sigma - (k * k - 1) / 12) / k; // the blocks blur a little too
  const more = Math.ceil(4 * narrow) + 2;
  const blocks = blocksDown(blocksAcross(values, k, more, border), k, more, border);
  const soft = gaussianBlur(blocks, narrow, "replicate");
  return betweenBlocks(soft, k, more, values);
}

function blocksAcross({ data, width, height }, k, more, border) {
  const out = plane(Math.ceil(width / k) + 2 * more, height);
  const places = beyond(width, more * k, (out.width - more) * k - width, border);
  for (let y = 0, at = 0; y < height; y++) {
    const row = y * width;
    for (let i = 0; i < places.length; at++) {
      let sum = 0;
      for (let j = 0; j < k; j++, i++) sum += data[row + places[i]];
      out.data[at] = sum / k;
    }
  }
  return out;
}

function blocksDown({ data, width, height }, k, more, border) {
  const out = plane(width, Math.ceil(height / k) + 2 * more);
  const places = beyond(height, more * k, (out.height - more) * k - height, border);
  for (let i = 0; i < places.length; i++) {
    const into = Math.floor(i / k) * width;
    const row = places[i] * width;
    for (let x = 0; x < width; x++) out.data[into + x] += data[row + x] / k;
  }
  return out;
}

function betweenBlocks(blocks, k, more, { width, height }) {
  const out = plane(width, height);
  const xs = taps(blocks.width, width, "smooth", 1 / k, more);
  const ys = taps(blocks.height, height, "smooth", 1 / k, more);
  const line = new Float64Array(blocks.width);
  const row = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    line.fill(0);
    for (let i = 4 * y; i < 4 * y + 4; i++) {
      const from = ys.places[i] * blocks.width;
      for (let x = 0; x < line.length; x++) line[x] += ys.weights[i] * blocks.data[from + x];
    }
    gather(line, xs, row);
    out.data.set(row, y * width);
  }
  return out;
}

/**
 * A plane under a round kernel, zeros beyond the border.
 *
 * @param {Float64Array[]} rows of the kernel, from its middle one down; each from its middle
 *   to the right. The other three quarters mirror this one.
 */
export function roundBlur(values, rows) {
  const { data, width, height } = values;
  const reach = rows.length - 1;
  const sums = new Float64Array(width * height);
  const line = new Float64Array(width + 2 * reach);
  const part = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) line[reach + x] = data[y * width + x];
    for (let off = 0; off <= reach; off++) {
      across(line, rows[off], reach, part);
      if (y + off < height) addTo(sums, (y + off) * width, part);
      if (off && y >= off) addTo(sums, (y - off) * width, part);
    }
  }
  return plane(width, height, Float32Array.from(sums));
}

/** A row under a kernel that mirrors itself: cells that count alike are added first. */
function across(line, half, reach, out) {
  let flat = 0;
  while (flat < reach && half[flat + 1] === half[0]) flat++;
  let sum = 0;
  for (let i = reach - flat; i < reach + flat; i++) sum += line[i];
  for (let x = 0, middle = reach; x < out.length; x++, middle++) {
    sum += line[middle + flat];
    let all = half[0] * sum;
    for (let i = flat + 1; i <= reach && half[i] > 0; i++) {
      all += half[i] * (line[middle - i] + line[middle + i]);
    }
    out[x] = all;
    sum -= line[middle - flat];
  }
}

function addTo(sums, from, part) {
  for (let x = 0; x < part.length; x++) sums[from + x] += part[x];
}

// -- shapes ----------------------------------------------------------------------------------

/** The largest value under a shape: a list of [x, y] from its middle. */
function dilate(values, shape) {
  return extreme(values, shape, true);
}

export function erode(values, shape) {
  return extreme(values, shape, false);
}

function extreme(values, shape, larger) {
  const { data, width, height } = values;
  const out = { ...values, data: new data.constructor(data.length) };
  const line = new data.constructor(width);
  for (let y = 0; y < height; y++) {
    line.fill(larger ? -Infinity : Infinity);
    for (let i = 0; i < shape.length; i++) {
      const [dx, dy] = shape[i];
      if (y + dy < 0 || y + dy >= height) continue;
      const row = data.subarray((y + dy) * width, (y + dy + 1) * width);
      if (larger) raise(line, row, dx);
      else lower(line, row, dx);
    }
    out.data.set(line, y * width);
  }
  return out;
}

function raise(line, row, dx) {
  const last = Math.min(line.length, line.length - dx);
  for (let x = Math.max(0, -dx); x < last; x++) if (row[x + dx] > line[x]) line[x] = row[x + dx];
}

function lower(line, row, dx) {
  const last = Math.min(line.length, line.length - dx);
  for (let x = Math.max(0, -dx); x < last; x++) if (row[x + dx] < line[x]) line[x] = row[x + dx];
}

/** The largest or least value under a square, first across, then down. */
export function dilateSquare(values, side) {
  return dilate(dilate(values, lying(side)), standing(side));
}

export function erodeSquare(values, side) {
  return erode(erode(values, lying(side)), standing(side));
}

function lying(side) {
  return Array.from({ length: side }, (_, i) => [i - (side >> 1), 0]);
}

function standing(side) {
  return Array.from({ length: side }, (_, i) => [0, i - (side >> 1)]);
}

/** How far OpenCV's ellipse in a square of 2 radius + 1 pixels reaches left and right, row by
 * row. */
function discReaches(radius) {
  const reach = (_, i) => round(Math.sqrt(radius * radius - (i - radius) ** 2));
  return Array.from({ length: 2 * radius + 1 }, reach);
}

/** That ellipse, as `erode` takes it. */
export function discShape(radius) {
  return discReaches(radius).flatMap((reach, i) =>
    Array.from({ length: 2 * reach + 1 }, (_, j) => [j - reach, i - radius]),
  );
}

/** 1 wherever that ellipse around a pixel meets the mask, else 0. */
export function dilateDisc(mask, radius) {
  const { width, height } = mask;
  const out = plane(width, height);
  const beside = besides(mask, radius + 1);
  discReaches(radius).forEach((reach, i) => {
    const shift = i - radius;
    const last = Math.min(height, height - shift) * width;
    for (let at = Math.max(0, -shift) * width; at < last; at++) {
      if (beside[at + shift * width] <= reach) out.data[at] = 1;
    }
  });
  return out;
}

/** How far the nearest pixel of a mask is in each pixel's row, at most `far`. */
function besides({ data, width, height }, far) {
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0, steps = far; x < width; x++) {
      steps = data[row + x] ? 0 : Math.min(steps + 1, far);
      out[row + x] = steps;
    }
    for (let x = width - 1, steps = far; x >= 0; x--) {
      steps = data[row + x] ? 0 : Math.min(steps + 1, far);
      if (steps < out[row + x]) out[row + x] = steps;
    }
  }
  return out;
}

/** The pixels [x, y] of a line between two, from the left one on (Bresenham). */
export function lineShape(from, to) {
  const [[x0, y0], [x1, y1]] = from[0] <= to[0] ? [from, to] : [to, from];
  const [wide, high] = [x1 - x0, Math.abs(y1 - y0)];
  const isSteep = high > wide;
  const [long, short] = isSteep ? [high, wide] : [wide, high];
  const turn = y1 < y0 ? -1 : 1;
  const out = [];
  let [x, y] = [x0, y0];
  for (let i = 0, rest = long - 2 * short; i <= long; i++) {
    out.push([x, y]);
    const isOff = rest < 0;
    rest += (isOff ? 2 * long : 0) - 2 * short;
    if (isSteep || isOff) y += turn;
    if (!isSteep || isOff) x += 1;
  }
  return out;
}

/** A plane grown by its neighbours as long as it stays under another one (morphological
 * reconstruction; Vincent 1993). It starts nowhere above that one. */
export function grownUnder(start, roof) {
  const out = { ...start, data: start.data.slice() };
  for (let grew = true; grew; ) {
    grew = swept(out, roof, -1);
    grew = swept(out, roof, 1) || grew;
  }
  return out;
}

/** Grow each pixel, in turn, by its neighbours on one side; whether any grew. */
function swept({ data, width, height }, roof, side) {
  let grew = false;
  for (let i = 0; i < data.length; i++) {
    const at = side < 0 ? i : data.length - 1 - i;
    const row = at + side * width;
    const x = at % width;
    const hasLeft = x > 0;
    const hasRight = x + 1 < width;
    let top = data[at];
    if (side < 0 ? hasLeft : hasRight) top = Math.max(top, data[at + side]);
    if (row >= 0 && row < width * height) {
      top = Math.max(top, data[row]);
      if (hasLeft) top = Math.max(top, data[row - 1]);
      if (hasRight) top = Math.max(top, data[row + 1]);
    }
    top = Math.min(top, roof.data[at]);
    if (top <= data[at]) continue;
    data[at] = top;
    grew = true;
  }
  return grew;
}

/** How far each pixel is from the nearest where the mask is 1: steps of 1, 1.4 and 2.1969 to
 * neighbours (Borgefors 1986). */
export function distances(mask) {
  const { data, width, height } = mask;
  const wide = width + 4; // two pixels of nothing around
  const far = new Float32Array(wide * (height + 4)).fill(1e6);
  const place = (y) => (y + 2) * wide + 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = place(y); x < width; x++, at++) {
      far[at] = data[y * width + x] ? 0 : nearer(far, at, -wide, -1);
    }
  }
  const out = plane(width, height);
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1, at = place(y) + x; x >= 0; x--, at--) {
      out.data[y * width + x] = far[at] = nearer(far, at, wide, 1);
    }
  }
  return out;
}

/** How far a pixel is by way of its neighbours in a row, the one beyond, and its own. */
function nearer(far, at, row, side) {
  const there = at + row;
  const straight = Math.min(far[there], far[at + side]) + 1;
  const aslant = Math.min(far[there - 1], far[there + 1]) + 1.4;
  const steep = Math.min(far[there + row - 1], far[there + row + 1]);
  const flat = Math.min(far[there - 2], far[there + 2]);
  return Math.min(far[at], straight, aslant, Math.min(steep, flat) + 2.1969);
}

// -- other sizes -----------------------------------------------------------------------------

/** A plane at another size; how: "area" (means, for smaller), "linear", "cubic", "nearest". */
export function resized(values, width, height, how) {
  if (values.width === width && values.height === height) return values;
  const out = plane(width, height);
  const read = (y, line) => {
    const row = y * values.width;
    for (let x = 0; x < values.width; x++) line[x] = values.data[row + x];
  };
  resample(values, out, how, read, (y, line) => out.data.set(line, y * width));
  return out;
}

/** A picture at another size, opaque. */
export function resizedPicture(picture, width, height, how) {
  if (picture.width === width && picture.height === height) return copied(picture);
  const out = blank(width, height);
  for (let c = 0; c < 3; c++) {
    const read = (y, line) => {
      let at = 4 * y * picture.width + c;
      for (let x = 0; x < picture.width; x++, at += 4) line[x] = picture.data[at];
    };
    resample(picture, out, how, read, (y, line) => {
      let at = 4 * y * width + c;
      for (let x = 0; x < width; x++, at += 4) out.data[at] = line[x]; // rounds and cuts
    });
  }
  for (let at = 3; at < out.data.length; at += 4) out.data[at] = 255;
  return out;
}

/** The same picture, `scale` times as large by cubics, without a shift of half a pixel. */
export function scaled(values, scale) {
  const { data, width, height } = values;
  const few = [width, height].map((side) => Math.max(1, round(scale * side)));
  const out = plane(...few);
  const read = (y, line) => {
    for (let x = 0; x < width; x++) line[x] = data[y * width + x];
  };
  const write = (y, line) => out.data.set(line, y * out.width);
  resample(values, out, "cubic", read, write, 1 / scale);
  return out;
}

/** Row by row: of the rows that one row of the answer hangs on, none is worked out twice. */
function resample(from, to, how, read, write, scale) {
  const shrinks = from.width >= to.width && from.height >= to.height;
  const kind = how === "area" && !shrinks ? "stretched" : how;
  const xs = taps(from.width, to.width, kind, scale);
  const ys = taps(from.height, to.height, kind, scale);
  const line = new Float64Array(from.width);
  const kept = Array.from({ length: ys.count + 1 }, () => new Float64Array(to.width));
  const holds = new Int32Array(kept.length).fill(-1);
  const rowAt = (y) => {
    const slot = y % kept.length;
    if (holds[slot] !== y) {
      read(y, line);
      gather(line, xs, kept[slot]);
      holds[slot] = y;
    }
    return kept[slot];
  };
  const sums = new Float64Array(to.width);
  for (let y = 0; y < to.height; y++) {
    sums.fill(0);
    for (let i = 0; i < ys.count; i++) {
      const weight = ys.weights[y * ys.count + i];
      if (weight === 0) continue;
      const row = rowAt(ys.places[y * ys.count + i]);
      for (let x = 0; x < to.width; x++) sums[x] += weight * row[x];
    }
    write(y, sums);
  }
}

function gather(line, { places, weights, count }, out) {
  for (let x = 0, at = 0; x < out.length; x++) {
    let sum = 0;
    for (let i = 0; i < count; i++, at++) sum += weights[at] * line[places[at]];
    out[x] = sum;
  }
}

/** On which of `from` values each of `to` hangs, and by how much; `count` of each. `shift` values
 * stand before the first. */
function taps(from, to, how, scale = from / to, shift = 0) {
  const count = { area: Math.ceil(scale) + 1, cubic: 4, smooth: 4, nearest: 1 }[how] ?? 2;
  const places = new Int32Array(to * count);
  const weights = new Float64Array(to * count);
  for (let i = 0; i < to; i++) {
    const [first, shares] = TAPS[how](i, scale, from);
    for (let j = 0; j < count; j++) {
      places[i * count + j] = clamp(first + j + shift, 0, from - 1);
      weights[i * count + j] = shares[j] ?? 0;
    }
  }
  return { places, weights, count };
}

const TAPS = {
  nearest: (i, scale) => [Math.floor(i * scale), [1]],
  linear(i, scale) {
    const at = (i + 0.5) * scale - 0.5;
    const low = Math.floor(at);
    return [low, [1 - (at - low), at - low]];
  },
  cubic: (i, scale) => cubic(i, scale, -0.75),
  smooth: (i, scale) => cubic(i, scale, -0.5), // keeps parabolas
  /** "area" where a side grows. */
  stretched(i, scale) {
    const low = Math.floor(i * scale);
    const share = Math.max(0, i + 1 - (low + 1) / scale);
    return [low, [1 - (share % 1), share % 1]];
  },
  area(i, scale, from) {
    const start = i * scale;
    const stop = Math.min(start + scale, from);
    const first = Math.floor(start + 1e-6);
    const shares = [];
    for (let at = first; at < stop - 1e-6; at++) {
      shares.push((Math.min(at + 1, stop) - Math.max(at, start)) / (stop - start));
    }
    return [first, shares];
  },
};

/** The first of the four values around, and what each counts. */
function cubic(i, scale, a) {
  const at = (i + 0.5) * scale - 0.5;
  const low = Math.floor(at);
  const t = at - low;
  const near = (d) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d) => (((d - 5) * d + 8) * d - 4) * a;
  return [low - 1, [far(1 + t), near(t), near(1 - t), far(2 - t)]];
}

/** A plane's value at any place, linear between middles; the border goes on beyond. */
export function sampleAt({ data, width, height }, x, y) {
  x = x > 0 ? (x < width - 1 ? x : width - 1) : 0;
  y = y > 0 ? (y < height - 1 ? y : height - 1) : 0;
  const left = x | 0;
  const top = y | 0;
  const at = top * width + left;
  const right = left + 1 < width ? 1 : 0;
  const low = top + 1 < height ? width : 0;
  const above = data[at] + (x - left) * (data[at + right] - data[at]);
  const below = data[at + low] + (x - left) * (data[at + low + right] - data[at + low]);
  return above + (y - top) * (below - above);
}

/** The mean of each block of k x k pixels of a plane; where the last ones are cut, the
 * border goes on. */
export function shrink(values, k) {
  if (k === 1) return values;
  const { data, width, height } = values;
  const out = plane(Math.ceil(width / k), Math.ceil(height / k));
  for (let row = 0, at = 0; row < out.height; row++) {
    const sums = new Float64Array(out.width);
    for (let i = 0; i < k; i++) {
      const from = Math.min(row * k + i, height - 1) * width;
      for (let column = 0, x = 0; column < out.width; column++) {
        let sum = 0;
        for (let j = 0; j < k; j++, x++) sum += data[from + (x < width ? x : width - 1)];
        sums[column] += sum;
      }
    }
    for (let column = 0; column < out.width; column++) out.data[at++] = sums[column] / (k * k);
  }
  return out;
}

/** The same of a window of a picture: three planes of whole numbers from 0 to 255. The window
 * may reach beyond the picture. */
export function shrinkPicture(picture, k, window = whole(picture)) {
  const bottom = Math.min(window.bottom, picture.height);
  const right = Math.min(window.right, picture.width);
  const [width, height] = [right - window.left, bottom - window.top].map((n) => Math.ceil(n / k));
  const [red, green, blue] = [0, 1, 2].map(() => plane(width, height));
  const { data } = picture;
  for (let row = 0, at = 0; row < height; row++) {
    const sums = new Float64Array(3 * width);
    for (let i = 0; i < k; i++) {
      const from = Math.min(window.top + row * k + i, bottom - 1) * picture.width;
      for (let column = 0, x = window.left; column < 3 * width; column += 3) {
        let r = 0;
        let g = 0;
        let b = 0;
        for (let j = 0; j < k; j++, x++) {
          const place = 4 * (from + (x < right ? x : right - 1));
          r += data[place];
          g += data[place + 1];
          b += data[place + 2];
        }
        sums[column] += r;
        sums[column + 1] += g;
        sums[column + 2] += b;
      }
    }
    for (let column = 0; column < 3 * width; column += 3, at++) {
      red.data[at] = Math.floor(sums[column] / (k * k) + 0.5);
      green.data[at] = Math.floor(sums[column + 1] / (k * k) + 0.5);
      blue.data[at] = Math.floor(sums[column + 2] / (k * k) + 0.5);
    }
  }
  return [red, green, blue];
}

/** A smaller plane brought to another size, a few rows at a time without making the whole:
 * `rows(y, line)` writes row y. */
export function enlarger(small, width, height) {
  const xs = taps(small.width, width, "linear");
  const pair = [new Float64Array(width), new Float64Array(width)];
  const holds = [-1, -1];
  const line = new Float64Array(small.width);
  const rowAt = (y) => {
    const slot = y & 1;
    if (holds[slot] !== y) {
      for (let x = 0; x < small.width; x++) line[x] = small.data[y * small.width + x];
      if (small.width === width) pair[slot].set(line);
      else gather(line, xs, pair[slot]);
      holds[slot] = y;
    }
    return pair[slot];
  };
  return (y, out) => {
    const at = clamp(((y + 0.5) * small.height) / height - 0.5, 0, small.height - 1);
    const low = Math.floor(at);
    const share = at - low;
    const first = rowAt(low);
    if (share === 0) return out.set(first);
    const second = rowAt(low + 1);
    for (let x = 0; x < width; x++) out[x] = first[x] + share * (second[x] - first[x]);
  };
}
