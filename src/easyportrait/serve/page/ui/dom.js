/** Making elements. Text is only ever text: nothing here reads HTML. */

const SVG = "http://www.w3.org/2000/svg";
const TOAST_MS = 6000;

export const $ = (id) => document.getElementById(id);

/** An element with properties, listeners (on...), attributes, and children. */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.startsWith("aria")) made[name] = value;
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** For people: "whiten-teeth" -> "Whiten teeth", "eye-color" -> "Eye colour", as the rest is spelt. */
export function words(name) {
  const text = name.replaceAll(/[-_]/g, " ").replace(/\bcolor\b/, "colour");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const percent = (share) =>
  share > 0 && share < 0.005 ? "< 1 %" : `${Math.round(share * 100)} %`;

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** A line that goes by itself, or when it is pressed; errors stay longer. */
export function say(text, { bad = false } = {}) {
  const toast = el("button", { type: "button", className: bad ? "toast is-bad" : "toast" }, sentence(text));
  const shown = $("toasts");
  toast.addEventListener("click", () => toast.remove());
  for (const old of [...shown.children]) if (old.textContent === toast.textContent) old.remove();
  shown.append(toast);
  setTimeout(() => toast.remove(), bad ? 2 * TOAST_MS : TOAST_MS);
}

/** Errors from elsewhere are worded in lower case and without a full stop: make them a sentence. */
export const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);

/** What was wrong before is over. */
export function hush() {
  for (const toast of document.querySelectorAll(".toast.is-bad")) toast.remove();
}

/** Told to who listens instead of looking. */
export const tell = (text) => ($("told").textContent = text);

/** Bring one group of toggles into line: which one is pressed. */
export const press = (button, on) => button.setAttribute("aria-pressed", String(on));
export const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
