/** What a person wishes of the photo, with undo: which effects are on, and how far each knob is. */

import { code } from "./knobs.js";
import { pixelsOf, shrunk } from "./photo.js";

const MOST_STEPS = 100;

/**
 * One effect's wish. A backdrop knob holds "#rrggbb", or {canvas, name} of a picture, whose canvas
 * is null as long as none was chosen.
 * @typedef {{on: boolean, knobs: Record<string, *>}} Wish
 */

export class Wishes {
  /** @param {object} table  as the server's /v1/effects says it */
  constructor(table) {
    this.effects = table.effects;
    this.rivals = table.background.exclude_each_other;
    this.now = this.none();
    this.past = [];
    this.future = [];
    this.kept = this.now; // as it was when a hand was last lifted
    this.small = new WeakMap(); // canvas -> {side, picture}
  }

  effect(name) {
    return this.effects.find((effect) => effect.name === name);
  }

  /** Nothing is on, and every knob is as the table has it. */
  none() {
    return Object.fromEntries(this.effects.map(({ name, knobs }) => [name, { on: false, knobs: defaults(knobs) }]));
  }

  /** @param {Partial<Wish>} part  @param {boolean} done  whether undo should lead back to before */
  set(name, part, done = true) {
    const was = this.now[name];
    const next = { ...this.now, [name]: { on: part.on ?? was.on, knobs: { ...was.knobs, ...part.knobs } } };
    if (part.on && this.rivals.includes(name))
      for (const rival of this.rivals) if (rival !== name) next[rival] = { ...next[rival], on: false };
    this.#take(next, done);
  }

  /** No effect on the background. */
  clearRivals() {
    const next = { ...this.now };
    for (const rival of this.rivals) next[rival] = { ...next[rival], on: false };
    this.#take(next, true);
  }

  resetKnobs(name) {
    this.set(name, { knobs: defaults(this.effect(name).knobs) });
  }

  resetAll() {
    this.#take(this.none(), true);
  }

  undo() {
    this.#step(this.past, this.future);
  }

  redo() {
    this.#step(this.future, this.past);
  }

  /** Whether knobs differ from the table's defaults. */
  isTurned(name) {
    const plain = defaults(this.effect(name).knobs);
    return Object.entries(this.now[name].knobs).some(([knob, value]) => value !== plain[knob]);
  }

  get isAnyOn() {
    return this.effects.some(({ name }) => this.isOn(name));
  }

  /** On, and able to do something: a picture that is still to be chosen does nothing. */
  isOn(name) {
    const { on, knobs } = this.now[name];
    return on && !Object.values(knobs).some((value) => isPicture(value) && !value.canvas);
  }

  /**
   * As the worker and the server take them.
   * @param {number} [side]  pictures behind people no longer than this; all of them if not given
   */
  settings(side = Infinity) {
    const settings = {};
    const backgrounds = {};
    for (const { name } of this.effects.filter((effect) => this.isOn(effect.name))) {
      const knobs = Object.entries(this.now[name].knobs);
      settings[name] = Object.fromEntries(knobs.filter(([, value]) => !isPicture(value)));
      for (const [, value] of knobs) if (isPicture(value)) backgrounds[name] = this.#pixels(value.canvas, side);
    }
    return { settings, backgrounds };
  }

  #pixels(canvas, side) {
    const found = this.small.get(canvas);
    if (found?.side === side) return found.picture;
    const { data, width, height } = pixelsOf(shrunk(canvas, side));
    const picture = { data, width, height };
    this.small.set(canvas, { side, picture });
    return picture;
  }

  #take(next, done) {
    this.now = next;
    if (!done || same(next, this.kept)) return;
    this.past.push(this.kept);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.kept = next;
    this.future = [];
  }

  #step(from, to) {
    if (!from.length) return;
    to.push(this.kept);
    this.now = this.kept = from.pop();
  }
}

export const isPicture = (value) => typeof value === "object" && value !== null;

const defaults = (knobs) =>
  Object.fromEntries(knobs.map((knob) => [knob.name, knob.kind === "backdrop" ? code(knob.default) : knob.default]));

/** Pictures are compared by who they are. */
const same = (one, other) =>
  Object.keys(one).every(
    (name) =>
      one[name].on === other[name].on &&
      Object.keys(one[name].knobs).every((knob) => one[name].knobs[knob] === other[name].knobs[knob]),
  );
