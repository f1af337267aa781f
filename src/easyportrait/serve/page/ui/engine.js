/** Who works on photos: the net in this browser or, if that cannot be and a person agrees, the server. */

import { $, say, sentence } from "./dom.js";
import { Local } from "./local.js";
import { Remote, isThere } from "./remote.js";

export class Engine {
  /** @param {string} base  address of the folder that the page lies in */
  constructor(base) {
    this.base = base;
    this.now = null; // a Local or Remote, once it is open
    this.trouble = ""; // why the net cannot run here
    this.classes = []; // {name, color} by index
    this.opening = this.#open();
  }

  /** Whether frames of a camera can be worked on, as far as is known. */
  get isForCamera() {
    return !this.trouble;
  }

  /**
   * Wait until it can be used.
   * @returns {Promise<Local | Remote | null>} null if it never can; the person was told why
   */
  async ready() {
    await this.opening;
    this.now ??= await this.#askForServer();
    return this.now;
  }

  async #open() {
    const local = new Local(this.base);
    showLoading(0);
    try {
      this.classes = (await local.open(showLoading)).classes;
      this.now = local;
    } catch (error) {
      local.close();
      this.trouble = error.message;
      $("use-camera").hidden = true;
    } finally {
      showLoading(1);
    }
  }

  async #askForServer() {
    if (!(await isThere(this.base))) {
      say(`This browser cannot run the net: ${this.trouble}`, { bad: true });
      return null;
    }
    const remote = new Remote(this.base);
    if (!(await this.#agreed(remote))) {
      say("Nothing was sent. Without the net, the photo can only be looked at.");
      return null;
    }
    tellWhere(remote.where);
    this.classes = await remote.classes();
    return remote;
  }

  /** Ask before anything is sent, and for the token if the server wants one. */
  async #agreed(remote) {
    let isOpen = await remote.open();
    $("ask-why").textContent = sentence(`This browser cannot run the net: ${this.trouble}`);
    $("ask-what").textContent =
      `The server that this page came from, ${remote.where}, can do it instead. ` +
      "It would get your photo, and keeps nothing of it.";
    $("ask-token").hidden = isOpen;
    while (await answeredYes()) {
      remote.token = $("token").value;
      isOpen ||= await remote.open();
      if (isOpen) return true;
      say("The server wants another token.", { bad: true });
    }
    return false;
  }
}

async function answeredYes() {
  const dialog = $("ask");
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes";
}

function showLoading(share) {
  const bar = $("loading");
  bar.hidden = share >= 1;
  bar.classList.toggle("is-unknown", !share);
  if (share) bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  bar.firstElementChild.style.setProperty("--share", String(share));
}

/** The line at the top, which says otherwise until now. */
function tellWhere(host) {
  $("privacy").classList.add("is-sent");
  $("privacy").querySelector("use").setAttribute("href", "#i-send");
  $("privacy").lastElementChild.textContent = `Photos are sent to ${host}`;
}
