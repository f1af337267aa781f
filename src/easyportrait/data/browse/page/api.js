/** Talking to the server, and remembering what it said. */

let token = "";
export const known = {}; // what /api/dataset says

/** What the server refused, in its own words. */
export class Trouble extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function answer(path, how = {}) {
  let response;
  try {
    response = await fetch(path, how);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The server has ended. Start easyportrait data browse again.", 0);
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Trouble(told.message || `${response.status} ${response.statusText}`, response.status);
}

export const get = async (path, signal) => (await answer(path, { signal })).json();

export async function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-Token": token };
  return (await answer(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

export async function meet() {
  Object.assign(known, await get("/api/dataset"));
  token = known.token;
}

/** Why a picture cannot be had; asked after an <img> failed, which does not say. */
export async function reason(path) {
  try {
    await answer(path);
    return "";
  } catch (error) {
    return error.message;
  }
}

// -- masks ---------------------------------------------------------------------------------

/** A few of the last, so that toggling classes asks for nothing. */
class Recent {
  constructor(room) {
    this.room = room; // bytes
    this.taken = 0;
    this.all = new Map();
  }
  get(key) {
    const found = this.all.get(key);
    if (found) {
      this.all.delete(key);
      this.all.set(key, found);
    }
    return found;
  }
  set(key, labels) {
    this.drop(key);
    this.all.set(key, labels);
    this.taken += labels.data.length;
    for (const oldest of this.all.keys()) {
      if (this.taken <= this.room || this.all.size < 2) break;
      this.drop(oldest);
    }
  }
  drop(key) {
    const found = this.all.get(key);
    if (found) this.taken -= found.data.length;
    this.all.delete(key);
  }
}

const recent = new Recent(192 << 20);

/** {width, height, data: Uint8Array} of a mask or prediction: each pixel's class. */
export async function labels(path, signal) {
  const found = recent.get(path);
  if (found) return found;
  const response = await answer(path, { signal });
  const data = new Uint8Array(await response.arrayBuffer());
  const made = { width: Number(response.headers.get("X-Width")), height: Number(response.headers.get("X-Height")), data };
  recent.set(path, made);
  return made;
}

export const remembered = (path) => recent.get(path);

// -- rows ----------------------------------------------------------------------------------

const rows = new Map();
let asked = new Map(); // id -> promise

export const row = (id) => rows.get(id);

/** Rows of some pictures, from memory if they are there, or asked for together. */
export async function fetchRows(ids, { anew = false } = {}) {
  const wanted = ids.filter((id) => anew || (!rows.has(id) && !asked.has(id)));
  const waiting = ids.filter((id) => asked.has(id)).map((id) => asked.get(id));
  for (let at = 0; at < wanted.length; at += 200) {
    const some = wanted.slice(at, at + 200);
    const promise = get(`/api/rows?ids=${some.join(",")}`)
      .then((found) => found.forEach((one) => rows.set(one.id, one)))
      .finally(() => some.forEach((id) => asked.delete(id)));
    some.forEach((id) => asked.set(id, promise));
    waiting.push(promise);
  }
  await Promise.all(waiting);
}

/** What is known of others than these may be old: ask again when they are seen. */
export function forgetRows(but) {
  const kept = new Set(but);
  for (const id of rows.keys()) if (!kept.has(id)) rows.delete(id);
}

export function noteFlag(id, flagged) {
  const found = rows.get(id);
  if (found) found.flagged = flagged;
}
