/** The page: what is loaded when, and what the keys do. */

import { fetchRows, forgetRows, get, known, meet } from "./api.js";
import { $, count, el, say, words } from "./dom.js";
import { startFilters, tell, togglePanel } from "./filters.js";
import * as grid from "./grid.js";
import { bind, sheet } from "./keys.js";
import * as overlay from "./overlay.js";
import { WISHES, onChange, set, start, state, wish } from "./state.js";
import * as view from "./view.js";

const POLL = 1000; // ms between two looks at what the server is doing
const JOBS = { classes: "Looking at masks", compare: "Asking the model", verify: "Checking the dataset" };

let now = null; // what /api/state said last
let asked = 0; // of the lists asked for, only the last is shown

// -- the list ------------------------------------------------------------------------------

async function load({ top = true } = {}) {
  const mine = ++asked;
  try {
    const found = await get(`/api/pictures?${wish()}`);
    if (mine !== asked) return;
    await fetchRows(found.ids.slice(0, 60));
    if (mine !== asked) return;
    grid.show(found, { top });
    $("count").textContent = grid.summary();
    grid.explain(found.ids.length ? "" : nothing());
    $("refresh").hidden = true;
    const done = $("panel-done");
    if (done) done.textContent = `Show ${grid.summary()}`;
    if (view.isOpen()) view.place();
  } catch (error) {
    if (mine !== asked) return;
    grid.show({ ids: [], total: 0, revision: -1 });
    grid.explain(error.message);
    $("count").textContent = "";
  }
}

function nothing() {
  const isWaiting = now?.jobs.some((job) => job.running && dependsOn(job.what));
  return isWaiting ? "None so far: still looking." : "No picture meets all of these conditions.";
}

/** Whether the list may change as a job goes on. */
function dependsOn(job) {
  const onMasks = state.has.length || state.lacks.length || state.brightness || state.size || /brightness|size/.test(state.sort);
  if (job === "classes") return Boolean(onMasks);
  if (job === "compare") return Boolean(state.score) || /score/.test(state.sort);
  return state.finding.length > 0;
}

// -- what the server is doing --------------------------------------------------------------

let timer = 0;

async function look() {
  clearTimeout(timer);
  let told;
  try {
    told = await get("/api/state");
  } catch (error) {
    say(error.message, { stays: true });
    timer = setTimeout(look, 3 * POLL);
    return;
  }
  if (now === null || $("says").textContent.startsWith("The server has ended")) say("");
  const before = now;
  now = told;
  $("flag-count").textContent = count(told.flagged);
  if (!before || before.revision !== told.revision || anyRuns(before)) {
    tell(told);
    progress();
  }
  if (before && before.revision !== told.revision) await changed(before);
  if (anyRuns(told)) timer = setTimeout(look, POLL);
}

const anyRuns = (told) => told.jobs.some((job) => job.running);

/** The server knows more than before: rows that are seen are brought up to date at once, the
 *  list only where that moves nothing under anybody's hands. */
async function changed(before) {
  const seen = grid.visibleIds();
  forgetRows(seen);
  await fetchRows(seen, { anew: true }).catch(() => {});
  grid.refreshRows();
  view.refresh();
  const touched = before.jobs.some((job) => job.running && dependsOn(job.what)) || now.jobs.some((job) => job.running && dependsOn(job.what));
  if (!touched) return;
  if (grid.isAtTop() && !view.isOpen() && !$("cells").contains(document.activeElement)) await load({ top: false });
  else $("refresh").hidden = false;
}

function progress() {
  const lines = now.jobs
    .filter((job) => job.running || job.problem)
    .map((job) => {
      if (job.problem) return el("p", { className: "is-bad" }, `${JOBS[job.what]}: ${job.problem}`);
      const bar = el("progress", { max: job.total || 1, value: job.done, "aria-label": JOBS[job.what] });
      return el("p", {}, JOBS[job.what], bar, el("span", {}, `${count(job.done)} of ${count(job.total)}`));
    });
  $("jobs").replaceChildren(...lines);
}

// -- the bar -------------------------------------------------------------------------------

function bar() {
  $("dataset").textContent = known.name;
  $("dataset").title = known.root;
  document.title = known.name;
  const names = { name: "Name", user: "User", brightness: "Darkest first", size: "Smallest first", score: "Worst IoU first" };
  const turned = { "-brightness": "Brightest first", "-size": "Largest first", "-score": "Best IoU first" };
  const options = Object.entries({ ...names, ...turned }).filter(
    ([name]) => (known.model || !name.includes("score")) && (known.users || name !== "user"),
  );
  $("sort").append(...options.map(([value, text]) => el("option", { value }, text)));
  $("sort").onchange = () => set({ sort: $("sort").value }, { step: true });
  $("cell").oninput = () => set({ cell: Number($("cell").value) });
  for (const id of ["help-button", "view-help"]) $(id).onclick = help;
  $("flags-button").onclick = flags;
  $("flags-show").onclick = () => {
    $("flags").close();
    set({ flagged: "yes" }, { step: true });
  };
  $("refresh").onclick = refresh;
  $("skip").onclick = (event) => {
    event.preventDefault();
    grid.focus();
  };
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
  const letters = $("letters");
  letters.checked = localStorage.getItem("letters") !== "no";
  letters.onchange = () => localStorage.setItem("letters", letters.checked ? "yes" : "no");
  const show = () => {
    $("sort").value = state.sort;
    $("cell").value = state.cell;
  };
  onChange(show);
  show();
}

function help() {
  sheet();
  $("help").showModal();
}

function flags() {
  const n = now?.flagged || 0;
  const many = n === 1 ? "One picture is flagged" : `${count(n)} pictures are flagged`;
  const where = known.flags_file
    ? ["Kept in ", el("code", {}, known.flags_file), "."]
    : ["Kept for the next time; ", el("code", {}, "--flags FILE"), " keeps them in a file of yours."];
  $("flags-say").replaceChildren(n ? `${many}. ` : "None yet: x flags a picture. ", ...where);
  for (const id of ["flags-show", "flags-text", "flags-json"]) $(id).hidden = !n;
  $("flags").showModal();
}

const refresh = () => load({ top: true });

async function flag(id) {
  if (id === undefined) {
    say("Choose a picture first, with the arrow keys.");
    return;
  }
  await view.flag(id);
  look();
}

// -- keys ----------------------------------------------------------------------------------

const layerKey = (key, name) => ({ where: "both", keys: [key], what: known.model ? name : "", run: () => set({ layer: name }) });
const digits = (shift) => Array.from({ length: 10 }, (_, i) => `${shift}Digit${i}`);
const named = (event) => known.present[Number(event.code.slice(-1))];

function keys() {
  const { step } = grid;
  const both = [
    { keys: ["?"], what: "this sheet", run: help },
    { keys: ["f"], what: "photo only: hold it, or tap it", run: overlay.bare.down, up: overlay.bare.up },
    { keys: ["a"], what: "flicker by itself", run: overlay.flicker },
    { keys: ["[", "]"], what: "weaker, stronger overlay", run: (event) => overlay.strength(event.key === "[" ? -5 : 5) },
    { keys: ["e"], what: "areas or outlines", run: () => set({ style: state.style === "fill" ? "outline" : "fill" }) },
    { keys: digits(""), shown: ["0", "…", "9"], what: `draw a class or not: ${known.present.map((name, i) => `${i} ${words(name)}`).join(", ")}`, run: (event) => overlay.toggleClass(named(event)) },
    { keys: digits("Shift+"), shown: ["Shift", "0", "…", "9"], what: "only this class; again: all", run: (event) => overlay.only(named(event)) },
    { keys: ["c"], what: "all classes or none", run: overlay.allClasses },
    { keys: ["x"], what: "flag", run: () => flag(view.isOpen() ? view.currentId() : grid.activeId()) },
  ].map((one) => ({ where: "both", ...one }));
  const layers = [layerKey("m", "mask"), layerKey("p", "prediction"), layerKey("d", "difference")];
  const among = [
    { keys: ["ArrowLeft"], run: step.left, what: "" },
    { keys: ["ArrowRight"], run: step.right, what: "" },
    { keys: ["ArrowUp"], run: step.up, what: "" },
    { keys: ["ArrowDown"], shown: ["←", "→", "↑", "↓"], run: step.down, what: "from picture to picture" },
    { keys: ["Home"], run: step.first, what: "" },
    { keys: ["End"], shown: ["Home", "End"], run: step.last, what: "first, last" },
    { keys: ["PageUp"], run: step.pageUp, what: "" },
    { keys: ["PageDown"], shown: ["Page ↑", "Page ↓"], run: step.pageDown, what: "a screen up, down" },
    { keys: ["Enter"], run: grid.open, what: "open" },
    { keys: ["/"], run: () => (togglePanel(true), $("f-name").focus()), what: "look for a name" },
    { keys: ["s"], run: () => togglePanel(), what: "overlay and filters" },
    { keys: ["+", "="], shown: ["+"], run: () => set({ cell: Math.min(360, state.cell + 30) }), what: "" },
    { keys: ["-"], shown: ["+", "−"], run: () => set({ cell: Math.max(110, state.cell - 30) }), what: "larger, smaller thumbnails" },
    { keys: ["r"], run: refresh, what: "show new results" },
    { keys: ["Escape"], run: grid.focus, what: "" },
  ].map((one) => ({ where: "grid", ...one }));
  const inside = [
    { keys: ["ArrowRight"], run: () => view.step(1), what: "" },
    { keys: ["ArrowLeft"], shown: ["←", "→"], run: () => view.step(-1), what: "the one before, the next" },
    { keys: ["Home"], run: () => view.step(0, { to: 0 }), what: "" },
    { keys: ["End"], shown: ["Home", "End"], run: () => view.step(0, { to: -1 }), what: "first, last" },
    { keys: ["ArrowUp"], run: () => overlay.strength(5), what: "" },
    { keys: ["ArrowDown"], shown: ["↑", "↓"], run: () => overlay.strength(-5), what: "stronger, weaker overlay" },
    { keys: ["+", "="], run: view.zooming.in, what: "" },
    { keys: ["-"], shown: ["+", "−"], run: view.zooming.out, what: "zoom; the wheel does too" },
    { keys: ["w"], run: () => view.zooming.fit("whole"), what: "all of it" },
    { keys: ["g"], run: () => view.zooming.fit("face"), what: "the face, in this and those that follow" },
    { keys: ["z"], run: view.zooming.actual, what: "pixel for pixel" },
    { keys: ["Shift+ArrowLeft"], run: () => view.zooming.pan(1, 0), what: "" },
    { keys: ["Shift+ArrowRight"], run: () => view.zooming.pan(-1, 0), what: "" },
    { keys: ["Shift+ArrowUp"], run: () => view.zooming.pan(0, 1), what: "" },
    { keys: ["Shift+ArrowDown"], shown: ["Shift", "← → ↑ ↓"], run: () => view.zooming.pan(0, -1), what: "move about; dragging does too" },
    { keys: ["i"], run: view.toggleInfo, what: "what is known of it" },
    { keys: ["Escape", "Enter"], run: view.leave, what: "back to all pictures" },
  ].map((one) => ({ where: "view", ...one }));
  const isBlocked = () => document.querySelector("dialog[open]") !== null;
  bind([...both, ...layers, ...among, ...inside], () => (isBlocked() ? "" : view.isOpen() ? "view" : "grid"));
}

// -- start ---------------------------------------------------------------------------------

async function main() {
  start();
  try {
    await meet();
  } catch (error) {
    say(error.message, { stays: true });
    return;
  }
  bar();
  overlay.startOverlay();
  startFilters();
  grid.startGrid();
  keys();
  onChange((changed) => {
    if (WISHES.some((name) => changed.has(name))) load();
  });
  addEventListener("look-again", look);
  await Promise.all([load(), look()]);
  view.startView();
}

main();
