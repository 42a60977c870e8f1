// What can be said of messages, and how it is saved and undone.

import assert from 'node:assert/strict';
import test from 'node:test';
import { agree, changeOf, opinionOf, saidOf, thinks, thoughtOf, turn, verdicts, withIntent, withIntents, withMood, withPlace, withVerdict } from './label.js';
import { Labeling, WHOLE } from './labeling.js';
import { before, comparison, heads, models } from './models.js';

const ANALYSIS = {
  sentiment: { negative: 0.7, neutral: 0.2, positive: 0.1 }, frustration: 0.81, offensive: 0.02, human_request: 0.03,
  intents: { refund: 0.9, billing: 0.6, complaint: 0.1, other: 0.7 }, abstained: null, analyzer: { by: 'model', name: 'baton-en', version: '1' },
};

test('an opinion is what reaches the operating point, and none where the analysis abstained', () => {
  const opinion = /** @type {any} */ (opinionOf(ANALYSIS));
  assert.deepEqual(['frustration', 'human_request', 'offensive'].map((head) => thinks(opinion, head)), [true, false, false]);
  assert.equal(opinion.sentiment, 'negative');
  assert.deepEqual(opinion.intents, ['refund', 'billing']);
  assert.equal(thoughtOf(opinion), 'frustrated 0.81, negative mood, a refund, a bill');
  assert.equal(opinionOf({ ...ANALYSIS, abstained: 'language' }), null);
  assert.equal(opinionOf(undefined), null);
});

test('the first press disagrees, the second agrees, the third takes back', () => {
  const opinion = opinionOf(ANALYSIS);
  assert.deepEqual(turn(null, opinion, 'frustration'), { frustration: 0 });
  assert.deepEqual(turn({ frustration: 0 }, opinion, 'frustration'), { frustration: 1 });
  assert.equal(turn({ frustration: 1 }, opinion, 'frustration'), null);
  assert.deepEqual(turn({ sentiment: 'neutral' }, opinion, 'offensive'), { offensive: 1, sentiment: 'neutral' });
  assert.deepEqual(turn(null, null, 'human_request'), { human_request: 1 });
});

test('mood and intents; an empty list of intents is something said', () => {
  const opinion = opinionOf(ANALYSIS);
  assert.deepEqual(withMood(null, 'positive'), { sentiment: 'positive' });
  assert.equal(withMood({ sentiment: 'positive' }, 'positive'), null);
  assert.deepEqual(withIntent(null, opinion, 'refund'), { intents: ['billing'] });
  assert.deepEqual(withIntent({ intents: ['billing'] }, opinion, 'complaint'), { intents: ['complaint', 'billing'] });
  assert.deepEqual(withIntents({ offensive: 0 }, []), { offensive: 0, intents: [] });
  assert.equal(withIntents({ intents: [] }, undefined), null);
});

test('agreeing says what was thought, and leaves what is said', () => {
  const opinion = opinionOf(ANALYSIS);
  assert.deepEqual(agree({ frustration: 0 }, opinion), { frustration: 0, human_request: 0, offensive: 0, sentiment: 'negative', intents: ['refund', 'billing'] });
  assert.equal(agree(null, null), null);
});

test('what is said is told in words, with what goes against the opinion marked', () => {
  const opinion = opinionOf(ANALYSIS);
  assert.deepEqual(saidOf({ frustration: 0, sentiment: 'negative', intents: [] }, opinion), [
    { what: 'frustration', text: 'not frustrated', against: 'yes' },
    { what: 'sentiment', text: 'negative mood', against: '' },
    { what: 'intents', text: 'about nothing on the list', against: 'a refund, a bill' },
  ]);
  assert.equal(changeOf({ offensive: 1 }, { offensive: 1, frustration: 0 }), 'Not frustrated.');
  assert.equal(changeOf({ offensive: 1, sentiment: 'neutral' }, { offensive: 1 }), 'No longer neutral mood.');
  assert.equal(changeOf({ offensive: 1 }, null), 'Nothing is said of this message any more.');
});

test('of a whole conversation only what fits can be said, and a place says whether a person came late', () => {
  assert.deepEqual(verdicts(true, undefined).map(({ code }) => code), ['right', 'early', 'late', 'needless']);
  assert.deepEqual(verdicts(false, undefined).map(({ code }) => code), ['right', 'missed']);
  assert.deepEqual(verdicts(false, 'late').map(({ code }) => code), ['right', 'missed', 'late']);
  assert.deepEqual(withVerdict({ label: 'late', position: 4 }, 'missed'), { label: 'missed', position: 4 });
  assert.deepEqual(withVerdict({ label: 'late', position: 4 }, 'needless'), { label: 'needless', position: null });
  assert.equal(withVerdict({ label: 'late', position: 4 }, 'late'), null);
  assert.deepEqual(withPlace(null, 3, null), { label: 'missed', position: 3 });
  assert.deepEqual(withPlace({ label: 'right', position: null }, 3, 7), { label: 'late', position: 3 });
  assert.deepEqual(withPlace(null, 9, 7), { label: 'early', position: 9 });
  assert.deepEqual(withPlace({ label: 'late', position: 3 }, 3, 7), { label: 'late', position: null });
});

/** A server that answers when it is told to. */
function server() {
  /** @type {any[]} */ const sent = [];
  /** @type {{ resolve: (value?: unknown) => void, reject: (error: Error) => void }[]} */ const open = [];
  const save = (/** @type {any} */ key, /** @type {any} */ value) => {
    sent.push([key, value]);
    return new Promise((resolve, reject) => open.push({ resolve, reject }));
  };
  const turnOver = () => new Promise((resolve) => setImmediate(resolve));
  return {
    sent, save,
    answers: async () => (open.shift()?.resolve(), turnOver()),
    refuses: async () => (open.shift()?.reject(new Error('no')), turnOver()),
  };
}

test('quick presses are saved in order, the last one last, and none twice', async () => {
  const { sent, save, answers } = server();
  /** @type {any[]} */ const said = [];
  const labels = new Labeling(save, (...what) => said.push(what));
  labels.learn(3, null);
  labels.set(3, { frustration: 0 });
  labels.set(3, { frustration: 1 });
  labels.set(3, { frustration: 1, offensive: 0 });
  assert.deepEqual(labels.get(3).value, { frustration: 1, offensive: 0 });
  assert.equal(labels.isUnsaved, true);
  await answers();
  await answers();
  assert.deepEqual(sent, [[3, { frustration: 0 }], [3, { frustration: 1, offensive: 0 }]]);
  assert.deepEqual([labels.isUnsaved, labels.get(3).isBusy, labels.get(3).note, labels.count], [false, false, 'saved', 1]);
  assert.deepEqual(said, [[3, null, { frustration: 1, offensive: 0 }, false]]);
  labels.set(3, { frustration: 1, offensive: 0 });
  assert.equal(sent.length, 2);
});

test('undo goes back step by step, over messages and the whole', async () => {
  const { sent, save, answers } = server();
  const labels = new Labeling(save);
  labels.set(3, { offensive: 1 });
  await answers();
  labels.set(WHOLE, { label: 'late', position: 3 });
  await answers();
  assert.equal(labels.last, WHOLE);
  assert.equal(labels.get(3).note, '');
  assert.equal(labels.undo(), WHOLE);
  await answers();
  assert.equal(labels.get(WHOLE).note, 'undone');
  assert.equal(labels.undo(), 3);
  await answers();
  assert.equal(labels.undo(), null);
  assert.deepEqual(sent.slice(2), [[WHOLE, null], [3, null]]);
});

test('what cannot be saved stays as it was wanted, and can be tried again or given up', async () => {
  const { sent, save, answers, refuses } = server();
  const labels = new Labeling(save);
  labels.learn(3, { offensive: 0 });
  labels.set(3, { offensive: 1 });
  await refuses();
  assert.deepEqual([labels.get(3).value, labels.get(3).error?.message, labels.isUnsaved], [{ offensive: 1 }, 'no', true]);
  labels.learn(3, { offensive: 0 });
  assert.deepEqual(labels.get(3).value, { offensive: 1 }, 'a reload must not take away what is not saved');
  labels.retry(3);
  await answers();
  assert.deepEqual([labels.get(3).stored, labels.get(3).error], [{ offensive: 1 }, null]);
  labels.set(3, null);
  await refuses();
  labels.giveUp(3);
  assert.deepEqual([labels.get(3).value, labels.get(3).error, labels.last], [{ offensive: 1 }, null, null]);
  assert.equal(sent.length, 3);
  // A newer wish goes out even when the one before it was refused.
  labels.set(3, { offensive: 0 });
  labels.set(3, { frustration: 1 });
  await refuses();
  await answers();
  assert.deepEqual([labels.get(3).stored, labels.get(3).error], [{ frustration: 1 }, null]);
});

test('rolling back goes back one step, and to what came with Baton at last', () => {
  const history = (/** @type {string[]} */ ...steps) => /** @type {any} */ (steps.map((version, index) => ({ number: index + 1, version, folder: version === 'shipped' ? '' : version, rollback: version === 'back' })).reverse());
  assert.equal(before(history()), null);
  assert.equal(before(history('a')), '');
  assert.equal(before(history('a', 'b')), 'a');
  assert.equal(before(history('a', 'b', 'back')), '');
  assert.equal(before(history('a', 'b', 'back', 'back')), null);
  assert.equal(before(history('a', 'shipped', 'b')), '');
});

test('models: those learned here newest first, with the live one marked', () => {
  const data = { live: { version: '1+site.2' }, shipped: { name: 'baton-en', version: '1' }, available: [{ version: '1+site.1', folder: 'a' }, { version: '1+site.2', folder: 'b' }] };
  assert.deepEqual(models(data).map(({ version, isLive, isShipped }) => [version, isLive, isShipped]), [['1+site.2', true, false], ['1+site.1', false, false], ['1', false, true]]);
  assert.deepEqual(models({ live: null, shipped: null, available: [] }), []);
});

test('figures and counts as rows', () => {
  const change = { old: 0.7, new: 0.8, n: 9 };
  assert.deepEqual(comparison({ site: { all: { right: change }, sentiment: { right: change } }, dev: { sentiment: { recall: change } } }), [
    { head: 'all', word: 'All together', site: change, dev: null, measure: 'recall' },
    { head: 'sentiment', word: 'Mood', site: change, dev: change, measure: 'recall' },
  ]);
  assert.deepEqual(comparison(null), []);
  const rows = heads({ frustration: [3, 0], human_request: [0, 0], offensive: [2, 1], sentiment: [1, 0, 0] });
  assert.deepEqual(rows.map(({ total, lacks }) => [total, lacks]), [[3, 'no “yes” yet'], [0, 'nothing said yet'], [3, ''], [1, 'no “neutral” or “positive” yet']]);
});
