/** Fit a picture into the net's input, and say where it lies there. */

import { round } from "./numbers.js";
import { greyPicture, resizeInto } from "./resize.js";

/** Where a picture lies inside the net's input ("canvas"). All in pixels. */
export class Letterbox {
  constructor(place) {
    Object.assign(this, place);
    Object.freeze(this);
  }

  /**
   * Scale the longer edge to `side`, centre, pad evenly.
   *
   * @param {number} height of the picture, at least 1, as its width
   * @param {number} width
   * @param {{side: number, multiple?: number}} to the longest side of the scaled picture, and
   *   the number of which the canvas's edges are multiples; without it the canvas is a square
   * @returns {Letterbox} the picture is at least one pixel tall and wide in it
   */
  static fit(height, width, { side, multiple }) {
    const scale = side / Math.max(height, width);
    const [h, w] = [height, width].map((edge) => Math.max(1, round(edge * scale)));
    const up = (edge) => Math.ceil(edge / multiple) * multiple;
    const [canvasHeight, canvasWidth] = multiple ? [up(h), up(w)] : [side, side];
    const [top, left] = [Math.floor((canvasHeight - h) / 2), Math.floor((canvasWidth - w) / 2)];
    return new Letterbox({ canvasHeight, canvasWidth, top, left, height: h, width: w });
  }

  /** The picture in its canvas, grey in the margin. */
  apply(picture) {
    const canvas = greyPicture(this.canvasWidth, this.canvasHeight);
    const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
    resizeInto(picture, whole, canvas, this);
    return canvas;
  }
}
