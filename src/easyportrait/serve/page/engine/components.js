/**
 * Masks: connected pieces and closing, as OpenCV has them.
 *
 * A mask is a Uint8Array of height * width; anything but 0 belongs to it.
 */

/**
 * The pieces of a mask whose cells touch, by a side or a corner.
 *
 * @returns {{count: number, pieces: Int32Array, stats: {left: number, top: number,
 *   width: number, height: number, area: number}[]}} The number of each cell's piece, 0
 *   outside; `count` and `stats` have the outside as their first.
 */
export function components(mask, width, height) {
  const pieces = new Int32Array(mask.length);
  const parents = [0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (mask[at]) pieces[at] = numberFor(pieces, parents, x, y, width, at);
    }
  }
  const { names, count } = renumbered(parents);
  const stats = Array.from({ length: count }, () => ({
    x0: width,
    y0: height,
    x1: 0,
    y1: 0,
    area: 0,
  }));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const piece = (pieces[at] = names[pieces[at]]);
      grow(stats[piece], x, y);
    }
  }
  return { count, pieces, stats: stats.map(asBox) };
}

/** The number of a cell after those of its neighbours above and to the left. */
function numberFor(pieces, parents, x, y, width, at) {
  let number = 0;
  const join = (other) => {
    if (!other) return;
    number = number ? union(parents, number, other) : rootOf(parents, other);
  };
  if (x > 0) join(pieces[at - 1]);
  if (y > 0) {
    if (x > 0) join(pieces[at - width - 1]);
    join(pieces[at - width]);
    if (x + 1 < width) join(pieces[at - width + 1]);
  }
  return number || parents.push(parents.length) - 1;
}

function rootOf(parents, number) {
  while (parents[number] !== number) {
    parents[number] = parents[parents[number]];
    number = parents[number];
  }
  return number;
}

function union(parents, a, b) {
  const [low, high] = [rootOf(parents, a), rootOf(parents, b)].sort((p, q) => p - q);
  parents[high] = low;
  return low;
}

function renumbered(parents) {
  const names = new Int32Array(parents.length);
  let count = 1;
  for (let number = 1; number < parents.length; number++) {
    const root = rootOf(parents, number);
    names[number] = root === number ? count++ : names[root];
  }
  return { names, count };
}

function grow(stat, x, y) {
  if (x < stat.x0) stat.x0 = x;
  if (y < stat.y0) stat.y0 = y;
  if (x >= stat.x1) stat.x1 = x + 1;
  if (y >= stat.y1) stat.y1 = y + 1;
  stat.area++;
}

function asBox({ x0, y0, x1, y1, area }) {
  if (!area) return { left: 0, top: 0, width: 0, height: 0, area };
  return { left: x0, top: y0, width: x1 - x0, height: y1 - y0, area };
}

/** Widened by a square of an odd side, then narrowed by it: small gaps are gone. */
export function closed(mask, width, height, side) {
  const wide = dilated(mask, width, height, side);
  return inverted(dilated(inverted(wide), width, height, side));
}

/** 1 where any cell of the square around is in the mask; nothing is outside the picture. */
export function dilated(mask, width, height, side) {
  const reach = side >> 1;
  const across = new Uint8Array(mask.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!mask[at]) continue;
      const row = at - x;
      across.fill(1, row + Math.max(0, x - reach), row + Math.min(width, x + reach + 1));
    }
  }
  const out = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    const [from, to] = [Math.max(0, y - reach), Math.min(height, y + reach + 1)];
    for (let other = from; other < to; other++) {
      for (let x = 0; x < width; x++) out[y * width + x] |= across[other * width + x];
    }
  }
  return out;
}

function inverted(mask) {
  return mask.map((value) => (value ? 0 : 1));
}
