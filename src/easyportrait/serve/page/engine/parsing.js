/**
 * What a net makes of one picture: the one result type, as parsing.py has it.
 *
 * It keeps what the net saw, at the size the net saw it, with the place of it in the
 * picture, and brings up what is asked for when it is asked for. Nothing here needs a
 * browser.
 */

import { components } from "./components.js";
import { BadInput } from "./errors.js";
import { describeFace, likeliest } from "./faces.js";
import { cutOut, refine, step } from "./matte.js";
import { clamp, round } from "./numbers.js";

const TILE_CELLS = 8; // a tile of labels spans about this many cells of the coarse grid
export const FADE = 0.1; // of a face look's side, over which it takes over from the look at all

/**
 * @typedef {{data: Uint8ClampedArray, width: number, height: number}} Picture RGBA
 * @typedef {{top: number, left: number, bottom: number, right: number}} Window
 *   Whole pixels of the picture; bottom and right are exclusive.
 */

/** What the net answered for one rectangle of the picture. */
export class Look {
  /**
   * @param {object} given
   * @param {Float32Array} given.probs in [0, 1], channel by channel, row by row
   * @param {number} given.channels
   * @param {number} given.rows of the net's grid
   * @param {number} given.columns
   * @param {number} given.left of the rectangle, in the picture's pixels, as the next three;
   *   it may reach beyond the picture
   * @param {number} given.top
   * @param {number} given.width
   * @param {number} given.height
   * @param {number} given.fade share of each side over which the look fades in
   * @param {number} given.weight how much it counts, in (0, 1], against what lies under it
   */
  constructor({ probs, channels, rows, columns, left, top, width, height, fade = 0, weight = 1 }) {
    if (probs.length !== channels * rows * columns) {
      throw new BadInput(
        `${probs.length} probabilities are not ${channels} x ${rows} x ${columns}`,
      );
    }
    Object.assign(this, { probs, channels, rows, columns, left, top, width, height, fade, weight });
    Object.freeze(this);
  }

  /** Side of a cell, in the picture's pixels; the longer one if they differ. */
  get cell() {
    return Math.max(this.height / this.rows, this.width / this.columns);
  }

  /** The same answers, over a picture that is `y` times as high and `x` times as wide. */
  scaled(y, x) {
    const { left, top, width, height } = this;
    return new Look({
      ...this,
      left: left * x,
      top: top * y,
      width: width * x,
      height: height * y,
    });
  }

  /** The same place with one channel, which is the sum of some. */
  merged(channels) {
    return new Look({ ...this, probs: this.summed(channels), channels: 1 });
  }

  plane(channel) {
    const cells = this.rows * this.columns;
    return this.probs.subarray(channel * cells, (channel + 1) * cells);
  }

  /** The sum of some channels, cell by cell. */
  summed(channels) {
    const out = new Float32Array(this.rows * this.columns);
    for (const channel of channels) {
      const values = this.plane(channel);
      for (let at = 0; at < out.length; at++) out[at] += values[at];
    }
    return out;
  }

  /** Where a pixel of the picture lies on the grid; 0 is the middle of the first cell. */
  position(axis, pixel) {
    const cells = axis === 0 ? this.rows : this.columns;
    return clamp(this.#place(axis, pixel) * cells - 0.5, 0, cells - 1);
  }

  #place(axis, pixel) {
    const [origin, extent] = this.#extent(axis);
    return (pixel + 0.5 - origin) / extent;
  }

  #extent(axis) {
    return axis === 0 ? [this.top, this.height] : [this.left, this.width];
  }

  /** The pixels of a span that the look covers and how they hang on it; null without any. */
  along(axis, from, to) {
    const [origin, extent] = this.#extent(axis);
    const start = Math.max(from, Math.trunc(origin));
    const stop = Math.min(to, Math.ceil(origin + extent));
    return start < stop ? this.#across(axis, start, stop) : null;
  }

  /**
   * Linear interpolation along one axis: pixel i lies `share[i]` of a cell beyond the cell
   * `low[i]`, and there the look counts `opacity[i]`.
   */
  #across(axis, start, stop) {
    const last = (axis === 0 ? this.rows : this.columns) - 1;
    const low = new Int32Array(stop - start);
    const share = new Float32Array(stop - start);
    const opacity = new Float32Array(stop - start).fill(1);
    for (let i = 0; i < low.length; i++) {
      const at = this.position(axis, start + i);
      low[i] = Math.min(Math.floor(at), Math.max(0, last - 1));
      share[i] = at - low[i];
      if (this.fade) {
        const place = this.#place(axis, start + i);
        opacity[i] = clamp(Math.min(place, 1 - place) / this.fade, 0, 1);
      }
    }
    const high = Math.min(low[low.length - 1] + 1, last);
    return { start, stop, low, share, opacity, first: low[0], high };
  }
}

/** Which pixel of a picture is what. */
export class Parsing {
  #known = new Map(); // what has been asked for

  /**
   * @param {object} given
   * @param {Picture} given.image upright
   * @param {string} given.model name and version of what produced it
   * @param {string[]} given.classes names of the channels
   * @param {Look} given.frame the look at the whole picture
   * @param {Look[]} given.faceLooks a look at each face, the largest face first; none with
   *   one look
   * @param {Box[]} given.faceBoxes where the first look found faces, the largest first
   */
  constructor({ image, model = "", classes, frame, faceLooks = [], faceBoxes = [] }) {
    Object.assign(this, { image, model, classes, frame, faceLooks, faceBoxes });
    this.width = image.width;
    this.height = image.height;
    this.looks = [frame, ...faceLooks];
    if (this.looks.some((look) => look.channels !== classes.length)) {
      throw new BadInput(`a look has ${frame.channels} channels for ${classes.length} classes`);
    }
    Object.freeze(this);
  }

  // -- probabilities ---------------------------------------------------------------------

  /**
   * How much each pixel belongs to any of some classes.
   *
   * @param {string[]} names at least one
   * @param {Window} [window] what is asked for; all without it
   * @returns {Float32Array} in [0, 1], rows of the window
   */
  region(names, window = { top: 0, left: 0, bottom: this.height, right: this.width }) {
    const channels = this.#channels(names);
    const merged = this.looks.map((look) => look.merged(channels)); // adding first is cheaper
    const out = bringUp(merged, [0], window);
    for (let at = 0; at < out.length; at++) out[at] = clamp(out[at], 0, 1);
    return out;
  }

  /**
   * Where any of some classes are: rectangles that do not touch each other.
   *
   * @param {string[]} names at least one
   * @param {object} [how]
   * @param {number} [how.above] outside of all of them `region` is at most so much
   * @param {number} [how.margin] to widen each by, as a share of its longer side
   * @returns {Window[]}
   */
  windows(names, { above = 0.1, margin = 0 } = {}) {
    const channels = this.#channels(names);
    const least = Math.fround(above);
    const found = [];
    for (const look of this.looks) {
      const seen = Uint8Array.from(look.summed(channels), (value) => (value > least ? 1 : 0));
      const { stats } = components(seen, look.columns, look.rows);
      for (const piece of stats.slice(1)) {
        const window = this.#around(piece, look, margin);
        if (window.top < window.bottom && window.left < window.right) found.push(window);
      }
    }
    return apart(found);
  }

  /** The pixels that some cells of a look have a share in, within the picture. */
  #around({ left, top, width, height }, look, margin) {
    const [x, y] = [look.width / look.columns, look.height / look.rows];
    const more = margin * Math.max(height * y, width * x);
    // a cell's share reaches to the middles of its neighbours
    return {
      top: Math.max(0, Math.floor(look.top + (top - 0.5) * y - more)),
      left: Math.max(0, Math.floor(look.left + (left - 0.5) * x - more)),
      bottom: Math.min(this.height, Math.ceil(look.top + (top + height + 0.5) * y + more)),
      right: Math.min(this.width, Math.ceil(look.left + (left + width + 0.5) * x + more)),
    };
  }

  #channels(names) {
    if (!names.length) throw new BadInput(`name at least one class of ${this.classes.join(", ")}`);
    const unknown = names.find((name) => !this.classes.includes(name));
    if (unknown !== undefined) {
      throw new BadInput(`there is no class "${unknown}"; there are ${this.classes.join(", ")}`);
    }
    return [...new Set(names.map((name) => this.classes.indexOf(name)))].sort((a, b) => a - b);
  }

  // -- labels ----------------------------------------------------------------------------

  /**
   * The likeliest class of each pixel, as if all probabilities had been brought up to the
   * picture's size first: a byte each, row by row.
   *
   * Where neighbouring cells have the same winner, interpolating between them cannot change
   * it, so the nearest cell's winner stands; tiles with other cells, and those under a face
   * look, are worked out.
   */
  get labels() {
    return this.#once("labels", () => {
      const winners = this.looks.map(likeliest);
      const tile = Math.trunc(clamp(TILE_CELLS * this.frame.cell, 32, 512));
      const out = nearestWinners(this.frame, winners[0], this);
      for (let top = 0; top < this.height; top += tile) {
        for (let left = 0; left < this.width; left += tile) {
          const bottom = Math.min(top + tile, this.height);
          this.#labelTile(out, winners, {
            top,
            left,
            bottom,
            right: Math.min(left + tile, this.width),
          });
        }
      }
      return out;
    });
  }

  #labelTile(out, winners, window) {
    const found = new Set();
    const seen = this.looks.map((look, i) => {
      const [y, x] = under(look, window);
      return y && x ? cellsUnder(winners[i], look, y, x, found) : null;
    });
    const isAlone = seen.slice(1).every((cells) => cells === null);
    if (isAlone && found.size === 1) return; // the nearest winner stands
    if (found.size === 1) {
      fill(out, this.width, window, [...found][0]);
      return;
    }
    const channels = likely(this.looks, seen, this.classes.length);
    const values = bringUp(this.looks, channels, window);
    writeLikeliest(out, this.width, window, values, channels);
  }

  // -- the person ------------------------------------------------------------------------

  /**
   * Everything of every person, in [0, 1], row by row, its edge drawn along the picture's
   * own edges (matte.js). An empty scene gives zeros.
   */
  get person() {
    return this.#once("person", () => {
      if (!this.classes.includes("person")) {
        const known = this.classes.join(", ");
        throw new BadInput(
          `${this.model} parses faces only (${known}); ` +
            'a cutout needs a model with the class "person"',
        );
      }
      return refine(this.image, this.coarsePerson(), this.frame.cell);
    });
  }

  /** The same before its edge is drawn: one value for each block that `refine` works on. */
  coarsePerson() {
    const block = step(this.height, this.width, this.frame.cell);
    const [width, height] = [Math.ceil(this.width / block), Math.ceil(this.height / block)];
    const looks = this.looks.map((look) => look.scaled(1 / block, 1 / block));
    const image = { data: null, width, height };
    const few = new Parsing({ ...this, image, frame: looks[0], faceLooks: looks.slice(1) });
    return { data: few.region(this.classes.slice(1)), width, height };
  }

  /** The person alone: RGBA with the old background's colours taken out of the edge. */
  cutout() {
    return cutOut(this.image, this.person);
  }

  // -- faces -----------------------------------------------------------------------------

  /** Each face with its box, parts and pose, the largest first. */
  get faces() {
    return this.#once("faces", () =>
      this.faceBoxes
        .map((box, i) => describeFace(this.faceLooks[i] ?? this.frame, box, this.classes, this))
        .filter((face) => face !== null),
    );
  }

  #once(name, work) {
    if (!this.#known.has(name)) this.#known.set(name, work());
    return this.#known.get(name);
  }
}

/**
 * A parsing from plain values, as a test reads them from JSON.
 *
 * @param {object} given as the constructor of `Parsing`, but its looks are plain objects;
 *   their probabilities may be plain arrays, and their channels are the classes
 */
export function parsingFrom({ image, model, classes, frame, faceLooks = [], faceBoxes = [] }) {
  const look = (plain) =>
    new Look({ ...plain, probs: Float32Array.from(plain.probs), channels: classes.length });
  const looks = faceLooks.map(look);
  return new Parsing({ image, model, classes, frame: look(frame), faceLooks: looks, faceBoxes });
}

function under(look, { top, left, bottom, right }) {
  const y = look.along(0, top, bottom);
  return [y, y && look.along(1, left, right)];
}

/**
 * Looks, interpolated and laid over each other; the first one must reach everywhere.
 *
 * @returns {Float32Array} channel by channel, row by row of the window
 */
function bringUp(looks, channels, window) {
  const [height, width] = [window.bottom - window.top, window.right - window.left];
  const out = new Float32Array(channels.length * height * width);
  looks.forEach((look, i) => {
    const [y, x] = under(look, window);
    if (!y || !x) return;
    const row = new Float32Array(x.high + 2);
    channels.forEach((channel, k) => {
      const values = look.plane(channel);
      for (let down = 0; down < y.low.length; down++) {
        mixRows(row, values, look.columns, y, x, down);
        const at = (k * height + y.start - window.top + down) * width + x.start - window.left;
        if (i === 0) spread(out, at, row, x);
        else layOver(out, at, row, x, look.weight * y.opacity[down]);
      }
    });
  });
  return out;
}

/** A row of cells between two: those that the pixels across hang on. */
function mixRows(row, values, columns, y, x, down) {
  const [upper, share] = [y.low[down] * columns, y.share[down]];
  const lower = Math.min(y.low[down] + 1, y.high) * columns;
  for (let at = x.first; at <= x.high; at++) {
    row[at] = values[upper + at] * (1 - share) + values[lower + at] * share;
  }
  row[x.high + 1] = row[x.high]; // counts nothing
}

function spread(out, at, row, { low, share }) {
  for (let i = 0; i < low.length; i++) {
    const [cell, more] = [low[i], share[i]];
    out[at + i] = row[cell] * (1 - more) + row[cell + 1] * more;
  }
}

function layOver(out, at, row, { low, share, opacity }, weight) {
  for (let i = 0; i < low.length; i++) {
    const [cell, more] = [low[i], share[i]];
    const value = row[cell] * (1 - more) + row[cell + 1] * more;
    out[at + i] += weight * opacity[i] * (value - out[at + i]);
  }
}

/** The winner of the cell nearest to each pixel. */
function nearestWinners(look, winner, { width, height }) {
  const out = new Uint8Array(width * height);
  const across = Int32Array.from({ length: width }, (_, x) => round(look.position(1, x)));
  for (let y = 0, at = 0; y < height; y++) {
    const row = round(look.position(0, y)) * look.columns;
    for (let x = 0; x < width; x++, at++) out[at] = winner[row + across[x]];
  }
  return out;
}

/** Which cells of a look the pixels of a tile hang on; their winners are added to a set. */
function cellsUnder(winner, look, y, x, found) {
  for (let row = y.first; row <= y.high; row++) {
    for (let column = x.first; column <= x.high; column++) {
      found.add(winner[row * look.columns + column]);
    }
  }
  return { top: y.first, bottom: y.high, left: x.first, right: x.high };
}

/** A class whose probability stays below 1 / C in a tile cannot win there. */
function likely(looks, seen, count) {
  const isLikely = (channel) =>
    looks.some((look, i) => seen[i] && mostIn(look, channel, seen[i]) >= Math.fround(1 / count));
  return Array.from({ length: count }, (_, channel) => channel).filter(isLikely);
}

function mostIn(look, channel, { top, bottom, left, right }) {
  const values = look.plane(channel);
  let most = 0;
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      most = Math.max(most, values[row * look.columns + column]);
    }
  }
  return most;
}

function fill(out, width, { top, left, bottom, right }, value) {
  for (let y = top; y < bottom; y++) out.fill(value, y * width + left, y * width + right);
}

function writeLikeliest(out, width, { top, left, bottom, right }, values, channels) {
  const cells = (bottom - top) * (right - left);
  for (let y = top, at = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, at++) {
      let best = 0;
      for (let k = 1; k < channels.length; k++) {
        if (values[k * cells + at] > values[best * cells + at]) best = k;
      }
      out[y * width + x] = channels[best];
    }
  }
}

/** Windows, those that touch put together until none do. */
function apart(windows) {
  let out = [];
  for (let window of windows) {
    for (;;) {
      const met = out.filter((other) => touch(window, other));
      if (!met.length) break;
      out = out.filter((other) => !met.includes(other));
      window = met.reduce(hull, window);
    }
    out.push(window);
  }
  return out;
}

function touch(a, b) {
  return a.top <= b.bottom && b.top <= a.bottom && a.left <= b.right && b.left <= a.right;
}

function hull(a, b) {
  return {
    top: Math.min(a.top, b.top),
    left: Math.min(a.left, b.left),
    bottom: Math.max(a.bottom, b.bottom),
    right: Math.max(a.right, b.right),
  };
}
