/** No red eyes: pupils that a flash made red become dark again, their glint stays. */

import { blend, toLab } from "../engine/colour.js";
import { components } from "../engine/components.js";
import { copied, crop, mapped, median, paste, plane, where } from "../engine/image.js";
import { clamp } from "../engine/numbers.js";
import { EYES, eyes, farFrom } from "./iris.js";

const DARK = 26; // of 255: what a pupil is in the middle, by eye on flash portraits
const SMALLEST = 3; // pixels of red: fewer are noise
const CLEARER = 8; // than what is around it, a pupil is red

export const removeRedEye = { name: "remove-red-eye", needs: EYES, run };

/**
 * A picture whose red pupils are dark and neutral. Eyes without a red pupil stay bit for bit,
 * whatever is red near by.
 *
 * @param knobs `sensitivity`: from 0, for pupils of a burning red only, to 1, for any reddish one
 */
function run(image, parsing, { sensitivity }) {
  const out = copied(image);
  for (const eye of eyes(image, parsing)) {
    const part = crop(out, eye.window);
    const pupil = redPupil(redness(part), eye, 24 - 16 * sensitivity);
    if (pupil) paste(out, blend(part, darkened(part, pupil), pupil), eye.window);
  }
  return out;
}

/** How much redder than brown, on the scale of CIELAB. The red of a lit retina has little yellow
 * in it, that of brown eyes and skin has about as much; and violet, with its blue, is some lens'
 * reflection. */
function redness(part) {
  const [, a, b] = toLab(part);
  return mapped((red, yellow) => red - Math.max(0.6 * yellow, -yellow), a, b);
}

/** In [0, 1]: the red pupil of an eye; null if it has none. */
function redPupil(red, eye, sensitive) {
  const least = eye.iris ? sensitive : sensitive + 6; // nothing but its shape speaks for it
  const { width, height } = red;
  const seen = mapped((value, free) => (value > least && free > 0.4 ? 1 : 0), red, eye.open);
  // the glint is a hole or a dent in the red
  const { pieces, stats } = components(Uint8Array.from(seen.data), width, height);
  const numbers = stats.map((_, number) => number).slice(1);
  for (const number of numbers.sort((a, b) => stats[b].area - stats[a].area)) {
    const { area } = stats[number];
    if (area < SMALLEST) return null;
    const isPart = (one) => (one === number ? 1 : 0);
    const found = plane(width, height, Float32Array.from(pieces, isPart));
    const circle = circleAround(found);
    const far = farFrom(circle, red);
    if (!isPlausible(area, circle, eye) || !standsOut(red, found, far, circle)) continue;
    const share = mapped((value, r, free) => {
      const disc = clamp(1.3 * circle.radius + 1 - r, 0, 1);
      return clamp((value / least - 0.35) / 0.5, 0, 1) * disc * clamp(free / 0.4, 0, 1);
    }, red, far, eye.open);
    return share;
  }
  return null;
}

/** Whether a shape is clearly redder than what is around it. */
function standsOut(red, found, far, { radius }) {
  const own = where(red, found, (value) => value === 1);
  const near = where(red, far, (r) => r > 1.35 * radius + 1 && r < 2 * radius + 2);
  const mean = own.reduce((all, value) => all + value, 0) / own.length;
  return !(mean - median(near) < CLEARER);
}

/** The smallest circle around a shape, its pixels' corners cut. */
function circleAround({ data, width }) {
  const points = [];
  data.forEach((value, at) => value && points.push([at % width, Math.floor(at / width)]));
  const circle = smallestCircle(points);
  return { ...circle, radius: Math.max(circle.radius + 0.3, 0.7) };
}

/** The smallest circle around points (Welzl 1991): each that lies outside is on the rim. */
function smallestCircle(points, rim = []) {
  let circle = through(rim);
  for (let i = 0; i < points.length; i++) {
    const [x, y] = points[i];
    if (circle && Math.hypot(x - circle.x, y - circle.y) <= circle.radius + 1e-6) continue;
    const more = [...rim, points[i]];
    circle = more.length < 3 ? smallestCircle(points.slice(0, i), more) : through(more);
  }
  return circle;
}

/** The smallest circle through up to three points; null through none. */
function through(points) {
  if (!points.length) return null;
  const [[ax, ay], [bx, by] = [ax, ay], third] = points;
  let [x, y] = [(ax + bx) / 2, (ay + by) / 2];
  if (third) {
    const [ux, uy, vx, vy] = [bx - ax, by - ay, third[0] - ax, third[1] - ay];
    const [u, v, twice] = [ux * ux + uy * uy, vx * vx + vy * vy, 2 * (ux * vy - uy * vx)];
    x = ax + (vy * u - uy * v) / twice;
    y = ay + (ux * v - vx * u) / twice;
  }
  return { x, y, radius: Math.hypot(ax - x, ay - y) };
}

/** Whether a red shape can be a pupil: round, in the middle of the iris, no larger. */
function isPlausible(area, { x, y, radius }, { iris, open }) {
  if (area < 0.4 * Math.PI * radius ** 2) return false;
  if (iris) {
    const away = Math.hypot(x - iris.x, y - iris.y);
    return away < 0.5 * iris.radius && radius < 1.15 * iris.radius;
  }
  const columns = new Set();
  open.data.forEach((value, at) => value > 0.4 && columns.add(at % open.width));
  return radius > 0.06 * columns.size && radius < 0.3 * columns.size;
}

/** The part as a pupil: what is left without red, as dark as pupils are, without colour. */
function darkened(part, share) {
  const grey = mapped(() => 0, share);
  let [sum, total] = [0, 0];
  for (let i = 0; i < grey.data.length; i++) {
    grey.data[i] = (part.data[4 * i + 1] + part.data[4 * i + 2]) / 2;
    sum += grey.data[i] * share.data[i];
    total += share.data[i];
  }
  const less = Math.min(1, DARK / Math.max(sum / total, 1));
  const out = copied(part);
  for (let i = 0; i < grey.data.length; i++) {
    for (let c = 4 * i; c < 4 * i + 3; c++) out.data[c] = Math.floor(grey.data[i] * less);
  }
  return out;
}
