/** The camera: a frame after the other through the worker, never more than one on its way. */

import { canvasOf, contextOf } from "./photo.js";

const LONGEST = 640; // of a frame while it is live; a photo that is taken is as large as the camera gives
const WINDOW_MS = 2000; // over which frames a second are counted

export class Camera {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    this.stream = null;
    this.times = [];
  }

  get isOn() {
    return this.stream !== null;
  }

  static get isHere() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  /** Throws words for people. */
  async start() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
    } catch (error) {
      throw new Error(REASONS[error.name] ?? `The camera cannot be used: ${error.message}`);
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    this.times = [];
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  /** A frame for the worker. @returns {Promise<ImageBitmap>} */
  frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    return createImageBitmap(this.video, {
      resizeWidth: Math.round(width * scale),
      resizeHeight: Math.round(height * scale),
      resizeQuality: "medium",
    });
  }

  /** All of the camera's pixels. */
  shot() {
    const canvas = canvasOf(this.video.videoWidth, this.video.videoHeight);
    contextOf(canvas).drawImage(this.video, 0, 0);
    return canvas;
  }

  /** Count a frame that was shown. @returns {number} frames a second of late */
  tick() {
    const now = performance.now();
    this.times.push(now);
    while (this.times.length > 2 && now - this.times[0] > WINDOW_MS) this.times.shift();
    const span = now - this.times[0];
    return span > 0 ? ((this.times.length - 1) / span) * 1000 : 0;
  }
}

const REASONS = {
  NotAllowedError: "The camera was not allowed. The browser's address bar lets you change that.",
  NotFoundError: "There is no camera.",
  NotReadableError: "The camera is in use by something else.",
};
