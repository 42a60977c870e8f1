// The promises of socket.js, on a clock and a network that the test holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentSocket } from './agent-socket.js';
import { CLOSE_CODES, CommandError, VisitorSocket, againDelay, newClientId, retryDelay } from './socket.js';

/** A world with one clock and sockets that do what the test says. */
function world() {
  let now = 1_000_000;
  let next_timer = 1;
  /** @type {Map<number, { at: number, run: () => void }>} */
  const timers = new Map();
  /** @type {Map<string, () => void>} */
  const listeners = new Map();
  /** @type {FakeSocket[]} */
  const sockets = [];

  class FakeSocket {
    /** @type {any[]} */ sent = [];
    /** @type {any} */ onmessage;
    /** @type {any} */ onclose;
    is_closed = false;

    constructor(/** @type {string} */ url) {
      this.url = url;
      sockets.push(this);
    }

    send(/** @type {string} */ text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.is_closed = true;
    }

    /** The server says something. */
    says(/** @type {any} */ frame) {
      this.onmessage?.({ data: JSON.stringify(frame) });
    }

    /** The connection ends. */
    ends(/** @type {number} */ code) {
      this.is_closed = true;
      this.onclose?.({ code });
    }
  }

  return {
    sockets,
    get last() {
      return sockets[sockets.length - 1];
    },
    goes(/** @type {string} */ type) {
      listeners.get(type)?.();
    },
    async advance(/** @type {number} */ ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
        if (!due) break;
        now = Math.max(now, due[1].at);
        timers.delete(due[0]);
        due[1].run();
        await settle();
      }
      now = end;
    },
    jump(/** @type {number} */ ms) {
      now += ms;
    },
    environment: /** @type {any} */ ({
      WebSocket: FakeSocket,
      setTimeout: (/** @type {() => void} */ run, /** @type {number} */ ms) => {
        timers.set(next_timer, { at: now + ms, run });
        return next_timer++;
      },
      clearTimeout: (/** @type {number} */ timer) => timers.delete(timer),
      now: () => now,
      random: () => 1,
      location: { href: 'https://baton.example/widget?key=wk_1' },
      addEventListener: (/** @type {string} */ type, /** @type {() => void} */ listener) => listeners.set(type, listener),
    }),
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const hello = (/** @type {any} */ more = {}) => ({ type: 'hello', protocol: 1, history_id: 'h1', conversation: null, last_seq: 0, ...more });
const entry = (/** @type {number} */ seq, conversation = 'cnv_1') => ({ type: 'entry', conversation, seq, kind: 'message', text: `m${seq}` });

/** A visitor's socket in a new world, and everything it reported. */
async function visitor(/** @type {any} */ options = {}) {
  const w = world();
  /** @type {any[]} */ const frames = [];
  /** @type {any[]} */ const states = [];
  /** @type {any[][]} */ const pendings = [];
  let tickets = 0;
  const socket = new VisitorSocket({
    ticket: async () => `t${++tickets}`,
    onFrame: (frame) => frames.push(frame),
    onState: (state) => states.push(state),
    onPending: (pending) => pendings.push(pending),
    environment: w.environment,
    ...options,
  });
  socket.start();
  await settle();
  return { w, socket, frames, states, pendings, tickets: () => tickets };
}

test('it connects with a ticket, over wss where the page came over https', async () => {
  const { w, socket } = await visitor();
  assert.equal(w.last.url, 'wss://baton.example/ws/visitor?ticket=t1');
  assert.equal(socket.state.phase, 'connecting');
  w.last.says(hello());
  assert.equal(socket.state.phase, 'live');
  assert.deepEqual(w.last.sent, [{ type: 'resume', conversation: null, after: 0 }]);
});

test('it resumes after the last entry it saw, with a new ticket', async () => {
  const { w } = await visitor();
  w.last.says(hello({ conversation: 'cnv_1' }));
  w.last.says(entry(1));
  w.last.says(entry(2));
  w.last.ends(1006);
  await w.advance(500);
  assert.equal(w.sockets.length, 2);
  assert.match(w.last.url, /ticket=t2$/);
  w.last.says(hello({ conversation: 'cnv_1' }));
  assert.deepEqual(w.last.sent, [{ type: 'resume', conversation: 'cnv_1', after: 2 }]);
});

test('an entry seen before is not shown again', async () => {
  const { w, frames } = await visitor();
  w.last.says(hello({ conversation: 'cnv_1' }));
  for (const seq of [1, 2, 2, 1, 3]) w.last.says(entry(seq));
  assert.deepEqual(frames.filter((frame) => frame.type === 'entry').map((frame) => frame.seq), [1, 2, 3]);
});

test('a gap in the sequence is asked for again rather than shown', async () => {
  const { w, frames } = await visitor();
  w.last.says(hello({ conversation: 'cnv_1' }));
  w.last.says(entry(1));
  w.last.says(entry(3));
  assert.equal(frames.filter((frame) => frame.type === 'entry').length, 1);
  await w.advance(500);
  w.last.says(hello({ conversation: 'cnv_1' }));
  assert.deepEqual(w.last.sent[0], { type: 'resume', conversation: 'cnv_1', after: 1 });
});

test('a new conversation begins its sequence again', async () => {
  const { w, socket, frames } = await visitor();
  w.last.says(hello({ conversation: 'cnv_1' }));
  w.last.says(entry(1));
  w.last.says(entry(1, 'cnv_2'));
  assert.deepEqual(socket.position, { conversation: 'cnv_2', seq: 1 });
  assert.equal(frames.filter((frame) => frame.type === 'entry').length, 2);
});

test('a command waits for the connection and is sent once it lives', async () => {
  const { w, socket } = await visitor();
  const answer = socket.command({ type: 'message.send', client_id: 'c1', text: 'hello' });
  assert.equal(w.last.sent.length, 0);
  w.last.says(hello());
  assert.deepEqual(w.last.sent[1], { type: 'message.send', client_id: 'c1', text: 'hello' });
  w.last.says({ type: 'ack', client_id: 'c1', conversation: 'cnv_1', seq: 1 });
  assert.equal((await answer).seq, 1);
});

test('an unanswered command is sent again under the same id, in order, and an answered one is not', async () => {
  const { w, socket, pendings } = await visitor();
  w.last.says(hello());
  for (const client_id of ['c1', 'c2', 'c3']) socket.command({ type: 'message.send', client_id, text: client_id });
  w.last.says({ type: 'ack', client_id: 'c1', conversation: 'cnv_1', seq: 1 });
  w.last.ends(1001);
  socket.command({ type: 'message.send', client_id: 'c4', text: 'written while away' });
  await w.advance(5_000);
  w.last.says(hello({ conversation: 'cnv_1' }));
  assert.deepEqual(w.last.sent.slice(1).map((frame) => frame.client_id), ['c2', 'c3', 'c4']);
  for (const client_id of ['c2', 'c3', 'c4']) w.last.says({ type: 'ack', client_id, conversation: 'cnv_1', seq: 2 });
  assert.deepEqual(pendings[pendings.length - 1], []);
});

test('commands from before a reload are sent under their old ids', async () => {
  const { w } = await visitor({ pending: [{ type: 'message.send', client_id: 'old', text: 'typed before' }] });
  w.last.says(hello());
  assert.deepEqual(w.last.sent[1], { type: 'message.send', client_id: 'old', text: 'typed before' });
});

test('an error answers the command it names', async () => {
  const { w, socket, frames } = await visitor();
  w.last.says(hello());
  const answer = socket.command({ type: 'message.send', client_id: 'c1', text: 'x' });
  w.last.says({ type: 'error', client_id: 'c1', code: 'rate_limited', message: 'slow down' });
  await assert.rejects(answer, (/** @type {CommandError} */ error) => error instanceof CommandError && error.code === 'rate_limited');
  assert.equal(frames[frames.length - 1].code, 'rate_limited');
  w.last.ends(1006);
  await w.advance(1_000);
  w.last.says(hello());
  assert.equal(w.last.sent.length, 1, 'a refused command is not retried by itself');
});

test('a connection on which an ack stays out is given up and the command sent on the next', async () => {
  const { w, socket } = await visitor();
  w.last.says(hello());
  socket.command({ type: 'message.send', client_id: 'c1', text: 'x' });
  await w.advance(10_000);
  assert.ok(w.sockets[0].is_closed);
  await w.advance(500);
  w.last.says(hello());
  assert.equal(w.last.sent[1].client_id, 'c1');
});

test('a server that says nothing is not waited for', async () => {
  const { w } = await visitor();
  await w.advance(10_000);
  assert.ok(w.sockets[0].is_closed);
  await w.advance(500);
  assert.equal(w.sockets.length, 2);
});

test('another history means starting over', async () => {
  let restarts = 0;
  const { w, socket } = await visitor({ onRestart: () => restarts++ });
  w.last.says(hello({ conversation: 'cnv_1' }));
  w.last.says(entry(1));
  socket.command({ type: 'message.send', client_id: 'c1', text: 'kept' });
  w.last.ends(1006);
  await w.advance(500);
  w.last.says(hello({ conversation: 'cnv_1', history_id: 'h2' }));
  assert.equal(restarts, 1);
  assert.deepEqual(w.last.sent[0], { type: 'resume', conversation: null, after: 0 });
  assert.equal(w.last.sent[1].client_id, 'c1', 'what was not acknowledged is not lost with the history');
});

test('it follows its own conversation to the end, though a newer one was opened meanwhile', async () => {
  const { w } = await visitor();
  w.last.says(hello({ conversation: 'cnv_1' }));
  w.last.says(entry(1));
  w.last.ends(1006);
  await w.advance(500);
  w.last.says(hello({ conversation: 'cnv_2' }));
  assert.deepEqual(w.last.sent, [{ type: 'resume', conversation: 'cnv_1', after: 1 }]);
});

test('a position that the server does not know is given up, without losing a command', async () => {
  let restarts = 0;
  const { w, socket, frames } = await visitor({ onRestart: () => restarts++ });
  w.last.says(hello({ conversation: 'cnv_1' }));
  w.last.says(entry(1));
  w.last.says({ type: 'caught_up', conversation: 'cnv_1', seq: 1 });
  w.last.says({ type: 'error', client_id: null, code: 'invalid', message: 'of something else' });
  assert.equal(restarts, 0);
  socket.command({ type: 'message.send', client_id: 'c1', text: 'kept' });
  w.last.ends(1006);
  await w.advance(500);
  const refused = w.last;
  refused.says(hello());
  refused.says({ type: 'error', client_id: null, code: 'not_found', message: '' });
  refused.says({ type: 'error', client_id: 'c1', code: 'rejected', message: '`resume` comes first' });
  assert.equal(restarts, 1);
  assert.ok(!frames.some((frame) => frame.client_id === 'c1'));
  await w.advance(1_000);
  w.last.says(hello());
  assert.deepEqual(w.last.sent, [{ type: 'resume', conversation: null, after: 0 }, { type: 'message.send', client_id: 'c1', text: 'kept' }]);
});

test('each close code is answered as the protocol says', async () => {
  for (const [code, { name, then }] of Object.entries(CLOSE_CODES)) {
    const { w, socket, tickets } = await visitor();
    w.last.says(hello());
    w.last.ends(Number(code));
    assert.equal(socket.state.phase, then === 'stop' ? 'stopped' : 'waiting', name);
    assert.equal(socket.state.reason, name);
    await w.advance(60_000);
    assert.equal(tickets() > 1, then !== 'stop', name);
  }
});

test('an unknown close code is a lost connection', async () => {
  const { w, socket } = await visitor();
  w.last.says(hello());
  w.last.ends(3999);
  assert.equal(socket.state.phase, 'waiting');
});

test('what the server could not read is reported, not repeated', async () => {
  const { w, socket, frames } = await visitor();
  w.last.says(hello());
  const answer = socket.command({ type: 'message.send', client_id: 'c1', text: 'x'.repeat(70_000) });
  w.last.ends(4413);
  await assert.rejects(answer, { code: 'connection_refused' });
  assert.equal(frames[frames.length - 1].client_id, 'c1');
});

test('a replaced socket keeps its commands and goes on when asked to', async () => {
  const { w, socket } = await visitor();
  w.last.says(hello());
  socket.command({ type: 'message.send', client_id: 'c1', text: 'x' });
  w.last.ends(4409);
  await w.advance(60_000);
  assert.equal(w.sockets.length, 1);
  socket.start();
  await settle();
  w.last.says(hello());
  assert.equal(w.last.sent[1].client_id, 'c1');
});

test('delays grow, have jitter and a ceiling', () => {
  assert.equal(retryDelay(1006, 0, 1), 500);
  assert.equal(retryDelay(1006, 0, 0), 250);
  assert.equal(retryDelay(1006, 3, 1), 4_000);
  assert.equal(retryDelay(1006, 50, 1), 20_000);
  assert.equal(retryDelay(4401, 0, 1), 0);
  assert.ok(retryDelay(4401, 1, 0) > 0, 'a ticket refused twice is not asked for in a loop');
  assert.ok(retryDelay(4429, 0, 0) >= 15_000);
  assert.equal(retryDelay(1001, 0, 1), 2_000, 'after a restart everybody comes back spread out');
  assert.equal(retryDelay(1001, 0, 0), 200);
});

test('short delays come back only after a connection that held', async () => {
  const { w, socket } = await visitor();
  for (const expected of [500, 1_000, 2_000]) {
    w.last.says(hello());
    const before = w.environment.now();
    w.last.ends(1011);
    assert.equal(socket.state.retry_at, before + expected);
    await w.advance(expected);
  }
  w.last.says(hello());
  await w.advance(6_000);
  const before = w.environment.now();
  w.last.ends(1011);
  assert.equal(socket.state.retry_at, before + 500);
});

test('a ticket that is refused for good stops the socket with its code', async () => {
  const { socket } = await visitor({ ticket: async () => Promise.reject(Object.assign(new Error(), { status: 401, code: 'unauthorized' })) });
  assert.deepEqual([socket.state.phase, socket.state.reason], ['stopped', 'unauthorized']);
});

test('a ticket that could not be had is tried again', async () => {
  let tries = 0;
  const { w, socket } = await visitor({ ticket: async () => (tries++ === 0 ? Promise.reject(new TypeError('network')) : 't') });
  assert.equal(socket.state.phase, 'waiting');
  await w.advance(500);
  assert.equal(socket.state.phase, 'connecting');
});

test('it does not wait out a delay when the network comes back', async () => {
  const { w, socket } = await visitor();
  w.last.says(hello());
  w.goes('offline');
  assert.equal(socket.state.phase, 'waiting');
  w.goes('online');
  await settle();
  assert.equal(w.sockets.length, 2);
});

test('a machine that slept does not trust its old connection', async () => {
  const { w, socket } = await visitor();
  w.last.says(hello());
  w.jump(600_000);
  await w.advance(0);
  assert.equal(socket.state.phase, 'waiting');
});

test('a late answer of an abandoned try changes nothing', async () => {
  const { w, socket, frames } = await visitor();
  const first = w.last;
  first.says(hello());
  first.ends(1006);
  await w.advance(500);
  const before = frames.length;
  first.says(entry(1));
  first.ends(4403);
  assert.equal(frames.length, before);
  assert.equal(socket.state.phase, 'connecting');
});

test('frames that are not ours are ignored', async () => {
  const { w, frames } = await visitor();
  w.last.onmessage({ data: 'not json' });
  w.last.onmessage({ data: 'null' });
  w.last.onmessage({ data: '{"no":"type"}' });
  assert.equal(frames.length, 0);
});

test('a server of another protocol version stops the page', async () => {
  const { w, socket } = await visitor();
  w.last.says(hello({ protocol: 2 }));
  assert.deepEqual([socket.state.phase, socket.state.reason], ['stopped', 'protocol']);
});

test('an agent follows many conversations, each from where it was', async () => {
  const w = world();
  /** @type {any[]} */ const frames = [];
  const socket = new AgentSocket({ ticket: async () => 't', onFrame: (frame) => frames.push(frame), environment: w.environment });
  socket.watch('cnv_1');
  socket.start();
  await settle();
  w.last.says(hello());
  assert.deepEqual(w.last.sent, [{ type: 'conversation.watch', conversation: 'cnv_1', after: 0 }]);
  socket.watch('cnv_2');
  socket.watch('cnv_2');
  assert.equal(w.last.sent.length, 2);
  for (const [conversation, position] of [['cnv_1', 4], ['cnv_1', 4], ['cnv_2', 9], ['cnv_3', 1]]) w.last.says({ type: 'entry', conversation, position });
  assert.equal(frames.filter((frame) => frame.type === 'entry').length, 2, 'neither twice nor what is not watched');
  socket.unwatch('cnv_2');
  w.last.ends(1013);
  await w.advance(500);
  w.last.says(hello());
  assert.deepEqual(w.last.sent, [{ type: 'conversation.watch', conversation: 'cnv_1', after: 4 }]);
});

test('client ids do not repeat', () => {
  assert.equal(new Set(Array.from({ length: 1000 }, newClientId)).size, 1000);
});

const refusal = (/** @type {string} */ client_id, code = 'store_unavailable') => ({ type: 'error', client_id, code, message: '' });
const sends = (/** @type {any} */ w) => w.last.sent.filter((/** @type {any} */ frame) => frame.client_id).map((/** @type {any} */ frame) => frame.client_id);

test('a text that could not be stored is sent again by itself, under its id, until it is', async () => {
  /** @type {string[]} */ const held = [];
  const { w, socket, frames, pendings } = await visitor({ onHeld: (/** @type {any} */ frame) => held.push(frame.client_id) });
  w.last.says(hello());
  const answer = socket.command({ type: 'message.send', client_id: 'c1', text: 'x' });
  w.last.says(refusal('c1'));
  assert.deepEqual(held, ['c1']);
  assert.equal(frames.filter(({ type }) => type === 'error').length, 0, 'not told as failed');
  assert.equal(pendings[pendings.length - 1].length, 1, 'kept over a reload');
  await w.advance(999);
  assert.deepEqual(sends(w), ['c1']);
  await w.advance(1);
  assert.deepEqual(sends(w), ['c1', 'c1']);
  w.last.says(refusal('c1'));
  await w.advance(1_999);
  assert.equal(sends(w).length, 2);
  await w.advance(1);
  assert.equal(sends(w).length, 3, 'ever later');
  w.last.says({ type: 'ack', client_id: 'c1', conversation: 'cnv_1', seq: 1 });
  assert.equal((await answer).seq, 1);
  await w.advance(60_000);
  assert.equal(sends(w).length, 3);
});

test('it is given up after some minutes, and then told', async () => {
  const { w, socket, frames } = await visitor();
  w.last.says(hello());
  const answer = socket.command({ type: 'message.send', client_id: 'c1', text: 'x' });
  let minutes = 0;
  for (let n = 0; frames.every(({ type }) => type !== 'error'); n += 1) {
    assert.ok(n < 20, 'bounded');
    w.last.says(refusal('c1'));
    const before = sends(w).length;
    for (let s = 0; s < 31 && sends(w).length === before; s += 1, minutes += 1 / 60) await w.advance(1_000);
  }
  await assert.rejects(answer, (/** @type {CommandError} */ error) => error.code === 'store_unavailable');
  assert.ok(minutes > 2 && minutes < 6, `${minutes}`);
  assert.equal(againDelay(13, 1), null);
  assert.deepEqual([1, 2, 3, 6, 12].map((tries) => againDelay(tries, 1)), [1_000, 2_000, 4_000, 30_000, 30_000]);
});

test('the person may have it tried now, and what was written after it is not said before it', async () => {
  const { w, socket } = await visitor();
  w.last.says(hello());
  socket.command({ type: 'message.send', client_id: 'c1', text: 'first' });
  w.last.says(refusal('c1'));
  socket.command({ type: 'message.send', client_id: 'c2', text: 'second' });
  socket.command({ type: 'human.request', client_id: 'h1' });
  assert.deepEqual(sends(w), ['c1', 'h1'], 'only texts wait for texts');
  socket.sendAgain();
  assert.deepEqual(sends(w), ['c1', 'h1', 'c1']);
  w.last.says({ type: 'ack', client_id: 'c1', conversation: 'cnv_1', seq: 1 });
  assert.deepEqual(sends(w), ['c1', 'h1', 'c1', 'c2']);
});

test('what could not be stored is sent at once over the next connection', async () => {
  const { w, socket } = await visitor();
  w.last.says(hello());
  for (const client_id of ['c1', 'c2']) socket.command({ type: 'message.send', client_id, text: client_id });
  w.last.says(refusal('c1'));
  w.last.ends(1001);
  await w.advance(3_000);
  w.last.says(hello());
  assert.deepEqual(sends(w), ['c1']);
  w.last.says({ type: 'ack', client_id: 'c1', conversation: 'cnv_1', seq: 1 });
  assert.deepEqual(sends(w), ['c1', 'c2']);
});

test('another refusal, or of another command, is told at once', async () => {
  const { w, socket, frames } = await visitor();
  w.last.says(hello());
  socket.command({ type: 'message.send', client_id: 'c1', text: 'x' });
  socket.command({ type: 'human.request', client_id: 'h1' });
  w.last.says(refusal('c1', 'rate_limited'));
  w.last.says(refusal('h1'));
  assert.deepEqual(frames.filter(({ type }) => type === 'error').map(({ client_id }) => client_id), ['c1', 'h1']);
});

test('an agent’s texts wait within their conversation only', async () => {
  const w = world();
  const socket = new AgentSocket({ ticket: async () => 't', onFrame: () => {}, environment: w.environment });
  socket.start();
  await settle();
  w.last.says(hello());
  socket.command({ type: 'message.send', conversation: 'a', client_id: 'a1', text: 'x' });
  w.last.says(refusal('a1'));
  socket.command({ type: 'note.add', conversation: 'a', client_id: 'a2', text: 'x' });
  socket.command({ type: 'message.send', conversation: 'b', client_id: 'b1', text: 'x' });
  assert.deepEqual(sends(w), ['a1', 'b1']);
});
