/** Remove the background: the person on nothing, for laying over something else. */

import { cutOut } from "../engine/matte.js";

export const removeBackground = { name: "remove-background", needs: ["person"], run };

/** The person alone, straight alpha; at the edge the old background is taken out of the
 * colours. Without any person, all is transparent. */
function run(image, parsing) {
  return cutOut(image, parsing.person);
}
