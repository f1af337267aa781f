/** Tint lips: another colour under the light, texture and shine that they have. */

import { addLab, labOf, toLab } from "../engine/colour.js";
import {
  copied, crop, gaussianBlur, mapped, median, paste, percentile, plane, ramp, resized, sizeOf,
  where,
} from "../engine/image.js";
import { clamp, round } from "../engine/numbers.js";
import { refined } from "./edges.js";

const MARGIN = 0.1; // of a mouth's width
const FEWEST = 12; // pixels of lips, fewer show nothing

const LIGHTER = 2; // most steps of L by which lips change: they are tinted, not painted
const DARKER = 30;
const DEEP = 4; // of L: with 16, as for light alone, a strong red in deep shade glows
const COVER = 0.85; // of the colour at full strength
const SOFT = 0.012; // of a mouth's width, over which the tint fades out

// What becomes of the light that is more than the lips' around it
const FINISHES = { natural: 1, matte: 0.4, gloss: 1.6 };

export const tintLips = { name: "tint-lips", needs: ["lips"], run };

/**
 * A picture whose lips are tinted, with their lines, shading and highlights. A grey photograph
 * stays grey: its lips become as much darker or lighter as the colour is.
 *
 * @param knobs `color`: [r, g, b] of the tint, as it looks in good light; `amount`: from 0,
 *   nothing, to 1, all that lips take on; `finish`: "natural", "matte" (less shine) or "gloss"
 */
function run(image, parsing, { color, amount, finish }) {
  const out = copied(image);
  for (const window of parsing.windows(["lips"], { margin: MARGIN })) {
    const lips = refined(parsing, ["lips"], window);
    if (lips.data.filter((value) => value > 0.6).length < FEWEST) continue;
    const part = crop(out, window);
    const lab = toLab(part);
    const share = mapped((value) => COVER * amount * value, soft(lips, teethOf(parsing, window)));
    const change = tinted(lab, lips, color, FINISHES[finish]).map((one, c) =>
      mapped((wished, own, much) => much * (wished - own), one, lab[c], share),
    );
    paste(out, addLab(part, lab, change), window);
  }
  return out;
}

/** Zeros by a model that does not know teeth. */
function teethOf(parsing, window) {
  if (parsing.classes.includes("teeth")) return refined(parsing, ["teeth"], window);
  const { width, height } = sizeOf(window);
  return plane(width, height);
}

/** Where the tint goes; it fades towards the lips' edge, not beyond. */
function soft(lips, teeth) {
  const faded = blurred(lips, Math.max(0.3, SOFT * widthOf(lips)));
  return mapped((lip, fade, tooth) => Math.min(lip, fade) * (1 - tooth), lips, faded, teeth);
}

function widthOf({ data, width }) {
  let [first, last] = [width, -1];
  for (let i = 0; i < data.length; i++) {
    if (data[i] <= 0.5) continue;
    first = Math.min(first, i % width);
    last = Math.max(last, i % width);
  }
  return last - first + 1;
}

/**
 * CIELAB planes, all as if it were lip and took on all of the colour.
 *
 * Lips are a colour times their shading. Light that is k times as strong makes L + 16, a and b
 * the cube root of k times as large, so a pixel's shading is (L + 16) / (L of the lips + 16),
 * and the new colour is multiplied by it. What shines is the lamp's colour, not the lips', and
 * takes on less.
 */
function tinted(lab, lips, color, shine) {
  const old = lab.map((one) => median(where(one, lips, (value) => value > 0.6)));
  const dye = worn(color, old[0]);
  const colours = colourful(lab);
  const lightness = shone(lab[0], lips, shine);
  const shading = mapped((L) => (L + 16) / (old[0] + 16), lightness);
  const spark = mapped((L) => 0.7 * ramp(L - old[0], 12, 32), lightness);
  const lit = mapped((part, much, L) => {
    const wished = (dye[0] + 16) * part - 16;
    return wished + much * (L - wished);
  }, shading, spark, lightness);
  const dyed = [1, 2].map((c) => mapped((part, much, own) => {
    // grain of colour stays, half as strong: pigment covers
    const wished = dye[c] * colours * part + 0.5 * (own - old[c] * part);
    return wished + much * (own - wished);
  }, shading, spark, lab[c]));
  return [lit, ...dyed];
}

/** The colour in CIELAB as lips of that lightness take it on, under their own light. */
function worn(color, lightness) {
  const [L, a, b] = labOf(color);
  const light = clamp(L, lightness - DARKER, lightness + LIGHTER);
  const less = Math.min(...[DEEP, 16].map((toe) => (light + toe) / (L + toe)));
  return [light, a * less, b * less];
}

/** From 0 for a grey photograph, which stays grey, to 1 for one in colours. */
function colourful([, a, b]) {
  const strong = percentile(mapped(Math.hypot, a, b).data, 90);
  return clamp((strong - 1.5) / 3, 0, 1);
}

/** L with what exceeds the lips' L around it made less or more. */
function shone(lightness, lips, shine) {
  const area = lips.data.filter((value) => value > 0.5).length;
  const wide = Math.max(1, 0.15 * Math.sqrt(area));
  const sum = blurred(mapped((L, lip) => L * lip, lightness, lips), wide);
  const base = mapped((all, share) => all / (share + 1e-3), sum, blurred(lips, wide));
  const bent = (L, usual, lip) => Math.min(L + (shine - 1) * Math.max(L - usual, 0) * lip, 99);
  return mapped(bent, lightness, base, lips);
}

/** A Gaussian blur, a wide one on a smaller map. */
function blurred(values, width) {
  const scale = Math.min(1, 4 / width);
  const few = [values.width, values.height].map((side) => Math.max(1, round(side * scale)));
  const soft = gaussianBlur(resized(values, ...few, "area"), width * scale);
  return resized(soft, values.width, values.height, "linear");
}
