/** What lies over the photo: which layer, how strong, which classes; and the flicker. */

import { known } from "./api.js";
import { el, say, words } from "./dom.js";
import { onChange, set, state, toggled } from "./state.js";

const BEAT = 600; // ms between photo and overlay, slow enough to be safe to look at
const THIN = 0.35; // how much more opaque outlines and differences are
const TAP = 250; // ms: a key held for longer shows the photo while it is held

const calm = matchMedia("(prefers-reduced-motion: reduce)");
let beat = 0;
let isBlinking = false; // in the half of a beat that shows the photo alone

export const layers = () => (known.model ? ["mask", "prediction", "difference"] : ["mask"]);

/** The layer that is shown: a link may ask for one that needs a model. */
export const layer = () => (layers().includes(state.layer) ? state.layer : "mask");

// -- bare and flicker ----------------------------------------------------------------------

let held = 0;

/** Without the overlay: for as long as it is held, or from tap to tap. */
export const bare = {
  down() {
    held = performance.now();
    stopFlicker();
    set({ bare: !state.bare });
  },
  up() {
    if (held && performance.now() - held > TAP) set({ bare: !state.bare });
    held = 0;
  },
};

export const isFlickering = () => beat !== 0;

export function flicker() {
  if (beat) return stopFlicker();
  if (calm.matches) {
    say("No automatic flicker: your system asks for less motion. Hold f instead.");
    return;
  }
  set({ bare: false });
  beat = setInterval(() => {
    isBlinking = !isBlinking;
    show();
  }, BEAT);
  sync();
}

export function stopFlicker() {
  if (!beat) return;
  clearInterval(beat);
  beat = 0;
  isBlinking = false;
  show();
  sync();
}

function show() {
  document.documentElement.classList.toggle("is-bare", state.bare || isBlinking);
  // what is thin would hardly be seen
  const more = state.style === "outline" || layer() === "difference" ? THIN : 0;
  document.documentElement.style.setProperty("--opacity", Math.min(1, state.opacity / 100 + more));
}

calm.addEventListener("change", () => calm.matches && stopFlicker());

// -- classes -------------------------------------------------------------------------------

export function toggleClass(name) {
  set({ off: toggled(state.off, name) });
}

/** Only this class; if that is so already, the usual ones. */
export function only(name) {
  const others = known.present.filter((one) => one !== name);
  const isSo = others.every((one) => state.off.includes(one)) && !state.off.includes(name);
  set({ off: isSo ? ["background"] : others });
}

export function allClasses() {
  const usual = state.off.length === 1 && state.off[0] === "background";
  set({ off: usual ? [...known.present] : ["background"] });
}

export const strength = (change) => set({ opacity: Math.min(100, Math.max(5, state.opacity + change)) });

// -- controls ------------------------------------------------------------------------------

/** An element that shows something of the state, brought up to date whenever that changes. */
function synced(node, show) {
  node.classList.add("synced");
  node.show = show;
  show();
  return node;
}

export const sync = () => document.querySelectorAll(".synced").forEach((node) => node.show());

/** A row of buttons of which one is on. */
export function choice(kind, label, options, value, pick) {
  const buttons = options.map(([name, shown, title]) =>
    el("button", { type: "button", title, onclick: () => pick(name) }, shown),
  );
  return synced(el("div", { className: `choice ${kind}`, role: "group", "aria-label": label }, ...buttons), () =>
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", options[i][0] === value())),
  );
}

export function switched(shown, title, value, flip) {
  const button = el("button", { type: "button", className: "button", title, onclick: flip }, ...shown);
  return synced(button, () => button.setAttribute("aria-pressed", value()));
}

function styles() {
  const options = [["fill", "Fill", "Areas (e)"], ["outline", "Outline", "Outlines (e)"]];
  const node = choice("styles", "How it is drawn", options, () => state.style, (style) => set({ style }));
  const showChoice = node.show;
  return synced(node, () => {
    showChoice();
    for (const button of node.children) button.disabled = layer() === "difference";
  });
}

/** The controls of the overlay; there is one set beside the grid and one in the view. */
export function controls(id) {
  const names = { mask: "Mask", prediction: "Prediction", difference: "Difference" };
  const slider = el("input", {
    type: "range", min: "5", max: "100", step: "5", id: `opacity-${id}`,
    oninput: () => set({ opacity: Number(slider.value) }),
  });
  const told = el("output", { htmlFor: slider.id });
  synced(slider, () => {
    slider.value = state.opacity;
    told.textContent = `${state.opacity} %`;
  });
  const parts = [
    styles(),
    el("label", { className: "opacity", title: "Strength ([ and ])" }, el("span", {}, "Opacity"), slider, told),
    el(
      "div",
      { className: "pair" },
      switched(["Photo only"], "Hold f, or tap it", () => state.bare, () => {
        stopFlicker();
        set({ bare: !state.bare });
      }),
      switched(["Flicker"], "By itself (a)", isFlickering, flicker),
    ),
  ];
  if (known.model) {
    parts.unshift(
      choice("layers", "Layer", layers().map((name) => [name, names[name], `${names[name]} (${name[0]})`]), layer, (name) => set({ layer: name })),
    );
  }
  return parts;
}

export function startOverlay() {
  onChange(() => {
    show();
    sync();
  });
  show();
}

// -- classes as a list ---------------------------------------------------------------------

/** A swatch that says whether a class is drawn, and draws it or not. */
export function swatch(name) {
  const place = known.present.indexOf(name);
  const button = el("button", {
    type: "button",
    className: name === "unknown" ? "swatch is-unknown" : "swatch",
    title: `Draw ${words(name)} or not (${place}); only it (Shift+${place})`,
    "aria-label": `Draw ${words(name)}`,
    onclick: (event) => (event.shiftKey || event.altKey ? only(name) : toggleClass(name)),
  });
  if (known.classes[place]) button.style.setProperty("--swatch", `rgb(${known.classes[place].rgb.join(" ")})`);
  return synced(button, () => button.setAttribute("aria-pressed", !state.off.includes(name)));
}

