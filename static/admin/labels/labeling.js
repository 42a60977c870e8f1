// Labels as they are said: shown at once, saved one after the other for each
// thing, undone in the order in which they were said. What could not be saved
// stays as it was wanted, with why, until somebody tries again or gives it up.
// It knows neither the page nor the server.

import { isSame } from './label.js';

/** The conversation as a whole, among the positions of its messages. */
export const WHOLE = 'whole';

/** @typedef {typeof WHOLE | number} Key */
/** @typedef {{ value: any, stored: any, isBusy: boolean, error: any, note: '' | 'saved' | 'undone' }} Slot */

export class Labeling {
  /** @type {Map<Key, Slot>} */ #slots = new Map();
  /** @type {{ key: Key, before: any, after: any }[]} */ #changes = [];
  /** @type {Set<(key: Key) => void>} */ #listeners = new Set();
  #save;
  #said;

  /**
   * @param {(key: Key, value: any) => Promise<unknown>} save null takes the label away
   * @param {(key: Key, before: any, after: any, isUndone: boolean) => void} [said] runs when something is saved
   */
  constructor(save, said = () => {}) {
    this.#save = save;
    this.#said = said;
  }

  /** What the server has. A thing that is being changed here keeps what is wanted. */
  learn(/** @type {Key} */ key, /** @type {any} */ value) {
    const slot = this.#slots.get(key);
    if (slot && (slot.isBusy || slot.error)) return;
    this.#slots.set(key, { value, stored: value, isBusy: false, error: null, note: '' });
  }

  /** @returns {Slot} */
  get(/** @type {Key} */ key) {
    return this.#slots.get(key) ?? { value: null, stored: null, isBusy: false, error: null, note: '' };
  }

  /** The thing that was changed last, the one an undo would change. */
  get last() {
    return this.#changes.at(-1)?.key ?? null;
  }

  /** True while something is wanted that the server does not have. */
  get isUnsaved() {
    return [...this.#slots.values()].some((slot) => !isSame(slot.value, slot.stored));
  }

  /** How many messages are labeled. */
  get count() {
    return [...this.#slots].filter(([key, slot]) => key !== WHOLE && slot.value).length;
  }

  set(/** @type {Key} */ key, /** @type {any} */ value) {
    const before = this.get(key).value;
    if (isSame(before, value)) return;
    this.#changes.push({ key, before, after: value });
    this.#put(key, value, 'saved');
  }

  /** Takes the last change back. Returns what it was about; null when there is none. */
  undo() {
    const change = this.#changes.pop();
    if (!change) return null;
    this.#put(change.key, change.before, 'undone');
    return change.key;
  }

  retry(/** @type {Key} */ key) {
    return this.#write(key, this.get(key).note || 'saved');
  }

  /** Goes back to what the server has. */
  giveUp(/** @type {Key} */ key) {
    const slot = this.#slots.get(key);
    if (!slot) return;
    this.#changes = this.#changes.filter((change) => change.key !== key);
    Object.assign(slot, { value: slot.stored, error: null, note: '' });
    this.#tell(key);
  }

  /** Runs with the key of whatever changed. Returns a function that stops it. */
  listen(/** @type {(key: Key) => void} */ run) {
    this.#listeners.add(run);
    return () => void this.#listeners.delete(run);
  }

  #tell(/** @type {Key} */ key) {
    for (const run of this.#listeners) run(key);
  }

  #put(/** @type {Key} */ key, /** @type {any} */ value, /** @type {'saved' | 'undone'} */ note) {
    for (const [other, slot] of this.#slots) {
      if (other === key || slot.isBusy || slot.error || !slot.note) continue;
      slot.note = '';
      this.#tell(other);
    }
    this.#slots.set(key, Object.assign(this.#slots.get(key) ?? this.get(key), { value }));
    this.#write(key, note);
  }

  /** Writes until the server has what is wanted. What is said meanwhile goes with the next write. */
  async #write(/** @type {Key} */ key, /** @type {'saved' | 'undone'} */ note) {
    const slot = this.#slots.get(key);
    if (!slot) return;
    slot.error = null;
    slot.note = note;
    this.#tell(key);
    if (slot.isBusy) return;
    slot.isBusy = true;
    const before = slot.stored;
    while (!isSame(slot.value, slot.stored)) {
      const sent = slot.value;
      try {
        await this.#save(key, sent);
        slot.stored = sent;
      } catch (error) {
        if (!isSame(slot.value, sent)) continue;
        slot.error = error;
        break;
      }
    }
    slot.isBusy = false;
    this.#tell(key);
    if (!slot.error && !isSame(before, slot.stored)) this.#said(key, before, slot.stored, slot.note === 'undone');
  }
}
