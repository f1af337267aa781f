/** A control for each kind of knob. All that is known of a knob comes from the table. */

import { el, percent, words } from "./dom.js";

let made = 0;
const newId = () => `knob-${++made}`;

/**
 * @param {object} knob  a row of the table
 * @param {*} value      now
 * @param {(value: *, done: boolean) => void} changed  `done` when the hand lets go
 * @returns {{node: HTMLElement, set: (value: *) => void}}
 */
export function control(knob, value, changed) {
  const kinds = { number, choice, colour };
  const one = kinds[knob.kind](knob, changed);
  one.node.dataset.knob = knob.name;
  one.set(value);
  return one;
}

/** The name, what it is now, and help where the name alone does not say it. */
function head(knob, id, output, tag = "span") {
  const name = el(tag, { className: "knob-name", id: `${id}-name`, ...(tag === "label" && { htmlFor: id }) }, words(knob.name));
  const help = el("span", { className: "knob-help", id: `${id}-help` }, knob.isPlain || knob.name === "amount" ? el("span", { className: "hidden" }, knob.help) : knob.help);
  return el("div", { className: "knob-head" }, name, help, output);
}

const isShare = (knob) => knob.low === 0 && knob.high === 1;

/** @param {object} knob  @param {number} value */
export function spoken(knob, value) {
  return isShare(knob) ? percent(value) : String(Math.round(value * 100) / 100);
}

function number(knob, changed) {
  const id = newId();
  const output = el("output", { className: "knob-value", htmlFor: id });
  const step = knob.high - knob.low > 10 ? 1 : 0.01;
  const input = el("input", {
    type: "range", id, min: knob.low, max: knob.high, step, "aria-describedby": `${id}-help`,
  });
  const show = () => {
    const now = Number(input.value);
    output.textContent = spoken(knob, now);
    input.setAttribute("aria-valuetext", output.textContent);
    input.style.setProperty("--at", String((now - knob.low) / (knob.high - knob.low)));
  };
  const tell = (done) => () => {
    show();
    changed(Number(input.value), done);
  };
  input.addEventListener("input", tell(false));
  input.addEventListener("change", tell(true));
  const set = (value) => {
    input.value = value;
    show();
  };
  return { node: el("div", { className: "knob" }, head(knob, id, output, "label"), input), set };
}

/** Radio buttons, so that arrow keys and screen readers know what to do. */
export function radios(id, values, chosen, look) {
  const labels = values.map((value) => {
    const input = el("input", { type: "radio", name: id, value });
    input.addEventListener("change", () => chosen(value));
    return el("label", {}, input, look(value));
  });
  const set = (value) => {
    for (const label of labels) label.control.checked = label.control.value === value;
  };
  return { labels, set };
}

function choice(knob, changed) {
  const id = newId();
  const group = radios(id, knob.choices, (value) => changed(value, true), (value) => el("span", {}, words(value)));
  const bar = el("div", { className: "segments", role: "radiogroup", "aria-labelledby": `${id}-name`, "aria-describedby": `${id}-help` }, ...group.labels);
  return { node: el("div", { className: "knob" }, head(knob, id, null), bar), set: group.set };
}

/** A knob's own names as swatches, and one for any other colour. */
function colour(knob, changed) {
  const id = newId();
  const names = withoutTwins(knob.names);
  const output = el("output", { className: "knob-value" });
  const swatch = (name) => {
    const shown = el("span", { className: "swatch" }, el("span", { className: "hidden" }, words(name)));
    shown.style.setProperty("--swatch", names[name]);
    return shown;
  };
  const group = radios(id, Object.keys(names), (value) => pick(value, true), swatch);
  for (const label of group.labels) label.title = words(label.control.value);
  const any = el("input", { type: "color", "aria-label": "Another colour", title: "Another colour" });
  any.addEventListener("input", () => pick(any.value, false));
  any.addEventListener("change", () => pick(any.value, true));
  const own = el("span", { className: "any" }, any);
  const set = (value) => {
    const isOwn = !(value in names);
    group.set(isOwn ? "" : value);
    own.classList.toggle("is-chosen", isOwn);
    if (isOwn) own.style.setProperty("--swatch", value);
    else own.style.removeProperty("--swatch");
    any.value = isOwn ? value : names[value];
    output.textContent = isOwn ? value : words(value);
  };
  const pick = (value, done) => {
    set(value);
    changed(value, done);
  };
  const row = el("div", { className: "swatches", role: "radiogroup", "aria-labelledby": `${id}-name`, "aria-describedby": `${id}-help` }, ...group.labels, own);
  return { node: el("div", { className: "knob" }, head(knob, id, output), row), set };
}

/** Two spellings of one colour are one swatch. */
function withoutTwins(names) {
  const seen = new Set();
  return Object.fromEntries(Object.entries(names).filter(([, code]) => !seen.has(code) && seen.add(code)));
}

/** "white" -> "#ffffff": what CSS knows, as <input type=color> wants it. */
export function code(colour) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = colour;
  return context.fillStyle;
}
