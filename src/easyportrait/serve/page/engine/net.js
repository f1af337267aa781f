/**
 * The net itself: ONNX Runtime's WebAssembly build and a model file, both from the page's
 * own address.
 */

import { BrowserUnable, ModelError } from "./errors.js";

/** A module of a few bytes that adds vectors: browsers without them refuse it. */
const WITH_VECTORS = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  10,
  1,
  8,
  0,
  65,
  0,
  253,
  15,
  253,
  98,
  11,
);

/**
 * A net, ready to run.
 *
 * @param {object} where
 * @param {string} where.modelUrl of the .onnx file; its card lies beside it, as model.json
 * @param {string} where.ortUrl of ort.wasm.min.mjs
 * @param {string} where.wasmUrl of ort-wasm-simd-threaded.wasm; its .mjs lies beside it
 * @param {number} [where.threads] how many to use; 1 where the browser has no more
 * @param {function(number): void} [where.tell] hears which share of all that is here, again
 *   and again, where the server says how much it is
 * @returns {Promise<{card: object, threads: number, run: function}>} `run(values, height,
 *   width)` takes (3, height, width) normalised values and gives the probabilities
 * @throws {BrowserUnable} the browser lacks WebAssembly
 * @throws {ModelError} a file is missing or damaged
 */
export async function openNet({ modelUrl, ortUrl, wasmUrl, threads = 1, tell = () => {} }) {
  checkBrowser();
  const card = await fetchCard(new URL("model.json", modelUrl));
  const loading = new Loading(tell);
  const [wasm, model] = await Promise.all([
    fetchBytes(wasmUrl, "what runs the net", loading.part()),
    fetchBytes(modelUrl, "the net", loading.part()),
  ]);
  const ort = await import(ortUrl);
  const count = self.crossOriginIsolated ? threads : 1;
  Object.assign(ort.env.wasm, {
    numThreads: count,
    wasmBinary: wasm.buffer,
    wasmPaths: { mjs: new URL("ort-wasm-simd-threaded.mjs", wasmUrl).href, wasm: String(wasmUrl) },
  });
  ort.env.logLevel = "fatal"; // errors are thrown as well, and told to people
  const session = await openSession(ort, model);
  return {
    card,
    threads: count,
    run: (values, height, width) => run(ort, session, values, height, width),
  };
}

function checkBrowser() {
  const has = typeof WebAssembly === "object" && WebAssembly.validate(WITH_VECTORS);
  if (!has) {
    throw new BrowserUnable(
      "this browser cannot run the net: it has no WebAssembly, or an old one; " +
        "any browser of the last three years can, unless it is switched off",
    );
  }
}

async function fetchCard(url) {
  const card = JSON.parse(new TextDecoder().decode(await fetchBytes(url, "the net's card")));
  for (const name of ["name", "classes", "mean", "std", "multiple", "frame_side", "face_side"]) {
    if (!(name in card)) throw new ModelError(`the net's card says nothing of ${name}`);
  }
  return card;
}

/** How much of several files is here. */
class Loading {
  #parts = [];

  constructor(tell) {
    this.tell = tell;
  }

  /** What one file's progress is told to. */
  part() {
    const part = { here: 0, total: NaN };
    this.#parts.push(part);
    return (here, total) => {
      Object.assign(part, { here, total });
      const share = this.#sum("here") / this.#sum("total");
      if (share >= 0) this.tell(Math.min(share, 1));
    };
  }

  #sum(what) {
    return this.#parts.reduce((sum, part) => sum + part[what], 0);
  }
}

async function fetchBytes(url, what, tell = () => {}) {
  let answer;
  try {
    answer = await fetch(url);
  } catch {
    throw new ModelError(`${what} could not be fetched: is the page's server still there?`);
  }
  if (!answer.ok)
    throw new ModelError(`${what} is missing: ${new URL(url).pathname} answers ${answer.status}`);
  return withProgress(answer, tell);
}

/** All bytes of an answer; of packed ones the usual header tells how many they are packed. */
async function withProgress(answer, tell) {
  const isPacked = answer.headers.has("content-encoding");
  const total = Number(
    answer.headers.get(isPacked ? "x-unpacked-length" : "content-length") ?? NaN,
  );
  const parts = [];
  let length = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    tell(length, total);
  }
  return joined(parts, length);
}

function joined(parts, length) {
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

async function openSession(ort, model) {
  try {
    return await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  } catch (error) {
    throw isOutOfMemory(error)
      ? outOfMemory()
      : new ModelError(`the net cannot be opened: ${firstLine(error)}`);
  }
}

async function run(ort, session, values, height, width) {
  const input = new ort.Tensor("float32", values, [1, 3, height, width]);
  try {
    const answers = await session.run({ [session.inputNames[0]]: input });
    const answer = answers[session.outputNames[0]];
    const probs = Float32Array.from(answer.data); // its own memory may be used again
    answer.dispose();
    return probs;
  } catch (error) {
    throw isOutOfMemory(error)
      ? outOfMemory()
      : new ModelError(`the net failed: ${firstLine(error)}`);
  } finally {
    input.dispose();
  }
}

const LACK =
  /out of memory|bad_alloc|allocation (failed|size)|(failed to|could not) allocate|array length/i;

/** Whether an error says so, in the words of a browser or of ONNX Runtime. */
export function isOutOfMemory(error) {
  return LACK.test(String(error));
}

export function outOfMemory() {
  return new BrowserUnable(
    "the browser ran out of memory; close other pages, or take a smaller picture",
  );
}

export function firstLine(error) {
  return String(error?.message ?? error).split("\n")[0];
}
