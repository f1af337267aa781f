/** Making elements. Text is only ever text: nothing here reads HTML. */

export const $ = (id) => document.getElementById(id);

/** An element with properties, listeners (on...), attributes, and children. */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.startsWith("aria")) made[name] = value;
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A word for people: left_brow -> left brow. */
export const words = (name) => name.replaceAll("_", " ");

export const count = (n) => n.toLocaleString("en");

export const percent = (share) =>
  share >= 0.1 ? `${Math.round(share * 100)} %` : share > 0 && share < 0.0005 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`;

let timer = 0;

/** A line at the bottom, for a moment. */
export function say(text, { stays = false } = {}) {
  const line = $("says");
  line.textContent = text;
  line.classList.toggle("is-shown", Boolean(text));
  clearTimeout(timer);
  if (text && !stays) timer = setTimeout(() => line.classList.remove("is-shown"), 3500);
}
