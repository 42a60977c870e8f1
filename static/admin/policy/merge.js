// What differs between two texts of a policy, and how changes made on an older
// version come onto a newer one without losing either side. Pure.

import { append, flatten, get, parse, remove, set } from './toml.js';
import { FIELDS, seconds } from './schema.js';

/** @typedef {{ path: string, before: any, after: any }} Change */

const fallback = (/** @type {string} */ path) => FIELDS.get(path)?.fallback;

/** Whether two values mean the same: `60m` is `1h`, and a keyword without priority is a normal one. */
export function isSame(/** @type {string} */ path, /** @type {any} */ a, /** @type {any} */ b) {
  const field = FIELDS.get(path);
  const read = (/** @type {any} */ value) => {
    if (value === undefined) value = fallback(path);
    if (field?.kind === 'span') return seconds(value) ?? value;
    if (field?.kind === 'keywords' && Array.isArray(value)) return value.map((one) => [one?.phrase, one?.priority ?? 'normal']);
    if (field?.kind === 'own' && Array.isArray(value)) return value.map((one) => [one?.name, one?.examples, one?.escalate_at ?? null, one?.priority ?? 'normal']);
    return value;
  };
  return JSON.stringify(read(a)) === JSON.stringify(read(b));
}

/**
 * Every key whose meaning differs, in the order of the form, then the rest.
 * @param {string} before
 * @param {string} after
 * @returns {Change[]}
 */
export function changes(before, after) {
  const a = flatten(parse(before).values);
  const b = flatten(parse(after).values);
  const paths = new Set([...FIELDS.keys(), ...a.keys(), ...b.keys()]);
  return [...paths].filter((path) => !isSame(path, a.get(path), b.get(path))).map((path) => ({ path, before: a.get(path), after: b.get(path) }));
}

/** The text with one value of the policy set, whatever its kind. */
export function put(/** @type {string} */ text, /** @type {string} */ path, /** @type {any} */ value) {
  if (!['keywords', 'own'].includes(FIELDS.get(path)?.kind ?? '')) return value === undefined ? text : set(text, path, value);
  let out = text;
  const now = get(parse(text).values, path);
  for (let index = (Array.isArray(now) ? now.length : 0) - 1; index >= 0; index -= 1) out = remove(out, path, index);
  for (const entry of value ?? []) out = append(out, path, entry);
  return out;
}

/**
 * Brings the changes from `base` to `draft` onto `live`.
 * Where both sides changed a key the draft's value stays, and the key is named in `clashes`.
 * @param {{ base: string, draft: string, live: string }} texts
 * @returns {{ text: string, mine: Change[], theirs: Change[], clashes: string[] }}
 */
export function merge({ base, draft, live }) {
  const mine = changes(base, draft);
  const theirs = changes(base, live);
  const taken = new Map(theirs.map((change) => [change.path, change.after]));
  let text = live;
  const clashes = [];
  for (const { path, after } of mine) {
    if (taken.has(path) && !isSame(path, taken.get(path), after)) clashes.push(path);
    text = put(text, path, after === undefined ? fallback(path) : after);
  }
  return { text, mine, theirs, clashes };
}

/** The key that a problem of the server is about: its own field, or the word before the colon. */
export function keyOf(/** @type {{ field?: string, key?: string, line?: number, message: string }} */ problem) {
  const named = fullKeyOf(problem);
  if (!named) return null;
  if (FIELDS.has(named)) return named;
  // `intents.2.examples` is a part of a list that is one field.
  if (named.startsWith('intents.')) return 'intents';
  // `service.answer` or `rules.immediate` name a section; its first field stands for it.
  return [...FIELDS.keys()].find((path) => path.startsWith(`${named}.`)) ?? null;
}

/** The key as the server names it, `intents.2.examples` too. */
export const fullKeyOf = (/** @type {{ field?: string, key?: string, message: string }} */ problem) => problem.field ?? problem.key ?? /^([a-z_]+(?:\.[a-z0-9_]+)*):\s/.exec(problem.message)?.[1] ?? null;

/** What a problem says, without the key before it. */
export function saidOf(/** @type {{ message: string }} */ problem) {
  return problem.message.replace(/^[a-z_]+(?:\.[a-z0-9_]+)*:\s+/, '');
}
