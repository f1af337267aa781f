/** The photo on its canvas: as it was, as it becomes, and its parts in colours over it. */

import { $, clamp, isPressed, press } from "./dom.js";
import { canvasOf, contextOf, put, shrunk } from "./photo.js";

const MOST_PREVIEW = 1280; // longest side: what a phone's processor does while a finger moves
const LARGEST = 2; // a small photo is shown at most so many times its size
const STEP = 2; // percent a key moves the handle
const DEEPEST = 12; // times
const FACE = 0.62; // of the stage's shorter side that a face fills

export class Stage {
  /** @param {() => void} resized  called when a preview of another size would be sharper */
  constructor(resized) {
    this.photo = null; // anything with canvas, width and height
    this.labels = null;
    this.colours = []; // by class index: [red, green, blue]
    this.hidden = new Set(); // class indices
    this.split = 50;
    this.resized = resized;
    this.zoom = { times: 1, x: 0, y: 0 }; // and where the photo's corner is, in parts of the sheet
    new ResizeObserver(() => this.#fit()).observe($("frame"));
    this.#watchPointer();
    this.#watchKeys();
  }

  /** Show another photo, before anything is known of it. */
  show(photo) {
    this.photo = photo;
    this.labels = null;
    this.side = 0;
    this.faces = [];
    $("sheet").classList.remove("is-mirrored");
    this.zoomTo(1);
    this.#fit();
    this.reset();
  }

  /** Back to the photo without effects. */
  reset() {
    const small = this.#small();
    put({ data: contextOf(small).getImageData(0, 0, small.width, small.height).data, width: small.width, height: small.height }, $("after"));
  }

  /** The longer side, in pixels, of a preview that is as sharp as the screen. */
  get previewSide() {
    const box = $("sheet").getBoundingClientRect();
    const seen = Math.ceil(Math.max(box.width, box.height) * devicePixelRatio * this.zoom.times);
    return clamp(seen, 64, Math.min(MOST_PREVIEW, Math.max(this.photo.width, this.photo.height)));
  }

  showResult(picture) {
    put(picture, $("after"));
  }

  setLabels(labels, colours) {
    this.labels = labels;
    this.colours = colours;
    this.paintParts();
  }

  /** Colour every class that is not hidden; the picture shows through (style.css says how far). */
  paintParts() {
    const canvas = $("parts");
    canvas.hidden = !this.labels || !isPressed($("show-parts"));
    if (canvas.hidden) return;
    const { width, height } = this.photo;
    const side = Math.min(Math.max(width, height), MOST_PREVIEW);
    const scale = side / Math.max(width, height);
    const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    canvas.width = w;
    canvas.height = h;
    const image = new ImageData(w, h);
    const ink = new Uint32Array(image.data.buffer);
    const inks = this.#inks();
    for (let y = 0, at = 0; y < h; y++) {
      const row = Math.floor(((y + 0.5) * height) / h) * width;
      for (let x = 0; x < w; x++) ink[at++] = inks[this.labels[row + Math.floor(((x + 0.5) * width) / w)]];
    }
    contextOf(canvas).putImageData(image, 0, 0);
  }

  /** A pixel of each class, as ImageData lies in memory. */
  #inks() {
    const bytes = new Uint8ClampedArray(4 * 256);
    this.colours.forEach((colour, index) => !this.hidden.has(index) && bytes.set([...colour, 255], 4 * index));
    return new Uint32Array(bytes.buffer);
  }

  /** Show the photo as it was, left of the handle. */
  setCompared(on) {
    press($("compare"), on);
    for (const id of ["clip", "handle"]) $(id).hidden = !on;
    $("sheet").classList.toggle("is-compared", on);
    if (on) this.#paintBefore();
    this.moveTo(50);
  }

  moveTo(percent) {
    this.split = clamp(percent, 0, 100);
    $("sheet").style.setProperty("--split", `${this.split}%`);
    const handle = $("handle");
    handle.setAttribute("aria-valuenow", String(Math.round(this.split)));
    handle.setAttribute("aria-valuetext", `${Math.round(this.split)} % before`);
  }

  #paintBefore() {
    const small = this.#small();
    const canvas = $("before");
    canvas.width = small.width;
    canvas.height = small.height;
    contextOf(canvas).drawImage(small, 0, 0);
  }

  #small() {
    return shrunk(this.photo.canvas, this.previewSide);
  }

  /** As large as there is room; a new preview if this one has become too coarse. */
  #fit() {
    if (!this.photo) return;
    const { width, height } = this.photo;
    const room = $("frame").getBoundingClientRect();
    if (!room.width || !room.height) return;
    const scale = Math.min(room.width / width, room.height / height, LARGEST);
    $("sheet").style.width = `${Math.floor(width * scale)}px`;
    $("sheet").style.height = `${Math.floor(height * scale)}px`;
    this.#sharpen();
  }

  /** Ask for a new preview if this one has become too coarse. */
  #sharpen() {
    const side = this.previewSide;
    const isFirst = !this.side;
    if (!isFirst && side <= this.side) return;
    this.side = side;
    if (isPressed($("compare"))) this.#paintBefore();
    if (!isFirst) this.resized();
  }

  // -- zoom --------------------------------------------------------------------------------

  /** So many times as large, around a point of the sheet (parts of its width and height). */
  zoomTo(times, at = { x: 0.5, y: 0.5 }) {
    const by = clamp(times, 1, DEEPEST) / this.zoom.times;
    this.#place(this.zoom.times * by, at.x - (at.x - this.zoom.x) * by, at.y - (at.y - this.zoom.y) * by);
  }

  /** The next face, or the whole photo after the last. @returns {boolean} whether it is a face */
  zoomToFace() {
    const box = this.faces[this.zoom.times > 1 ? this.faces.indexOf(this.atFace) + 1 : 0];
    this.atFace = box;
    if (!box) {
      this.zoomTo(1);
      return false;
    }
    const { width, height } = this.photo;
    const [w, h] = [(box.right - box.left) / width, (box.bottom - box.top) / height];
    const times = clamp(FACE / Math.max(w, h), 1, DEEPEST);
    this.#place(times, 0.5 - times * ((box.left + box.right) / 2 / width), 0.5 - times * ((box.top + box.bottom) / 2 / height));
    return times > 1;
  }

  #place(times, x, y) {
    this.zoom = { times, x: clamp(x, 1 - times, 0), y: clamp(y, 1 - times, 0) };
    const { style, classList } = $("sheet");
    style.setProperty("--zoom", String(times));
    style.setProperty("--x", `${100 * this.zoom.x}%`);
    style.setProperty("--y", `${100 * this.zoom.y}%`);
    classList.toggle("is-zoomed", times > 1);
    if (times === 1) press($("to-face"), false);
    if (this.photo) this.#sharpen();
  }

  // -- hands -------------------------------------------------------------------------------

  /** A drag moves the handle, or the photo if it is zoomed; the wheel zooms. */
  #watchPointer() {
    const sheet = $("sheet");
    const partly = (event) => {
      const box = sheet.getBoundingClientRect();
      return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    };
    let last = null;
    sheet.addEventListener("pointerdown", (event) => {
      const isCompared = isPressed($("compare"));
      if (event.button || (!isCompared && this.zoom.times === 1)) return;
      event.preventDefault();
      sheet.setPointerCapture(event.pointerId);
      last = partly(event);
      if (!isCompared) return;
      $("handle").focus({ preventScroll: true });
      this.moveTo(100 * last.x);
    });
    sheet.addEventListener("pointermove", (event) => {
      if (!sheet.hasPointerCapture(event.pointerId)) return;
      const at = partly(event);
      const { times, x, y } = this.zoom;
      if (isPressed($("compare"))) this.moveTo(100 * at.x);
      else this.#place(times, x + at.x - last.x, y + at.y - last.y);
      last = at;
    });
    sheet.addEventListener("wheel", (event) => {
      if (sheet.classList.contains("is-mirrored")) return;
      event.preventDefault();
      this.zoomTo(this.zoom.times * Math.exp(-event.deltaY / 400), partly(event));
    }, { passive: false });
    sheet.addEventListener("dblclick", (event) => this.zoomTo(this.zoom.times > 1 ? 1 : 3, partly(event)));
  }

  #watchKeys() {
    const steps = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -10, PageUp: 10, Home: -100, End: 100 };
    $("handle").addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      event.preventDefault();
      this.moveTo(this.split + steps[event.key]);
    });
  }
}

/** Something to show while a camera has not given a frame yet. */
export const blank = (width, height) => ({ canvas: canvasOf(width, height), width, height });
