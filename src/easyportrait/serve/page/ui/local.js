/** The net in this browser: promises around the worker's messages. */

export class Local {
  /** @param {string} base  address of the folder that the page lies in */
  constructor(base) {
    this.base = base;
    this.asked = new Map(); // id -> {resolve, reject, progress}
    this.last = 0;
    this.worker = null;
  }

  /** @returns {Promise<{classes: {name: string, color: string}[]}>} */
  open(progress = () => {}) {
    try {
      if (typeof WebAssembly !== "object") throw new Error("it has no WebAssembly");
      this.worker = new Worker(new URL("../worker.js", import.meta.url), { type: "module" });
    } catch (error) {
      return Promise.reject(error);
    }
    this.worker.onmessage = ({ data }) => this.#answered(data);
    this.worker.onerror = (event) => this.#broken(event.message || "the worker cannot be loaded");
    this.worker.onmessageerror = () => this.#broken("a message got lost");
    return this.#ask({ kind: "open", base: this.base }, [], progress);
  }

  /** @param {Photo} photo  @returns labels, faces, classesFound */
  parse(photo, pixels, looks = 2) {
    const picture = { data: pixels.data, width: pixels.width, height: pixels.height };
    return this.#ask({ kind: "parse", picture, looks }, [pixels.data.buffer]);
  }

  /** @returns {Promise<{picture: {data, width, height}, ms: number}>} */
  apply(settings, backgrounds, preview) {
    return this.#ask({ kind: "apply", settings, backgrounds, preview });
  }

  live(bitmap, settings, backgrounds) {
    return this.#ask({ kind: "live", bitmap, settings, backgrounds }, [bitmap]);
  }

  close() {
    this.worker?.terminate();
    this.#broken("it was closed");
  }

  #ask(message, transfer = [], progress = () => {}) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject, progress });
      this.worker.postMessage({ id, ...message }, transfer);
    });
  }

  #answered({ id, ok, kind, share, message, ...rest }) {
    const asked = this.asked.get(id);
    if (!asked) return;
    if (kind === "progress") return asked.progress(share);
    this.asked.delete(id);
    if (ok) asked.resolve(rest);
    else asked.reject(new Error(message));
  }

  #broken(message) {
    for (const asked of this.asked.values()) asked.reject(new Error(message));
    this.asked.clear();
  }
}
