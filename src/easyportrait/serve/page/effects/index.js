/**
 * Every effect, in the order in which they run, as effects/__init__.py and chain.py have it:
 * faces are retouched first, then lit, then hidden, and the background comes last.
 *
 * What knobs there are, their ranges and defaults, is told by the server's table of effects
 * (`/v1/effects`, effects.json), and only there.
 */

import { BadInput } from "../engine/errors.js";
import { copied } from "../engine/image.js";
import { anonymize } from "./anonymize.js";
import { blurBackground } from "./blur-background.js";
import { eyeColor } from "./eye-color.js";
import { backdropOf, rgbOf } from "./knobs.js";
import { remembered } from "./memory.js";
import { removeBackground } from "./remove-background.js";
import { removeRedEye } from "./remove-red-eye.js";
import { replaceBackground } from "./replace-background.js";
import { shapeLight } from "./shape-light.js";
import { smoothSkin } from "./smooth-skin.js";
import { tintLips } from "./tint-lips.js";
import { whitenTeeth } from "./whiten-teeth.js";

/** Name -> {name, needs: classes of which one at least must be known, run}. */
export const EFFECTS = new Map(
  [
    removeRedEye,
    eyeColor,
    whitenTeeth,
    tintLips,
    smoothSkin,
    shapeLight,
    anonymize,
    blurBackground,
    replaceBackground,
    removeBackground,
  ].map((effect) => [effect.name, effect]),
);

const KEPT = 2e6; // pixels: of pictures up to so many, each effect's answer is kept
const ON_THE_BACKGROUND = ["blur-background", "replace-background", "remove-background"];

/**
 * A parsed picture after some effects.
 *
 * @param {Parsing} parsing
 * @param {Object<string, Object>} settings effect's name -> values of all its knobs
 * @param {Object<string, Picture>} backgrounds what `with` of replace-background may name
 * @returns a new picture; transparent where the background was removed
 */
export function applyEffects(parsing, settings, backgrounds = {}) {
  check(settings, parsing);
  let image = parsing.image;
  for (const [name, effect] of EFFECTS) {
    if (!settings[name]) continue;
    const work = () => effect.run(image, parsing, read(settings[name], backgrounds));
    const isKept = !ON_THE_BACKGROUND.includes(name) && parsing.width * parsing.height <= KEPT;
    image = isKept ? asBefore(parsing, image, name, settings[name], work) : work();
  }
  return ON_THE_BACKGROUND.some((name) => settings[name]) ? image : copied(image);
}

/** An effect's answer, the last one again where nothing before it and none of its knobs has
 * changed. */
function asBefore(parsing, image, name, knobs, work) {
  const last = remembered(parsing, image, name, () => ({}));
  const key = JSON.stringify(knobs);
  if (last.key !== key) Object.assign(last, { key, answer: work() });
  return last.answer;
}

function check(settings, parsing) {
  const chosen = Object.keys(settings).filter((name) => settings[name]);
  const unknown = chosen.find((name) => !EFFECTS.has(name));
  if (unknown !== undefined) throw new BadInput(`there is no effect "${unknown}"`);
  const rivals = ON_THE_BACKGROUND.filter((name) => chosen.includes(name));
  if (rivals.length > 1) {
    throw new BadInput(`${rivals.join(" and ")} exclude each other: choose one`);
  }
  for (const name of chosen) {
    const { needs } = EFFECTS.get(name);
    if (needs.some((one) => parsing.classes.includes(one))) continue;
    throw new BadInput(
      `${name} needs a model that knows ${needs.join(" or ")}; ` +
        `${parsing.model} knows ${parsing.classes.join(", ")}`,
    );
  }
}

/** Knobs with colours as [r, g, b] and backdrops as pictures. */
function read(knobs, backgrounds) {
  const out = { ...knobs };
  if ("color" in knobs) out.color = rgbOf(knobs.color);
  if ("with" in knobs) out.with = backdropOf(knobs.with, backgrounds);
  return out;
}

/**
 * Settings with the defaults of all knobs that they leave open, and with the table's own names
 * of colours as codes.
 *
 * @param {{effects: Object[]}} table as `/v1/effects` answers it
 */
export function completed(table, settings) {
  const out = {};
  for (const { name, knobs } of table.effects) {
    if (!settings[name]) continue;
    const given = settings[name] === true ? {} : settings[name];
    out[name] = Object.fromEntries(
      knobs.map((knob) => {
        const value = given[knob.name] ?? knob.default;
        return [knob.name, knob.names?.[String(value).toLowerCase()] ?? value];
      }),
    );
  }
  return out;
}
