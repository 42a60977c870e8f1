// The small pure pieces of the console and of the login pages.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { check, FORMS, nextPage, said } from '../login/forms.js';
import { title } from './alerts.js';
import { asksForNote, cannedAt, cannedFor, insertCanned } from './composing.js';
import { openDrafts } from './drafts.js';
import { countedMost, reasonLine } from './reasons.js';
import * as words from '../shared/words.js';

const CANNED = [
  { shortcut: 'refund', text: 'Your money goes back.' },
  { shortcut: '/hello', text: 'Hello, I am here.' },
  { shortcut: 'late', text: 'Sorry for the refund delay.' },
];

test('a slash begins a canned reply at the start of a line or after a space, not inside a word', () => {
  assert.deepEqual(cannedAt('/re', 3), { from: 0, query: 're' });
  assert.deepEqual(cannedAt('Hello /re', 9), { from: 6, query: 're' });
  assert.deepEqual(cannedAt('line\n/', 6), { from: 5, query: '' });
  assert.equal(cannedAt('and/or', 6), null);
  assert.equal(cannedAt('https://x', 9), null);
  assert.equal(cannedAt('/re later', 9), null);
});

test('canned replies: beginnings first, then names, then texts', () => {
  assert.deepEqual(cannedFor(CANNED, 're').map(({ shortcut }) => shortcut), ['refund', '/hello', 'late'], '"here" and "refund" stand in the other two texts');
  assert.deepEqual(cannedFor(CANNED, 'hel').map(({ shortcut }) => shortcut), ['/hello']);
  assert.deepEqual(cannedFor(CANNED, 'zzz'), []);
});

test('a canned reply replaces its search and nothing else', () => {
  assert.deepEqual(insertCanned('Hi /re there', 6, { from: 3 }, 'money'), { text: 'Hi money there', caret: 8 });
});

test('an at sign makes a note only in an empty reply', () => {
  assert.equal(asksForNote('', '@'), true);
  assert.equal(asksForNote('mail', 'mail@'), false);
});

/** Storage as browsers have it. */
function fakeStorage(/** @type {Record<string, string>} */ initial = {}) {
  const map = new Map(Object.entries(initial));
  return {
    get length() {
      return map.size;
    },
    key: (/** @type {number} */ index) => [...map.keys()][index] ?? null,
    getItem: (/** @type {string} */ key) => map.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void map.set(key, value),
    removeItem: (/** @type {string} */ key) => void map.delete(key),
  };
}

test('a draft survives a reload, belongs to its account, and goes when it is empty', () => {
  const storage = fakeStorage();
  openDrafts(storage, 'agt_1').set('cnv_1', 'Hello Mara', 'note');
  const after = openDrafts(storage, 'agt_1');
  assert.deepEqual([after.get('cnv_1').text, after.get('cnv_1').mode], ['Hello Mara', 'note']);
  assert.equal(openDrafts(storage, 'agt_2').get('cnv_1').text, '');
  after.set('cnv_1', '', 'reply');
  assert.equal(storage.length, 0);
});

test('old drafts and broken ones are cleared away', () => {
  const storage = fakeStorage({ 'baton.draft.a.cnv_1': JSON.stringify({ text: 'old', mode: 'reply', at: 0 }), 'baton.draft.a.cnv_2': '{broken' });
  const drafts = openDrafts(storage, 'a');
  assert.equal(drafts.get('cnv_1').text + drafts.get('cnv_2').text, '');
  assert.equal(storage.length, 0);
});

test('without storage drafts live as long as the page', () => {
  const refuse = () => {
    throw new Error('refused');
  };
  const drafts = openDrafts({ length: 0, key: refuse, getItem: refuse, setItem: refuse, removeItem: refuse }, 'a');
  drafts.set('cnv_1', 'kept', 'reply');
  assert.equal(drafts.get('cnv_1').text, 'kept');
  assert.deepEqual(openDrafts(null, 'a').sent(), []);
});

test('what was sent and not seen stored is kept', () => {
  const storage = fakeStorage();
  openDrafts(storage, 'a').setSent([{ frame: { type: 'message.send', client_id: 'c1', text: 'x' }, at: '2026-11-21T14:00:00.000Z' }]);
  assert.equal(openDrafts(storage, 'a').sent()[0].frame.client_id, 'c1');
  openDrafts(storage, 'a').setSent([]);
  assert.equal(storage.length, 0);
});

test('the title names an offer first', () => {
  assert.equal(title({ offers: ['Mara K.', 'Tom'], unread: 3 }), '▸ Mara K. +1 · Baton');
  assert.equal(title({ offers: [], unread: 3 }), '(3) Baton');
  assert.equal(title({ offers: [], unread: 0 }), 'Baton');
});

test('codes become plain words, and an unknown code its own words', () => {
  assert.equal(words.reason('asked_for_human'), 'asked for a person');
  assert.equal(words.reason('new_reason'), 'new reason');
  assert.equal(words.reason('constructor'), 'constructor');
  assert.equal(words.notice('queued', { queue: '<b>' }), 'Handed over to people, queue <b>');
  assert.equal(words.mood('unknown').word, 'calm');
  assert.equal(reasonLine({ code: 'frustration', contribution: 0.41 }), 'losing patience (+0.41)');
});

test('the words of the wire are all known', async () => {
  const golden = JSON.parse(await readFile(new URL('../../tests/snapshots/agent_frames.json', import.meta.url), 'utf8'));
  const text = JSON.stringify(golden);
  for (const [, code] of text.matchAll(/"reason":"([a-z_]+)"/g)) assert.notEqual(words.reason(code), code.replaceAll('_', ' '), code);
});

test('the mood of a message follows its frustration', () => {
  assert.deepEqual([0, 0.25, 0.5, 0.75].map((frustration) => words.moodOf({ frustration })), ['calm', 'uneasy', 'annoyed', 'furious']);
  assert.equal(words.moodOf(null), null);
});

test('after a login one goes to a page of ours, never elsewhere', () => {
  assert.equal(nextPage('/agent#cnv_1', 'agent'), '/agent#cnv_1');
  assert.equal(nextPage('/admin/tuning', 'admin'), '/admin/tuning');
  for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', '/agent.evil', 'javascript:1', '/login', '']) assert.equal(nextPage(next, 'agent'), '/agent');
  assert.equal(nextPage(null, 'admin'), '/admin');
});

test('forms say what is missing before they are sent', () => {
  assert.deepEqual(Object.keys(check(FORMS['/setup'], { name: ' ', email: 'ana', password: 'short' })), ['name', 'email', 'password']);
  assert.deepEqual(check(FORMS['/login'], { name: '', email: 'ana@example.com', password: 'x' }), {});
  assert.deepEqual(check(FORMS['/invite'], { name: '', email: '', password: 'correct horse battery' }), {});
});

test('refusals are plain', () => {
  assert.match(said('unauthorized', 401), /do not fit/);
  assert.match(said('unreachable', 0), /try again/);
  assert.match(said('token_used', 410), /Ask for a new one/);
});

test('words that counted: strongest first, each once, no punctuation', () => {
  const words = [
    { text: '.', weight: 0.9, position: 1 },
    { text: 'is', weight: 0.1, position: 1 },
    { text: 'Useless', weight: 0.5, position: 1 },
    { text: 'useless', weight: 0.4, position: 1 },
    { text: 'thanks', weight: -0.3, position: 1 },
  ];
  assert.deepEqual(countedMost(words).map(({ text }) => text), ['Useless', 'is']);
});
