/** The panel beside the grid: the overlay, and which pictures are shown. */

import { known, post } from "./api.js";
import { $, count, el, icon, say, words } from "./dom.js";
import { controls, swatch } from "./overlay.js";
import { DEFAULTS, onChange, set, state, toggled } from "./state.js";

const NONE = { split: [], has: [], lacks: [], user: "", name: "", brightness: "", size: "", finding: [], score: "", flagged: "" };

let now = null; // what /api/state said last

const wish = (changes) => set(changes, { step: true });

export function clearAll() {
  wish({ ...NONE, of: DEFAULTS.of });
}

// -- parts ---------------------------------------------------------------------------------

const section = (title, ...parts) => el("section", {}, el("h3", {}, title), ...parts);

/** A button that adds a value to a list of the state or takes it away. */
function chip(name, value, shown, title = "") {
  const button = el("button", { type: "button", className: "tag", title, onclick: () => wish({ [name]: toggled(state[name], value) }) }, ...shown);
  button.dataset.list = name;
  button.dataset.value = value;
  return button;
}

function textField(name, label, placeholder) {
  let timer = 0;
  const input = el("input", {
    type: "search", id: `f-${name}`, placeholder, autocomplete: "off", spellcheck: false,
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => set({ [name]: input.value.trim() }), 200);
    },
  });
  return el("label", { className: "line", htmlFor: input.id }, el("span", {}, label), input);
}

/** Two numbers, least and most. */
function rangeField(name, label, step = "1") {
  const ends = ["least", "most"].map((end) =>
    el("input", { type: "number", step, min: "0", id: `f-${name}-${end}`, "aria-label": `${label}, ${end}`, onchange: () => take() }),
  );
  const take = () => {
    const [least, most] = ends.map((input) => input.value);
    wish({ [name]: least || most ? `${least}..${most}` : "" });
  };
  return el("div", { className: "line", role: "group", "aria-label": label }, el("span", {}, label), el("span", { className: "ends" }, ends[0], "–", ends[1]));
}

function classRow(name) {
  const side = (list, other, shown, title) => {
    const button = el("button", { type: "button", className: "tag is-small", title, onclick: () =>
      wish({ [list]: toggled(state[list], name), [other]: state[other].filter((one) => one !== name) }) }, shown);
    button.dataset.list = list;
    button.dataset.value = name;
    button.setAttribute("aria-label", `${title}`);
    return button;
  };
  return el(
    "div",
    { className: "row" },
    swatch(name),
    el("span", { className: "class-name" }, words(name)),
    el("span", { className: "share", id: `n-${name}` }),
    side("has", "lacks", "with", `Pictures with ${words(name)}`),
    side("lacks", "has", "without", `Pictures without ${words(name)}`),
  );
}

// -- the panel -----------------------------------------------------------------------------

export function startFilters() {
  const splits = Object.entries(known.splits).map(([name, n]) => chip("split", name, [name, el("span", { className: "share" }, count(n))]));
  const parts = [
    el("div", { className: "panel-head" }, el("h2", {}, "Overlay"),
      el("button", { type: "button", className: "icon only-narrow", title: "Close", onclick: () => togglePanel(false) }, icon("close"), el("span", { className: "hidden" }, "Close"))),
    el("div", { className: "overlay-controls" }, ...controls("panel")),
    el("div", { className: "panel-head" }, el("h2", {}, "Filters"),
      el("button", { type: "button", className: "link", id: "clear", onclick: clearAll }, "Clear")),
    textField("name", "Name", "part of it"),
    section("Split", el("div", { className: "tags" }, ...splits)),
    section("Classes", el("div", { className: "rows" }, ...known.present.map(classRow))),
    ...(known.users ? [textField("user", "User", "all of it")] : []),
    section("Picture", rangeField("brightness", "Brightness"), rangeField("size", "Short side")),
    ...(known.model ? [section(`Agreement with ${known.model.name}`, scoreField(), rangeField("score", "IoU", "0.01"))] : []),
    section("Findings", el("div", { id: "findings" })),
    section("Flags", el("div", { className: "tags" }, flagChoice("yes", "flagged"), flagChoice("no", "not flagged"))),
    el("button", { type: "button", className: "button is-main only-narrow", id: "panel-done", onclick: () => togglePanel(false) }),
  ];
  $("panel").append(...parts.filter(Boolean));
  $("panel-button").onclick = () => togglePanel();
  onChange(sync);
  sync();
  if (matchMedia("(max-width: 760px)").matches) togglePanel(false);
}

function scoreField() {
  const select = el("select", { id: "f-of", onchange: () => wish({ of: select.value }) },
    ...known.scores.map((name) => el("option", { value: name }, name === "mean" ? "mean" : words(name))));
  return el("label", { className: "line", htmlFor: "f-of" }, el("span", {}, "IoU of"), select);
}

function flagChoice(value, shown) {
  const button = el("button", { type: "button", className: "tag", onclick: () => wish({ flagged: state.flagged === value ? "" : value }) }, shown);
  button.dataset.flag = value;
  return button;
}

export function togglePanel(open = document.body.classList.contains("without-panel")) {
  document.body.classList.toggle("without-panel", !open);
  $("panel-button").setAttribute("aria-expanded", open);
}

/** The panel says what the state says. */
function sync() {
  for (const button of $("panel").querySelectorAll("[data-list]")) {
    button.setAttribute("aria-pressed", state[button.dataset.list].includes(button.dataset.value));
  }
  for (const button of $("panel").querySelectorAll("[data-flag]")) {
    button.setAttribute("aria-pressed", state.flagged === button.dataset.flag);
  }
  for (const name of ["name", "user"]) {
    const input = $(`f-${name}`);
    if (input && document.activeElement !== input) input.value = state[name];
  }
  for (const name of ["brightness", "size", "score"]) {
    const [least, most] = state[name].split("..");
    if ($(`f-${name}-least`)) {
      $(`f-${name}-least`).value = least || "";
      $(`f-${name}-most`).value = most || "";
    }
  }
  if ($("f-of")) $("f-of").value = state.of;
  $("clear").hidden = !chosen().length;
  chips();
}

// -- what is chosen, above the grid --------------------------------------------------------

/** [text, changes that undo it] of each condition. */
function chosen() {
  const lists = { split: "", has: "with ", lacks: "without ", finding: "" };
  const found = [];
  for (const [name, before] of Object.entries(lists)) {
    for (const value of state[name]) {
      const shown = name === "finding" && value === "any" ? "any finding" : words(value);
      found.push([before + shown, { [name]: state[name].filter((one) => one !== value) }]);
    }
  }
  const range = (text, unit = "") => {
    const [least, most] = text.split("..");
    return least && most ? `${least}–${most}${unit}` : least ? `≥ ${least}${unit}` : `≤ ${most}${unit}`;
  };
  if (state.name) found.push([`name has “${state.name}”`, { name: "" }]);
  if (state.user) found.push([`user ${state.user}`, { user: "" }]);
  if (state.brightness) found.push([`brightness ${range(state.brightness)}`, { brightness: "" }]);
  if (state.size) found.push([`short side ${range(state.size, " px")}`, { size: "" }]);
  if (state.score) found.push([`IoU ${state.of === "mean" ? "" : `of ${words(state.of)} `}${range(state.score)}`, { score: "" }]);
  if (state.flagged) found.push([state.flagged === "yes" ? "flagged" : "not flagged", { flagged: "" }]);
  return found;
}

function chips() {
  const all = chosen().map(([text, undo]) =>
    el("button", { type: "button", className: "chip", title: "Take this away", onclick: () => wish(undo) }, text, icon("close")),
  );
  $("chips").replaceChildren(...all);
}

// -- what the server found so far ----------------------------------------------------------

/** Counts, and findings, as /api/state has them. */
export function tell(told) {
  now = told;
  for (const [name, n] of Object.entries(told.classes)) $(`n-${name}`).textContent = count(n);
  const isAsked = [...state.has, ...state.lacks].includes("unknown");
  $("n-unknown").parentElement.hidden = !told.classes.unknown && !isAsked;
  for (const name of ["brightness", "size"]) {
    told[name]?.forEach((value, i) => ($(`f-${name}-${["least", "most"][i]}`).placeholder = Math.round(value)));
  }
  if (known.model) [0, 1].forEach((value, i) => ($(`f-score-${["least", "most"][i]}`).placeholder = value));
  findings();
}

function findings() {
  const job = now.jobs.find((one) => one.what === "verify");
  const place = $("findings");
  const had = document.activeElement?.closest("#findings") ? document.activeElement.dataset.value : null;
  if (!now.findings) {
    place.replaceChildren(
      el("p", { className: "dim" }, job?.running ? "Checking …" : "Not checked yet."),
      el("button", { type: "button", className: "button", disabled: Boolean(job?.running), onclick: check }, "Check the dataset"),
    );
    return;
  }
  const kinds = Object.entries(now.findings);
  const parts = kinds.map(([kind, n]) => chip("finding", kind, [kind, el("span", { className: "share" }, count(n))], known.checks[kind]?.means));
  if (kinds.length > 1) parts.unshift(chip("finding", "any", ["any"]));
  const words_ = [];
  if (!kinds.length) words_.push(el("p", { className: "dim" }, "None about a picture that is here."));
  if (now.elsewhere) words_.push(el("p", { className: "dim" }, `${count(now.elsewhere)} about no picture that can be shown: see data verify.`));
  const again = el("button", { type: "button", className: "link", disabled: Boolean(job?.running), onclick: check }, job?.running ? "Checking …" : "Check again");
  place.replaceChildren(el("div", { className: "tags" }, ...parts), ...words_, again);
  for (const button of parts) button.setAttribute("aria-pressed", state.finding.includes(button.dataset.value));
  if (had) place.querySelector(`[data-value="${CSS.escape(had)}"]`)?.focus();
}

async function check() {
  try {
    await post("/api/verify", {});
    dispatchEvent(new Event("look-again"));
  } catch (error) {
    say(error.message);
  }
}
