/** The keys: one table, which the help sheet is made from too. */

import { $, el } from "./dom.js";

let table = [];
let held = null;

/**
 * @param {{where: "grid"|"view"|"both", keys: string[], shown?: string, what: string,
 *   run: Function, up?: Function, isLetter?: boolean}[]} given
 *   keys are `event.key`, or `event.code` for digits; `up` makes it a key to be held.
 * @param {() => "grid"|"view"|""} where which of them are meant now; "" for none.
 */
export function bind(given, where) {
  table = given;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const here = where();
    if (!here || isTaken(event)) return;
    const found = table.find((one) => (one.where === here || one.where === "both") && fits(one, event));
    if (!found) return;
    if (isCharacter(event) && !$("letters").checked) return;
    event.preventDefault();
    if (found.up) {
      if (event.repeat || held) return;
      held = { found, code: event.code };
    }
    found.run(event);
  });
  addEventListener("keyup", (event) => held?.code === event.code && release());
  addEventListener("blur", release);
}

function release() {
  const was = held;
  held = null;
  was?.found.up();
}

function fits(one, event) {
  return one.keys.some((key) => {
    const [name, shift] = key.startsWith("Shift+") ? [key.slice(6), true] : [key, false];
    if (/^Digit/.test(name)) return (event.code === name || event.code === name.replace("Digit", "Numpad")) && event.shiftKey === shift;
    if (name.length > 1) return event.key === name && event.shiftKey === shift;
    return event.key === name;
  });
}

const isCharacter = (event) => event.key.length === 1;

/** Whether what has the keyboard wants this key for itself. */
function isTaken(event) {
  const node = event.target;
  if (!(node instanceof Element)) return false;
  if (node.matches("input:not([type=range], [type=checkbox]), select, textarea")) return event.key !== "Escape";
  if (node.matches("input[type=range]")) return event.key.startsWith("Arrow") || ["Home", "End", "PageUp", "PageDown"].includes(event.key);
  if (node.matches("button, summary, a, input")) return event.key === " " || (event.key === "Enter" && !node.matches(".cell"));
  return false;
}

const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", PageUp: "Page ↑", PageDown: "Page ↓", Escape: "Esc", "-": "−" };

/** The help sheet. */
export function sheet() {
  const titles = { both: "Everywhere", grid: "Among all pictures", view: "In one picture" };
  const parts = Object.entries(titles).map(([where, title]) =>
    el(
      "section",
      {},
      el("h3", {}, title),
      el(
        "dl",
        {},
        ...table
          .filter((one) => one.where === where && one.what)
          .flatMap((one) => {
            const keys = one.shown ? one.shown : one.keys.map((key) => SIGNS[key] || key);
            return [el("dt", {}, ...keys.map((key) => el("kbd", {}, key))), el("dd", {}, one.what)];
          }),
      ),
    ),
  );
  $("help-keys").replaceChildren(...parts);
}
