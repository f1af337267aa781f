/** Zoom and pan of one sheet inside a stage, by wheel, drag, pinch, buttons and keys. */

const LEAST = 0.05;
const MOST = 64;
const PIXELS = 4; // screen pixels of a picture's pixel, from which on pixels are shown as squares
const SWIPE = 60; // screen pixels
const SLIP = 4;

export class Zoom {
  /**
   * @param {HTMLElement} stage what is looked through.
   * @param {HTMLElement} sheet what is looked at; its size is set with `size`.
   * @param {{changed: Function, swiped: Function}} calls `changed()` after each move,
   *   `swiped(-1 or 1)` when a finger wiped over a picture that is seen whole.
   */
  constructor(stage, sheet, calls) {
    Object.assign(this, { stage, sheet, calls, width: 1, height: 1, scale: 1, x: 0, y: 0, box: null, fits: "whole" });
    this.fingers = new Map();
    new ResizeObserver(() => this.refit()).observe(stage);
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.dragged(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.up(event));
    stage.addEventListener("dblclick", (event) => {
      const [x, y] = this.at(event);
      if (this.fits) this.to(Math.max(2 * this.scale, 1), x, y);
      else this.fit("whole");
    });
  }

  /** A new picture: its size, and the box of its face if it has one. */
  size(width, height) {
    Object.assign(this, { width, height, box: null });
    this.sheet.style.width = `${width}px`;
    this.sheet.style.height = `${height}px`;
  }

  /** Fit the whole picture, or its face, into the stage; and again when the stage changes. */
  fit(what) {
    this.fits = what;
    const { clientWidth: w, clientHeight: h } = this.stage;
    const pad = Math.min(24, w * 0.03);
    let box = { left: 0, top: 0, right: this.width, bottom: this.height };
    let room = 1;
    if (what === "face" && this.box) [box, room] = [this.box, 0.8];
    const scale = Math.min((w - 2 * pad) / (box.right - box.left), (h - 2 * pad) / (box.bottom - box.top)) * room;
    this.scale = Math.min(MOST, Math.max(LEAST, what === "face" && this.box ? scale : Math.min(scale, 4)));
    this.x = w / 2 - ((box.left + box.right) / 2) * this.scale;
    this.y = h / 2 - ((box.top + box.bottom) / 2) * this.scale;
    this.show();
  }

  refit() {
    if (this.fits) this.fit(this.fits);
    else this.show();
  }

  /** Zoom to a scale, keeping a place of the stage (its middle, if none is given) where it is. */
  to(scale, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const next = Math.min(MOST, Math.max(LEAST, scale));
    this.x = x - ((x - this.x) * next) / this.scale;
    this.y = y - ((y - this.y) * next) / this.scale;
    this.scale = next;
    this.fits = "";
    this.show();
  }

  by(factor) {
    this.to(this.scale * factor);
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fits = "";
    this.show();
  }

  show() {
    const { clientWidth: w, clientHeight: h } = this.stage;
    const keep = 40; // screen pixels of the picture that always stay in sight
    this.x = Math.min(w - keep, Math.max(keep - this.width * this.scale, this.x));
    this.y = Math.min(h - keep, Math.max(keep - this.height * this.scale, this.y));
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.sheet.style.setProperty("--hair", `${1 / this.scale}px`);
    this.sheet.classList.toggle("is-near", this.scale * devicePixelRatio >= PIXELS);
    this.sheet.classList.toggle("is-far", this.scale * devicePixelRatio < 1);
    this.stage.classList.toggle("is-whole", this.fits === "whole"); // a finger may scroll the page
    this.calls.changed();
  }

  /** Where on the stage an event is. */
  at(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** The picture's pixel under an event, or null beside it. */
  pixel(event) {
    const [x, y] = this.at(event);
    const [column, line] = [Math.floor((x - this.x) / this.scale), Math.floor((y - this.y) / this.scale)];
    return column >= 0 && line >= 0 && column < this.width && line < this.height ? [column, line] : null;
  }

  wheel(event) {
    event.preventDefault();
    const steps = event.deltaMode ? event.deltaY * 30 : event.deltaY;
    const [x, y] = this.at(event);
    this.to(this.scale * Math.exp(-Math.max(-120, Math.min(120, steps)) * 0.0025), x, y);
  }

  down(event) {
    if (event.button) return;
    this.stage.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, this.at(event));
    this.from = this.fingers.size === 1 ? { at: this.at(event), whole: this.fits === "whole", touch: event.pointerType === "touch" } : null;
  }

  dragged(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.at(event);
    if (this.fingers.size === 1) {
      if (this.from && !this.from.moves) {
        this.from.moves = Math.hypot(now[0] - this.from.at[0], now[1] - this.from.at[1]) > SLIP;
        if (!this.from.moves) return; // a click that trembles is no drag
      }
      if (!(this.from?.touch && this.from.whole)) this.pan(now[0] - before[0], now[1] - before[1]);
    } else {
      const [other] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
      const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
      const [was, is] = [middle(before, other), middle(now, other)];
      this.to((this.scale * apart(now, other)) / apart(before, other), ...was);
      this.pan(is[0] - was[0], is[1] - was[1]);
    }
    this.fingers.set(event.pointerId, now);
  }

  up(event) {
    if (this.from?.touch && this.from.whole && event.type === "pointerup") {
      const [x, y] = this.at(event);
      const [dx, dy] = [x - this.from.at[0], y - this.from.at[1]];
      if (Math.abs(dx) > SWIPE && Math.abs(dx) > 2 * Math.abs(dy)) this.calls.swiped(dx < 0 ? 1 : -1);
    }
    this.fingers.delete(event.pointerId);
    this.from = null;
  }
}
