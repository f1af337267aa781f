/** Blur the background as a fast lens does, people staying sharp. */

import { copied } from "../engine/image.js";
import { before, defocused } from "./background.js";

const RADIUS = 0.04; // of the longer side, at full amount: about a portrait lens wide open

export const blurBackground = { name: "blur-background", needs: ["person"], run };

/**
 * A picture whose background is out of focus; without any person, all of it.
 *
 * @param knobs `amount`: at 1 a point becomes a disc whose radius is 4 % of the longer side, 0
 *   leaves the picture as it is; `bloom`: how far bright points stand out as discs, 0 to 1
 */
function run(image, parsing, { amount, bloom }) {
  if (amount === 0) return copied(image);
  const radius = amount * RADIUS * Math.max(parsing.height, parsing.width);
  return before(image, parsing, defocused(image, parsing.person, radius, bloom));
}
