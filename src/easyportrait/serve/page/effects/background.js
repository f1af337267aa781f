/**
 * A person before something else: what the three effects on the background share, as
 * effects/background.py.
 *
 * All is mixed as light. Where a pixel is the person's in part, the person's own colour there
 * is estimated first (engine/matte.js), so no rim of the old background is carried along.
 */

import { fromLinear, lights, shown, TO_LINEAR } from "../engine/colour.js";
import {
  blank, boxBlur, copied, crop, dilateSquare, enlarger, mapped, paste, plane, resized,
  resizedPicture, roundBlur, shrink, shrinkPicture,
} from "../engine/image.js";
import { edgeColours } from "../engine/matte.js";
import { clamp, round } from "../engine/numbers.js";
import { remembered } from "./memory.js";

const DISC = 5; // radius in blocks of what an unsharp point becomes: its outline looks round
const GLOW = 20; // times as bright as white, at full bloom, what shows as white may have been
const SPILL = 0.03; // of the longer side: how wide light of the background comes round an edge
const THUMB = 64; // pixels across tell the mean of a picture
const LUMA = [0.2126, 0.7152, 0.0722]; // Rec. 709, of light
const TINT = 0.35; // powers of a full match in colour and in brightness, by eye
const EXPOSURE = 0.3;

/**
 * The person before a backdrop.
 *
 * @param image an RGBA picture
 * @param parsing of it
 * @param backdrop a picture of that size. It is painted on and becomes the answer.
 * @param {number} wrap how much light of the backdrop comes round the person's edge, 0 to 1
 */
export function before(image, parsing, backdrop, wrap = 0) {
  const alpha = parsing.person;
  const glow = wrap ? lightAround(backdrop) : backdrop;
  const out = backdrop.data;
  for (let i = 0; i < alpha.length; i++) {
    if (alpha[i] === 1) for (let c = 4 * i; c < 4 * i + 3; c++) out[c] = image.data[c];
  }
  const edge = remembered(parsing, image, "edge", () => [...edgeColours(image, alpha)]);
  for (const { index, colours } of edge) {
    for (let i = 0; i < index.length; i++) {
      const share = alpha[index[i]];
      for (let c = 0; c < 3; c++) {
        const at = 4 * index[i] + c;
        let front = TO_LINEAR[(colours[3 * i + c] + 0.5) | 0];
        front += wrap * (1 - share) * TO_LINEAR[glow.data[at]] * (1 - front);
        const back = TO_LINEAR[out[at]];
        out[at] = fromLinear(back + share * (front - back));
      }
    }
  }
  return backdrop;
}

/** The light that comes from about there, without any detail. */
function lightAround(backdrop) {
  const { width, height } = backdrop;
  const k = Math.max(1, Math.ceil((SPILL * Math.max(height, width)) / 4));
  const small = resizedPicture(backdrop, Math.ceil(width / k), Math.ceil(height / k), "linear");
  const wide = lights(small).map((one) => boxBlur(one, 9, "replicate"));
  return resizedPicture(shown(wide), width, height, "linear");
}

/** A picture brought to another size and shape; its middle stays in the middle. "cover" fills
 * all and cuts what is too much; "contain" shows all of it, before a blurred copy. */
export function fitted(picture, height, width, fit) {
  const { height: high, width: wide } = picture;
  if (high === height && wide === width) return copied(picture);
  if (fit === "cover") {
    const scale = Math.max(height / high, width / wide);
    const rows = Math.min(high, Math.ceil(height / scale));
    const columns = Math.min(wide, Math.ceil(width / scale));
    const part = crop(picture, middle(high, wide, rows, columns));
    return toSize(part, height, width);
  }
  const scale = Math.min(height / high, width / wide);
  const rows = Math.min(height, Math.max(1, round(high * scale)));
  const columns = Math.min(width, Math.max(1, round(wide * scale)));
  const out = lightAround(fitted(picture, height, width, "cover"));
  paste(out, toSize(picture, rows, columns), middle(height, width, rows, columns));
  return out;
}

/** The window of that many rows and columns in the middle of a picture. */
function middle(height, width, rows, columns) {
  const [top, left] = [Math.floor((height - rows) / 2), Math.floor((width - columns) / 2)];
  return { top, left, bottom: top + rows, right: left + columns };
}

function toSize(picture, height, width) {
  if (picture.width === 1 && picture.height === 1) {
    return resizedPicture(picture, width, height, "nearest");
  }
  const isLarger = height > picture.height || width > picture.width;
  return resizedPicture(picture, width, height, isLarger ? "cubic" : "area");
}

/**
 * The picture as if some of the backdrop's light fell on it: its tint and brightness. Each
 * channel goes along a curve that keeps black and white, so nothing clips.
 *
 * @param {number} amount 0 leaves the picture as it is, 1 goes as far as still looks natural
 */
export function matched(image, alpha, backdrop, amount) {
  const { width, height } = image;
  const weight = resized(plane(width, height, alpha), THUMB, THUMB, "nearest").data;
  const total = weight.reduce((sum, one) => sum + one, 0);
  if (!total) return image;
  const mean = (one, weights, sum) =>
    one.data.reduce((all, value, i) => all + value * weights[i], 0) / sum + 0.01;
  const person = thumb(image).map((one) => mean(one, weight, total));
  const even = new Float32Array(weight.length).fill(1);
  const light = thumb(backdrop).map((one) => mean(one, even, even.length));
  const luma = (colour) => colour.reduce((sum, value, c) => sum + value * LUMA[c], 0);
  const tint = light.map((one) => clamp(one / luma(light), 0.4, 2.5) ** (TINT * amount));
  const brighter = clamp(luma(light) / luma(person), 0.2, 5) ** (EXPOSURE * amount);
  const curves = tint.map((one) => curve((one / luma(tint)) * brighter));
  const out = copied(image);
  for (let at = 0; at < out.data.length; at += 4) {
    for (let c = 0; c < 3; c++) out.data[at + c] = curves[c][out.data[at + c]];
  }
  return out;
}

/** sRGB after a gain of light that leaves black and white where they are. */
function curve(gain) {
  const bent = (step) => (gain * step) / (1 + (gain - 1) * step);
  return Uint8Array.from(TO_LINEAR, (step) => fromLinear(bent(step)));
}

function thumb(picture) {
  return lights(resizedPicture(picture, THUMB, THUMB, "nearest"));
}

/**
 * What is behind the person, as a lens that is focused on the person shows it.
 *
 * Every point becomes a disc. The person takes no part: blurred are light times share of
 * background, and the share, and one is divided by the other (normalised convolution;
 * Knutsson & Westin 1993), so what lies behind the edge comes from beside it.
 *
 * @param image an RGBA picture
 * @param {Float32Array} alpha in [0, 1]: the person
 * @param {number} radius of the discs, in pixels, above 0
 * @param {number} bloom how much brighter than white the brightest points may have been, 0
 *   to 1. Their discs then stand out; even areas stay as bright as they are.
 * @returns a new picture, behind the person too
 */
export function defocused(image, alpha, radius, bloom) {
  const { width, height } = image;
  const fine = Math.ceil(radius / DISC / 2);
  const twice = radius > DISC ? 2 : 1; // bright points are found on finer blocks
  const k = fine * twice;
  const person = dilateSquare(shrink(plane(width, height, alpha), k), 3);
  const share = mapped((value) => clamp(1 - 2 * value, 0, 1), person);
  if (!share.data.some((value) => value > 0)) return copied(image);
  const burnt = 1 - GLOW ** -bloom;
  const light = brightened(image, fine, burnt).map((one) => weighed(shrink(one, twice), share));
  const blurred = spread([...light, share], disc(radius / k));
  return enlarged(dimmed(blurred, burnt), k, width, height);
}

/** Light on blocks, its peaks as bright as they may have been. */
function brightened(image, fine, burnt) {
  const light = shrinkPicture(image, fine).map((one) => mapped((value) => TO_LINEAR[value], one));
  const [red, green, blue] = light.map((one) => one.data);
  for (let i = 0; i < red.length; i++) {
    const gain = 1 / (1 - burnt * Math.max(red[i], green[i], blue[i]));
    red[i] *= gain;
    green[i] *= gain;
    blue[i] *= gain;
  }
  return light;
}

/** A plane times the share, cut to its size. */
function weighed(light, share) {
  const out = plane(share.width, share.height);
  for (let y = 0, at = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++, at++) {
      out.data[at] = light.data[y * light.width + x] * share.data[at];
    }
  }
  return out;
}

/** Planes of light times share, and of the share: blurred, and a little of what is wider
 * around and of all, for where no background is near. */
function spread(weighted, kernel) {
  return weighted.map((one) => {
    const out = roundBlur(one, kernel);
    const around = boxBlur(one, 8 * DISC + 1, "constant").data;
    const mean = one.data.reduce((sum, value) => sum + value, 0) / one.data.length;
    for (let i = 0; i < around.length; i++) out.data[i] += 1e-4 * around[i] + 1e-8 * mean;
    return out;
  });
}

/** A picture of blurred light by share, its peaks back below white. */
function dimmed([red, green, blue, share], burnt) {
  const light = [red, green, blue].map((one) => mapped((sum, part) => sum / part, one, share));
  const [r, g, b] = light.map((one) => one.data);
  for (let i = 0; i < r.length; i++) {
    const gain = 1 / (1 + burnt * Math.max(r[i], g[i], b[i]));
    r[i] *= gain;
    g[i] *= gain;
    b[i] *= gain;
  }
  return shown(light);
}

/** Blocks as pixels, linear between their middles. */
function enlarged(small, k, width, height) {
  if (k === 1) return small;
  const out = blank(width, height);
  const [wide, high] = [small.width * k, small.height * k];
  const rows = shrinkPicture(small, 1).map((one) => enlarger(one, wide, high));
  const line = new Float64Array(wide);
  for (let y = 0; y < height; y++) {
    for (let c = 0; c < 3; c++) {
      rows[c](y, line);
      let at = 4 * y * width + c;
      for (let x = 0; x < width; x++, at += 4) out.data[at] = line[x];
    }
  }
  for (let at = 3; at < out.data.length; at += 4) out.data[at] = 255;
  return out;
}

/** A quarter of a round kernel that sums to 1, as `roundBlur` takes it; its rim is as soft as one
 * cell. */
function disc(radius) {
  const reach = radius > 0.5 ? Math.ceil(radius - 0.5) : 0;
  const cells = { length: reach + 1 };
  const at = (y) => (_, x) => clamp(radius + 0.5 - Math.hypot(y, x), 0, 1);
  const rows = Array.from(cells, (_, y) => Float64Array.from(cells, at(y)));
  const mirrored = (row) => row.reduce((sum, one, i) => sum + (i ? 2 : 1) * one, 0);
  const total = mirrored(rows.map(mirrored));
  return rows.map((row) => row.map((one) => one / total));
}
