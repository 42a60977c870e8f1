import assert from 'node:assert/strict';
import { test } from 'node:test';
import { done, fileName, figures, goes, inShort, list, stays } from './persons.js';

const held = { conversations: 2, unfinished: 1, messages: 1204, answers: 1, notes: 0, handoffs: 1, ratings: 1, labels: 3 };
const nothing = { conversations: 0, unfinished: 0, messages: 0, answers: 0, notes: 0, handoffs: 0, ratings: 0, labels: 0 };
const kim = { email: 'kim@mail.example', attributes: { plan: 'gold' }, held };

test('what goes and what stays is said in numbers, and only what there is', () => {
  assert.deepEqual(goes(held, [kim]), [
    'Who they are: the name, the address, what the site told about them and the key of their browser',
    'What was said: the words of 1,204 messages of theirs and 1 answer',
    'The comments on 1 rating',
    '3 labels of their messages: nothing is learned from them any more',
  ]);
  assert.deepEqual(goes(nothing, [{ email: null, attributes: {} }]), ['Who they are: the name and the key of their browser']);
  assert.match(stays(held)[0], /^2 conversations of nobody, .* 1 handoff and the stars of 1 rating$/);
  assert.match(stays(nothing)[0], /^A line in the audit log/);
});

test('the result says what is gone, what was ended, and whether a byte is left', () => {
  assert.deepEqual(done({ conversations: 1, entries: 1, labels: 0, ended: 0, compacted: true }), ['1 text is gone. 1 conversation is nobody’s now and still counts.', 'The database was written anew: no byte is left in its files.']);
  const open = done({ conversations: 2, entries: 7, labels: 1, ended: 1, compacted: false });
  assert.equal(open[0], '7 texts and 1 label are gone. 2 conversations are nobody’s now and still count.');
  assert.match(open[1], /^1 conversation was ended for it/);
  assert.match(open[2], /Remains may lie in gaps/);
  assert.match(done({ conversations: 0, entries: 0, labels: 0, ended: 0, compacted: true })[0], /They had no conversation/);
});

test('figures, lists and the file of an export', () => {
  assert.deepEqual(figures(held).slice(0, 2).map(({ text, hint }) => [text, hint]), [['2', '1 not over'], ['1,204', 'they wrote']]);
  assert.equal(inShort({ held: nothing }), 'no conversation');
  assert.equal(list([]), '');
  assert.equal(list(['a', 'b', 'c']), 'a, b and c');
  assert.equal(fileName(['vis_a', 'vis_b'], new Date('2026-11-22T10:00:00Z')), 'baton-vis_a-and-1-more-2026-11-22.json');
});
