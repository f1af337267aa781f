/** Whiter teeth: yellow out and a little light in, each mouth by its own teeth and light. */

import { addLab, toLab } from "../engine/colour.js";
import {
  copied, crop, gaussianBlur, mapped, median, paste, percentile, ramp, where,
} from "../engine/image.js";
import { refined, regionOf } from "./edges.js";

const MOUTH = ["lips", "teeth"];
const MARGIN = 0.2; // of a mouth's width: enough skin around it to tell the light by
const FEWEST = 12; // pixels of teeth, fewer show nothing

// How far full strength goes; by eye
const TINT_OUT = 0.8; // of the distance to white
const HEADROOM = 0.35; // of what the lightest teeth lack to LIGHTEST ...
const GAIN = 0.18; // ... but never more than this share of their own lightness
const LIGHTEST = 96;

// White under the light of the picture has this share of the skin around the mouth's a and b
const SKIN_A = 0.2;
const SKIN_B = 0.38;
const WHITE = { a: 1, b: 3 }; // where no skin is seen: of white teeth in daylight

export const whitenTeeth = { name: "whiten-teeth", needs: ["teeth"], run };

/**
 * A picture whose teeth are whiter, with their shading, gaps and braces as they were.
 *
 * @param knobs `amount`: from 0, nothing, to 1, the most that still looks like teeth
 */
function run(image, parsing, { amount }) {
  const out = copied(image);
  const names = MOUTH.filter((name) => parsing.classes.includes(name));
  for (const window of parsing.windows(names, { margin: MARGIN })) {
    const share = refined(parsing, ["teeth"], window);
    const isTooth = (value) => value > 0.6;
    if (share.data.filter(isTooth).length < FEWEST) continue;
    const part = crop(out, window);
    const lab = toLab(part);
    const teeth = look(lab, share);
    const white = whiteOf(lab, regionOf(parsing, ["skin"], window));
    const much = mapped((one, other) => one * amount * other, share, enamel(lab, teeth));
    paste(out, addLab(part, lab, whitening(lab, teeth, white, much)), window);
  }
  return out;
}

/** What the teeth of one mouth look like: `light`, L of their lightest tenth's beginning, and
 * the median L, a and b. */
function look(lab, share) {
  const [L, a, b] = lab.map((one) => where(one, share, (value) => value > 0.6));
  const light = percentile(L, 90);
  const isEnamel = (_, i) => L[i] > 0.6 * light;
  const [middle, red, yellow] = [L, a, b].map((values) => median(values.filter(isEnamel)));
  return { light, middle, red, yellow };
}

/** In [0, 1]: 0 for dark gaps, red gums and the grey of braces. */
function enamel(lab, { light, middle, red, yellow }) {
  const soft = lab.map((one) => gaussianBlur(one, 0.7)); // one noisy pixel is no gap
  return mapped(
    (L, a, b) => {
      const lit = ramp(L, 0.3 * light, 0.6 * light);
      const gum = ramp(a - red, 5, 13);
      const metal = ramp(middle - L, 5, 14) * ramp(yellow - b, 4, 9);
      return lit * (1 - gum) * (1 - metal);
    },
    ...soft,
  );
}

/** a and b of something white under the light that falls on the skin. */
function whiteOf(lab, skin) {
  const [a, b] = lab.slice(1).map((one) => where(one, skin, (value) => value > 0.8));
  if (a.length < FEWEST) return WHITE;
  return { a: SKIN_A * median(a), b: SKIN_B * median(b) };
}

/** What is added to L, a and b, `much` of full strength. */
function whitening([lightness, red, yellow], { light, middle }, white, much) {
  const lift = Math.min(HEADROOM * Math.max(0, LIGHTEST - light), GAIN * light);
  // most in the middle, nothing in black and white: shading keeps its order
  const lifted = (L, share) => share * lift * Math.min(L / middle, (100 - L) / (100 - middle));
  const paler = (to) => (value, share) => share * TINT_OUT * Math.min(to - value, 0);
  return [
    mapped(lifted, lightness, much),
    mapped(paler(white.a), red, much),
    mapped(paler(white.b), yellow, much),
  ];
}
