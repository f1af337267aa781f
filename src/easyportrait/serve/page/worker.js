/**
 * The one place that holds the net, the last parsing and the effects, beside the page, so
 * that the page never waits. It is sent {id, kind, ...} and answers {id, ok: true, ...} or
 * {id, ok: false, message}, one message after the other.
 *
 *     open {base}                                -> {card, classes, threads}
 *     parse {picture, looks}                     -> {labels, faces, classesFound, ms, ...}
 *     apply {settings, backgrounds, preview}     -> {picture, ms}
 *     live {bitmap, settings, backgrounds}       -> {picture, labels, ms}
 *
 * While it opens it also says {id, kind: "progress", share}.
 */

import { applyEffects, completed } from "./effects/index.js";
import { BadInput, EasyPortraitError } from "./engine/errors.js";
import { firstLine, isOutOfMemory, openNet, outOfMemory } from "./engine/net.js";
import { Pace } from "./engine/pace.js";
import { parse } from "./engine/parser.js";
import { Still } from "./engine/still.js";

const MOST_THREADS = 8; // more wait for each other longer than they help

const kinds = { open, parse: parsePicture, apply, live };
const room = { net: null, table: null, still: null, pace: new Pace() };
let queue = Promise.resolve();

self.onmessage = ({ data }) => {
  queue = queue.then(() => answer(data));
};

async function answer({ id, kind, ...asked }) {
  const began = performance.now();
  try {
    if (!(kind in kinds)) throw new BadInput(`there is no message "${kind}"`);
    const { transfer = [], ...said } = await kinds[kind](asked, id);
    self.postMessage({ id, ok: true, ...said, ms: performance.now() - began }, transfer);
  } catch (error) {
    self.postMessage({ id, ok: false, message: inWords(error) });
  }
}

function inWords(error) {
  if (error instanceof EasyPortraitError) return error.message;
  if (isOutOfMemory(error)) return outOfMemory().message;
  console.error(error);
  return `something went wrong in the page itself: ${firstLine(error)}`;
}

/** @param {{base: string}} asked the page's folder */
async function open({ base }, id) {
  const at = (path) => new URL(path, base).href;
  room.table = await tableAt(at("effects.json"));
  room.net = await openNet({
    modelUrl: at("model/model.onnx"),
    ortUrl: at("vendor/ort.wasm.min.mjs"),
    wasmUrl: at("vendor/ort-wasm-simd-threaded.wasm"),
    threads: threadsFor(navigator.hardwareConcurrency || 1),
    tell: (share) => self.postMessage({ id, kind: "progress", share }),
  });
  const { card, threads } = room.net;
  return {
    card,
    classes: card.classes.map((name, i) => ({ name, color: card.colours[i] })),
    threads,
  };
}

/** Half of the cores: the other half are often the slow ones, or the same ones told twice. */
function threadsFor(cores) {
  return Math.min(cores, Math.max(2, cores >> 1), MOST_THREADS);
}

async function tableAt(url) {
  const answer = await fetch(url);
  if (!answer.ok)
    throw new BadInput(`the table of effects is missing: it answers ${answer.status}`);
  return answer.json();
}

/** @param {{picture: Picture, looks: 1 | 2}} asked whose picture is the worker's from now on */
async function parsePicture({ picture, looks = 2 }) {
  room.still = null; // its memory can be used for the next one
  const parsing = await parse(opened(), onWhite(picture), { looks });
  room.still = new Still(parsing);
  const labels = parsing.labels.slice();
  return {
    width: parsing.width,
    height: parsing.height,
    labels,
    faces: parsing.faces.length,
    boxes: parsing.faces.map((face) => face.box),
    classesFound: shares(labels, parsing.classes),
    transfer: [labels.buffer],
  };
}

/** @param {{settings: object, backgrounds?: object, preview?: number}} asked */
async function apply({ settings, backgrounds, preview }) {
  if (!room.still) throw new BadInput("there is no picture yet");
  return pictured(withEffects(room.still.at(preview), settings, backgrounds));
}

/** @param {{bitmap: ImageBitmap, settings: object, backgrounds?: object}} asked one frame */
async function live({ bitmap, settings, backgrounds }) {
  const began = performance.now();
  const parsing = await parse(opened(), pixelsOf(bitmap), { share: room.pace.share });
  room.pace.took(performance.now() - began);
  const { picture, transfer } = pictured(withEffects(parsing, settings, backgrounds));
  const labels = parsing.labels.slice();
  return { picture, labels, transfer: [...transfer, labels.buffer] };
}

function opened() {
  if (!room.net) throw new BadInput("the net is not open yet");
  return room.net;
}

/**
 * @param {object} settings knobs by effect; a background's own picture is `backgrounds`'
 *   of the effect's name
 */
function withEffects(parsing, settings, backgrounds) {
  const wishes = completed(room.table, { ...settings });
  for (const name of Object.keys(backgrounds ?? {})) {
    if (name in wishes) wishes[name] = { ...wishes[name], with: name };
  }
  return applyEffects(parsing, wishes, backgrounds ?? {});
}

/** A picture as an answer: its pixels go to the page. */
function pictured({ data, width, height }) {
  return { picture: { data, width, height }, transfer: [data.buffer] };
}

/** The picture itself, what is transparent in it laid on white, as files are read. */
function onWhite(picture) {
  const { data } = picture;
  for (let at = 3; at < data.length; at += 4) {
    if (data[at] === 255) continue;
    const share = data[at] / 255;
    for (let channel = at - 3; channel < at; channel++) {
      data[channel] = data[channel] * share + 255 * (1 - share);
    }
    data[at] = 255;
  }
  return picture;
}

let canvas = null; // of the last frame: frames are of one size

function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  if (canvas?.width !== width || canvas?.height !== height)
    canvas = new OffscreenCanvas(width, height);
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  brush.drawImage(bitmap, 0, 0);
  bitmap.close();
  return brush.getImageData(0, 0, width, height);
}

/** How much of the picture each class takes; those that are there at all. */
function shares(labels, classes) {
  const counts = new Uint32Array(classes.length);
  for (let at = 0; at < labels.length; at++) counts[labels[at]]++;
  const found = classes.map((name, i) => [name, counts[i] / labels.length]);
  return Object.fromEntries(found.filter(([, share]) => share > 0));
}
