/** What a user may give for a knob, read: colours and backdrops. Numbers need no reading. */

import { BadInput } from "../engine/errors.js";

// Those of HTML 4, so that nothing but the page's own few colours needs CSS to be known
const NAMED = {
  black: "#000000", silver: "#c0c0c0", gray: "#808080", grey: "#808080", white: "#ffffff",
  maroon: "#800000", red: "#ff0000", purple: "#800080", fuchsia: "#ff00ff", green: "#008000",
  lime: "#00ff00", olive: "#808000", yellow: "#ffff00", navy: "#000080", blue: "#0000ff",
  teal: "#008080", aqua: "#00ffff",
};

/** [r, g, b] of a colour: "#rgb", "#rrggbb", a name (its own first), or three numbers. */
export function rgbOf(value, names = {}) {
  if (Array.isArray(value) && value.length === 3) return value;
  const text = String(value).toLowerCase();
  const code = names[text] ?? NAMED[text] ?? text;
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/.exec(code)?.[1];
  if (!digits) throw new BadInput(`"${value}" is no colour: give a code like #00ff00`);
  const size = digits.length / 3;
  return [0, 1, 2].map((c) => {
    const part = digits.slice(c * size, (c + 1) * size);
    return parseInt(size === 1 ? part + part : part, 16);
  });
}

/** A picture out of what stands in `with`: a key of `backgrounds`, or a colour. */
export function backdropOf(value, backgrounds) {
  if (Object.hasOwn(backgrounds, value)) return backgrounds[value];
  return { data: Uint8ClampedArray.of(...rgbOf(value), 255), width: 1, height: 1 };
}
