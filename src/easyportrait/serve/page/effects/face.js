/** Faces as the effects on them measure them. */

import { FACE_PARTS } from "../engine/faces.js";

export const FACE = ["skin", ...FACE_PARTS];

/** In pixels, from the area of `faces` faces: an ellipse 3/4 as wide as it is high. Steadier than
 * a box, which a fringe, beard or turned head cuts short. */
export function faceHeight(probability, faces) {
  let seen = 0;
  for (let i = 0; i < probability.data.length; i++) if (probability.data[i] > 0.5) seen++;
  return 1.3 * Math.sqrt(seen / Math.max(1, faces));
}

/** How many faces have their middle in a window. */
export function facesWithin(parsing, { top, left, bottom, right }) {
  return parsing.faces.filter(({ box }) => {
    const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    return y >= top && y < bottom && x >= left && x < right;
  }).length;
}
