/**
 * A soft light from one side on the person, so that face and body have shape, as
 * effects/shape_light.py.
 *
 * The form is made up from the parsing: a mask blurred is a hill, its slope a normal. One hill
 * is the whole person, a steeper one each face. What a large soft lamp would give to such a
 * form multiplies the light that is there; brightening bends towards white and never reaches
 * it, and what is white already stays.
 */

import { fromLinear, TO_LINEAR } from "../engine/colour.js";
import {
  copied, cropPlane, enlarger, gaussianBlur, mapped, most, plane, resized,
} from "../engine/image.js";
import { clamp, round } from "../engine/numbers.js";
import { regionOf } from "./edges.js";
import { FACE, faceHeight, facesWithin } from "./face.js";

const WORK_SIDE = 320; // pixels; the light has no detail
const MARGIN = 0.05; // of the person's longer side: where an edge may end

const TOWARDS = { left: [-0.8, -0.6], right: [0.8, -0.6], top: [0, -1] }; // [x, y]; y is down

// By eye on portraits, against photographs taken with one softbox.
const FACE_HILL = 0.16; // blur of the masks, in heights of a face
const BODY_HILL = 0.4;
const FACE_STEEP = 0.5; // height of the hills, in heights of a face
const BODY_STEEP = 0.6;
const WRAP = 0.4; // how far round the form the lamp reaches, since it is large
const FALL = 0.25; // how much of the light is nearness to the lamp
const STOPS = 2.9; // from the most to the least of the light at full strength
const LIFT = 0.1; // of these stops: a lamp adds light to all
const BURNT = 4; // power of the weakest channel with which shade spares what nears white
const DIM = 2; // stops off the background at full strength

export const shapeLight = { name: "shape-light", needs: ["person"], run };

/**
 * A picture whose people are lit from one side. Nothing is cut at white that was not before.
 *
 * @param knobs `amount`: 0 changes nothing; at 0.5 the far cheek is darker by a stop, at 1 by
 *   two; `side`: where the lamp stands as the viewer sees it, "left", "right" or "top";
 *   `angle`: degrees between the lamp and the camera, at 15 flat, at 75 sculpted; `background`:
 *   how much the rest is darkened, in proportion to `amount`
 */
function run(image, parsing, { amount, side, angle, background }) {
  const out = copied(image);
  const windows = parsing.windows(parsing.classes.slice(1), { margin: MARGIN });
  if (amount === 0 || !windows.length) return out;
  if (background > 0) dim(out, parsing.person, 2 ** (-DIM * background * amount));
  const [x, y] = TOWARDS[side];
  const all = plane(parsing.width, parsing.height, parsing.person);
  for (const window of windows) {
    const person = cropPlane(all, window);
    const light = shading(parsing, window, person, { x, y, angle: (angle * Math.PI) / 180 });
    relight(out, window, person, mapped((part) => amount * STOPS * part, light));
  }
  return out;
}

/** Squared: a rim a little too dark is not seen, one left bright is a halo. */
function dim({ data }, person, least) {
  for (let i = 0; i < person.length; i++) {
    const left = least + (1 - least) * person[i] ** 2;
    if (left === 1) continue;
    for (let c = 4 * i; c < 4 * i + 3; c++) data[c] = fromLinear(TO_LINEAR[data[c]] * left);
  }
}

/** How much of the lamp's light falls where: about in [-0.5, 0.5], at most `WORK_SIDE` long,
 * without any edge. */
function shading(parsing, window, person, { x, y, angle }) {
  const names = FACE.filter((name) => parsing.classes.includes(name));
  const { width, height } = person;
  const faces = names.length ? regionOf(parsing, names, window) : plane(width, height);
  const sum = (one) => one.data.reduce((all, value) => all + value, 0);
  const high = faceHeight(faces, facesWithin(parsing, window)) || 0.35 * Math.sqrt(sum(person));
  const scale = Math.min(1, WORK_SIDE / Math.max(width, height));
  const few = [width, height].map((side) => Math.max(1, round(side * scale)));
  const face = Math.max(1, high * scale);
  const body = resized(person, ...few, "area");
  const head = resized(faces, ...few, "area");
  const [down, right] = slope([
    [body, BODY_HILL * face, BODY_STEEP * face],
    [head, FACE_HILL * face, FACE_STEEP * face],
  ]);
  const [across, ahead] = [Math.sin(angle), Math.cos(angle)];
  const middle = most(head.data) ? head : body;
  const near = nearness(middle, face, x, y);
  const light = mapped((dx, dy, close) => {
    const facing = (ahead - across * (x * dx + y * dy)) / Math.sqrt(1 + dx * dx + dy * dy);
    return clamp((facing + WRAP) / (1 + WRAP), 0, 1) + FALL * across * close;
  }, right, down, near);
  const weight = mapped((value) => Math.max(value, 1e-6), middle);
  const usual = sum(mapped((a, b) => a * b, light, weight)) / sum(weight);
  return mapped((value) => value - usual + LIFT, light);
}

/** How much a landscape rises downwards and to the right, per pixel; of each hill a mask, over
 * how many pixels its sides slope, its height. */
function slope(hills) {
  const { width, height } = hills[0][0];
  const land = plane(width, height);
  for (const [mask, wide, steep] of hills) {
    const hill = gaussianBlur(mask, Math.max(0.5, wide), "replicate").data;
    for (let i = 0; i < hill.length; i++) land.data[i] += steep * hill[i];
  }
  const at = (x, y) => land.data[clamp(y, 0, height - 1) * width + clamp(x, 0, width - 1)];
  const [down, right] = [plane(width, height), plane(width, height)];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      down.data[i] = (at(x, y + 1) - at(x, y - 1)) / 2;
      right.data[i] = (at(x + 1, y) - at(x - 1, y)) / 2;
    }
  }
  return [down, right];
}

/** In [-1, 1]: how much nearer than the face's middle a pixel is to the lamp. */
function nearness({ data, width, height }, face, towardsX, towardsY) {
  let [total, sumX, sumY] = [1e-12, 0, 0];
  for (let i = 0; i < data.length; i++) {
    total += data[i];
    sumX += data[i] * (i % width);
    sumY += data[i] * Math.floor(i / width);
  }
  total = Math.max(total, 1e-6);
  const out = plane(width, height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const ahead = (x - sumX / total) * towardsX + (y - sumY / total) * towardsY;
      out.data[i] = Math.tanh(ahead / (1.5 * face));
    }
  }
  return out;
}

/**
 * Another light on a window of a picture, in place, by so many stops where the person is.
 *
 * Darker by a factor; brighter so that the strongest of a pixel's channels nears white without
 * reaching it, and hue and saturation stay. White stays white: nobody knows how bright it was,
 * and in shade it would be a flat grey.
 */
function relight({ data, width }, window, person, stops) {
  const row = enlarger(stops, person.width, person.height);
  const line = new Float64Array(person.width);
  for (let y = 0, i = 0; y < person.height; y++) {
    row(y, line);
    let at = 4 * ((window.top + y) * width + window.left);
    for (let x = 0; x < person.width; x++, i++, at += 4) {
      if (person.data[i] === 0) continue;
      const gain = 2 ** (line[x] * person.data[i]);
      const red = TO_LINEAR[data[at]];
      const green = TO_LINEAR[data[at + 1]];
      const blue = TO_LINEAR[data[at + 2]];
      const towards = gain > 1 ? Math.max(red, green, blue) : Math.min(red, green, blue) ** BURNT;
      const bent = gain / (1 + (gain - 1) * towards);
      data[at] = fromLinear(red * bent);
      data[at + 1] = fromLinear(green * bent);
      data[at + 2] = fromLinear(blue * bent);
    }
  }
}
