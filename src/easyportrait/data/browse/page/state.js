/** What the page shows. All of it stands in the address after #, so it can be linked to. */

export const DEFAULTS = Object.freeze({
  picture: "", // the key of the one that is open
  // which pictures
  split: [],
  has: [],
  lacks: [],
  user: "",
  name: "",
  brightness: "",
  size: "",
  finding: [],
  score: "",
  of: "mean",
  flagged: "",
  sort: "name",
  // how they are shown
  layer: "mask", // or prediction, difference
  off: ["background"], // classes that are not drawn
  style: "fill", // or outline
  opacity: 55, // per cent
  bare: false, // the photo without anything over it
  zoom: "whole", // or face
  cell: 200, // pixels of a thumbnail
});

/** What the server is asked for. */
export const WISHES = [
  "split", "has", "lacks", "user", "name", "brightness", "size", "finding", "score", "of", "flagged", "sort",
];

const HOW = ["layer", "off", "style", "opacity", "bare", "zoom", "cell"];

export const state = { ...DEFAULTS };

const listeners = [];

/** Call `listener(changed, before)` after each change, `changed` being a Set of names. */
export const onChange = (listener) => listeners.push(listener);

export function read(hash) {
  const found = { ...DEFAULTS };
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (!(name in DEFAULTS)) continue;
    const usual = DEFAULTS[name];
    if (Array.isArray(usual)) found[name] = text ? text.split(",") : [];
    else if (typeof usual === "number") found[name] = Number(text) || usual;
    else if (typeof usual === "boolean") found[name] = text === "yes";
    else found[name] = text;
  }
  return found;
}

export function write(what) {
  const words = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = what[name];
    const text = Array.isArray(value) ? value.join(",") : typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
    if (text !== (Array.isArray(usual) ? usual.join(",") : typeof usual === "boolean" ? "no" : String(usual))) {
      words.set(name, text);
    }
  }
  return `#${words}`.replaceAll("%2C", ",");
}

/** The query of a wish, for the server. */
export function wish() {
  const words = new URLSearchParams();
  for (const name of WISHES) {
    const text = Array.isArray(state[name]) ? state[name].join(",") : state[name];
    if (text && text !== String(DEFAULTS[name])) words.set(name, text);
  }
  return String(words);
}

const SOON = 150; // ms: browsers refuse an address that changes with every step of a slider

let timer = 0;

/** Let the address say what is shown, without a step for the back button. */
function note(what) {
  clearTimeout(timer);
  history.replaceState(history.state || { isOurs: true }, "", write(what));
}

/**
 * Change some of it.
 * @param {object} changes
 * @param {boolean} [step] whether the back button should undo it.
 */
export function set(changes, { step = false } = {}) {
  const before = { ...state };
  Object.assign(state, changes);
  const changed = new Set(Object.keys(changes).filter((name) => String(before[name]) !== String(state[name])));
  if (!changed.size) return;
  if (step) {
    note(before);
    history.pushState({ isOurs: true, from: before.picture ? "picture" : "grid" }, "", write(state));
  } else {
    clearTimeout(timer);
    timer = setTimeout(note, SOON, state);
  }
  for (const listener of listeners) listener(changed, before);
}

/** The back button goes from pictures to pictures; how they are shown stays as it is now. */
function follow(event) {
  const before = { ...state };
  const found = read(location.hash);
  if (event.state?.isOurs) for (const name of HOW) found[name] = before[name];
  Object.assign(state, found);
  note(state);
  const changed = new Set(Object.keys(DEFAULTS).filter((name) => String(before[name]) !== String(state[name])));
  if (changed.size) for (const listener of listeners) listener(changed, before);
}

/** Take what the address says, now and whenever it changes. */
export function start() {
  Object.assign(state, read(location.hash));
  note(state);
  addEventListener("popstate", follow);
}

export const toggled = (list, value) => (list.includes(value) ? list.filter((one) => one !== value) : [...list, value]);
