/**
 * Where in an eye the iris is, and in it the pupil, as effects/iris.py.
 *
 * A net says where an eye is, softly and coarsely; a circle found in the picture's own light
 * says where its iris is. Iris and pupil are dark, the white around them is bright, and lids
 * hide what they like:
 *
 *     the picture    brought to eyes of one width, in the darker of its red and green
 *     roughly        of all circles the one that parts the visible eye best into dark inside
 *                    and bright outside (two levels, as Otsu 1979)
 *     closely        rays from its middle cross its rim; a circle is fitted to the crossings,
 *                    those by the lids counting little and strays nothing (as Daugman 1993)
 */

import { components } from "../engine/components.js";
import { guidedCoefficients } from "../engine/guided.js";
import {
  channel, crop, discShape, erode, gaussianBlur, grownUnder, mapped, most, percentile, plane,
  sampleAt, scaled, where,
} from "../engine/image.js";
import { clamp, round } from "../engine/numbers.js";
import { fitOf, regionOf } from "./edges.js";
import { remembered } from "./memory.js";

export const EYES = ["left_eye", "right_eye"];

// Shares of an eye's width: an iris is 11.7 mm across, a lid's slit 25 to 30
const USUAL_RADIUS = 0.27;
const RADII = Array.from({ length: 9 }, (_, i) => 0.18 * 2 ** (i / 8)); // to 0.36
const WIDTH = 96; // of an eye where it is searched, in pixels
const LEAST_WIDTH = 8; // of an eye in the picture, in pixels: below, an iris has no shape
const LEAST_RANGE = 12; // from dark to bright in an eye, in steps of 255: below, it is noise
const STEP = 0.25; // from iris to white, of an eye's range: more says nothing more
const WHITE = 0.4; // what an outside as bright as the eye's white is worth, on the same scale
const TWIN_WIDTH = [0.6, 1.6]; // times a twin's: a turned head makes one eye narrower
const TWIN_APART = 5; // an eye's widths, at most, from one eye of a face to the other
const USUAL_PUPIL = 0.42; // of the iris' radius, indoors

const RAYS = 96;
const ANGLES = Array.from({ length: RAYS }, (_, i) => (i * 2 * Math.PI) / RAYS);
const COS = Float64Array.from(ANGLES, Math.cos);
const SIN = Float64Array.from(ANGLES, Math.sin);
// Left and right the rim is free, below often, above hardly ever
const FREE = SIN.map((sin) => clamp(1.15 - sin * sin, 0.05, 1) * (sin < 0 ? 0.7 : 1));

/**
 * @typedef {{x: number, y: number, radius: number, pupil: number}} Iris a circle in a window's
 *   pixels, 0, 0 the middle of the first one; `pupil` is the radius of the pupil
 * @typedef {{window, iris: ?Iris, open}} Eye `open` is a plane of the window: what the lids
 *   leave open; `iris` is null where there is no telling
 */

/** How far each pixel's middle is from the iris' middle, as a plane. */
export function farFrom({ x, y }, { width, height }) {
  const out = plane(width, height);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      out.data[at] = Math.hypot(row - y, column - x);
    }
  }
  return out;
}

/** Every eye of every face. An iris that cannot be told alone is told by its twin's size, so
 * that no face ends up with one eye changed and one not. */
export function eyes(image, parsing) {
  return remembered(parsing, image, "eyes", () => found(image, parsing));
}

function found(image, parsing) {
  const single = [...singleEyes(parsing)].map(({ window, alone }) => {
    const part = crop(image, window);
    const eye = { window, iris: findIris(part, alone), open: opening(part, alone) };
    return { eye, alone, part };
  });
  const known = single
    .filter(({ eye }) => eye.iris)
    .map(({ eye, alone }) => ({ eye, across: eyeWidth(alone) }));
  return single.map(({ eye, alone, part }) => withTwin(part, eye, alone, known));
}

/** Each eye's window, and how much each pixel in it is this eye. */
function* singleEyes(parsing) {
  const names = EYES.filter((name) => parsing.classes.includes(name));
  if (!names.length) return;
  for (const outer of parsing.windows(names, { above: 0.3, margin: 0.2 })) {
    const region = regionOf(parsing, names, outer);
    const { width, height } = region;
    const seen = Uint8Array.from(region.data, (value) => (value > Math.fround(0.3) ? 1 : 0));
    const { count, pieces, stats } = components(seen, width, height);
    for (let number = 1; number < count; number++) {
      const box = widened(stats[number], width, height);
      yield {
        window: {
          top: outer.top + box.top,
          left: outer.left + box.left,
          bottom: outer.top + box.bottom,
          right: outer.left + box.right,
        },
        alone: aloneIn(box, region, pieces, number),
      };
    }
  }
}

function widened({ left, top, width, height }, across, down) {
  const more = round(0.2 * Math.max(width, height));
  return {
    top: Math.max(0, top - more),
    left: Math.max(0, left - more),
    bottom: Math.min(down, top + height + more),
    right: Math.min(across, left + width + more),
  };
}

/** The region in a box, without other pieces. */
function aloneIn({ top, left, bottom, right }, region, pieces, number) {
  const out = plane(right - left, bottom - top);
  for (let y = top, at = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, at++) {
      const from = y * region.width + x;
      if (pieces[from] === 0 || pieces[from] === number) out.data[at] = region.data[from];
    }
  }
  return out;
}

/** The eye, with an iris as large as that of the face's other eye if it has none itself. */
function withTwin(part, eye, alone, known) {
  const width = eyeWidth(alone);
  if (eye.iris || !width) return eye;
  const twins = known
    .filter(({ across }) => width / across > TWIN_WIDTH[0] && width / across < TWIN_WIDTH[1])
    .map((twin) => ({
      far: apart(eye.window, twin.eye.window),
      share: twin.eye.iris.radius / twin.across,
    }))
    .sort((a, b) => a.far - b.far || a.share - b.share);
  if (!twins.length || twins[0].far > TWIN_APART * width) return eye;
  return { ...eye, iris: findIris(part, alone, twins[0].share) };
}

/** Pixels between the middles of two windows. */
function apart(a, b) {
  const across = (a.left + a.right - b.left - b.right) / 2;
  return Math.hypot(across, (a.top + a.bottom - b.top - b.bottom) / 2);
}

/** In [0, 1]: the eye between its lids, drawn along the edges of the picture. */
function opening(part, region) {
  const reach = Math.max(1, round(0.06 * eyeWidth(region)));
  const guide = [0, 1, 2].map((c) => mapped((value) => value / 255, channel(part, c)));
  const { slope, offset } = guidedCoefficients(guide, region, reach, 1e-3);
  const open = (drawn, seen) => clamp((drawn - 0.2) / 0.5, 0, 1) * clamp(seen / 0.2, 0, 1);
  return mapped(open, fitOf(slope, offset, guide), region);
}

/**
 * The iris of an eye, to a small part of a pixel; null where the eye is shut, too small, too
 * dark or too covered to be sure of one.
 *
 * @param part the eye and a little around it
 * @param region a plane in [0, 1]: how much each pixel is the eye, soft and coarse
 * @param {?number} share of the eye's width that the radius is, if that is known: then the
 *   likeliest place will do, unless the lids hide most of it
 */
function findIris(part, region, share = null) {
  const width = eyeWidth(region);
  if (width < LEAST_WIDTH || most(region.data) < 0.5) return null;
  const scale = WIDTH / width;
  const darker = mapped(Math.min, channel(part, 0), channel(part, 1));
  const [large, seen] = [toWidth(darker, scale), toWidth(region, scale)];
  const levels = where(large, seen, (value) => value > 0.5);
  if (!levels.length) return null;
  const [low, high] = [percentile(levels, 5), percentile(levels, 90)];
  if (high - low < LEAST_RANGE) return null;
  const clear = withoutGlints(large);
  const light = gaussianBlur(
    mapped((value) => clamp((value - low) / (high - low), -0.5, 1.2), clear),
    1.2,
  );
  const rough = roughly(light, seen);
  const circle =
    share === null
      ? fitted(light, seen, rough, Math.max(1, scale / 3))
      : placed(seen, { ...rough, radius: share * WIDTH });
  if (!circle) return null;
  const radius = circle.radius / scale;
  const [x, y] = [circle.x, circle.y].map((at) => (at + 0.5) / scale - 0.5);
  return { x, y, radius, pupil: pupilShare(light, seen, circle) * radius };
}

/** The circle, if the lids leave half of it free. */
function placed(seen, circle) {
  const far = farFrom(circle, seen);
  const within = where(seen, far, (value) => value < circle.radius);
  const free = within.filter((value) => value > 0.5).length;
  return within.length && free / within.length > 0.5 ? circle : null;
}

/** How wide an eye is from corner to corner, however it is turned, in pixels: an ellipse's longer
 * axis is four deviations long. */
function eyeWidth({ data, width }) {
  let [count, sumX, sumY, xx, xy, yy] = [0, 0, 0, 0, 0, 0];
  for (let at = 0; at < data.length; at++) {
    if (data[at] <= 0.5) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    count++;
    sumX += x;
    sumY += y;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  if (count < 3) return 0;
  const spread = (sum, a, b) => (sum - (a * b) / count) / (count - 1);
  const [a, d] = [spread(xx, sumX, sumX) + 1 / 12, spread(yy, sumY, sumY) + 1 / 12];
  const b = spread(xy, sumX, sumY);
  return 4 * Math.sqrt((a + d) / 2 + Math.hypot((a - d) / 2, b));
}

function toWidth(values, scale) {
  return scaled(scale < 1 ? gaussianBlur(values, 0.4 / scale) : values, scale);
}

/** The picture without bright spots narrower than a pupil that hang on nothing larger: what an
 * opening leaves, grown back under what was there. */
function withoutGlints(light) {
  return grownUnder(erode(light, discShape((round(0.12 * WIDTH) | 1) >> 1)), light);
}

// -- roughly ---------------------------------------------------------------------------------

/** The likeliest circle of a grid of them: dark within, bright around. */
function roughly(light, seen) {
  const lids = mapped((value) => clamp((value - 0.3) / 0.4, 0, 1), seen);
  const sum = lids.data.reduce((all, value) => all + value, 0);
  const usual = light.data.reduce((all, value, i) => all + value * lids.data[i], 0) / sum;
  const middle = middles(lids);
  let [best, found] = [-Infinity, { x: 0, y: 0, radius: 0 }];
  for (const share of RADII) {
    const radius = share * WIDTH;
    const off = 0.06 * (Math.log(share / USUAL_RADIUS) / 0.15) ** 2;
    for (let y = 0; y < lids.height; y += 2) {
      for (let x = 0; x < lids.width; x += 3) {
        if (lids.data[y * lids.width + x] <= 0.5) continue;
        const away = 0.12 * ((y - middle[x]) / (0.1 * WIDTH)) ** 2;
        const score = contrast(light, lids, { x, y, radius }, usual) - off - away;
        if (score > best) [best, found] = [score, { x, y, radius }];
      }
    }
  }
  return found;
}

/** The likeliest height of an iris' middle in each column. */
function middles({ data, width, height }) {
  const out = new Float64Array(width);
  for (let x = 0; x < width; x++) {
    let [sum, open] = [0, 0];
    for (let y = 0; y < height; y++) {
      sum += data[y * width + x] * y;
      open += data[y * width + x];
    }
    const middle = sum / (open + 1e-6);
    // half shut lids: the lower one stays where it is, just above the rim's lowest point
    const below = middle + open / 2 - 0.85 * USUAL_RADIUS * WIDTH;
    out[x] = middle + 0.65 * Math.min(below - middle, 0);
  }
  return out;
}

/** How much darker a circle is within than around, each side for itself, so that a rim of which
 * half is in the eye's corner counts less. */
function contrast(light, lids, { x, y, radius }, usual) {
  let [left, leftWeight, right, rightWeight, dark, darkWeight] = [0, 0, 0, 0, 0, 0];
  for (let ray = 0; ray < RAYS; ray += 3) {
    const [cos, sin] = [radius * COS[ray], radius * SIN[ray]];
    const at = (values, r) => sampleAt(values, x + r * cos, y + r * sin);
    const inner = FREE[ray] * at(lids, 0.6);
    dark += inner * (usual - Math.min(at(light, 0.6), 1));
    darkWeight += inner;
    const weight = FREE[ray] * Math.min(at(lids, 1.15), at(lids, 0.9));
    const within = (at(light, 0.75) + at(light, 0.9)) / 2;
    const around = (at(light, 1.1) + at(light, 1.25)) / 2;
    // a pupil's edge is stronger than its iris', but what is around an iris is white
    const step = clamp(around - within, -STEP, STEP) + WHITE * Math.min(around, 1);
    if (COS[ray] < 0) {
      left += weight * step;
      leftWeight += weight;
    } else if (COS[ray] > 0) {
      right += weight * step;
      rightWeight += weight;
    }
  }
  const mean = (sum, weight) => sum / (weight + 1.5);
  return mean(left, leftWeight) + mean(right, rightWeight) + 0.5 * mean(dark, darkWeight);
}

// -- closely ---------------------------------------------------------------------------------

const NARROWER = [[0.35, 0.2], [0.3, 0.15], [0.25, 0.12], [0.2, 0.1], [0.15, 0.08], [0.15, 0.08]];

/** The circle near `start` that the rim's crossings lie on; null without enough of them. The
 * fewer pixels an eye has, the more counts what is usual (`few`, 1 and more). */
function fitted(light, seen, start, few) {
  let circle = start;
  let [support, sides] = [0, 0];
  for (const [window, stray] of NARROWER) {
    const points = rim(light, seen, circle, window);
    let robust = [];
    for (let i = 0; i < 3; i++) {
      robust = points.map((point) => point.weight * nearness(point, circle, stray));
      if (robust.reduce((all, one) => all + one) < 2) return null;
      circle = moved(circle, points, robust, start, few);
    }
    if (!(circle.radius > 0.15 * WIDTH && circle.radius < 0.42 * WIDTH)) return null;
    const total = (side) => robust.reduce((all, one, i) => all + (side(COS[i]) ? one : 0), 0);
    support = total(() => true);
    sides = Math.min(total((cos) => cos < 0), total((cos) => cos > 0));
  }
  return support < (sides > 0.4 ? 5 : 10) ? null : circle;
}

/** Where each ray crosses the rim, and how much that counts. */
function rim(light, seen, circle, window) {
  const { x, y, radius } = circle;
  return crossings(light, circle, window).map(({ at, step }, ray) => {
    const [px, py] = [x + at * COS[ray], y + at * SIN[ray]];
    const further = 0.12 * radius;
    const out = sampleAt(seen, px + further * COS[ray], py + further * SIN[ray]);
    const free = clamp((Math.min(out, sampleAt(seen, px, py)) - 0.3) / 0.4, 0, 1);
    return { x: px, y: py, weight: FREE[ray] * free * clamp((step - 0.08) / 0.25, 0, 1) };
  });
}

function nearness(point, { x, y, radius }, stray) {
  const off = Math.hypot(point.x - x, point.y - y) - radius;
  return clamp(1 - (off / (stray * radius)) ** 2, 0, 1) ** 2;
}

/** A circle after one step towards its points (Gauss-Newton), and weakly towards what is usual: an
 * iris is about so large in an eye, and its middle about where it was. */
function moved({ x, y, radius }, points, weights, start, few) {
  const left = [[0.2, 0, 0], [0, 0.3, 0], [0, 0, few]];
  const right = [0, -0.3 * (y - start.y), -few * (radius - USUAL_RADIUS * WIDTH)];
  points.forEach((point, i) => {
    const far = Math.hypot(point.x - x, point.y - y);
    const slopes = [x - point.x, y - point.y, -far].map((one) => one / (far + 1e-6));
    for (let a = 0; a < 3; a++) {
      right[a] -= weights[i] * slopes[a] * (far - radius);
      for (let b = 0; b < 3; b++) left[a][b] += weights[i] * slopes[a] * slopes[b];
    }
  });
  const [dx, dy, more] = solved(left, right);
  return { x: x + dx, y: y + dy, radius: radius + more };
}

/** Three unknowns out of three equations, by determinants. */
function solved(matrix, right) {
  const determinant = ([[a, b, c], [d, e, f], [g, h, i]]) =>
    a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const whole = determinant(matrix);
  return [0, 1, 2].map((column) => {
    const other = matrix.map((row, i) => row.map((value, j) => (j === column ? right[i] : value)));
    return determinant(other) / whole;
  });
}

/** Where each ray crosses from dark to bright near the circle, and by how much. */
function crossings(light, { x, y, radius }, window) {
  const half = 0.14 * radius;
  const fine = radius / 40;
  const start = (1 - window) * radius - half;
  const count = Math.ceil(((1 + window) * radius + half - start) / fine);
  const n = Math.max(1, round(half / fine));
  const steps = count + 1 - 2 * n;
  const sums = new Float64Array(count + 1);
  const step = new Float64Array(steps);
  const place = (i) => start + (n + i) * fine - fine / 2;
  const mean = (i) => (sums[i + n] - sums[i]) / n;
  return Array.from(COS, (cos, ray) => {
    for (let i = 0; i < count; i++) {
      const t = start + i * fine;
      sums[i + 1] = sums[i] + sampleAt(light, x + t * cos, y + t * SIN[ray]);
    }
    let [best, first] = [-Infinity, 0];
    for (let i = 0; i < steps; i++) {
      step[i] = mean(i + n) - mean(i);
      const off = (place(i) - radius) / (window * radius);
      const likely = Math.min(step[i], STEP) + WHITE * Math.min(mean(i + n), 1) - 0.15 * off * off;
      if (likely > best) [best, first] = [likely, i];
    }
    return peak(step, place, first, n);
  });
}

/** The highest step near the first guess; its place is the middle of the peak, weighed: finer than
 * its highest sample. */
function peak(step, place, first, n) {
  const last = step.length - 1;
  let top = Math.max(0, first - (n >> 1));
  for (let i = top; i <= Math.min(last, first + (n >> 1)); i++) if (step[i] > step[top]) top = i;
  let [sum, total] = [0, 0];
  for (let i = Math.max(0, top - n); i <= Math.min(last, top + n); i++) {
    const weight = Math.max(step[i] - 0.7 * step[top], 0) + 1e-9;
    sum += weight * place(i);
    total += weight;
  }
  return { at: sum / total, step: step[top] };
}

/** The pupil's radius as a share of the iris'; the usual one where it cannot be told. */
function pupilShare(light, seen, { x, y, radius }) {
  const shares = Array.from({ length: 38 }, (_, i) => 0.1 + 0.02 * i);
  const profile = [];
  for (const share of shares) {
    const values = [];
    for (let ray = 0; ray < RAYS; ray++) {
      const [px, py] = [x + radius * share * COS[ray], y + radius * share * SIN[ray]];
      if (sampleAt(seen, px, py) > 0.5) values.push(sampleAt(light, px, py));
    }
    if (values.length <= 12) return USUAL_PUPIL;
    profile.push(percentile(values, 50));
  }
  const mean = (from, to) => profile.slice(from, to).reduce((a, b) => a + b) / (to - from);
  let [best, top, rise] = [-Infinity, 0, 0];
  for (let i = 4; i < shares.length - 6; i++) {
    const step = mean(i + 1, i + 6) - mean(Math.max(0, i - 5), i);
    const score = step - 0.3 * (shares[i] - USUAL_PUPIL) ** 2;
    if (score > best) [best, top, rise] = [score, i, step];
  }
  return rise > 0.09 ? shares[top] : USUAL_PUPIL;
}
