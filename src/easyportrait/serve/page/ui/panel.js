/** A card for each effect of the table, and tiles for those on the background, of which one can be on. */

import { $, el, icon, words } from "./dom.js";
import { code, control, radios } from "./knobs.js";
import { isPicture } from "./wishes.js";

/** Behind people; any other colour is one press further. */
const BACKDROPS = { white: "#ffffff", mist: "#d5d9dc", slate: "#59626b", black: "#111213", sand: "#d8c3a5", sage: "#8fa58f", dusk: "#5b6c8f" };
const ONLY_PICTURES = ["fit"]; // what a colour has no use for

export class Panel {
  /**
   * @param {import("./wishes.js").Wishes} wishes
   * @param {() => void} changed  something else is wished
   * @param {() => Promise<{canvas, name} | null>} choosePicture
   */
  constructor(wishes, changed, choosePicture) {
    this.wishes = wishes;
    this.changed = changed;
    this.choosePicture = choosePicture;
    this.syncs = []; // each brings one control into line
    const single = wishes.effects.filter(({ name }) => !wishes.rivals.includes(name));
    $("cards").replaceChildren(this.#background(), ...single.map((effect) => this.#card(effect)));
    this.sync();
  }

  /** Show what is wished now. */
  sync() {
    for (const one of this.syncs) one();
  }

  /** Say which effects have nothing to work on. @param {Record<string, number> | null} found */
  note(found) {
    for (const { name, needs } of this.wishes.effects) {
      const line = document.querySelector(`[data-effect="${name}"] .note`);
      if (!line) continue;
      line.hidden = !found || needs.some((part) => found[part] > 0);
      line.textContent = `No ${kindOf(needs)} found in this photo`;
    }
  }

  #set(name, part, done = true) {
    this.wishes.set(name, part, done);
    this.sync();
    this.changed();
  }

  // -- cards -------------------------------------------------------------------------------

  #card(effect) {
    const { name, help, knobs } = effect;
    const id = `effect-${name}`;
    const button = el(
      "button",
      { type: "button", role: "switch", className: "switch", "aria-checked": "false", "aria-describedby": `${id}-help` },
      el("span", { className: "switch-name" }, words(name)),
      el("i", { className: "switch-track", "aria-hidden": "true" }),
    );
    button.addEventListener("click", () => this.#set(name, { on: !this.wishes.now[name].on }));
    const body = this.#body(effect);
    const isSaid = help.replace(/\.$/, "").toLowerCase() === words(name).toLowerCase();
    const card = el(
      "section",
      { className: "card", "data-effect": name },
      el("h3", {}, button),
      el("p", { className: isSaid ? "hidden" : "card-help", id: `${id}-help` }, help),
      el("p", { className: "note", hidden: true }),
      body,
    );
    this.syncs.push(() => {
      const { on } = this.wishes.now[name];
      button.setAttribute("aria-checked", String(on));
      card.classList.toggle("is-on", on);
      body.hidden = !on;
    });
    return card;
  }

  /** Knobs and their reset. */
  #body({ name, knobs }) {
    const body = el("div", { className: "card-body" }, ...knobs.map((knob) => this.#knob(name, knob)));
    if (!knobs.length) return body;
    const reset = el("button", { type: "button", className: "reset", "aria-label": `Reset ${words(name).toLowerCase()}` }, icon("reset"), "Reset");
    reset.addEventListener("click", () => {
      this.wishes.resetKnobs(name);
      this.sync();
      this.changed();
    });
    this.syncs.push(() => (reset.disabled = !this.wishes.isTurned(name)));
    body.append(reset);
    return body;
  }

  #knob(name, knob) {
    if (knob.kind === "backdrop") return this.#backdrop(name, knob);
    const isPlain = knob.name === this.wishes.effect(name).value; // the effect's name says it
    const one = control({ ...knob, isPlain }, knob.default, (value, done) => this.#set(name, { knobs: { [knob.name]: value } }, done));
    this.syncs.push(() => one.set(this.wishes.now[name].knobs[knob.name]));
    return one.node;
  }

  // -- background --------------------------------------------------------------------------

  #background() {
    const bodies = this.wishes.rivals.map((name) => this.#rival(this.wishes.effect(name)));
    const tiles = this.#tiles();
    const group = radios("background", tiles.map((tile) => tile.value), (value) => this.#pickTile(tiles.find((tile) => tile.value === value)), (value) => tiles.find((tile) => tile.value === value).node);
    const row = el("div", { className: "tiles", role: "radiogroup", "aria-labelledby": "background-title" }, ...group.labels);
    this.syncs.push(() => group.set(tiles.find((tile) => tile.isNow())?.value ?? ""));
    return el("section", { className: "card is-background" }, el("h3", { id: "background-title" }, "Background"), row, ...bodies);
  }

  /** One for none, one for each effect, two for one that takes a colour or a picture. */
  #tiles() {
    const { wishes } = this;
    const tiles = [tile("", "None", "none", () => !wishes.rivals.some((name) => wishes.now[name].on))];
    for (const { name, knobs } of wishes.effects.filter((effect) => wishes.rivals.includes(effect.name))) {
      const backdrop = knobs.find((knob) => knob.kind === "backdrop");
      const isOn = () => wishes.now[name].on;
      if (!backdrop) {
        tiles.push({ ...tile(name, words(name.replace("-background", "")), name, isOn), name });
        continue;
      }
      const isPhoto = () => isPicture(wishes.now[name].knobs[backdrop.name]);
      const plain = tile(`${name}:colour`, "Colour", "colour", () => isOn() && !isPhoto());
      const photo = tile(`${name}:picture`, "Picture", "picture", () => isOn() && isPhoto());
      this.syncs.push(() => !isPhoto() && plain.node.style.setProperty("--swatch", wishes.now[name].knobs[backdrop.name]));
      tiles.push({ ...plain, name, knob: backdrop, photo: false }, { ...photo, name, knob: backdrop, photo: true });
    }
    return tiles;
  }

  #pickTile({ name, knob, photo }) {
    if (!name) {
      this.wishes.clearRivals();
      this.sync();
      this.changed();
      return;
    }
    const value = knob && this.wishes.now[name].knobs[knob.name];
    if (!knob || isPicture(value) === photo) this.#set(name, { on: true });
    else this.#set(name, { on: true, knobs: { [knob.name]: photo ? { canvas: null, name: "" } : code(knob.default) } });
    if (photo && !this.wishes.now[name].knobs[knob.name].canvas) this.#pickPicture(name, knob);
  }

  async #pickPicture(name, knob) {
    const picture = await this.choosePicture();
    if (picture) this.#set(name, { on: true, knobs: { [knob.name]: picture } });
  }

  /** The knobs of one effect on the background, shown while it is on. */
  #rival(effect) {
    const body = this.#body(effect);
    const box = el("div", { "data-effect": effect.name, hidden: true }, el("p", { className: "note", hidden: true }), body);
    this.syncs.push(() => (box.hidden = !this.wishes.now[effect.name].on));
    return box;
  }

  /** A colour or a picture, as the tiles say. */
  #backdrop(name, knob) {
    const words = Object.fromEntries(Object.entries(BACKDROPS).map(([word, hex]) => [hex, word]));
    const change = (value, done) => this.#set(name, { knobs: { [knob.name]: BACKDROPS[value] ?? value } }, done);
    const colour = control({ ...knob, name: "colour", kind: "colour", names: BACKDROPS, isPlain: true }, "white", change);
    const pick = el("button", { type: "button", className: "button is-wide" }, icon("picture"), el("span", {}, "Choose a picture"));
    pick.addEventListener("click", () => this.#pickPicture(name, knob));
    const box = el("div", { "data-knob": knob.name }, colour.node, pick);
    this.syncs.push(() => {
      const value = this.wishes.now[name].knobs[knob.name];
      colour.node.hidden = isPicture(value);
      pick.hidden = !isPicture(value);
      if (!isPicture(value)) colour.set(words[value] ?? value);
      else pick.lastChild.textContent = value.canvas ? value.name : "Choose a picture";
      for (const only of ONLY_PICTURES) {
        const node = box.parentElement?.querySelector(`[data-knob="${only}"]`);
        if (node) node.hidden = !isPicture(value);
      }
    });
    return box;
  }
}

function tile(value, label, kind, isNow) {
  const shown = el("i", { className: `tile-face is-${kind}`, "aria-hidden": "true" });
  if (kind === "none" || kind === "picture") shown.append(icon(kind));
  return { value, isNow, node: el("span", { className: "tile" }, shown, label) };
}

/** What an effect works on, in a word: left and right are one, and many parts are a face. */
function kindOf(needs) {
  const kinds = [...new Set(needs.map((part) => part.replace(/^(left|right)_/, "")))];
  return kinds.length > 2 ? "face" : kinds.join(" or ").replace("eye", "eyes");
}
