/** The server's net, for a browser that cannot run it: used only when a person has agreed. */

import { canvasOf, contextOf, pixelsOf, shrunk } from "./photo.js";

/** Whether a server answers, and not only files. */
export async function isThere(base) {
  try {
    const answer = await fetch(new URL("healthz", base));
    return answer.ok && (await answer.json()).status === "ok";
  } catch {
    return false;
  }
}

export class Remote {
  constructor(base) {
    this.base = base;
    this.where = new URL(base).host;
    this.token = "";
    this.names = []; // of classes, by index
    this.photo = null;
    this.small = null; // {side, blob} for previews
  }

  /** @returns {Promise<boolean>} whether the server lets us in */
  async open() {
    const answer = await fetch(new URL("v1/models", this.base), { headers: this.#headers() });
    if (answer.status === 401) return false;
    if (!answer.ok) throw new Error(await told(answer));
    const known = await answer.json();
    this.names = known.models.find((model) => model.name === known.default).classes;
    return true;
  }

  /** Names from the server, colours from the card that lies beside the page. */
  async classes() {
    const answer = await fetch(new URL("model/model.json", this.base)).catch(() => null);
    const card = answer?.ok ? await answer.json() : {};
    return this.names.map((name, i) => ({ name, color: card.colours?.[i] ?? "#808080" }));
  }

  async parse(photo, pixels, looks = 2) {
    this.photo = photo;
    this.small = null;
    photo.blob ??= await blobOf(photo.canvas);
    const answer = await this.#post(`v1/parse?as=labels&looks=${looks}`, photo.blob);
    const labels = await labelsOf(await answer.blob());
    return { labels, faces: null, classesFound: shares(labels, this.names) };
  }

  async apply(settings, backgrounds = {}, preview = 0) {
    const form = new FormData();
    form.append("picture", preview ? await this.#preview(preview) : this.photo.blob, "picture");
    for (const picture of Object.values(backgrounds)) form.append("background", await blobOf(drawn(picture)), "background");
    form.append("effects", JSON.stringify(settings));
    form.append("output", "png");
    const answer = await this.#post("v1/apply", form);
    const bitmap = await createImageBitmap(await answer.blob(), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
    const canvas = canvasOf(bitmap.width, bitmap.height);
    contextOf(canvas).drawImage(bitmap, 0, 0);
    return { picture: pixelsOf(canvas) };
  }

  close() {}

  #headers = () => (this.token ? { Authorization: `Bearer ${this.token}` } : {});

  async #post(path, body) {
    const answer = await fetch(new URL(path, this.base), { method: "POST", body, headers: this.#headers() });
    if (!answer.ok) throw new Error(await told(answer));
    return answer;
  }

  async #preview(side) {
    if (side >= Math.max(this.photo.width, this.photo.height)) return this.photo.blob;
    if (this.small?.side !== side) this.small = { side, blob: await blobOf(shrunk(this.photo.canvas, side)) };
    return this.small.blob;
  }
}

async function told(answer) {
  const said = await answer.json().catch(() => ({}));
  return said.message || `the server answered ${answer.status}`;
}

const blobOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));

function drawn(picture) {
  const canvas = canvasOf(picture.width, picture.height);
  contextOf(canvas).putImageData(new ImageData(picture.data, picture.width, picture.height), 0, 0);
  return canvas;
}

/** Class indices out of a grey PNG: every channel holds them. */
async function labelsOf(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const canvas = canvasOf(bitmap.width, bitmap.height);
  contextOf(canvas).drawImage(bitmap, 0, 0);
  const { data } = pixelsOf(canvas);
  return Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
}

/** Shares of the picture by class, of those that are there. */
function shares(labels, names) {
  const counts = new Array(names.length).fill(0);
  for (const label of labels) counts[label] += 1;
  const found = names.map((name, i) => [name, counts[i] / labels.length]);
  return Object.fromEntries(found.filter(([, share]) => share > 0));
}
