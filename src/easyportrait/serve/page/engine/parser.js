/**
 * From a picture to a `Parsing`: a look at the whole frame, then a look at each face, as
 * models/parser.py has it.
 */

import { BadInput, ImageTooLarge, ModelError } from "./errors.js";
import { areaOf, clip, findFaces, holdsFace } from "./faces.js";
import { Letterbox } from "./letterbox.js";
import { round } from "./numbers.js";
import { FADE, Look, Parsing } from "./parsing.js";
import { cut } from "./resize.js";

const MARGIN = 1.5; // side of a face's square, over the face's longer side
export const MAX_PIXELS = 50e6; // what a browser's memory holds with all that effects make of it

/**
 * Parse one picture.
 *
 * @param {{card: object, run: function(Float32Array, number, number): Promise<Float32Array>}} net
 * @param {Picture} image upright and opaque
 * @param {{looks?: 1 | 2, share?: number}} [how] looks: 1 for the whole frame only, 2 for each
 *   face as well, if the card says that the net knows faces from near. share: of the size
 *   at which the net looks; less is faster and coarser
 * @returns {Promise<Parsing>}
 * @throws {BadInput} no picture, or not so many looks
 * @throws {ImageTooLarge}
 * @throws {ModelError} the net's answer is not what its card says
 */
export async function parse(net, image, { looks = 2, share = 1 } = {}) {
  check(image, looks);
  const { card } = net;
  const side = (whole) => Math.max(1, round((share * whole) / card.multiple)) * card.multiple;
  const frame = await lookAtAll(net, image, side(card.frame_side));
  let boxes = findFaces(frame, card.classes).map((box) => clip(box, image));
  boxes = boxes.filter((box) => areaOf(box) > 0);
  const faceLooks = [];
  if (looks === 2 && card.face_side) {
    const found = boxes;
    boxes = [];
    for (const box of found) {
      const look = await lookAtFace(net, image, box, side(card.face_side), frame.cell);
      if (!holdsFace(look, card.classes)) continue; // it looked like a face from afar only
      boxes.push(box);
      faceLooks.push(look);
    }
  }
  const model = `${card.name} ${card.version}`;
  return new Parsing({ image, model, classes: card.classes, frame, faceLooks, faceBoxes: boxes });
}

function check(image, looks) {
  const { width, height } = image;
  if (!(width >= 1 && height >= 1)) throw new BadInput("the picture has no pixels");
  if (width * height > MAX_PIXELS) {
    const [has, may] = [width * height, MAX_PIXELS].map((pixels) => Math.round(pixels / 1e6));
    throw new ImageTooLarge(
      `${width} × ${height} is ${has} megapixels, more than the ${may} that this page takes; ` +
        "make it smaller first",
    );
  }
  if (image.data.length !== 4 * width * height) {
    throw new BadInput(`${image.data.length} bytes are no picture of ${width} × ${height} pixels`);
  }
  if (looks !== 1 && looks !== 2) throw new BadInput(`looks is 1 or 2, not ${looks}`);
}

async function lookAtAll(net, image, side) {
  const { height, width } = image;
  const box = Letterbox.fit(height, width, { side, multiple: net.card.multiple });
  const answer = await ask(net, box.apply(image));
  const [x, y] = [width / box.width, height / box.height];
  return new Look({
    ...answer,
    left: -box.left * x,
    top: -box.top * y,
    width: box.canvasWidth * x,
    height: box.canvasHeight * y,
  });
}

/**
 * Against the look at all, whose cells are `cell` pixels wide, it counts as much more as its
 * own are smaller: where both see a face alike, two opinions are better than one.
 */
async function lookAtFace(net, image, box, size, cell) {
  const { left, top, side } = squareAround(box);
  const answer = await ask(net, cut(image, left, top, side, side, size, size));
  const weight = cell / (cell + side / answer.rows);
  return new Look({ ...answer, left, top, width: side, height: side, fade: FADE, weight });
}

/** The square in which a face is looked at again, in whole pixels. */
export function squareAround(box) {
  const side = Math.max(16, round(MARGIN * Math.max(box.right - box.left, box.bottom - box.top)));
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  return { left: round(x - side / 2), top: round(y - side / 2), side };
}

/** The net's answer to a small picture, as a `Look` wants it. */
async function ask(net, picture) {
  const { width, height } = picture;
  const channels = net.card.classes.length;
  const probs = await net.run(normalised(picture, net.card), height, width);
  const times = Math.sqrt((width * height * channels) / probs.length); // as coarse as it answers
  const [rows, columns] = [height / times, width / times];
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw new ModelError(
      `${net.card.name} answered ${probs.length} values, not ${channels} for each cell`,
    );
  }
  return { probs, channels, rows, columns };
}

/** Pixels as the net takes them: channel by channel. */
export function normalised({ data, width, height }, { mean, std }) {
  const cells = width * height;
  const out = new Float32Array(3 * cells);
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / std[channel];
    for (let at = 0; at < cells; at++) {
      out[channel * cells + at] = (data[4 * at + channel] - mean[channel]) * scale;
    }
  }
  return out;
}
