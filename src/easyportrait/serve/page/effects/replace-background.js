/** Replace the background by a colour or a picture. */

import { before, fitted, matched } from "./background.js";

export const replaceBackground = { name: "replace-background", needs: ["person"], run };

/**
 * The person before a new background.
 *
 * @param knobs `with`: a picture of any size; `fit`: "cover" or "contain"; `wrap`: light of
 *   the backdrop that comes round the person's edge, 0 to 1; `match`: how far the person
 *   takes on the backdrop's tint and brightness, 0 to 1
 */
function run(image, parsing, { with: backdrop, fit, wrap, match }) {
  const behind = fitted(backdrop, parsing.height, parsing.width, fit);
  const person = match ? matched(image, parsing.person, behind, match) : image;
  return before(person, parsing, behind, wrap);
}
