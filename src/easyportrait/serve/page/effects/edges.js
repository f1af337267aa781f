/**
 * The edges of small parts (teeth, lips, an iris), drawn along the edges of the picture, as
 * effects/edges.py.
 *
 * A guided filter (He, Sun & Tang 2013) of what the net saw, with the picture as its guide,
 * puts the outline where the colours change; where colours do not tell the part from what is
 * around it, the middle line of what the net saw is the outline.
 */

import { guidedCoefficients } from "../engine/guided.js";
import {
  boxBlur, crop, enlarger, mapped, plane, ramp, resized, resizedPicture, shrinkPicture, sizeOf,
} from "../engine/image.js";
import { clamp, round } from "../engine/numbers.js";
import { remembered } from "./memory.js";

const REACH = 2; // cells around a pixel whose colours it is compared with
const SMOOTHNESS = 5e-4; // variance of colours below which the picture says nothing
const WELL = 0.05; // share of the variance that a fit may leave unexplained
const BADLY = 0.2;
const STEEPEST = 3; // how much steeper an edge becomes
const CELL = 4; // pixels of a cell where the filter's coefficients are found

/** A class' share of each pixel in a window, as `Parsing.region`, with sharp edges; a plane, 0
 * where the net sees 5 % or less, 1 where it is certain. */
export function refined(parsing, names, window) {
  const key = ["refined", ...names, ...Object.values(window)].join(" ");
  return remembered(parsing, parsing.image, key, () => {
    const coarse = regionOf(parsing, names, window);
    return sharpened(crop(parsing.image, window), coarse, cellAt(parsing, window));
  });
}

/** `Parsing.region` as a plane. */
export function regionOf(parsing, names, window) {
  const { width, height } = sizeOf(window);
  return plane(width, height, parsing.region(names, window));
}

/** Side of a cell of the finest look at a window's middle, in the picture's pixels. */
function cellAt(parsing, window) {
  const [y, x] = [(window.top + window.bottom) / 2, (window.left + window.right) / 2];
  const isThere = ({ left, top, width, height }) =>
    y >= top && y - top <= height && x >= left && x - left <= width;
  const cells = parsing.faceLooks.filter(isThere).map((look) => look.cell);
  return cells.length ? Math.min(...cells) : parsing.frame.cell;
}

function sharpened(image, coarse, cell) {
  const { width, height } = coarse;
  const scale = Math.min(1, CELL / cell);
  const few = [width, height].map((side) => Math.max(1, round(side * scale)));
  const small = shrinkPicture(resizedPicture(image, ...few, "area"), 1);
  const guide = small.map((one) => mapped((value) => value / 255, one));
  const target = resized(coarse, ...few, "area");
  const reach = Math.max(1, round(REACH * cell * scale));
  const { slope, offset } = guidedCoefficients(guide, target, reach, SMOOTHNESS);
  const trust = explained(fitOf(slope, offset, guide), target, reach);
  const steep = Math.min(Math.max(cell, 1), STEEPEST); // no steeper than a pixel or two

  const out = plane(width, height);
  const rows = [...slope, offset, trust].map((one) => enlarger(one, width, height));
  const lines = rows.map(() => new Float64Array(width));
  const [red, green, blue, shift, trusted] = lines;
  for (let y = 0, at = 0; y < height; y++) {
    rows.forEach((row, i) => row(y, lines[i]));
    for (let x = 0; x < width; x++, at++) {
      const { data } = image;
      const rgb = 4 * at;
      const seen = red[x] * data[rgb] + green[x] * data[rgb + 1] + blue[x] * data[rgb + 2];
      const part = coarse.data[at];
      const edge = part + trusted[x] * (seen / 255 + shift[x] - part);
      const sharp = (edge - 0.5) * steep + 0.5;
      const low = 1 - 6 * (1 - part);
      const high = 6 * (part - 0.05);
      out.data[at] = clamp(Math.min(Math.max(sharp, low), high), 0, 1);
    }
  }
  return out;
}

/** slope . guide + offset, as a plane. */
export function fitOf([red, green, blue], offset, guide) {
  const out = plane(offset.width, offset.height);
  const [r, g, b] = guide.map((one) => one.data);
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = red.data[i] * r[i] + green.data[i] * g[i] + blue.data[i] * b[i] + offset.data[i];
  }
  return out;
}

/** In [0, 1]: how well the fit follows the target around each pixel. */
function explained(fit, target, radius) {
  const mean = (one) => boxBlur(one, 2 * radius + 1, "reflect");
  const missed = mean(mapped((a, b) => (a - b) ** 2, fit, target));
  const [squares, means] = [mean(mapped((a) => a * a, target)), mean(target)];
  const left = (miss, square, one) => 1 - ramp(miss / (square - one * one + 1e-3), WELL, BADLY);
  return mapped(left, missed, squares, means);
}
