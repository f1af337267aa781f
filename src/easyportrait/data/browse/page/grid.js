/** All pictures: only the rows of the grid that are seen exist as elements. */

import { fetchRows, known, labels, reason, remembered, row } from "./api.js";
import { $, count, el, icon, words } from "./dom.js";
import { layer } from "./overlay.js";
import { brush, difference, fill, outline, told } from "./paint.js";
import { onChange, set, state, write } from "./state.js";

const GAP = 10;
const EDGE = 14; // around the whole grid
const CAPTION = 30;
const BEYOND = 1.0; // screens above and below that exist already
const CALM = 70; // ms that a cell must last before its picture is asked for

const grid = $("grid");
const cells = $("cells");
const made = new Map(); // place in the list -> cell
let spare = new Map(); // id -> cell, while a new list takes the place of another

let list = { ids: [], total: 0, revision: -1 };
let columns = 1;
let side = 200;
let active = 0; // place of the cell that has the keyboard

export const ids = () => list.ids;
export const placeOf = (id) => list.ids.indexOf(id);
export const activeId = () => (isIn() ? list.ids[active] : undefined);
export const isAtTop = () => grid.scrollTop < 5;

/** Show these pictures instead of those before. */
export function show(found, { top = true } = {}) {
  const before = list.ids[active];
  list = found;
  if (top) grid.scrollTop = 0;
  const again = top ? 0 : Math.max(0, list.ids.indexOf(before));
  active = Math.min(again, Math.max(0, list.ids.length - 1));
  spare = new Map([...made.values()].map((cell) => [cell.id, cell]));
  made.clear();
  measure();
  for (const cell of spare.values()) drop(cell);
  spare.clear();
}

/** Cells whose rows were fetched anew. */
export function refreshRows() {
  for (const cell of made.values()) caption(cell);
}

export const visibleIds = () => [...made.values()].map((cell) => cell.id);

function measure() {
  const width = grid.clientWidth - 2 * EDGE;
  if (width <= 0) return;
  columns = Math.max(1, Math.floor((width + GAP) / (state.cell + GAP)));
  if (width < 520) columns = Math.max(2, columns);
  side = (width - GAP * (columns - 1)) / columns;
  const rows = Math.ceil(list.ids.length / columns);
  cells.style.height = `${rows * pitch() - GAP + 2 * EDGE}px`;
  for (const cell of made.values()) put(cell);
  draw();
}

const pitch = () => side + CAPTION + GAP;

function put(cell) {
  const x = EDGE + (cell.place % columns) * (side + GAP);
  const y = EDGE + Math.floor(cell.place / columns) * pitch();
  cell.node.style.transform = `translate(${x}px, ${y}px)`;
  cell.node.style.width = `${side}px`;
  cell.node.style.height = `${side + CAPTION}px`;
}

/** Make the cells that should exist, drop the others. */
function draw() {
  const above = grid.scrollTop - BEYOND * grid.clientHeight;
  const below = grid.scrollTop + (1 + BEYOND) * grid.clientHeight;
  const first = Math.max(0, Math.floor((above - EDGE) / pitch())) * columns;
  const last = Math.min(list.ids.length, (Math.floor((below - EDGE) / pitch()) + 1) * columns);
  for (const [place, cell] of made) {
    if ((place < first || place >= last) && place !== active) {
      drop(cell);
      made.delete(place);
    }
  }
  const wanted = [];
  for (let place = first; place < last; place++) {
    if (!made.has(place)) make(place);
    wanted.push(list.ids[place]);
  }
  if (list.ids.length && !made.has(active)) make(active);
  inOrder();
  fetchRows(wanted).then(refreshRows, () => {});
}

/** Cells stand in the document as they do on the screen, for those who hear or tab through it. */
function inOrder() {
  const focused = document.activeElement;
  const sorted = [...made.values()].sort((a, b) => a.place - b.place);
  sorted.forEach(({ node }, i) => {
    if (cells.children[i] !== node) cells.insertBefore(node, cells.children[i]);
  });
  if (focused !== document.activeElement && cells.contains(focused)) focused.focus({ preventScroll: true });
}

// -- a cell --------------------------------------------------------------------------------

function make(place) {
  const id = list.ids[place];
  const again = spare.get(id);
  if (again) {
    spare.delete(id);
    take(again, place);
    return;
  }
  const photo = el("img", { alt: "", draggable: false });
  const canvas = el("canvas", {});
  const problem = el("p", { className: "problem", hidden: true });
  const name = el("span", { className: "name" });
  const marks = el("span", { className: "marks" });
  const link = el(
    "a",
    { className: "cell" },
    el("span", { className: "picture" }, photo, canvas, problem),
    el("span", { className: "caption" }, name, marks),
  );
  const node = el("div", { className: "place", role: "listitem" }, link);
  const cell = { id, place, node, link, photo, canvas, problem, name, marks, stop: new AbortController(), wait: 0, begun: false };
  link.addEventListener("focus", () => move(cell.place, { focus: false }));
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    move(cell.place, { focus: false });
    open();
  });
  photo.addEventListener("load", () => node.classList.add("is-there"));
  photo.addEventListener("error", () => complain(cell, `/thumb/${row(id).key}`));
  cells.append(node);
  take(cell, place);
  caption(cell);
  cell.wait = setTimeout(() => begin(cell), CALM);
}

function take(cell, place) {
  cell.place = place;
  cell.link.tabIndex = place === active ? 0 : -1;
  cell.node.setAttribute("aria-setsize", list.ids.length);
  cell.node.setAttribute("aria-posinset", place + 1);
  made.set(place, cell);
  put(cell);
}

function drop(cell) {
  clearTimeout(cell.wait);
  cell.stop.abort();
  cell.photo.removeAttribute("src");
  cell.node.remove();
}

async function begin(cell) {
  try {
    if (!row(cell.id)) await fetchRows([cell.id]);
  } catch {
    return;
  }
  if (cell.stop.signal.aborted) return;
  cell.begun = true;
  cell.photo.src = `/thumb/${row(cell.id).key}`;
  paint(cell);
}

async function complain(cell, path) {
  if (!cell.photo.hasAttribute("src")) return;
  cell.photo.removeAttribute("src");
  cell.problem.textContent = await reason(path);
  cell.problem.hidden = false;
  cell.node.classList.add("has-problem");
}

function caption(cell) {
  const it = row(cell.id);
  if (!it) return;
  cell.link.href = write({ ...state, picture: it.key });
  cell.name.textContent = it.name;
  cell.link.title = `${it.split}/${it.name}`;
  const marks = [];
  const of = known.scores.indexOf(state.of);
  const score = it.scores?.[of];
  if (it.flagged) marks.push(el("span", { className: "mark is-flag", title: "flagged" }, icon("flag")));
  if (it.problems.length) marks.push(el("span", { className: "mark is-bad", title: it.problems.join("\n") }, "!"));
  if (it.findings.length) {
    marks.push(el("span", { className: "mark is-finding", title: it.findings.join(", ") }, String(it.findings.length)));
  }
  if (known.model) {
    const shown = score == null ? "–" : score.toFixed(2);
    const mark = el("span", { className: "mark is-score", title: score == null ? "no IoU (yet)" : `IoU, ${words(state.of)}` }, shown);
    if (score != null) mark.style.setProperty("--score", score);
    marks.push(mark);
  }
  cell.marks.replaceChildren(...marks);
  cell.node.classList.toggle("is-flagged", it.flagged);
  cell.link.setAttribute("aria-label", spoken(it, score));
}

function spoken(it, score) {
  const parts = [`${it.name}, ${it.split}`];
  if (it.flagged) parts.push("flagged");
  if (score != null) parts.push(`IoU ${score.toFixed(2)}`);
  if (it.findings.length) parts.push(`findings: ${it.findings.join(", ")}`);
  if (it.problems.length) parts.push("with a problem");
  return parts.join(", ");
}

// -- its mask ------------------------------------------------------------------------------

/** Predictions take the server a moment: two at a time leave it free for thumbnails. */
let free = 2;
const queue = [];

async function inTurn(path, signal) {
  if (remembered(path)) return labels(path);
  if (!free) await new Promise((go) => queue.push(go));
  else free--;
  try {
    signal.throwIfAborted();
    return await labels(path, signal);
  } finally {
    const next = queue.shift();
    if (next) next();
    else free++;
  }
}

async function paint(cell) {
  const { signal } = cell.stop;
  const key = row(cell.id).key;
  const shown = layer();
  try {
    const mask = shown === "prediction" ? null : await labels(`/mask/${key}?small`, signal);
    const predicted = shown === "mask" ? null : await inTurn(`/predicted/${key}?small`, signal);
    if (signal.aborted || shown !== layer()) return;
    const with_ = brush(known.classes, state.off);
    if (shown === "difference") difference(cell.canvas, told(mask, predicted, known.model.task), predicted, with_);
    else (state.style === "outline" ? outline : fill)(cell.canvas, mask || predicted, with_);
  } catch (error) {
    if (error.name === "AbortError") return;
    cell.canvas.width = cell.canvas.height = 1;
    if (cell.problem.hidden) {
      cell.problem.textContent = error.message;
      cell.problem.hidden = false;
    }
  }
}

// -- moving --------------------------------------------------------------------------------

/** Give the keyboard to the cell at a place. */
export function move(place, { focus = true } = {}) {
  if (!list.ids.length) return;
  const to = Math.min(list.ids.length - 1, Math.max(0, place));
  const before = made.get(active);
  active = to;
  if (before) before.link.tabIndex = -1;
  if (focus) reach(to);
  if (!made.has(to)) make(to);
  const cell = made.get(to);
  cell.link.tabIndex = 0;
  if (focus) cell.link.focus({ preventScroll: true });
}

/** Scroll so that a place is seen. */
function reach(place) {
  const top = EDGE + Math.floor(place / columns) * pitch();
  if (top < grid.scrollTop + EDGE) grid.scrollTop = top - EDGE;
  else if (top + pitch() > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + pitch() - grid.clientHeight + EDGE - GAP;
  draw();
}

/** Whether a cell has the keyboard; the first arrow key gives it to one. */
const isIn = () => made.get(active)?.link === document.activeElement;
const by = (n) => move(isIn() ? active + n : active);

export const step = {
  left: () => by(-1),
  right: () => by(1),
  up: () => by(active >= columns ? -columns : 0),
  down: () => by(active + columns < list.ids.length ? columns : 0),
  first: () => move(0),
  last: () => move(list.ids.length - 1),
  pageUp: () => by(-columns * page()),
  pageDown: () => by(columns * page()),
};

export const focus = () => move(active);

const page = () => Math.max(1, Math.floor(grid.clientHeight / pitch()));

export async function open() {
  const id = list.ids[active];
  if (id === undefined) return;
  if (!row(id)) await fetchRows([id]);
  set({ picture: row(id).key }, { step: true });
}

/** What to say where there is nothing to show. */
export function explain(text) {
  $("empty").hidden = !text;
  $("empty").replaceChildren(...(text ? [el("p", {}, text)] : []));
}

export const summary = () =>
  list.ids.length === list.total ? `${count(list.total)} pictures` : `${count(list.ids.length)} of ${count(list.total)}`;

export function startGrid() {
  grid.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(measure).observe(grid);
  onChange((changed) => {
    if (changed.has("cell")) measure();
    if (["layer", "off", "style"].some((name) => changed.has(name))) {
      for (const cell of made.values()) if (cell.begun) paint(cell);
    }
    if (["of", "layer", "off", "style", "opacity"].some((name) => changed.has(name))) refreshRows();
  });
}
