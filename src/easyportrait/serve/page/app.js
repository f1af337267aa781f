/** The page: photos in, wishes, the engine that answers them, and the file that comes out. */

import { Camera } from "./ui/camera.js";
import { $, hush, isPressed, press, say, tell } from "./ui/dom.js";
import { Engine } from "./ui/engine.js";
import { chooseFile, listenForFiles } from "./ui/intake.js";
import { drawLegend, rgb } from "./ui/legend.js";
import { Panel } from "./ui/panel.js";
import { photoOf, pixelsOf, readPhoto } from "./ui/photo.js";
import { save } from "./ui/save.js";
import { Stage, blank } from "./ui/stage.js";
import { Wishes } from "./ui/wishes.js";

const BASE = new URL(".", document.baseURI).href;
const SHORTLY_MS = 150; // what takes less is not announced
const CUTOUT = "remove-background"; // the effect that makes transparency

const camera = new Camera($("video"));
const stage = new Stage(() => render());
let wishes, panel, engine;
let photo = null; // the one on the stage
let parsed = false; // and whether the engine knows it
let turn = 0; // counts photos, so that what belongs to an older one is dropped
let reading = 0; // counts files, likewise

start().catch((error) => say(error.message, { bad: true }));

async function start() {
  const answer = await fetch(new URL("effects.json", BASE));
  if (!answer.ok) throw new Error("The table of effects is missing: the page was not served as a whole.");
  wishes = new Wishes(await answer.json());
  panel = new Panel(wishes, () => wished(), choosePicture);
  $("use-camera").hidden = !Camera.isHere;
  listen();
  engine = new Engine(BASE);
}

// -- photos in -----------------------------------------------------------------------------

/** Open a file, show it, and find out what is where. */
async function open(blob, name) {
  const mine = ++reading;
  try {
    const found = await readPhoto(blob, name);
    if (mine === reading) await take(found);
  } catch (error) {
    say(error.message, { bad: true });
  }
}

async function take(found) {
  const mine = ++turn;
  photo = found;
  parsed = false;
  hush();
  endCamera();
  showStudio();
  stage.show(photo);
  stage.setCompared(false);
  fitFormat();
  enable();
  try {
    busy("Loading the net");
    const one = await engine.ready();
    if (!one || mine !== turn) return;
    busy("Finding face, hair and everything else");
    const answer = await one.parse(photo, pixelsOf(photo.canvas));
    if (mine !== turn) return;
    parsed = true;
    showParts(answer.labels, answer.classesFound);
    stage.faces = answer.boxes ?? [];
    if (Object.keys(answer.classesFound).every((name) => name === "background")) say("Nobody was found in this photo.");
    else tell("The photo is ready.");
    wished();
  } catch (error) {
    if (mine === turn) say(error.message, { bad: true });
  } finally {
    if (mine === turn) busy("");
    enable();
  }
}

/** @param {Record<string, number> | null} found */
function showParts(labels, found) {
  if (!stage.colours.length) stage.hidden.add(engine.classes.findIndex(({ name }) => name === "background"));
  stage.setLabels(labels, engine.classes.map(({ color }) => rgb(color)));
  drawLegend(engine.classes, found, stage.hidden, () => stage.paintParts());
  panel.note(found);
}

function showStudio() {
  document.body.classList.add("has-photo");
  $("empty").hidden = true;
  for (const id of ["view", "panel", "new-photo"]) $(id).hidden = false;
  $("new-camera").hidden = !Camera.isHere || !engine.isForCamera;
}

async function choosePhoto() {
  const file = await chooseFile();
  if (file) await open(file);
}

/** A picture to put behind people. @returns {Promise<{canvas, name} | null>} */
async function choosePicture() {
  const file = await chooseFile();
  if (!file) return null;
  try {
    const { canvas } = await readPhoto(file);
    return { canvas, name: file.name };
  } catch (error) {
    say(error.message, { bad: true });
    return null;
  }
}

async function openDemo() {
  const answer = await fetch(new URL("demo.jpg", BASE));
  if (answer.ok) await open(await answer.blob(), "astronaut.jpg");
  else say("The demo photograph is missing.", { bad: true });
}

// -- effects -------------------------------------------------------------------------------

/** Something else is wished: show it. */
function wished() {
  enable();
  fitFormat();
  render();
}

let rendering = false;
let again = false;

/** Previews, one at a time; of what was wished meanwhile, only the newest is done. */
async function render() {
  if (camera.isOn || !parsed) return;
  if (rendering) {
    again = true;
    return;
  }
  rendering = true;
  const slow = setTimeout(() => busy("Rendering"), 4 * SHORTLY_MS);
  try {
    do {
      again = false;
      await renderOnce();
    } while (again && parsed);
  } catch (error) {
    say(error.message, { bad: true });
  } finally {
    rendering = false;
    clearTimeout(slow);
    busy("");
    // counted for who waits for the picture, as tests do
    document.body.dataset.rendered = String(Number(document.body.dataset.rendered ?? 0) + 1);
  }
}

async function renderOnce() {
  const mine = turn;
  const side = stage.previewSide;
  if (!wishes.isAnyOn) return stage.reset();
  const { settings, backgrounds } = wishes.settings(side);
  const { picture } = await engine.now.apply(settings, backgrounds, side);
  if (mine === turn) stage.showResult(picture); // an older wish's, too: better than none while a hand moves
}

async function download() {
  const button = $("download");
  button.disabled = true;
  busy(`Rendering ${photo.width} × ${photo.height}`);
  try {
    const { settings, backgrounds } = wishes.settings();
    const plain = () => ({ picture: pixelsOf(photo.canvas) });
    const { picture } = wishes.isAnyOn ? await engine.now.apply(settings, backgrounds) : plain();
    await save(picture, format(), photo.name);
  } catch (error) {
    say(error.message, { bad: true });
  } finally {
    busy("");
    enable();
  }
}

const format = () => document.querySelector("[name=format]:checked").value;

let wasOpaque = true;

/** JPEG knows nothing transparent; otherwise a photo is saved as it came. */
function fitFormat() {
  const [png, jpeg] = document.querySelectorAll("[name=format]");
  const isOpaque = !wishes.now[CUTOUT]?.on;
  jpeg.disabled = !isOpaque;
  jpeg.parentElement.title = isOpaque ? "" : "JPEG has no transparency";
  if (!isOpaque) png.checked = true;
  else if (!wasOpaque || !parsed) (photo?.kind === "png" ? png : jpeg).checked = true;
  wasOpaque = isOpaque;
}

function enable() {
  $("undo").disabled = !wishes.past.length;
  $("redo").disabled = !wishes.future.length;
  $("reset").disabled = !wishes.isAnyOn;
  $("download").disabled = !parsed || camera.isOn;
  $("to-face").disabled = !stage.faces?.length || camera.isOn;
  $("sheet").classList.toggle("is-clear", Boolean(wishes.now[CUTOUT]?.on));
}

function back(step) {
  step.call(wishes);
  panel.sync();
  wished();
}

// -- the camera ----------------------------------------------------------------------------

async function startCamera() {
  if (camera.isOn) return;
  try {
    await camera.start();
  } catch (error) {
    return say(error.message, { bad: true });
  }
  const mine = ++turn;
  reading += 1;
  parsed = false;
  hush();
  showStudio();
  document.body.classList.add("is-live");
  stage.show(blank($("video").videoWidth, $("video").videoHeight));
  stage.setCompared(false);
  $("sheet").classList.add("is-mirrored");
  $("shutter").hidden = $("fps").hidden = false;
  $("fps").textContent = "";
  enable();
  watchRaw(mine);
  try {
    busy("Loading the net");
    const one = await engine.ready();
    busy("");
    panel.note(null);
    while (one && mine === turn && camera.isOn) await frame(one, mine);
  } catch (error) {
    if (mine === turn) say(error.message, { bad: true });
    stopCamera();
  }
}

/** What the camera sees, until the first frame with effects is there. */
function watchRaw(mine) {
  if (mine !== turn || !camera.isOn || $("fps").textContent) return;
  $("after").getContext("2d").drawImage($("video"), 0, 0, $("after").width, $("after").height);
  requestAnimationFrame(() => watchRaw(mine));
}

async function frame(one, mine) {
  const { settings, backgrounds } = wishes.settings(640);
  const { picture, labels } = await one.live(await camera.frame(), settings, backgrounds);
  if (mine !== turn || !camera.isOn) return;
  if ($("legend").childElementCount !== engine.classes.length) showParts(null, null);
  stage.photo = { ...stage.photo, width: picture.width, height: picture.height };
  stage.showResult(picture);
  if (labels) stage.setLabels(labels, stage.colours);
  $("fps").textContent = `${camera.tick().toFixed(1)} fps`;
}

function endCamera() {
  camera.stop();
  document.body.classList.remove("is-live");
  $("shutter").hidden = $("fps").hidden = true;
}

/** Back to the photo, or to the beginning if there was none. */
function stopCamera() {
  endCamera();
  if (photo) return take(photo);
  turn += 1;
  document.body.classList.remove("has-photo");
  $("empty").hidden = false;
  for (const id of ["view", "panel", "new-photo", "new-camera"]) $(id).hidden = true;
}

async function shoot() {
  const canvas = camera.shot();
  await take(photoOf(null, "camera", canvas));
}

// -- listening -----------------------------------------------------------------------------

let busySince = 0;

/** What is going on; "" for nothing. */
function busy(text) {
  clearTimeout(busySince);
  if (!text) {
    $("busy").hidden = true;
    return;
  }
  busySince = setTimeout(() => {
    $("busy").hidden = false;
    $("busy-words").textContent = text;
    tell(text);
  }, SHORTLY_MS);
}

function listen() {
  const on = (id, work) => $(id).addEventListener("click", work);
  on("choose", choosePhoto);
  on("new-photo", choosePhoto);
  on("try", openDemo);
  on("use-camera", startCamera);
  on("new-camera", startCamera);
  on("shoot", shoot);
  on("stop", stopCamera);
  on("compare", () => stage.setCompared(!isPressed($("compare"))));
  on("to-face", () => press($("to-face"), stage.zoomToFace()));
  on("show-parts", toggleParts);
  on("undo", () => back(wishes.undo));
  on("redo", () => back(wishes.redo));
  on("reset", () => back(wishes.resetAll));
  on("download", download);
  on("fold", fold);
  document.addEventListener("keydown", keyed);
  listenForFiles(open);
}

function toggleParts() {
  const on = !isPressed($("show-parts"));
  press($("show-parts"), on);
  $("legend").hidden = !on;
  stage.paintParts();
}

function fold() {
  const isOpen = $("panel").classList.toggle("is-folded");
  $("fold").setAttribute("aria-expanded", String(!isOpen));
}

function keyed(event) {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || !photo) return;
  event.preventDefault();
  back(event.shiftKey ? wishes.redo : wishes.undo);
}
