/**
 * Colours as numbers in which sums and distances mean something, as image/colour.py.
 *
 * Light adds up in *linear* sRGB: what is blurred, laid over or mixed is mixed there. How a
 * colour looks is told by *CIELAB* (D65): L lightness 0 to 100, a green to red, b blue to
 * yellow; equal steps look about equal. Colours of many pixels are three planes.
 */

import { blank, channel, copied, mapped, plane } from "./image.js";

const STEPS = 65535; // of light: 20 for each of sRGB, where its are finest

/** sRGB 0 to 255 -> light in [0, 1] (IEC 61966-2-1). */
export const TO_LINEAR = Float32Array.from({ length: 256 }, (_, value) => {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
});

function encoded(light) {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** Light in steps -> sRGB in [0, 1]. */
const ENCODED = Float32Array.from({ length: STEPS + 1 }, (_, i) => encoded(i / STEPS));
const FROM_LINEAR = Uint8Array.from(ENCODED, (value) => value * 255 + 0.5);

/** Light -> sRGB 0 to 255, rounded; what is beyond [0, 1] is cut. */
export function fromLinear(light) {
  return FROM_LINEAR[light >= 1 ? STEPS : light > 0 ? (light * STEPS + 0.5) | 0 : 0];
}

/** The same before rounding, in [0, 1]. */
function encode(light) {
  return ENCODED[light >= 1 ? STEPS : light > 0 ? (light * STEPS + 0.5) | 0 : 0];
}

/** A picture's light as three planes. */
export function lights(picture) {
  return [0, 1, 2].map((c) => mapped((value) => TO_LINEAR[value], channel(picture, c)));
}

/** Three planes of light as a picture. */
export function shown(light) {
  const out = blank(light[0].width, light[0].height);
  const [red, green, blue] = light.map((one) => one.data);
  for (let i = 0, at = 0; i < red.length; i++, at += 4) {
    out.data[at] = fromLinear(red[i]);
    out.data[at + 1] = fromLinear(green[i]);
    out.data[at + 2] = fromLinear(blue[i]);
    out.data[at + 3] = 255;
  }
  return out;
}

// -- CIELAB ----------------------------------------------------------------------------------

const WHITE_X = 0.950456;
const WHITE_Z = 1.088754;
const CUBES = 8192; // steps of light in which cube roots are looked up
const ROOTS = Float32Array.from({ length: CUBES + 2 }, (_, i) => root(i / CUBES));

function root(t) {
  return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
}

/** The cube root, straight near 0, linear between steps. */
function rootOf(t) {
  const at = t * CUBES;
  const low = at | 0;
  return ROOTS[low] + (at - low) * (ROOTS[low + 1] - ROOTS[low]);
}

/** CIELAB of one sRGB colour, written into `lab`. */
export function intoLab(lab, red, green, blue) {
  const r = TO_LINEAR[red];
  const g = TO_LINEAR[green];
  const b = TO_LINEAR[blue];
  const x = rootOf((0.412453 * r + 0.35758 * g + 0.180423 * b) / WHITE_X);
  const y = rootOf(0.212671 * r + 0.71516 * g + 0.072169 * b);
  const z = rootOf((0.019334 * r + 0.119193 * g + 0.950227 * b) / WHITE_Z);
  lab[0] = 116 * y - 16;
  lab[1] = 500 * (x - y);
  lab[2] = 200 * (y - z);
}

/** One colour's [L, a, b] out of [r, g, b]. */
export function labOf([red, green, blue]) {
  const lab = [0, 0, 0];
  intoLab(lab, red, green, blue);
  return lab;
}

/** A picture's CIELAB as planes [L, a, b]. */
export function toLab(picture) {
  const planes = [0, 1, 2].map(() => plane(picture.width, picture.height));
  const [L, a, b] = planes.map((one) => one.data);
  const { data } = picture;
  const lab = new Float64Array(3);
  for (let i = 0, at = 0; i < L.length; i++, at += 4) {
    intoLab(lab, data[at], data[at + 1], data[at + 2]);
    L[i] = lab[0];
    a[i] = lab[1];
    b[i] = lab[2];
  }
  return planes;
}

/** Where light meets CIELAB: a root brought back. */
function cube(f) {
  return f > 24 / 116 ? f * f * f : (f - 16 / 116) / 7.787;
}

/** sRGB in [0, 1], cut, of one colour in CIELAB, written into `rgb`. */
function intoRgb(rgb, L, a, b) {
  const f = (L + 16) / 116;
  const x = WHITE_X * cube(f + a / 500);
  const y = cube(f);
  const z = WHITE_Z * cube(f - b / 200);
  rgb[0] = encode(3.240479 * x - 1.53715 * y - 0.498535 * z);
  rgb[1] = encode(-0.969256 * x + 1.875991 * y + 0.041556 * z);
  rgb[2] = encode(0.055648 * x - 0.204043 * y + 1.057311 * z);
}

/** A picture of CIELAB planes, rounded; what sRGB cannot show is cut. */
export function fromLab([L, a, b]) {
  const out = blank(L.width, L.height);
  const rgb = new Float64Array(3);
  for (let i = 0, at = 0; i < L.data.length; i++, at += 4) {
    intoRgb(rgb, L.data[i], a.data[i], b.data[i]);
    for (let c = 0; c < 3; c++) out.data[at + c] = (rgb[c] * 255 + 0.5) | 0;
    out.data[at + 3] = 255;
  }
  return out;
}

const before = new Float64Array(3); // of `shiftLab` alone
const after = new Float64Array(3);

/**
 * Shift one colour by a difference in CIELAB, in place.
 *
 * Only the difference that it makes is added, so no round trip is seen.
 *
 * @param data of the picture
 * @param {number} at where its red is
 * @param L @param a @param b what it is
 * @param dL @param da @param db what is added
 */
export function shiftLab(data, at, L, a, b, dL, da, db) {
  intoRgb(before, L, a, b);
  intoRgb(after, L + dL, a + da, b + db);
  for (let c = 0; c < 3; c++) {
    data[at + c] = Math.floor(data[at + c] + 255 * (after[c] - before[c]) + 0.5); // bytes cut
  }
}

/** A new picture, its colours shifted by `change`, three planes added to its `lab`. Where the
 * change is 0 a pixel stays bit for bit. */
export function addLab(picture, lab, change) {
  const out = copied(picture);
  const [L, a, b] = lab.map((one) => one.data);
  const [dL, da, db] = change.map((one) => one.data);
  for (let i = 0; i < L.length; i++) {
    if (dL[i] === 0 && da[i] === 0 && db[i] === 0) continue;
    shiftLab(out.data, 4 * i, L[i], a[i], b[i], dL[i], da[i], db[i]);
  }
  return out;
}

/** Lay one picture over another, as colours on screen: `share` is a plane in [0, 1] of
 * `over`. Where it is 0, `under` stays bit for bit. */
export function blend(under, over, share) {
  const out = copied(under);
  for (let i = 0, at = 0; i < share.data.length; i++, at += 4) {
    const part = share.data[i];
    if (part === 0) continue;
    for (let c = at; c < at + 3; c++) {
      out.data[c] = Math.floor(under.data[c] + part * (over.data[c] - under.data[c]) + 0.5);
    }
  }
  return out;
}
