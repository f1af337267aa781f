/** The result as a file. */

import { put } from "./photo.js";

const QUALITY = 0.95; // of a JPEG: no difference that eyes see
const ENDINGS = { png: "png", jpeg: "jpg" };

/** @param {{data, width, height}} picture  @param {"png" | "jpeg"} format */
export async function save(picture, format, name) {
  const canvas = document.createElement("canvas");
  put(picture, canvas);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, `image/${format}`, QUALITY));
  if (!blob) throw new Error("the browser could not write the file; there may be too little memory");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}-easyportrait.${ENDINGS[format]}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
