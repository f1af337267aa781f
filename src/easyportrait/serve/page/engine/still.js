/** One parsed picture at the sizes at which it is looked at. */

import { Parsing } from "./parsing.js";
import { resized } from "./resize.js";

const MOST = 2; // sizes kept besides the picture's own

export class Still {
  #smaller = new Map();

  /** @param {Parsing} parsing */
  constructor(parsing) {
    this.parsing = parsing;
  }

  /**
   * The parsing with its picture made smaller, for effects while a slider moves.
   *
   * @param {number} [side] longest side of the picture; the whole one without it
   * @returns {Parsing} the same one for the same side, which remembers what it has worked out
   */
  at(side) {
    const { width, height } = this.parsing;
    if (!side || side >= Math.max(width, height)) return this.parsing;
    if (!this.#smaller.has(side)) {
      if (this.#smaller.size === MOST) this.#smaller.delete(this.#smaller.keys().next().value);
      this.#smaller.set(side, reduced(this.parsing, side));
    }
    return this.#smaller.get(side);
  }
}

/** The same answers over a smaller picture. */
function reduced(parsing, side) {
  const scale = side / Math.max(parsing.width, parsing.height);
  const [width, height] = [parsing.width, parsing.height].map((n) =>
    Math.max(1, Math.round(n * scale)),
  );
  const [x, y] = [width / parsing.width, height / parsing.height];
  const look = (one) => one.scaled(y, x);
  return new Parsing({
    ...parsing,
    image: resized(parsing.image, width, height),
    frame: look(parsing.frame),
    faceLooks: parsing.faceLooks.map(look),
    faceBoxes: parsing.faceBoxes.map((box) => ({
      left: box.left * x,
      top: box.top * y,
      right: box.right * x,
      bottom: box.bottom * y,
    })),
  });
}
