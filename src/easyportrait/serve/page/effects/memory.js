/** What has been worked out of a picture is kept with it, so that a slider that moves need not wait
 * for it again. */

const known = new WeakMap(); // parsing -> picture -> name -> what

/** What `work` answers, or has answered for the same parsing, picture and name. */
export function remembered(parsing, image, name, work) {
  const pictures = entry(known, parsing, () => new WeakMap());
  return entry(entry(pictures, image, () => new Map()), name, work);
}

function entry(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}
