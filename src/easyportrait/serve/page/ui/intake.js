/** Ways in for files: chosen, dropped, pasted. */

import { $, say } from "./dom.js";

let chosen = () => {}; // what becomes of the next file

/** Ask for a file. @returns {Promise<File | null>} null if none was chosen */
export function chooseFile() {
  chosen(null);
  const input = $("file");
  input.value = "";
  return new Promise((resolve) => {
    chosen = resolve;
    input.click();
  });
}

/** Hand over every photo that is dropped or pasted. @param {(blob: Blob, name?: string) => void} open */
export function listenForFiles(open) {
  $("file").addEventListener("change", () => chosen($("file").files[0] ?? null));
  $("file").addEventListener("cancel", () => chosen(null));
  document.addEventListener("paste", (event) => pasted([...(event.clipboardData?.files ?? [])], open));
  listenForDrops(open);
}

function pasted(files, open) {
  const file = files.find(({ type }) => type.startsWith("image/"));
  if (file) open(file, file.name || "pasted.png");
  else if (files.length) say("What was pasted is no picture.", { bad: true });
}

function listenForDrops(open) {
  let depth = 0; // an element within the page that is entered says so before the outer one is left
  const show = (by) => {
    depth = Math.max(0, depth + by);
    $("dropping").hidden = depth === 0;
  };
  const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragenter", (event) => isFile(event) && show(1));
  document.addEventListener("dragleave", (event) => isFile(event) && show(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    show(-depth);
    const files = event.dataTransfer?.files ?? [];
    if (files.length) open(files[0]);
    if (files.length > 1) say("One photo at a time: the first was opened.");
  });
}
