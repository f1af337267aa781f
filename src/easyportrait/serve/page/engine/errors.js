/**
 * What can go wrong, named as in errors.py; every message is for the person at the page.
 */

export class EasyPortraitError extends Error {}

/** What the caller passed cannot be used. */
export class BadInput extends EasyPortraitError {}

/** A picture has more pixels than the page takes. */
export class ImageTooLarge extends BadInput {}

/** The net cannot be had, or does not do what its card says. */
export class ModelError extends EasyPortraitError {}

/** The browser lacks something, or ran out of memory. */
export class BrowserUnable extends EasyPortraitError {}
