/**
 * Calm skin as a retoucher does: blotches and blemishes go back, pores and hairs stay, as
 * effects/smooth_skin.py.
 *
 * Frequency separation, by scale and by contrast. A guided filter (He, Sun & Tang 2013), fed
 * by nothing but skin, gives what stays of the light: the face's form, and edges. What it
 * takes off is split by scale: unevenness wider than a pore is calmed, what is finer is kept
 * as `detail` says. Spots are found by their shape: darker or redder than all around them,
 * whichever way a line is drawn through them, so wrinkles and hairs are none.
 *
 * All widths are shares of the face's height. Wide filters run where a face is at most
 * `WORK_SIDE` high; only what is finer is worked out at full size, row by row.
 */

import { intoLab, shiftLab, toLab } from "../engine/colour.js";
import {
  copied, crop, distances, enlarger, erodeSquare, framed, gaussianBlur, lineShape, mapped, most,
  paste, plane, ramp, resized, resizedPicture, times,
} from "../engine/image.js";
import { round } from "../engine/numbers.js";
import { regionOf } from "./edges.js";
import { FACE, faceHeight, facesWithin } from "./face.js";
import { remembered } from "./memory.js";

const WORK_SIDE = 400; // pixels of face height at which a pore is about one pixel

// Shares of a face's height, by eye on portraits of all ages and skins.
const FORM = 0.035; // what is wider belongs to the face's form
const PORE = 0.006; // what is narrower is texture
const SPOT = 0.05; // the widest blemish
const BLOTCH = 0.09; // over which colours are evened

// In CIELAB; skin without blemishes varies by 1 to 3 around its form.
const EDGE = 4.5; // L: what varies more, as a deep wrinkle, keeps most of itself
const HAIR = [3.5, 7]; // L: fine contrast of stubble and hair
const MOLE = [9, 16]; // L: a spot that much darker is no blemish, but belongs to the person
const STRONGEST = 0.85; // of what is taken off: skin without any looks like wax

export const smoothSkin = { name: "smooth-skin", needs: ["skin"], run };

/**
 * A picture with calmer skin. Only what the parsing takes for skin changes, and of that
 * nothing that is far darker, lighter or of another colour than the skin around.
 *
 * @param knobs `amount`: 0 changes nothing, 1 is as far as a photograph still looks like one;
 *   `detail`: share of pores and fine hair that stays; `tone`: share of colour blotches that
 *   is evened, in proportion to `amount`
 */
function run(image, parsing, { amount, detail, tone }) {
  const out = copied(image);
  if (amount === 0) return out;
  for (const { window, skin } of remembered(parsing, image, "skin", () => skins(image, parsing))) {
    paste(out, calmed(crop(image, window), skin, amount, 1 - detail, tone), window);
  }
  return out;
}

/** Each window with skin, and what is known of it whatever the knobs are. */
function skins(image, parsing) {
  const names = FACE.filter((name) => parsing.classes.includes(name));
  return parsing.windows(names, { margin: 0.05 }).flatMap((window) => {
    const skin = lookCloser(crop(image, window), parsing, window, names);
    return skin ? [{ window, skin: { share: skin.share, ...irregular(skin) } }] : [];
  });
}

/** The skin of the faces in a window, where a face is at most `WORK_SIDE` high; null if there
 * is next to none. */
function lookCloser(part, parsing, window, names) {
  const probability = regionOf(parsing, ["skin"], window);
  const parts = names.filter((name) => name !== "skin");
  const { width, height } = part;
  const inside = parts.length ? regionOf(parsing, parts, window) : plane(width, height);
  const both = mapped((a, b) => a + b, probability, inside);
  const high = faceHeight(both, facesWithin(parsing, window));
  if (high < 8) return null;
  const scale = Math.min(1, WORK_SIDE / high);
  const few = [width, height].map((side) => Math.max(1, round(side * scale)));
  const skin = mapped((value) => ramp(value, 0.5, 0.9), resized(probability, ...few, "area"));
  const inner = resized(inside, ...few, "area");
  const lab = toLab(resizedPicture(part, ...few, "area"));
  const face = high * scale;
  const beside = awayFrom(mapped((value) => (value > 0.3 ? 1 : 0), inner), 0.02 * face);
  const outside = mapped((a, b) => (a + b < 0.5 ? 1 : 0), skin, inner);
  const rim = awayFrom(outside, 0.015 * face); // the face turns away there
  const share = [beside, skinColoured(lab, skin, face), rim].reduce(times, skin);
  if (most(share.data) === 0) return null;
  return { lab, share: times(share, smoothEnough(lab[0], share, face)), face };
}

/** In [0, 1]: 0 on what is seen and up to `margin` beside it, 1 from twice that. */
function awayFrom(seen, margin) {
  if (!most(seen.data)) return mapped(() => 1, seen);
  return mapped((far) => ramp(far, margin, 2 * margin), distances(seen));
}

/** In [0, 1]: 0 where something on the skin is far from its colour around. */
function skinColoured(lab, skin, face) {
  const around = lab.map(averager(skin, 0.1 * face));
  const [L, a, b, meanL, meanA, meanB] = [...lab, ...around].map((one) => one.data);
  const alike = plane(skin.width, skin.height);
  for (let i = 0; i < L.length; i++) {
    const ratio = L[i] / Math.max(meanL[i], 1);
    const hue = Math.sqrt((a[i] - meanA[i]) ** 2 + (b[i] - meanB[i]) ** 2);
    const bright = ramp(ratio, 0.6, 0.78) * (1 - ramp(ratio, 1.25, 1.5));
    alike.data[i] = bright * (1 - ramp(hue, 14, 24));
  }
  // what lies beside a hair is mixed with it
  const near = erodeSquare(alike, 2 * Math.max(1, round(0.008 * face)) + 1);
  return gaussianBlur(near, Math.max(0.3, 0.005 * face));
}

/** In [0, 1]: 0 where fine contrast is that of hair, not of skin. */
function smoothEnough(lightness, share, face) {
  const around = averager(share, Math.max(0.6, PORE * face))(lightness);
  const fine = minus(lightness, around);
  const contrast = averager(share, 0.02 * face)(times(fine, fine));
  const [low, high] = HAIR;
  // a wide bell undershoots 0 by a trace
  return mapped((value) => 1 - ramp(Math.sqrt(Math.max(value, 0)), low, high), contrast);
}

function minus(a, b) {
  const out = plane(a.width, a.height);
  for (let i = 0; i < out.data.length; i++) out.data[i] = a.data[i] - b.data[i];
  return out;
}

/** The window with what is to go taken off. */
function calmed(part, skin, amount, rough, tone) {
  const { slope, offset, uneven } = skin;
  const { change, strength } = toTakeOff(skin, amount, rough, tone);
  const out = copied(part);
  const { width, height } = part;
  const { data } = out;
  const planes = [...change, strength, slope, offset, uneven];
  const rows = planes.map((one) => enlarger(one, width, height));
  const lines = rows.map(() => new Float64Array(width));
  const [dL, da, db, fineness, steep, shift, wide] = lines;
  const lab = new Float64Array(3);
  for (let y = 0, at = 0; y < height; y++) {
    rows.forEach((row, i) => row(y, lines[i]));
    for (let x = 0; x < width; x++, at += 4) {
      if (dL[x] === 0 && da[x] === 0 && db[x] === 0 && fineness[x] === 0) continue;
      intoLab(lab, data[at], data[at + 1], data[at + 2]);
      const fine = lab[0] * (1 - steep[x]) - shift[x] - wide[x];
      const more = dL[x] - fineness[x] * fine;
      shiftLab(data, at, lab[0], lab[1], lab[2], more, da[x], db[x]);
    }
  }
  return out;
}

/** Planes: what is added to L, a and b, and how much of what is finer than a pore goes. */
function toTakeOff({ share, uneven, spotted, redness, blotches }, amount, rough, tone) {
  const evened = blotches.map((one) => mapped((a) => 0.8 * tone * a, one));
  const light = mapped((a, b) => 0.6 * a - STRONGEST * b, spotted, uneven);
  const paler = mapped((a, b) => a - 0.6 * b, evened[0], redness);
  const much = mapped((part) => amount * part, share);
  const change = [light, paler, evened[1]].map((one) => times(one, much));
  return { change, strength: mapped((part) => 0.75 * rough * part, much) };
}

/** Planes: slope and offset, which tell the face's form; what of the light is uneven around that,
 * wider than a pore; spots that are dark, and red; and blotches of a and b. */
function irregular({ lab, share, face }) {
  const [lightness, red] = lab;
  const { slope, offset } = guided(lightness, share, FORM * face, EDGE ** 2);
  const texture = mapped((L, a, b) => L - a * L - b, lightness, slope, offset);
  const uneven = averager(share, Math.max(0.6, PORE * face))(texture);
  const [low, high] = MOLE;
  const dark = spots(mapped((L) => -L, lightness), share, face);
  const blemishes = mapped((spot) => spot * (1 - ramp(spot, low, high)), dark);
  const reddened = spots(red, share, face);
  const many = mapped((a, b) => (a + b > 3 ? 1 : 0), blemishes, reddened);
  const few = mapped((a) => 1 - ramp(a, 0.1, 0.3), averager(share, 0.1 * face)(many));
  const [wide, fine] = [averager(share, BLOTCH * face), averager(share, PORE * face)];
  const blotches = lab.slice(1).map((one) => minus(wide(one), fine(one)));
  const [spotted, redness] = [times(blemishes, few), times(reddened, few)];
  return { slope, offset, uneven, spotted, redness, blotches };
}

/** A guided filter with the picture as its own guide, that sees only where `weight` is: slope *
 * values + offset is the filtered picture. */
function guided(values, weight, width, smoothness) {
  const average = averager(weight, width);
  const mean = average(values);
  const spread = minus(average(times(values, values)), times(mean, mean));
  const slope = mapped((value) => Math.max(value, 0) / (Math.max(value, 0) + smoothness), spread);
  const offset = minus(mean, times(mean, slope));
  const half = averager(weight, width / 2);
  return { slope: half(slope), offset: half(offset) };
}

/** How much a pixel of skin stands out of what lies beside it along every line through it: the
 * least of white top-hats with lines of all directions. Noise stands out by about 1. */
function spots(values, share, face) {
  const length = Math.max(3, round(SPOT * face)) | 1;
  const smooth = gaussianBlur(values, Math.max(0.5, 0.005 * face));
  const { data, width } = framed(smooth, length, Infinity);
  const lines = [0, 30, 60, 90, 120, 150].map((angle) =>
    Int32Array.from(throughMiddle(length, (angle * Math.PI) / 180), ([x, y]) => y * width + x),
  );
  const out = plane(values.width, values.height);
  for (let y = 0, i = 0; y < out.height; y++) {
    let at = (y + length) * width + length;
    for (let x = 0; x < out.width; x++, i++, at++) {
      if (share.data[i] > 0) out.data[i] = standing(data, at, lines);
    }
  }
  return out;
}

function standing(data, at, lines) {
  let least = Infinity;
  for (const line of lines) {
    least = Math.min(least, data[at] - opened(data, at, line));
    if (least <= 1) return 0;
  }
  return least - 1;
}

/** The highest floor of the lines of a direction that a pixel lies on; one will do that it stands
 * out of by less than noise. */
function opened(data, at, line) {
  let top = -Infinity;
  for (let i = 0; i < line.length && top < data[at] - 1; i++) {
    const middle = at + line[i];
    if (data[middle] === Infinity) continue; // beyond the border
    let floor = Infinity;
    for (let j = 0; j < line.length && floor > top; j++) {
      const value = data[middle + line[j]];
      if (value < floor) floor = value;
    }
    if (floor > top) top = floor;
  }
  return top;
}

/** A line of a length at an angle, as a shape. */
function throughMiddle(length, angle) {
  const [x, y] = [Math.cos(angle) * length, Math.sin(angle) * length];
  const middle = length >> 1;
  const end = (side) => [round(middle + (side * x) / 2), round(middle + (side * y) / 2)];
  return lineShape(end(-1), end(1))
    .filter(([px, py]) => px >= 0 && py >= 0 && px < length && py < length)
    .map(([px, py]) => [px - middle, py - middle]);
}

/** A function from values to their Gaussian means over about `width` pixels of what has weight;
 * where nothing near has any, the value itself. */
function averager(weight, width) {
  const sigma = Math.max(0.3, width);
  const total = gaussianBlur(weight, sigma).data;
  return (values) => {
    const out = gaussianBlur(times(values, weight), sigma);
    const { data } = out;
    for (let i = 0; i < data.length; i++) {
      data[i] = total[i] > 1e-3 ? data[i] / total[i] : values.data[i];
    }
    return out;
  };
}
