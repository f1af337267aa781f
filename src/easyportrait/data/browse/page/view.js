/** One picture: its photo, what lies over it, and what is known of it. */

import { fetchRows, get, known, labels, noteFlag, post, reason, row } from "./api.js";
import { $, count, el, percent, say, words } from "./dom.js";
import * as grid from "./grid.js";
import { choice, controls, layer, only, swatch, sync } from "./overlay.js";
import { ONLY_MASK, ONLY_PREDICTION, OTHER_CLASS, brush, difference, faceBox, fill, outline, told } from "./paint.js";
import { onChange, set, state } from "./state.js";
import { Zoom } from "./zoom.js";

const photo = $("photo");
const canvas = $("overlay");

/** What is shown: the server's details, and masks as far as they are there. */
let shown = { key: "", details: null, mask: null, predicted: null, stop: new AbortController() };
let current; // the id of the picture that is shown, or about to be
let zoom = null;

export const isOpen = () => Boolean(state.picture);

// -- opening and closing -------------------------------------------------------------------

async function open(key) {
  shown.stop.abort();
  const mine = (shown = { key, details: null, mask: null, predicted: null, counts: null, stop: new AbortController() });
  const { signal } = mine.stop;
  const isNew = $("view").hidden;
  $("view").hidden = false;
  $("app").inert = true;
  if (isNew) {
    $("stage").focus({ preventScroll: true });
    photo.removeAttribute("src");
  }
  $("view").classList.add("is-loading");
  notices();
  try {
    mine.details = await get(`/api/picture/${key}`, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    $("name").textContent = decoded(key);
    $("place").textContent = "";
    $("info").replaceChildren();
    current = undefined;
    clear();
    notices(error.message);
    return;
  }
  current = mine.details.id;
  head(mine.details);
  const trouble = [];
  const next = new Image();
  next.src = `/image/${key}`;
  const [photoIs, maskIs] = await Promise.allSettled([
    next.decode().catch(async () => {
      throw new Error((await reason(`/image/${key}`)) || "The browser cannot show this picture.");
    }),
    labels(`/mask/${key}`, signal),
  ]);
  if (signal.aborted) return;
  if (maskIs.status === "fulfilled") mine.mask = maskIs.value;
  else trouble.push(maskIs.reason.message);
  const { width, height } = photoIs.status === "fulfilled" ? { width: next.naturalWidth, height: next.naturalHeight } : mine.mask || { width: 640, height: 480 };
  if (photoIs.status === "fulfilled") photo.src = next.src;
  else {
    photo.removeAttribute("src");
    trouble.push(photoIs.reason.message);
  }
  if (mine.mask && photoIs.status === "fulfilled" && (mine.mask.width !== width || mine.mask.height !== height)) {
    trouble.push(`The picture is ${width} × ${height} (width × height), its mask ${mine.mask.width} × ${mine.mask.height}: it is drawn stretched.`);
  }
  mine.trouble = trouble;
  zoom.size(width, height);
  zoom.box = mine.mask && faceBox(mine.mask);
  clear();
  zoom.fit(state.zoom);
  boxes();
  await paint();
  if (signal.aborted) return;
  $("view").classList.remove("is-loading");
  info();
  lookAhead();
}

function close() {
  shown.stop.abort();
  const id = current;
  shown = { ...shown, key: "", details: null };
  current = undefined;
  $("view").hidden = true;
  $("app").inert = false;
  document.title = known.name;
  const place = id === undefined ? -1 : grid.placeOf(id);
  if (place >= 0) grid.move(place);
}

const decoded = (key) => {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
};

function head(details) {
  const place = grid.placeOf(details.id);
  $("name").textContent = details.name;
  $("place").textContent = place < 0 ? "not among those chosen" : `${count(place + 1)} of ${count(grid.ids().length)}`;
  $("before").disabled = place <= 0;
  $("after").disabled = place < 0 || place >= grid.ids().length - 1;
  $("stage").setAttribute("aria-label", `${details.name}, photo and ${layer()}`);
  document.title = `${details.name} – ${known.name}`;
  flagButton(details.flagged);
}

function flagButton(flagged) {
  $("flag").setAttribute("aria-pressed", flagged);
  $("flag").lastElementChild.textContent = flagged ? "Flagged" : "Flag";
}

/** The next ones, so that they are there when asked for. */
async function lookAhead() {
  const place = grid.placeOf(shown.details.id);
  const near = [grid.ids()[place + 1], grid.ids()[place - 1]].filter((id) => id !== undefined);
  if (place < 0) return;
  try {
    await fetchRows(near);
    for (const id of near) {
      new Image().src = `/image/${row(id).key}`;
      labels(`/mask/${row(id).key}`, shown.stop.signal).catch(() => {});
    }
  } catch {
    // whoever opens it will be told
  }
}

/** Go on by so many pictures, or to the first (0) or last (-1); keys that come faster than
 *  pictures still count. */
export async function step(by, { to = null } = {}) {
  const all = grid.ids();
  const here = grid.placeOf(current);
  const place = to === null ? here + by : to < 0 ? all.length - 1 : to;
  if ((to === null && here < 0) || place < 0 || place >= all.length) return;
  const id = (current = all[place]);
  if (!row(id)) await fetchRows([id]);
  if (current === id) set({ picture: row(id).key });
}

// -- drawing -------------------------------------------------------------------------------

function clear() {
  canvas.width = canvas.height = 1;
  $("boxes").replaceChildren();
}

async function paint() {
  const mine = shown;
  const what = layer();
  const lines = [...(mine.trouble || [])];
  if (what !== "mask" && !mine.predicted) {
    notices(...lines, "Asking the model …");
    try {
      mine.predicted = await labels(`/predicted/${mine.key}`, mine.stop.signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      lines.push(error.message);
    }
    if (mine !== shown || what !== layer()) return;
    if (mine.predicted && !mine.details?.scores) refreshDetails(mine);
  }
  mine.counts = null;
  const with_ = brush(known.classes, state.off);
  const one = what === "mask" ? mine.mask : mine.predicted;
  if (what === "difference" && mine.mask && mine.predicted) {
    mine.counts = difference(canvas, told(mine.mask, mine.predicted, known.model.task), mine.predicted, with_);
  } else if (one && what !== "difference") (state.style === "outline" ? outline : fill)(canvas, one, with_);
  else canvas.width = canvas.height = 1;
  notices(...lines);
  legend();
}

async function refreshDetails(mine) {
  try {
    const details = await get(`/api/picture/${mine.key}`, mine.stop.signal);
    if (mine !== shown) return;
    mine.details = details;
    info();
  } catch {
    // the old ones stay
  }
}

function notices(...lines) {
  $("notices").replaceChildren(...lines.map((line) => el("p", {}, line)));
}

/** What findings are about, framed. */
function boxes() {
  const { width, height } = shown.mask || zoom;
  const svg = $("boxes");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  const frames = shown.details.about.flatMap((finding) => finding.boxes);
  svg.replaceChildren(
    ...frames.map(([left, top, right, bottom]) => {
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const pad = Math.max(2, width / 300);
      const values = { x: left - pad, y: top - pad, width: right - left + 2 * pad, height: bottom - top + 2 * pad, "vector-effect": "non-scaling-stroke" };
      for (const [name, value] of Object.entries(values)) rect.setAttribute(name, value);
      return rect;
    }),
  );
}

/** Which class the pixel under the pointer is of. */
function readOut(event) {
  const at = zoom.pixel(event);
  const line = $("pixel");
  if (!at || !shown.mask) {
    line.textContent = "";
    return;
  }
  const name = (mask) => {
    const x = Math.floor((at[0] * mask.width) / zoom.width);
    const y = Math.floor((at[1] * mask.height) / zoom.height);
    const value = mask.data[y * mask.width + x];
    return value < known.classes.length ? words(known.classes[value].name) : `unknown (${value})`;
  };
  const parts = [`x ${at[0]}, y ${at[1]}`, name(shown.mask)];
  if (shown.predicted && layer() !== "mask") parts.push(`prediction: ${name(shown.predicted)}`);
  line.textContent = parts.join(" · ");
}

// -- what is known of it -------------------------------------------------------------------

function info() {
  const it = shown.details;
  if (!it) return;
  const pixels = it.counts?.reduce((sum, n) => sum + n, 0) || 0;
  const facts = [
    ["Split", el("a", { href: "#", onclick: follow({ split: [it.split] }) }, it.split)],
    it.user && ["User", el("a", { href: "#", onclick: follow({ user: it.user }), title: "All pictures of this user" }, it.user)],
    it.width && ["Size", `${it.width} × ${it.height}`],
    it.brightness !== null && ["Brightness", it.brightness.toFixed(0)],
    it.hash && ["Hash", el("code", {}, it.hash)],
  ].filter(Boolean);
  $("info").replaceChildren(
    el("h3", {}, "Classes"),
    el("div", { className: "rows", id: "class-rows" }, ...known.present.map((name, i) => classRow(name, it, i, pixels)).filter(Boolean)),
    el("div", { id: "legend", className: "legend" }),
    ...findings(it),
    el("h3", {}, "Picture"),
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el("details", {}, el("summary", {}, "Files"), ...it.files.map((file) => el("p", { className: "file" }, file))),
  );
  legend();
}

function classRow(name, it, i, pixels) {
  const share = pixels ? it.counts[i] / pixels : null;
  if (name === "unknown" && !share) return null;
  const score = it.scores?.[known.scores.indexOf(name)];
  const parts = [
    swatch(name),
    el("button", { type: "button", className: "class-name", title: "Only this (again: all)", onclick: () => only(name) }, words(name)),
    el("span", { className: "share" }, share === null ? "" : share ? percent(share) : "–"),
  ];
  if (known.model) parts.push(iou(name === "unknown" ? null : score));
  return el("div", { className: share === 0 ? "row is-absent" : "row" }, ...parts);
}

function iou(score) {
  const shownScore = score == null ? "" : score.toFixed(2);
  const node = el("span", { className: "iou", title: "IoU of prediction and mask" }, shownScore);
  if (score != null) node.style.setProperty("--score", score);
  return node;
}

function legend() {
  const place = $("legend");
  if (!place) return;
  const mean = shown.details?.scores?.[0];
  const parts = [];
  if (known.model && mean != null) parts.push(el("p", { className: "mean" }, "Mean IoU ", el("b", {}, mean.toFixed(3))));
  if (layer() === "difference") {
    const counts = shown.counts || { mask: null, prediction: null, other: null };
    for (const [label, colour, n] of [
      ["only in the mask", ONLY_MASK, counts.mask],
      ["only in the prediction", ONLY_PREDICTION, counts.prediction],
      ["another class", OTHER_CLASS, counts.other],
    ]) {
      const spot = el("span", { className: "spot" });
      spot.style.setProperty("--swatch", `rgb(${colour.join(" ")})`);
      parts.push(el("p", {}, spot, label, el("span", { className: "share" }, n === null ? "" : `${count(n)} px`)));
    }
  }
  place.replaceChildren(...parts);
}

function findings(it) {
  if (!it.about.length && !it.problems.length) return [];
  const item = (kind, message, ...more) => el("li", {}, el("b", {}, kind), el("p", {}, message), ...more);
  return [
    el("h3", {}, "Findings"),
    el(
      "ul",
      { className: "findings" },
      ...it.problems.map((problem) => item("problem", problem)),
      ...it.about.map((finding) =>
        item(
          finding.kind,
          finding.message,
          known.checks[finding.kind] ? el("p", { className: "mend" }, known.checks[finding.kind].mend) : null,
          finding.pictures.length
            ? el("p", { className: "others" }, ...finding.pictures.map(({ key, name }) =>
                el("a", { href: "#", title: name, onclick: (event) => (event.preventDefault(), set({ picture: key }, { step: true })) },
                  el("img", { src: `/thumb/${key}`, alt: name, loading: "lazy" }))))
            : null,
        ),
      ),
    ),
  ];
}

/** A link to the grid with one condition. */
function follow(conditions) {
  return (event) => {
    event.preventDefault();
    const none = { split: [], has: [], lacks: [], user: "", name: "", brightness: "", size: "", finding: [], score: "", flagged: "" };
    set({ ...none, ...conditions, picture: "" }, { step: true });
  };
}

// -- flags ---------------------------------------------------------------------------------

/** Flag a picture, or take its flag away. */
export async function flag(id) {
  const it = shown.details?.id === id ? shown.details : row(id);
  if (!it) return;
  try {
    const answer = await post("/api/flag", { key: it.key, flagged: !it.flagged });
    it.flagged = !it.flagged;
    noteFlag(id, it.flagged);
    if (shown.details?.id === id) flagButton(it.flagged);
    grid.refreshRows();
    $("flag-count").textContent = count(answer.flagged);
    say(`${it.name} ${it.flagged ? "flagged" : "no longer flagged"}`);
  } catch (error) {
    say(error.message);
  }
}

export const currentId = () => current;

// -- start ---------------------------------------------------------------------------------

/** Things changed on the server: bring the panel up to date. */
export function refresh() {
  if (shown.details && !$("view").classList.contains("is-loading")) refreshDetails(shown);
}

export const place = () => shown.details && head(shown.details);

export const zooming = {
  in: () => zoom.by(1.5),
  out: () => zoom.by(1 / 1.5),
  actual: () => zoom.to(1 / devicePixelRatio),
  fit: (what) => {
    set({ zoom: what });
    zoom.fit(what);
  },
  pan: (x, y) => zoom.pan(x * 80, y * 80),
};

export function toggleInfo() {
  const isShown = $("view").classList.toggle("without-info");
  $("info-button").setAttribute("aria-expanded", !isShown);
}

export function startView() {
  zoom = new Zoom($("stage"), $("sheet"), {
    changed: () => {
      scale.textContent = `${Math.round(zoom.scale * 100)} %`;
      sync();
    },
    swiped: (by) => step(by),
  });
  const scale = el("output", { className: "scale", title: "One pixel of the picture on so many of the screen" }, "100 %");
  const button = (text, title, onclick) => el("button", { type: "button", className: "button is-square", title, "aria-label": title, onclick }, text);
  const fits = [["whole", "Whole", "All of it (w)"], ["face", "Face", "The face (g)"]];
  $("tools").append(
    ...controls("view"),
    el("div", { className: "grow" }),
    el("div", { className: "pair" }, button("−", "Smaller (-)", zooming.out), scale, button("+", "Larger (+)", zooming.in)),
    choice("fits", "Zoom", fits, () => zoom?.fits, zooming.fit),
  );
  $("stage").addEventListener("pointermove", readOut);
  $("stage").addEventListener("pointerleave", () => ($("pixel").textContent = ""));
  photo.addEventListener("error", () => photo.removeAttribute("src"));
  $("to-grid").onclick = leave;
  $("before").onclick = () => step(-1);
  $("after").onclick = () => step(1);
  $("flag").onclick = () => current !== undefined && flag(current);
  $("info-button").onclick = toggleInfo;
  onChange((changed) => {
    if (changed.has("picture")) {
      if (state.picture) open(state.picture);
      else close();
      return;
    }
    if (!isOpen() || !shown.details) return;
    if (changed.has("zoom")) zoom.fit(state.zoom);
    if (["layer", "off", "style"].some((name) => changed.has(name))) paint();
  });
  if (state.picture) open(state.picture);
}

/** Back to the grid: as the back button would, if it leads there. */
export function leave() {
  if (history.state?.from === "grid") history.back();
  else set({ picture: "" }, { step: true });
}
