/** Chips in the dataset's colours: which parts are coloured. */

import { $, el, percent, press, words } from "./dom.js";

/** @returns {[number, number, number]} of "#rrggbb" */
export const rgb = (code) => [1, 3, 5].map((at) => parseInt(code.slice(at, at + 2), 16));

/**
 * @param {{name: string, color: string}[]} classes  by index
 * @param {Record<string, number>} found  share of the picture by name
 * @param {Set<number>} hidden  changed by the chips
 * @param {() => void} changed
 */
export function drawLegend(classes, found, hidden, changed) {
  const chips = classes.map((one, index) => chip(one, index, found?.[one.name], hidden, changed));
  $("legend").replaceChildren(...chips.filter((_, index) => !found || found[classes[index].name] > 0));
}

function chip({ name, color }, index, share, hidden, changed) {
  const made = el(
    "button",
    { type: "button", className: "chip", "data-class": name, title: share === undefined ? "" : `${percent(share)} of the photo` },
    el("i", { className: "dot", "aria-hidden": "true" }),
    words(name),
  );
  made.style.setProperty("--swatch", color);
  press(made, !hidden.has(index));
  made.addEventListener("click", () => {
    if (!hidden.delete(index)) hidden.add(index);
    press(made, !hidden.has(index));
    changed();
  });
  return made;
}
