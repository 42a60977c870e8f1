// Intents of the site's own, as the form edits them: reading and writing them in
// the policy's text, and what their figures mean. Pure.

import { isPlainName } from './schema.js';
import { append, get, parse, remove, set, unset } from './toml.js';

/** @typedef {{ name?: string, examples?: string[], escalate_at?: number, priority?: string }} OwnIntent */

export const PATH = 'intents';
export const LEAST = 5;
export const MOST = 20;

/** The intents of a text, whatever somebody wrote there. @returns {OwnIntent[]} */
export function ownIntents(/** @type {any} */ values) {
  const found = get(values, PATH);
  return Array.isArray(found) ? found.map((one) => (one !== null && typeof one === 'object' ? one : {})) : [];
}

/** Its examples, as far as they are texts. @returns {string[]} */
export const examplesOf = (/** @type {OwnIntent} */ { examples }) => (Array.isArray(examples) ? examples.filter((one) => typeof one === 'string') : []);

/** What is typed into the field, one example a line, as examples. */
export const lines = (/** @type {string} */ typed) => typed.split('\n').map((line) => line.trim()).filter(Boolean);

/** What a new intent is called in the file: `Prescription renewal!` is `prescription_renewal`. */
export const asName = (/** @type {string} */ typed) => typed.trim().toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '_').replace(/^[0-9_]+|_+$/g, '').slice(0, 40).replace(/_+$/, '');

/** What is wrong with a name among the others, null when nothing is. */
export function wrongName(/** @type {string} */ name, /** @type {OwnIntent[]} */ others, /** @type {readonly string[]} */ taken) {
  if (!isPlainName(name)) return 'a name of lower case words with underscores, as prescription_renewal';
  if (taken.includes(name)) return `another name: “${name}” is one of Baton’s own`;
  return others.some((one) => one.name === name) ? `another name: “${name}” is there already` : null;
}

/** `7 of 5 to 20` and what is missing. */
export function count(/** @type {number} */ n) {
  if (n < LEAST) return { text: `${n} of ${LEAST} to ${MOST}`, rest: `${LEAST - n} more needed`, isRight: false };
  if (n > MOST) return { text: `${n} of ${LEAST} to ${MOST}`, rest: `${n - MOST} too many`, isRight: false };
  return { text: `${n} of ${LEAST} to ${MOST}`, rest: '', isRight: true };
}

/** The text with one more intent, at its end. */
export const added = (/** @type {string} */ text, /** @type {string} */ name) => append(text, PATH, { name, examples: [] });

/** The text with one key of one intent changed; undefined takes the key away. Nothing else changes. */
export function changed(/** @type {string} */ text, /** @type {number} */ index, /** @type {keyof OwnIntent} */ key, /** @type {any} */ value) {
  const path = `${PATH}.${index}.${key}`;
  if (value !== undefined) return set(text, path, value);
  const shorter = unset(text, path);
  if (shorter !== text) return shorter;
  // Written inside braces, where a key has no line of its own.
  const { [key]: _, ...rest } = ownIntents(parse(text).values)[index] ?? {};
  return parse(text).spans.has(`${PATH}.${index}`) ? set(text, `${PATH}.${index}`, rest) : text;
}

/** The text without one intent. */
export const without = (/** @type {string} */ text, /** @type {number} */ index) => remove(text, PATH, index);

/** The place of the intent that a problem's key is about: `intents.2.examples` is 1. */
export function placeOf(/** @type {string | null | undefined} */ key) {
  const found = /^intents\.(\d+)(?:\.|$)/.exec(key ?? '');
  return found ? Number(found[1]) - 1 : null;
}

/** Names of the intents in a policy's text. @returns {string[]} */
export const namesIn = (/** @type {string | null} */ text) => ownIntents(parse(text ?? '').values).map(({ name }) => name).filter((name) => typeof name === 'string' && name !== '').map(String);

/** How probable each of them is in an analysis, the most probable first. @returns {{ name: string, probability: number }[]} */
export function found(/** @type {any} */ analysis) {
  const list = Object.entries(analysis?.own_intents ?? {}).map(([name, probability]) => ({ name, probability: Number(probability) }));
  return list.sort((a, b) => b.probability - a.probability || a.name.localeCompare(b.name));
}
