import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial, lastSeq, mark, mayEnd, mayRate, reduce, unread } from './state.js';

const at = '2026-11-21T14:02:00.000Z';
const hello = { type: 'hello', protocol: 1, history_id: 'h', conversation: 'cnv_1', limits: { message_chars: 4000 }, widget: { name: 'Fenwick & Daughters', greeting: 'Hello', accent: '#0b6e4f', locale: 'en' } };
const said = (/** @type {number} */ seq, /** @type {string} */ kind, more = {}) => ({ type: 'entry', conversation: 'cnv_1', seq, at, kind: 'message', author: { kind, name: kind === 'agent' ? 'Ana' : undefined }, text: `${kind} ${seq}`, ...more });
const notice = (/** @type {number} */ seq, /** @type {string} */ code) => ({ type: 'entry', conversation: 'cnv_1', seq, at, kind: 'notice', author: { kind: 'system' }, code, params: {} });
const status = (/** @type {string} */ state, more = {}) => ({ type: 'status', conversation: 'cnv_1', state, position: null, estimate: null, agent: null, people: 'available', opens_at: null, may_rate: false, ...more });
const fold = (/** @type {any[]} */ ...events) => events.reduce(reduce, initial());
const write = { type: 'here.write', client_id: 'c1', text: 'hello', at };

test('a message is sending until it is acknowledged, and then once in the log', () => {
  let state = fold(hello, write);
  assert.equal(state.outgoing[0].status, 'sending');
  state = reduce(state, { type: 'ack', client_id: 'c1', conversation: 'cnv_1', seq: 1, at });
  assert.equal(state.outgoing[0].status, 'sent');
  state = reduce(state, said(1, 'visitor', { client_id: 'c1' }));
  assert.equal(state.outgoing.length, 0);
  assert.equal(state.lines.length, 1);
});

test('the entry may come before its ack', () => {
  const state = fold(hello, write, said(1, 'visitor', { client_id: 'c1' }), { type: 'ack', client_id: 'c1', conversation: 'cnv_1', seq: 1, at });
  assert.equal(state.outgoing.length, 0);
  assert.equal(state.lines.length, 1);
});

test('a refused message stays, says why, and can be sent again or removed', () => {
  const refused = fold(hello, write, { type: 'error', client_id: 'c1', code: 'rate_limited', message: '' });
  assert.deepEqual([refused.outgoing[0].status, refused.outgoing[0].code], ['failed', 'rate_limited']);
  const again = reduce(refused, { ...write, type: 'here.retry' });
  assert.deepEqual([again.outgoing.length, again.outgoing[0].status], [1, 'sending']);
  assert.equal(reduce(refused, { type: 'here.remove', client_id: 'c1' }).outgoing.length, 0);
});

test('a message that could not be stored yet says so, and is sending again when it is tried', () => {
  const held = fold(hello, write, { type: 'here.held', client_id: 'c1' });
  assert.equal(held.outgoing[0].status, 'held');
  assert.equal(reduce(held, { type: 'here.again', client_id: 'c1' }).outgoing[0].status, 'sending');
  assert.equal(reduce(held, { type: 'ack', client_id: 'c1', conversation: 'cnv_1', seq: 1, at }).outgoing[0].status, 'sent');
  assert.equal(reduce(held, { type: 'error', client_id: 'c1', code: 'store_unavailable' }).outgoing[0].status, 'failed', 'given up');
});

test('the same entry twice is one line, and late ones find their place', () => {
  const state = fold(hello, said(1, 'visitor'), said(1, 'visitor'), said(3, 'bot'), said(2, 'bot'));
  assert.deepEqual(state.lines.map((/** @type {any} */ line) => line.seq), [1, 2, 3]);
});

test('seen is only what an agent has seen', () => {
  const state = fold(hello, said(1, 'visitor'), said(2, 'visitor'), { type: 'read', seq: 1 });
  assert.deepEqual(state.lines.map((/** @type {any} */ line) => mark(state, line)), ['seen', 'sent']);
  assert.equal(reduce(state, { type: 'read', seq: 0 }).seen_by_agent, 1, 'seen does not become unseen');
});

test('unread counts what others wrote since the visitor looked', () => {
  let state = fold(hello, said(1, 'visitor'), said(2, 'bot'), notice(3, 'queued'), notice(4, 'agent_joined'), said(5, 'agent'));
  assert.equal(unread(state), 3);
  state = reduce(state, { type: 'here.read', seq: lastSeq(state) });
  assert.equal(unread(state), 0);
  assert.equal(unread(reduce(state, said(6, 'agent'))), 1);
  assert.equal(reduce(state, { type: 'here.read', seq: 2 }).read, 5, 'reading does not go back');
});

test('a new conversation begins below the old one, with its own marks', () => {
  const state = fold(hello, said(1, 'visitor'), { type: 'read', seq: 1 }, { type: 'here.read', seq: 1 }, said(1, 'visitor', { conversation: 'cnv_2' }));
  assert.equal(state.conversation, 'cnv_2');
  assert.equal(state.lines.length, 2);
  assert.equal(mark(state, state.lines[1]), 'sent');
  assert.equal(lastSeq(state), 1);
});

test('the bot stops typing when it has answered, and anybody when the connection is lost', () => {
  const typing = fold(hello, { type: 'typing', who: 'bot', typing: true });
  assert.equal(typing.typing, 'bot');
  assert.equal(reduce(typing, said(1, 'bot')).typing, null);
  assert.equal(reduce(typing, said(1, 'visitor')).typing, 'bot');
  assert.equal(reduce(typing, status('closed')).typing, null);
  assert.equal(reduce(typing, { type: 'here.connection', phase: 'waiting', reason: 'lost' }).typing, null);
});

test('asking for a person is under way until the status says so or it fails', () => {
  const asking = fold(hello, status('bot'), { type: 'here.command', what: 'talk', client_id: 'h1' });
  assert.equal(asking.asking, 'h1');
  assert.equal(reduce(asking, status('waiting', { position: 2 })).asking, null);
  assert.equal(reduce(asking, { type: 'error', client_id: 'h1', code: 'rejected' }).asking, null);
  const failed = reduce(asking, { type: 'here.failed', what: 'talk' });
  assert.deepEqual([failed.asking, failed.failed], [null, 'talk']);
});

test('the position and the estimate are the server’s, and none is none', () => {
  const state = fold(hello, status('waiting', { position: 2 }));
  assert.deepEqual([state.status.position, state.status.estimate], [2, null]);
  const estimate = { low_s: 60, high_s: 180, from: 14 };
  assert.deepEqual(reduce(state, status('waiting', { position: 1, estimate })).status.estimate, estimate);
});

test('the form for an address closes when the wait is over', () => {
  const open = fold(hello, status('waiting'), { type: 'here.leave', is_leaving: true });
  assert.equal(open.is_leaving, true);
  assert.equal(reduce(open, status('waiting', { position: 1 })).is_leaving, true, 'a new position does not close it');
  assert.equal(reduce(open, status('agent', { agent: 'Ana' })).is_leaving, false);
});

test('a rating is asked for once', () => {
  const over = fold(hello, said(1, 'visitor'), status('closed', { may_rate: true }));
  assert.ok(mayRate(over));
  assert.ok(!mayRate(reduce(over, { type: 'here.rate', rating: 'skipped' })));
  assert.ok(!mayRate(reduce(over, status('closed'))));
  assert.ok(!mayEnd(over));
  assert.ok(mayEnd(reduce(over, status('bot'))));
});

test('another history empties the log and keeps what was not sent', () => {
  const state = fold(hello, said(1, 'visitor'), write, { type: 'here.restart' });
  assert.equal(state.lines.length, 0);
  assert.equal(state.outgoing.length, 1);
  assert.equal(state.is_caught_up, false);
});

test('without a conversation there is no history to wait for', () => {
  assert.equal(fold({ ...hello, conversation: null }).is_caught_up, true);
  assert.equal(fold(hello).is_caught_up, false);
  assert.equal(fold(hello, { type: 'caught_up', conversation: 'cnv_1', seq: 0 }).is_caught_up, true);
});

test('what it does not know changes nothing', () => {
  const state = fold(hello);
  assert.equal(reduce(state, { type: 'something.new' }), state);
});
