/** Hide faces: pixelate or blur each so coarsely that nobody can be told from it. */

import { blend, lights, shown } from "../engine/colour.js";
import { components } from "../engine/components.js";
import {
  around, blank, copied, crop, distances, gaussianBlur, lineShape, mapped, most, paste, plane,
  resized, resizedPicture,
} from "../engine/image.js";
import { clamp, round } from "../engine/numbers.js";
import { regionOf } from "./edges.js";
import { FACE } from "./face.js";

const MARGIN = 0.15; // of a face's longer side: hidden around what the net saw of it
const NEAR = 0.8; // of a face's sides from its middle: what is seen there is of that face
const BLOCKS = 7; // across a face at full strength: recognition gives up below about 10

const STYLES = { pixelate: pixelated, blur: blurred };

export const anonymize = { name: "anonymize", needs: FACE, run };

/**
 * A picture whose faces are hidden, each as coarsely as it is large: all that may be a face,
 * and a margin.
 *
 * @param knobs `style`: "pixelate" (whole square blocks) or "blur"; `strength`: at 1 a face
 *   keeps about 7 blocks across, at 0.5 twice as many
 */
function run(image, parsing, { style, strength }) {
  const out = copied(image);
  const names = FACE.filter((name) => parsing.classes.includes(name));
  for (const window of parsing.windows(names, { margin: 2 * MARGIN })) {
    const part = crop(image, window);
    const seen = mapped((value) => (value > 0.1 ? 1 : 0), regionOf(parsing, names, window));
    for (const points of outlines(seen, parsing, window)) {
      const hidden = filled(points, seen.width, seen.height);
      const box = around(hidden);
      const face = Math.max(box.right - box.left, box.bottom - box.top);
      const block = Math.max(2, round((face / BLOCKS) * strength));
      const { over, share } = STYLES[style](part, hidden, MARGIN * face, block);
      paste(out, blend(crop(out, window), over, share), window);
    }
  }
  return out;
}

// -- where -----------------------------------------------------------------------------------

/**
 * Corners of a convex outline around each face in a window, and before them around what may be
 * one elsewhere, the coarsest last.
 *
 * What is seen goes to the face that it is nearest to, so a hand or glasses between its pieces
 * do not open a face, and faces cheek to cheek stay two.
 */
function* outlines(seen, parsing, window) {
  const owner = owners(seen, parsing.faces, window);
  const stray = mapped((there, face) => (there && !face ? 1 : 0), seen, owner);
  yield* strayOutlines(stray);
  for (let number = parsing.faces.length; number > 0; number--) {
    const mine = mapped((there, face) => (there && face === number ? 1 : 0), seen, owner);
    const points = rowEnds(mine);
    if (points.length) yield hull(points);
  }
}

/** The number of the face that each pixel is nearest to, from 1 on; 0 far from all. */
function owners({ width, height }, faces, window) {
  const out = plane(width, height);
  const nearest = new Float32Array(width * height).fill(NEAR);
  faces.forEach(({ box }, i) => {
    const [middleX, middleY] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    const [wide, high] = [box.right - box.left, box.bottom - box.top];
    for (let y = 0, at = 0; y < height; y++) {
      const down = Math.abs(window.top + y - middleY) / high;
      for (let x = 0; x < width; x++, at++) {
        const far = Math.max(Math.abs(window.left + x - middleX) / wide, down);
        if (far >= nearest[at]) continue;
        nearest[at] = far;
        out.data[at] = i + 1;
      }
    }
  });
  return out;
}

/** Around each connected piece of a mask, from the last one to the first; not around those in
 * the holes of others. */
function* strayOutlines(mask) {
  const { data, width, height } = mask;
  if (!most(data)) return;
  const { count, pieces } = components(Uint8Array.from(data), width, height);
  const open = reached(mask);
  for (let number = count - 1; number > 0; number--) {
    const piece = plane(width, height);
    let isOuter = false;
    for (let at = 0; at < pieces.length; at++) {
      if (pieces[at] !== number) continue;
      piece.data[at] = 1;
      isOuter ||= touches(open, at, width, height);
    }
    if (isOuter) yield hull(rowEnds(piece));
  }
}

/** 1 where one comes to from beyond the border without crossing the mask. */
function reached({ data, width, height }) {
  const out = new Uint8Array(data.length);
  const todo = [];
  const visit = (x, y) => {
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    const at = y * width + x;
    if (data[at] || out[at]) return;
    out[at] = 1;
    todo.push(at);
  };
  for (let x = 0; x < width; x++) [0, height - 1].forEach((y) => visit(x, y));
  for (let y = 0; y < height; y++) [0, width - 1].forEach((x) => visit(x, y));
  while (todo.length) {
    const at = todo.pop();
    const [x, y] = [at % width, Math.floor(at / width)];
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
  return out;
}

/** Whether a pixel lies on the border or beside what is open. */
function touches(open, at, width, height) {
  const [x, y] = [at % width, Math.floor(at / width)];
  if (x === 0 || y === 0 || x === width - 1 || y === height - 1) return true;
  return Boolean(open[at - 1] || open[at + 1] || open[at - width] || open[at + width]);
}

/** The first and last pixel [x, y] of a mask in each row. */
function rowEnds({ data, width, height }) {
  const out = [];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(1);
    if (first >= 0) out.push([first, y], [row.lastIndexOf(1), y]);
  }
  return out;
}

/** The corners of the smallest convex outline around points (Andrew 1979). */
function hull(points) {
  const sorted = [...points].sort(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const half = (list) => {
    const out = [];
    for (const point of list) {
      while (out.length > 1 && turn(out.at(-2), out.at(-1), point) <= 0) out.pop();
      out.push(point);
    }
    return out.slice(0, -1);
  };
  const corners = [...half(sorted), ...half(sorted.reverse())];
  return corners.length ? corners : [points[0]];
}

function turn([ax, ay], [bx, by], [cx, cy]) {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

/** A mask of a convex outline, its edges' pixels included. */
function filled(corners, width, height) {
  const starts = new Int32Array(height).fill(width);
  const stops = new Int32Array(height).fill(-1);
  corners.forEach((corner, i) => {
    const next = corners[(i + 1) % corners.length];
    for (const [x, y] of [...lineShape(corner, next), ...crossings(corner, next)]) {
      starts[y] = Math.min(starts[y], x);
      stops[y] = Math.max(stops[y], x);
    }
  });
  const out = plane(width, height);
  for (let y = 0; y < height; y++) {
    if (stops[y] >= 0) out.data.fill(1, y * width + starts[y], y * width + stops[y] + 1);
  }
  return out;
}

/** The pixel of a line in each row, its slope in steps of 1 / 65536 as OpenCV has it. */
function crossings(from, to) {
  const [[x0, y0], [x1, y1]] = from[1] <= to[1] ? [from, to] : [to, from];
  if (y0 === y1) return [];
  const slope = Math.trunc(((x1 - x0) * 131072 + (y1 - y0)) / (2 * (y1 - y0))) / 65536;
  return Array.from({ length: y1 - y0 + 1 }, (_, i) => [Math.floor(x0 + i * slope + 0.5), y0 + i]);
}

// -- how -------------------------------------------------------------------------------------

/** Squares of one colour each, whole ones, wherever a face or its margin is. */
function pixelated(part, hidden, margin, block) {
  const { width, height } = part;
  const few = { width: Math.ceil(width / block), height: Math.ceil(height / block) };
  const large = { width: few.width * block, height: few.height * block };
  const mean = (values) => resized(padded(values, large), few.width, few.height, "area");
  const isCovered = (near, own) => (near > 0.3 || own > 0 ? 1 : 0);
  const covered = mapped(isCovered, mean(besides(hidden, margin)), mean(hidden));
  const squares = coarse(goneOn(part, large), few.width, few.height);
  const over = blank(width, height);
  const share = plane(width, height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const cell = Math.floor(y / block) * few.width + Math.floor(x / block);
      for (let c = 0; c < 3; c++) over.data[4 * i + c] = squares.data[4 * cell + c];
      share.data[i] = covered.data[cell];
    }
  }
  return { over, share };
}

/** A plane made larger to the right and below, with zeros. */
function padded(values, { width, height }) {
  const out = plane(width, height);
  for (let y = 0; y < values.height; y++) {
    out.data.set(values.data.subarray(y * values.width, (y + 1) * values.width), y * width);
  }
  return out;
}

/** A picture made larger to the right and below; its border goes on. */
function goneOn(picture, { width, height }) {
  const out = blank(width, height);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.min(y, picture.height - 1) * picture.width;
    for (let x = 0; x < width; x++, at += 4) {
      const from = 4 * (row + Math.min(x, picture.width - 1));
      for (let c = 0; c < 4; c++) out.data[at + c] = picture.data[from + c];
    }
  }
  return out;
}

/** As coarse as squares of that size, fading into the picture over the margin's end. */
function blurred(part, hidden, margin, block) {
  const { width, height } = part;
  const few = [width, height].map((side) => Math.max(1, round((4 * side) / block)));
  const light = lights(coarse(part, ...few)).map((one) => gaussianBlur(one, 2.4));
  const over = resizedPicture(shown(light), width, height, "cubic");
  return { over, share: besides(hidden, margin) };
}

/** The mean light of a few rectangles, as a picture. */
function coarse(part, across, down) {
  const some = [Math.min(part.width, 8 * across), Math.min(part.height, 8 * down)];
  const light = lights(resizedPicture(part, ...some, "area"));
  return shown(light.map((one) => resized(one, across, down, "area")));
}

/** In [0, 1]: 1 on what is hidden and beside it, fading before `margin` ends. */
function besides(hidden, margin) {
  const soft = Math.max(1, margin / 4);
  return mapped((far) => clamp((margin - far) / soft, 0, 1), distances(hidden));
}
