// Folds the golden frames, which the gateway's tests hold to the wire, and the
// stories that the golden file cannot tell: refusals, reconnects, races.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { abilities, cardOf, initial, lists, reduce, rowIds, transcript, underway, wanted } from './state.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Frame} Frame */

const golden = JSON.parse(await readFile(new URL('../../tests/snapshots/agent_frames.json', import.meta.url), 'utf8'));
const MARA = 'cnv_01mara';
const GUEST = 'cnv_02guest';

/** The golden frame of this name. @returns {Frame} */
function frame(/** @type {string} */ name, list = golden.to_agent) {
  const found = list.find((/** @type {{name: string}} */ one) => one.name === name);
  assert.ok(found, `no golden frame "${name}"`);
  return structuredClone(found.frame);
}

const fold = (/** @type {Frame[]} */ frames, state = initial()) => frames.reduce(reduce, state);
const command = (/** @type {Frame} */ of) => ({ type: 'local.command', command: of, at: '2026-11-21T14:06:00.000Z' });
const sent = (/** @type {string} */ name) => command(frame(name, golden.from_agent));

/** The story up to a golden frame, with what the agent did in between. */
function upTo(/** @type {string} */ name) {
  /** @type {Record<string, Frame[]>} */
  const before = {
    'ack of presence': [sent('presence')],
    'ack of accept': [sent('accept'), { type: 'local.open', conversation: MARA }],
    'entry: agent message of our own': [sent('message')],
    'entry: note': [sent('note')],
    error: [command({ type: 'message.send', client_id: 'a5', conversation: MARA, text: 'x'.repeat(4001) })],
    'ack of resolve': [sent('resolve')],
    'ack of wrap-up': [sent('wrap up')],
  };
  let state = initial();
  for (const step of golden.to_agent) {
    state = fold([...(before[step.name] ?? []), structuredClone(step.frame)], state);
    if (step.name === name) return state;
  }
  throw new Error(`no golden frame "${name}"`);
}

test('every golden frame is understood', () => {
  let state = initial();
  for (const { name, frame: one } of golden.to_agent) {
    const next = reduce(state, one);
    if (!['ack', 'error'].includes(one.type) && !name.startsWith('offer gone')) assert.notEqual(next, state, `"${name}" changed nothing`);
    state = next;
  }
});

test('the reducer changes nothing it is given', () => {
  const freeze = (/** @type {any} */ value) => {
    if (value && typeof value === 'object' && !Object.isFrozen(value)) {
      Object.freeze(value);
      Object.values(value).forEach(freeze);
    }
    return value;
  };
  golden.to_agent.reduce((/** @type {State} */ state, /** @type {any} */ step) => freeze(reduce(state, freeze(structuredClone(step.frame)))), freeze(initial()));
});

test('unknown frames change nothing, whatever they are called', () => {
  const state = upTo('hello');
  for (const type of ['later.version', 'constructor', '__proto__', 'toString', undefined]) assert.equal(reduce(state, { type }), state);
});

test('the start shows who waits, what is ours and what was left', () => {
  const state = upTo('overview at start');
  assert.deepEqual(rowIds(state), [MARA, GUEST, 'cnv_03tom', 'cnv_04left']);
  assert.equal(lists(state).done, 11);
  assert.equal(abilities(state, MARA).take, true);
  assert.equal(abilities(state, MARA).accept, false);
  assert.equal(abilities(state, 'cnv_03tom').reply, true);
});

test('an offer is the top row and is not in the waiting list as well', () => {
  const state = upTo('overview with the offer');
  const { offers, waiting } = lists(state);
  assert.deepEqual(offers.map(({ card }) => card.conversation), [MARA]);
  assert.deepEqual(waiting.map((/** @type {any} */ card) => card.conversation), [GUEST]);
  assert.equal(abilities(state, MARA).accept, true);
  assert.equal(abilities(state, MARA).reply, false);
});

test('an offer told only by the overview, after a reconnect, is a row too', () => {
  const state = fold([frame('hello'), frame('overview with the offer')]);
  assert.equal(lists(state).offers[0]?.offer.offer, 'off_01');
});

test('the ack of an accept makes the conversation ours before the next overview', () => {
  const state = upTo('ack of accept');
  assert.deepEqual(lists(state).offers, []);
  assert.equal(abilities(state, MARA).reply, true);
  assert.ok(lists(state).mine.some((/** @type {any} */ card) => card.conversation === MARA));
  assert.ok(!rowIds(state).slice(0, 1).includes(MARA));
  assert.equal(underway(state, MARA, 'offer.accept'), null);
});

test('a lost race takes the offer away and says so', () => {
  const before = fold([frame('hello'), frame('overview with the offer'), frame('offer'), sent('accept')]);
  const state = reduce(before, { type: 'error', client_id: 'a2', code: 'conflict', message: '' });
  assert.equal(Object.hasOwn(state.offers, MARA), false);
  assert.deepEqual(state.news.map(({ code, command: of, name }) => [code, of, name]), [['conflict', 'offer.accept', 'Mara K.']]);
});

test('an offer that ran out says so; one that was taken elsewhere does not', () => {
  const offered = upTo('overview with the offer');
  const gone = (/** @type {string} */ why) => reduce(offered, { type: 'offer.gone', conversation: MARA, offer: 'off_01', why });
  assert.equal(gone('expired').news[0].code, 'offer_expired');
  assert.equal(gone('accepted').news.length, 0);
  assert.equal(reduce(offered, { type: 'offer.gone', conversation: MARA, offer: 'off_00', why: 'expired' }), offered);
});

test('the open conversation holds everything said before, in order, with its packet', () => {
  const state = upTo('caught up');
  const { entries } = transcript(state, MARA);
  assert.deepEqual(entries.map(({ position }) => position), [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]);
  assert.equal(state.rooms[MARA].caughtUp, true);
  assert.equal(state.rooms[MARA].packet?.handoff.reasons[0].code, 'asked_for_human');
});

test('an analysis that comes late goes to its message', () => {
  const state = upTo('analysis later than its message');
  assert.equal(state.rooms[MARA].entries.find(({ position }) => position === 4)?.analysis.frustration, 0.55);
});

test('entries that come again or out of order change no order', () => {
  const state = upTo('caught up');
  const again = reduce(state, frame('entry: bot message'));
  assert.deepEqual(again.rooms[MARA].entries, state.rooms[MARA].entries);
  const late = reduce(state, { ...frame('entry: bot message'), position: 7, text: 'between' });
  assert.deepEqual(late.rooms[MARA].entries.map(({ position }) => position), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('a message is "sending" until its entry or its ack, whichever comes first', () => {
  const sending = reduce(upTo('typing'), sent('message'));
  assert.equal(transcript(sending, MARA).sent[0].pending.status, 'sending');

  const entryFirst = reduce(sending, frame('entry: agent message of our own'));
  assert.equal(transcript(entryFirst, MARA).sent.length, 0);
  assert.equal(transcript(reduce(entryFirst, frame('ack of message')), MARA).sent.length, 0);

  const ackFirst = reduce(sending, frame('ack of message'));
  assert.equal(transcript(ackFirst, MARA).sent.length, 1);
  const { client_id: _none, ...without } = frame('entry: agent message of our own');
  assert.equal(transcript(reduce(ackFirst, without), MARA).sent.length, 0);
});

test('a refused text stays on the page, is not sent, and can be tried again', () => {
  const state = upTo('error');
  const [{ pending }] = transcript(state, MARA).sent;
  assert.deepEqual([pending.status, pending.code], ['failed', 'too_long']);
  const again = reduce(state, { type: 'local.retry', client_id: 'a5' });
  assert.equal(transcript(again, MARA).sent[0].pending.status, 'sending');
  assert.equal(transcript(reduce(state, { type: 'local.discard', client_id: 'a5' }), MARA).sent.length, 0);
});

test('texts from before a reload are shown as not sent, and vanish when they turn out stored', () => {
  const commands = [{ frame: frame('message', golden.from_agent), at: '2026-11-21T14:06:00.000Z' }];
  const restored = fold([{ type: 'local.restore', commands }, frame('hello')]);
  assert.deepEqual(transcript(restored, MARA).sent.map(({ pending }) => [pending.status, pending.code]), [['failed', 'unknown']]);
  assert.equal(transcript(reduce(restored, frame('entry: agent message of our own')), MARA).sent.length, 0);
});

test('typing ends when the message comes', () => {
  assert.deepEqual(upTo('typing').rooms[MARA].typing, { visitor: '' });
  const state = fold([{ ...frame('entry: visitor asks'), position: 20 }], upTo('typing'));
  assert.deepEqual(state.rooms[MARA].typing, {});
});

test('read marks only go forward', () => {
  const state = upTo('read');
  assert.equal(state.rooms[MARA].readSeq, 8);
  assert.equal(reduce(state, { ...frame('read'), seq: 3 }).rooms[MARA].readSeq, 8);
});

test('resolved means wrap-up: notes and labels, but no reply; afterwards it is gone', () => {
  const state = upTo('overview in wrap-up');
  const may = abilities(state, MARA);
  assert.deepEqual([may.wrapUp, may.reply, may.note, may.resolve], [true, false, true, false]);
  assert.equal(rowIds(upTo('overview after wrap-up')).includes(MARA), false);
});

test('a reconnect keeps what is on the page; a restored store starts over, and what was on its way is answered anew', () => {
  const state = reduce(upTo('typing'), sent('message'));
  const back = reduce(state, frame('hello'));
  assert.equal(back.rooms[MARA].entries.length, state.rooms[MARA].entries.length);
  assert.equal(back.rooms[MARA].caughtUp, false);
  assert.deepEqual(back.rooms[MARA].typing, {});
  const restored = reduce(state, { ...frame('hello'), history_id: 'his_02' });
  assert.deepEqual(restored.rooms, {});
  assert.equal(restored.pending.a3.status, 'sending');
});

test('what is watched is the open conversation and our own', () => {
  const state = fold([{ type: 'local.open', conversation: GUEST }], upTo('overview after the accept'));
  assert.deepEqual([...wanted(state)].sort(), [MARA, GUEST, 'cnv_03tom'].sort());
  assert.equal(fold([{ type: 'local.forget', conversation: GUEST }], state).rooms[GUEST], undefined);
});

test('a conversation that may not be read says so instead of loading for ever', () => {
  const state = fold([{ type: 'local.open', conversation: 'cnv_none' }, { type: 'error', client_id: null, code: 'not_found', message: '' }], upTo('overview at start'));
  assert.equal(state.rooms.cnv_none.problem?.code, 'not_found');
});

test('the newest card wins, wherever it came from', () => {
  assert.equal(cardOf(upTo('overview after the accept'), MARA)?.state, 'agent');
  assert.equal(cardOf(upTo('packet in wrap-up'), MARA)?.state, 'agent', 'the list still says so until its next overview');
  assert.equal(cardOf(initial(), MARA), null);
});

test('more than the list holds is counted, not forgotten', () => {
  const state = fold([frame('hello'), { ...frame('overview at start'), waiting_total: 500 }]);
  assert.equal(lists(state).more, 498);
});

test('an open conversation that somebody else took says so instead of offering itself', () => {
  const packet = { ...frame('packet'), conversation: GUEST, card: frame('overview at start').waiting[1] };
  const reading = fold([{ type: 'local.open', conversation: GUEST }, packet], upTo('overview at start'));
  assert.equal(abilities(reading, GUEST).take, true);
  const taken = reduce(reading, { ...frame('overview at start'), waiting: [frame('overview at start').waiting[0]], waiting_total: 1 });
  assert.equal(cardOf(taken, GUEST)?.state, 'elsewhere');
  assert.equal(abilities(taken, GUEST).take, false);
});

test('a conversation offered to us is one row, wherever the server lists it', () => {
  const overview = frame('overview with the offer');
  const [offered, ...waiting] = overview.waiting;
  const state = fold([frame('hello'), frame('offer'), { ...overview, waiting, mine: [offered, ...overview.mine] }]);
  assert.deepEqual(rowIds(state), [MARA, GUEST, 'cnv_03tom', 'cnv_04left']);
  assert.equal(lists(state).offers.length, 1);
  assert.equal(lists(state).mine.length, 1);
});
