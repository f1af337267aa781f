/** Another eye colour: the iris is tinted, its texture, shading, dark rim and glints stay. */

import { blend, fromLab, labOf, toLab } from "../engine/colour.js";
import {
  copied, crop, dilateSquare, gaussianBlur, mapped, median, most, paste, percentile, ramp, where,
} from "../engine/image.js";
import { clamp, round } from "../engine/numbers.js";
import { EYES, eyes, farFrom } from "./iris.js";

const WHITE = 82; // L of an eye's white in the light in which a colour is told
const LIFT = 0.6; // of the way to the colour's own lightness: all of it looks painted
const MOST = 2.4; // times brighter a dark iris may get: beyond, its noise shows

export const eyeColor = { name: "eye-color", needs: EYES, run };

/**
 * A picture with irises of another colour. Pupils, whites, lids and eyes whose iris cannot be
 * told stay bit for bit.
 *
 * @param knobs `color`: [r, g, b] of the middle tone of an iris in daylight; `amount`: 0 leaves
 *   the picture as it is, 1 leaves nothing of the old colour
 */
function run(image, parsing, { color, amount }) {
  const out = copied(image);
  const target = labOf(color);
  for (const eye of eyes(image, parsing)) {
    if (!eye.iris) continue;
    const part = crop(out, eye.window);
    const lab = toLab(part);
    const free = ring(eye, lab[0]);
    if (most(free.data) <= 0.5) continue;
    const lamps = glints(lab[0], free, eye.iris.radius);
    const share = mapped((one, lamp) => one * (1 - lamp), free, lamps);
    const over = fromLab(tinted(lab, share, eye, target));
    paste(out, blend(part, over, mapped((one) => amount * one, share)), eye.window);
  }
  return out;
}

/** In [0, 1]: the iris without its pupil, as far as the lids leave it free. What is brighter than
 * the iris is no pupil. */
function ring({ iris, open }, light) {
  const far = farFrom(iris, open);
  const soft = Math.max(1, 0.14 * iris.radius);
  const rim = Math.max(1, 0.2 * iris.radius);
  const outer = mapped((r, free) => clamp((iris.radius - r) / soft + 0.5, 0, 1) * free, far, open);
  const pupil = mapped((r) => 1 - clamp((r - iris.pupil) / rim + 0.2, 0, 1), far);
  const isIris = mapped((out, hole) => (out > 0.5 && hole < 0.5 ? 1 : 0), outer, pupil);
  const around = where(light, isIris, (value) => value === 1);
  const dark = around.length ? median(around) + 6 : Infinity;
  const hole = (one, L) => one * (dark === Infinity ? 1 : clamp((dark - L) / 8, 0, 1));
  return mapped((out, one, L) => out * (1 - hole(one, L)), outer, pupil, light);
}

/** In [0, 1]: what is so much brighter than the iris that it is a light in it, and its soft edge,
 * which tinted would be a halo. Wide reflections count too, so most of the iris alone tells what
 * is usual. */
function glints(light, share, radius) {
  const usual = median(where(light, share, (value) => value > 0.5));
  const top = usual + 8 + Math.max(14, 0.35 * usual);
  const lamps = mapped((L) => ramp(L, usual + 8, top), light);
  return dilateSquare(lamps, 2 * round(0.06 * radius) + 1);
}

/**
 * The eye as CIELAB, all of it as if it were iris of that colour.
 *
 * Lightness is multiplied, so that shadows under the lid stay shadows; colour goes with
 * lightness, and both with the light there is, which the eye's white tells.
 */
function tinted(lab, share, { iris, open }, target) {
  const usual = lab.map((one) => median(where(one, share, (value) => value > 0.5)));
  const white = percentile(where(lab[0], open, (value) => value > 0.5), 90);
  const there = clamp(white / WHITE, 0.15, 1.1);
  const wished = usual[0] + LIFT * (target[0] * there - usual[0]);
  const gain = clamp(wished / Math.max(usual[0], 3), 0.5, MOST);
  // the dark rim of an iris is a part of what makes it one
  const light = mapped((L, far) => {
    const rim = clamp((far / iris.radius - 0.75) / 0.25, 0, 1);
    return L * (gain + (Math.min(gain, 1) - gain) * 0.6 * rim * rim);
  }, lab[0], farFrom(iris, share));
  const full = Math.max(target[0] * there, 1);
  const strength = mapped((L) => there * clamp(L / full, 0, 1.15) ** 0.8, light);
  const dyed = [1, 2].map((c) => {
    const smooth = gaussianBlur(lab[c], Math.max(0.3, 0.02 * iris.radius));
    const dye = (much, own) => much * target[c] + 0.4 * clamp(own - usual[c], -12, 12);
    return mapped(dye, strength, smooth);
  });
  return [light, ...dyed];
}
