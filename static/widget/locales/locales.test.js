// Every language says everything, in the same form.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import de from './de.js';
import en from './en.js';

/** @returns {string[]} */
function shape(/** @type {any} */ value, path = '') {
  if (typeof value !== 'object') return [`${path}: ${typeof value}${typeof value === 'function' ? `/${value.length}` : ''}`];
  return Object.entries(value).flatMap(([key, inner]) => shape(inner, `${path}.${key}`));
}

const arity = (/** @type {string[]} */ lines) => lines.map((line) => line.replace(/\/\d$/, '')).sort();

test('German has the keys of English', () => {
  assert.deepEqual(arity(shape(de)), arity(shape(en)));
});

test('every notice of the protocol has words', () => {
  for (const words of [en, de]) {
    for (const code of ['queued', 'agent_joined', 'agent_left', 'back_to_bot', 'left_message', 'nobody_there', 'out_of_hours', 'resolved', 'ended', 'abandoned', 'transferred']) {
      assert.ok(/** @type {any} */ (words.notices)[code]({}).length > 5, code);
    }
  }
});

test('no text shouts, and no wait is called exact', () => {
  for (const words of [en, de]) {
    assert.equal(words.wait(1, 3).includes('1'), true);
    assert.match(words.wait(0, 1), /Less than 1 minute|Weniger als 1 Minute/);
  }
  for (const line of [en, de].flatMap((words) => Object.values(words)).filter((value) => typeof value === 'string')) assert.doesNotMatch(line, /!|Oops/);
});
