/** Faces in the net's answer: where they are, how they are turned, what they have. */

import { closed, components } from "./components.js";
import { clamp } from "./numbers.js";

export const FACE_PARTS = ["left_brow", "right_brow", "left_eye", "right_eye", "lips", "teeth"];

const SMALLEST = 12; // cells; fewer are no face but a stray patch of skin
const MOST_FACES = 16;

/**
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box
 *   In the picture's pixels; right and bottom are exclusive.
 * @typedef {{box: Box, centre: [number, number], area: number}} Part
 * @typedef {{box: Box, parts: Object<string, Part>, roll: ?number, yaw: ?number}} Face
 *   roll: degrees by which the eyes' line is turned clockwise; null without both eyes.
 *   yaw: rough degrees by which the face is turned to the viewer's right; null without an
 *   eye and lips.
 */

/** The channel with the highest value in each cell of a look; of equals, the first. */
export function likeliest(look) {
  const cells = look.rows * look.columns;
  const best = look.probs.slice(0, cells);
  const winner = new Uint8Array(cells);
  for (let channel = 1; channel < look.channels; channel++) {
    const values = look.plane(channel);
    for (let at = 0; at < cells; at++) {
      if (values[at] > best[at]) {
        best[at] = values[at];
        winner[at] = channel;
      }
    }
  }
  return winner;
}

/** Where a look shows skin or anything in it, as a mask. */
function faceMask(look, classes) {
  const isFace = (name) => name === "skin" || FACE_PARTS.includes(name);
  const channels = classes.flatMap((name, i) => (isFace(name) ? [i] : []));
  return Uint8Array.from(look.summed(channels), (value) => (value > 0.5 ? 1 : 0));
}

/**
 * Faces in a look at the whole picture, the largest first.
 *
 * Pieces of one face, cut by a hand, hair or glasses, are put together: a small piece
 * belongs to a face beside it.
 *
 * @param {Look} look
 * @param {string[]} classes
 * @returns {Box[]}
 */
export function findFaces(look, classes) {
  const seen = closed(faceMask(look, classes), look.columns, look.rows, 3);
  const { stats } = components(seen, look.columns, look.rows);
  const pieces = stats.slice(1).sort((a, b) => b.area - a.area);
  const faces = []; // in cells
  for (const { left, top, width, height, area } of pieces) {
    const piece = { left, top, right: left + width, bottom: top + height, area };
    const home = faces.find((face) => belongs(piece, face));
    if (home) takeIn(home, piece);
    else faces.push(piece);
  }
  const kept = faces.filter((face) => face.area >= SMALLEST).slice(0, MOST_FACES);
  return kept.map((face) => toPicture(face, look));
}

function takeIn(face, piece) {
  face.left = Math.min(face.left, piece.left);
  face.top = Math.min(face.top, piece.top);
  face.right = Math.max(face.right, piece.right);
  face.bottom = Math.max(face.bottom, piece.bottom);
  face.area += piece.area;
}

/** Whether a piece is small beside a face and lies within reach of it. */
function belongs(piece, face) {
  if (piece.area > 0.4 * face.area) return false;
  const reach = 0.25 * Math.max(face.right - face.left, face.bottom - face.top);
  const across = Math.max(face.left - piece.right, piece.left - face.right, 0);
  const down = Math.max(face.top - piece.bottom, piece.top - face.bottom, 0);
  return Math.max(across, down) <= reach;
}

function toPicture(cells, look) {
  const [x, y] = [look.width / look.columns, look.height / look.rows];
  return {
    left: look.left + cells.left * x,
    top: look.top + cells.top * y,
    right: look.left + cells.right * x,
    bottom: look.top + cells.bottom * y,
  };
}

/**
 * The face that lies at `found`, as a look shows it; null if it shows none.
 *
 * @param {Look} look
 * @param {Box} found
 * @param {string[]} classes
 * @param {{width: number, height: number}} size of the picture
 * @returns {?Face}
 */
export function describeFace(look, found, classes, size) {
  const mine = piecesAt(look, found, classes);
  if (!mine) return null;
  const whole = partOf(closed(mine, look.columns, look.rows, 5), look, size);
  if (!whole) return null;
  const labels = likeliest(look);
  const parts = {};
  for (const name of FACE_PARTS.filter((name) => classes.includes(name))) {
    const channel = classes.indexOf(name);
    const part = partOf(
      mine.map((here, at) => here & (labels[at] === channel)),
      look,
      size,
    );
    if (part) parts[name] = part;
  }
  return { box: whole.box, parts, roll: rollOf(parts), yaw: yawOf(parts, whole.box) };
}

/** The pieces of face that lie in a box for the most part, else the one most in it. */
function piecesAt(look, found, classes) {
  const { pieces, stats } = components(faceMask(look, classes), look.columns, look.rows);
  const [wide, high] = [look.width / look.columns, look.height / look.rows];
  const x0 = Math.max(Math.trunc((found.left - look.left) / wide), 0);
  const y0 = Math.max(Math.trunc((found.top - look.top) / high), 0);
  const x1 = clamp(Math.ceil((found.right - look.left) / wide), 1, look.columns);
  const y1 = clamp(Math.ceil((found.bottom - look.top) / high), 1, look.rows);
  const there = new Int32Array(stats.length);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) there[pieces[y * look.columns + x]]++;
  }
  there[0] = 0;
  const most = there.indexOf(Math.max(...there));
  if (!there[most]) return null;
  const near = new Set([...stats.keys()].filter((i) => i > 0 && there[i] > 0.5 * stats[i].area));
  if (!near.size) near.add(most);
  return Uint8Array.from(pieces, (piece) => (near.has(piece) ? 1 : 0));
}

/** The largest piece of a mask: a stray cell elsewhere is not the part. */
function partOf(mask, look, size) {
  const { pieces, stats } = components(mask, look.columns, look.rows);
  let largest = 0;
  for (let i = 1; i < stats.length; i++) {
    if (!largest || stats[i].area > stats[largest].area) largest = i;
  }
  if (!largest || stats[largest].area < 2) return null;
  const { left, top, width, height, area } = stats[largest];
  const [wide, high] = [look.width / look.columns, look.height / look.rows];
  const [x, y] = middle(pieces, largest, look.columns, area);
  const cells = { left, top, right: left + width, bottom: top + height };
  return {
    box: clip(toPicture(cells, look), size),
    centre: [look.left + (x + 0.5) * wide, look.top + (y + 0.5) * high],
    area: area * wide * high,
  };
}

function middle(pieces, piece, columns, area) {
  let [x, y] = [0, 0];
  for (let at = 0; at < pieces.length; at++) {
    if (pieces[at] !== piece) continue;
    x += at % columns;
    y += Math.floor(at / columns);
  }
  return [x / area, y / area];
}

/** Whether a look at a supposed face shows one: enough skin, and an eye, brow or mouth. */
export function holdsFace(look, classes) {
  const cells = look.rows * look.columns;
  const skin = faceMask(look, classes).reduce((sum, here) => sum + here, 0);
  if (skin < 0.05 * cells) return false;
  const isPart = classes.map((name) => FACE_PARTS.includes(name));
  const parts = likeliest(look).reduce((sum, channel) => sum + isPart[channel], 0);
  return parts >= 1e-3 * cells;
}

/** What of a box lies inside a picture. */
export function clip(box, { width, height }) {
  return {
    left: Math.max(box.left, 0),
    top: Math.max(box.top, 0),
    right: Math.min(box.right, width),
    bottom: Math.min(box.bottom, height),
  };
}

/** In square pixels; 0 for a box that is inside out. */
export function areaOf(box) {
  return Math.max(box.right - box.left, 0) * Math.max(box.bottom - box.top, 0);
}

const DEGREES = 180 / Math.PI;

function rollOf(parts) {
  if (!parts.left_eye || !parts.right_eye) return null;
  const [[x0, y0], [x1, y1]] = [parts.left_eye.centre, parts.right_eye.centre];
  return DEGREES * Math.atan2(y1 - y0, x1 - x0);
}

/**
 * The middle of eyes and lips moves across the face as it turns: by the sine of the angle,
 * if a head were a ball half as wide as the face is.
 */
function yawOf(parts, box) {
  const eyes = ["left_eye", "right_eye"].flatMap((name) =>
    parts[name] ? [parts[name].centre[0]] : [],
  );
  const width = box.right - box.left;
  if (!eyes.length || !parts.lips || width <= 0) return null;
  const between = (eyes.reduce((a, b) => a + b) / eyes.length + parts.lips.centre[0]) / 2;
  const offset = (between - (box.left + box.right) / 2) / (width / 2);
  return DEGREES * Math.asin(clamp(offset, -1, 1));
}
