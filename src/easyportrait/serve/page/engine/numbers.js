/** Rounding as Python has it, so that both come to the same pixels. */

/** To the nearest whole number, halves to the even one. */
export function round(x) {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

export function clamp(x, low, high) {
  return Math.min(Math.max(x, low), high);
}
