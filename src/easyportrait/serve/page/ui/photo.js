/** Photos in: a file becomes upright pixels on white, or a line that says why not. */

/** As the server's limit: a photo is held a few times in memory, at four bytes a pixel. */
export const MOST_PIXELS = 50_000_000;
const MOST_SIDE = 16_384; // of a canvas, in every browser
const KNOWN = /\.(jpe?g|png|webp|gif|bmp|avif|heic|heif|tiff?|jfif)$/i;

const ENDINGS = [
  { starts: [0xff, 0xd8, 0xff], ends: [0xff, 0xd9] }, // JPEG
  { starts: [0x89, 0x50, 0x4e, 0x47], ends: [0x49, 0x45, 0x4e, 0x44] }, // PNG: IEND
];

/** What is no photo, in words for people. */
export class Unreadable extends Error {}

/**
 * @typedef {object} Photo
 * @property {string} name     of its file, without the ending
 * @property {string} kind     "jpeg" or "png": what it is best saved as
 * @property {Blob} blob       as it came
 * @property {HTMLCanvasElement} canvas  its pixels
 * @property {number} width
 * @property {number} height
 */

/** @returns {Promise<Photo>} */
export async function readPhoto(blob, name = blob.name || "photo") {
  if (blob.size === 0) throw new Unreadable(`${name} is empty.`);
  await checkWhole(blob, name);
  const address = URL.createObjectURL(blob);
  try {
    const image = await opened(address, name);
    checkSize(image.naturalWidth, image.naturalHeight, name);
    return photoOf(blob, name, await onWhite(image, name));
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** A photo of pixels that are there already, as a camera's. */
export function photoOf(blob, name, canvas) {
  const kind = /png|gif|bmp/.test(blob?.type ?? "") ? "png" : "jpeg";
  return { name: name.replace(KNOWN, ""), kind, blob, canvas, width: canvas.width, height: canvas.height };
}

/** Browsers show what is there of a file that was cut short; half a face is no use here. */
async function checkWhole(blob, name) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const ending = ENDINGS.find(({ starts }) => starts.every((byte, i) => bytes[i] === byte))?.ends;
  if (!ending) return;
  for (let at = bytes.length - ending.length; at > 0; at--)
    if (ending.every((byte, i) => bytes[at + i] === byte)) return;
  throw new Unreadable(`${name} is cut short: its end is missing.`);
}

/** Its size is known here, and nothing is decoded yet. */
function opened(address, name) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Unreadable(why(name)));
    image.src = address;
  });
}

function why(name) {
  if (/\.hei[cf]$/i.test(name)) return `This browser cannot open HEIC. Save ${name} as JPEG, and drop that.`;
  if (KNOWN.test(name)) return `${name} cannot be opened: it is damaged, or something else than its name says.`;
  return `${name} is no photo that this browser can open. JPEG, PNG and WebP work.`;
}

function checkSize(width, height, name) {
  if (!width || !height) throw new Unreadable(`${name} has no size of its own.`);
  const pixels = width * height;
  if (pixels > MOST_PIXELS || Math.max(width, height) > MOST_SIDE)
    throw new Unreadable(
      `${name} is too large: ${width} × ${height} is ${Math.ceil(pixels / 1e6)} megapixels; ` +
        `${MOST_PIXELS / 1e6} and ${MOST_SIDE} a side are the most.`,
    );
}

/** Upright (browsers turn by EXIF), in sRGB, and transparent pixels on white, as Python has it. */
async function onWhite(image, name) {
  const { naturalWidth: width, naturalHeight: height } = image;
  try {
    await image.decode();
  } catch {
    throw new Unreadable(why(name));
  }
  const canvas = canvasOf(width, height);
  const context = contextOf(canvas);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0);
  if (context.getImageData(0, 0, 1, 1).data[3] !== 255) // some browsers give nothing, and say nothing
    throw new Unreadable(`${name} is larger than this browser can hold: ${width} × ${height}.`);
  return canvas;
}

export function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** Kept in memory, not on a graphics card, whose rounding differs. */
export const contextOf = (canvas) => canvas.getContext("2d", { willReadFrequently: true });

export const pixelsOf = (canvas) => contextOf(canvas).getImageData(0, 0, canvas.width, canvas.height);

/** A copy whose longer side is at most so long. */
export function shrunk(source, longest) {
  const scale = Math.min(1, longest / Math.max(source.width, source.height));
  const small = canvasOf(Math.max(1, Math.round(source.width * scale)), Math.max(1, Math.round(source.height * scale)));
  const context = contextOf(small);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, small.width, small.height);
  return small;
}

/** A picture of the worker's ({data, width, height}) on a canvas, which takes its size. */
export function put(picture, canvas) {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  contextOf(canvas).putImageData(new ImageData(picture.data, picture.width, picture.height), 0, 0);
}
