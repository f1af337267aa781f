/**
 * Stands in for worker.js where a test is about the page alone: the same messages, at once.
 * A drawn face of nine classes is "found" in every photo; each effect that is on turns all
 * colours round; what is asked is told on the channel "asked".
 */

const NAMES = ["background", "person", "skin", "left_brow", "right_brow", "left_eye", "right_eye", "lips", "teeth"];
const COLOURS = ["#000000", "#df57bc", "#a0ddff", "#826aed", "#c879ff", "#ffb7ff", "#0090c1", "#7189ff", "#e6e8e6"];
const OVALS = [[1, 0.5, 0.85, 0.4, 0.3], [2, 0.5, 0.45, 0.2, 0.26], [3, 0.42, 0.34, 0.05, 0.02], [4, 0.58, 0.34, 0.05, 0.02],
  [5, 0.42, 0.4, 0.04, 0.02], [6, 0.58, 0.4, 0.04, 0.02], [7, 0.5, 0.57, 0.08, 0.04], [8, 0.5, 0.57, 0.05, 0.015]];
const SLOW_MS = 60; // an effect takes: long enough for a hand to move on

const asked = new BroadcastChannel("asked");
let photo = null;

self.onmessage = async ({ data: { id, kind, ...message } }) => {
  const { picture, ...said } = message;
  asked.postMessage({ kind, ...said, bitmap: undefined, backgrounds: Object.keys(message.backgrounds ?? {}) });
  try {
    const { transfer, ...answer } = await kinds[kind](message, id);
    self.postMessage({ id, ok: true, ms: 1, ...answer }, transfer ?? []);
  } catch (error) {
    self.postMessage({ id, ok: false, message: error.message });
  }
};

const kinds = {
  open(_, id) {
    self.postMessage({ id, kind: "progress", share: 0.5 });
    return { card: { name: "fake" }, classes: NAMES.map((name, i) => ({ name, color: COLOURS[i] })), threads: 1 };
  },
  parse({ picture }) {
    photo = picture;
    const labels = drawn(picture.width, picture.height);
    const classesFound = Object.fromEntries(NAMES.map((name, i) => [name, labels.filter((l) => l === i).length / labels.length]));
    const { width: w, height: h } = picture;
    return { labels, width: w, height: h, faces: 1, boxes: [{ left: 0.3 * w, top: 0.19 * h, right: 0.7 * w, bottom: 0.71 * h }], classesFound, transfer: [labels.buffer] };
  },
  async apply({ settings, preview }) {
    await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    if (settings.anonymize) throw new Error("there is no effect \"anonymize\"");
    return pictured(smaller(photo, preview ?? Infinity), settings);
  },
  live({ bitmap, settings }) {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return pictured(context.getImageData(0, 0, canvas.width, canvas.height), settings);
  },
};

function drawn(width, height) {
  const labels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (const [index, cx, cy, rx, ry] of OVALS)
        if (((x + 0.5) / width - cx) ** 2 / rx ** 2 + ((y + 0.5) / height - cy) ** 2 / ry ** 2 <= 1) labels[y * width + x] = index;
  return labels;
}

function smaller({ data, width, height }, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  const out = new Uint8ClampedArray(4 * w * h);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const from = 4 * (Math.floor((y * height) / h) * width + Math.floor((x * width) / w));
      out.set(data.subarray(from, from + 4), 4 * (y * w + x));
    }
  return { data: out, width: w, height: h };
}

function pictured({ data, width, height }, settings) {
  for (const name of Object.keys(settings))
    for (let i = 0; i < data.length; i++)
      if (i % 4 !== 3) data[i] = 255 - data[i];
      else if (name === "remove-background" && i < data.length / 2) data[i] = 0;
  return { picture: { data, width, height }, transfer: [data.buffer] };
}
