/** How finely to look at a camera's frames, so that they keep coming. */

// Of the net's usual size, per side. Not fewer: below it misses hair, and slow is better than wrong
const SHARES = [1, 0.8, 0.6];
const SLOW = 160; // ms that a look may take
const QUICK = 60; // ms; below it the next finer one, which takes twice as long, is not slow
const CALM = 3; // frames in a row that must agree

export class Pace {
  #at = 1;
  #streak = 0; // frames too slow above 0, quick ones below

  get share() {
    return SHARES[this.#at];
  }

  /** Hear how long the last frame took, in ms. */
  took(ms) {
    if (ms > SLOW) this.#streak = Math.max(1, this.#streak + 1);
    else if (ms < QUICK) this.#streak = Math.min(-1, this.#streak - 1);
    else this.#streak = 0;
    if (Math.abs(this.#streak) < CALM) return;
    const next = this.#at + Math.sign(this.#streak);
    this.#at = Math.min(Math.max(next, 0), SHARES.length - 1);
    this.#streak = 0;
  }
}
