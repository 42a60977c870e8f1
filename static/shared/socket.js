// The connection of a visitor to the server, and what an agent's (agent-socket.js)
// shares with it. The only place that knows reconnecting: tickets, jitter, back-off, resuming from the last
// sequence seen, starting over when the history was replaced, and retrying
// what was not acknowledged, or could not be stored, under the same client id.
//
// It keeps no state of the product and touches no DOM: frames go to `onFrame`,
// the state of the connection to `onState`.

/**
 * @import { Environment, Frame, Pending, SocketOptions, SocketState } from './socket-types.d.ts'
 */

/**
 * The close codes of docs/protocol.md and what a client does about each.
 * `retry` with back-off, `ticket` at once with a new ticket, `pause` for a
 * while first, `stop` until the person acts.
 * @type {Readonly<Record<number, { name: string, then: 'retry' | 'ticket' | 'pause' | 'stop' }>>}
 */
export const CLOSE_CODES = Object.freeze({
  1000: { name: 'normal', then: 'retry' },
  1001: { name: 'going_away', then: 'retry' },
  1006: { name: 'lost', then: 'retry' },
  1011: { name: 'internal', then: 'retry' },
  1013: { name: 'too_slow', then: 'retry' },
  4400: { name: 'malformed', then: 'stop' },
  4401: { name: 'ticket_invalid', then: 'ticket' },
  4403: { name: 'not_allowed', then: 'stop' },
  4408: { name: 'heartbeat_lost', then: 'retry' },
  4409: { name: 'replaced', then: 'stop' },
  4413: { name: 'too_large', then: 'stop' },
  4429: { name: 'too_many', then: 'pause' },
});

/** The protocol version this client speaks. */
export const PROTOCOL = 1;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 20_000;
const PAUSE_MS = 15_000;
const HELLO_TIMEOUT_MS = 10_000;
const ACK_TIMEOUT_MS = 10_000;
/** A connection that lived this long was a good one: the next loss starts with short delays again. */
const SETTLED_AFTER_MS = 5_000;
const TICK_MS = 15_000;
/** What people wrote is tried again by itself when it could not be stored: after a second, then ever later, for some minutes. */
const AGAIN_FIRST_MS = 1_000;
const AGAIN_LONGEST_MS = 30_000;
const AGAIN_MOST = 12;
const TEXTS = new Set(['message.send', 'note.add']);
/** A tick this late means that the machine slept, and that the connection is dead without knowing it. */
const SLEPT_AFTER_MS = 120_000;

/** The answer to a command that failed: the server's code, or `connection_refused`. */
export class CommandError extends Error {
  constructor(/** @type {string} */ code, /** @type {string} */ message, /** @type {string} */ client_id) {
    super(message || code);
    this.name = 'CommandError';
    this.code = code;
    this.client_id = client_id;
  }
}

/** A new client id, also where `crypto.randomUUID` is missing (plain http). */
export function newClientId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** How long to wait before the next try. */
export function retryDelay(/** @type {number} */ code, /** @type {number} */ attempt, /** @type {number} */ random) {
  const { then } = CLOSE_CODES[code] ?? CLOSE_CODES[1006];
  if (then === 'ticket' && attempt === 0) return 0;
  if (then === 'pause') return PAUSE_MS * (1 + random);
  const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  // A server that goes away takes everybody with it: they come back spread over seconds.
  const spread = code === 1001 ? Math.max(longest, 2_000) : longest;
  return spread * (code === 1001 ? 0.1 + 0.9 * random : 0.5 + 0.5 * random);
}

/** How long to wait before a text that could not be stored is sent again; null when it was tried often enough. */
export function againDelay(/** @type {number} */ tries, /** @type {number} */ random) {
  if (tries > AGAIN_MOST) return null;
  return Math.min(AGAIN_LONGEST_MS, AGAIN_FIRST_MS * 2 ** (tries - 1)) * (0.5 + 0.5 * random);
}

/** @returns {Environment} */
function browser() {
  return {
    WebSocket: globalThis.WebSocket,
    setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    now: () => Date.now(),
    random: () => Math.random(),
    location: globalThis.location,
    addEventListener: globalThis.addEventListener?.bind(globalThis),
  };
}

/** What visitor and agent sockets have in common: use VisitorSocket, or AgentSocket of agent-socket.js. */
export class ResumingSocket {
  /** @type {string} */ #path;
  /** @type {SocketOptions} */ #options;
  /** @type {Environment} */ #environment;
  /** @type {WebSocket | null} */ #socket = null;
  /** Tells a late answer of an abandoned try from the current one. */
  #run = 0;
  #attempt = 0;
  #live_since = 0;
  /** @type {string | null} */ #history_id = null;
  /** @type {SocketState} */ #state = { phase: 'idle', attempt: 0, retry_at: null, reason: null };
  /** @type {Map<string, Pending>} */ #pending = new Map();
  /** @type {any} */ #retry_timer = null;
  /** @type {any} */ #hello_timer = null;
  /** @type {any} */ #ack_timer = null;
  /** @type {any} */ #tick_timer = null;
  /** @type {any} */ #again_timer = null;
  #ticked_at = 0;

  constructor(/** @type {string} */ path, /** @type {SocketOptions} */ options) {
    this.#path = path;
    this.#options = options;
    this.#environment = options.environment ?? browser();
    for (const frame of options.pending ?? []) this.#pending.set(frame.client_id, { frame, sent_at: null, tries: 0, again_at: null, answer: null });
    this.#environment.addEventListener?.('online', () => this.wake());
    this.#environment.addEventListener?.('offline', () => this.#isConnected() && this.#lost(1006));
  }

  get state() {
    return this.#state;
  }

  /** Connects, unless it is already trying. */
  start() {
    if (this.#state.phase !== 'idle' && this.#state.phase !== 'stopped') return;
    this.#attempt = 0;
    this.#ticked_at = this.#environment.now();
    this.#tick();
    this.#connect();
  }

  /** Disconnects and stays so. Commands not yet answered are kept for the next `start`. */
  stop(/** @type {string | null} */ reason = null) {
    this.#abandon(1000);
    this.#environment.clearTimeout(this.#tick_timer);
    this.#set({ phase: reason ? 'stopped' : 'idle', attempt: 0, retry_at: null, reason });
  }

  /** Tries again now rather than after the delay: the network is back, or the person asks. */
  wake() {
    if (this.#state.phase === 'waiting') this.#connect();
  }

  /**
   * Sends something that must not be lost. It is kept and sent again, under
   * one client id, until the server answers; the promise is that answer.
   * @param {Frame} frame
   * @returns {Promise<Frame>} the ack; rejects with a {@link CommandError}
   */
  command(frame) {
    const command = { ...frame, client_id: frame.client_id ?? newClientId() };
    /** @type {any} */ const answer = {};
    answer.promise = new Promise((resolve, reject) => Object.assign(answer, { resolve, reject }));
    answer.promise.catch(() => {}); // The page may rely on the error frame alone.
    this.#pending.set(command.client_id, { frame: command, sent_at: null, tries: 0, again_at: null, answer });
    this.#tellPending();
    if (this.#state.phase === 'live') this.#sendPending();
    return answer.promise;
  }

  /** Sends what could not be stored again now, rather than after its delay: the person asks. */
  sendAgain() {
    for (const pending of this.#pending.values()) pending.again_at = null;
    if (this.#state.phase === 'live') this.#sendPending();
  }

  /** Sends something that is worth nothing later (typing); dropped while not connected. */
  signal(/** @type {Frame} */ frame) {
    if (this.#state.phase === 'live') this.send(frame);
  }

  /** @protected */
  send(/** @type {Frame} */ frame) {
    this.#socket?.send(JSON.stringify(frame));
  }

  /**
   * The frames that ask for what was missed.
   * @protected
   * @returns {Frame[]}
   */
  resumption() {
    return [];
  }

  /**
   * Notes how far this client has come; false when the frame was seen before.
   * @protected
   * @param {Frame} _frame
   * @returns {boolean | 'gap'}
   */
  accept(_frame) {
    return true;
  }

  /** Forgets every position: another history begins. @protected */
  forget() {}

  /**
   * True when an error without a client id says that we cannot go on from where we were.
   * @protected
   * @param {Frame} _error
   */
  isLost(_error) {
    return false;
  }

  async #connect() {
    this.#abandon(1000);
    const run = this.#run;
    this.#set({ phase: 'connecting', attempt: this.#attempt, retry_at: null, reason: this.#state.reason });
    let ticket;
    try {
      ticket = await this.#options.ticket();
    } catch (error) {
      if (run === this.#run) this.#ticketFailed(/** @type {any} */ (error));
      return;
    }
    if (run !== this.#run) return;
    const url = new URL(this.#path, this.#environment.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('ticket', ticket);
    const socket = new this.#environment.WebSocket(url.href);
    this.#socket = socket;
    socket.onmessage = (event) => socket === this.#socket && this.#receive(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#lost(event.code);
    this.#hello_timer = this.#environment.setTimeout(() => this.#lost(1006), HELLO_TIMEOUT_MS);
  }

  #ticketFailed(/** @type {{ status?: number, code?: string }} */ error) {
    const status = error?.status ?? 0;
    const isFinal = status >= 400 && status < 500 && ![408, 425, 429].includes(status);
    if (isFinal) this.stop(error.code ?? 'refused');
    else this.#lost(status === 429 ? 4429 : 1006);
  }

  #receive(/** @type {unknown} */ data) {
    /** @type {Frame} */ let frame;
    try {
      frame = JSON.parse(String(data));
    } catch {
      return;
    }
    if (typeof frame?.type !== 'string') return;
    if (frame.type === 'hello') this.#welcome(frame);
    else if (frame.type === 'ack' || frame.type === 'error') this.#answer(frame);
    else {
      const accepted = this.accept(frame);
      if (accepted === 'gap') this.#lost(1006);
      else if (accepted) this.#options.onFrame(frame);
    }
  }

  #welcome(/** @type {Frame} */ hello) {
    this.#environment.clearTimeout(this.#hello_timer);
    if (hello.protocol !== PROTOCOL) return this.stop('protocol');
    if (this.#history_id !== null && this.#history_id !== hello.history_id) {
      this.forget();
      this.#options.onRestart?.();
    }
    this.#history_id = hello.history_id;
    this.#live_since = this.#environment.now();
    this.#options.onFrame(hello);
    for (const frame of this.resumption()) this.send(frame);
    this.#set({ phase: 'live', attempt: 0, retry_at: null, reason: null });
    for (const pending of this.#pending.values()) Object.assign(pending, { sent_at: null, again_at: null });
    this.#sendPending();
  }

  #answer(/** @type {Frame} */ frame) {
    if (!frame.client_id && this.isLost(frame)) {
      this.forget();
      this.#options.onRestart?.();
      this.#lost(1006);
      return;
    }
    const pending = frame.client_id ? this.#pending.get(frame.client_id) : undefined;
    if (pending && frame.type === 'error' && this.#hold(pending, frame)) return;
    if (pending) {
      this.#pending.delete(frame.client_id);
      this.#tellPending();
      // What was written after it has waited for it.
      this.#sendPending();
    }
    this.#options.onFrame(frame);
    if (frame.type === 'ack') pending?.answer?.resolve(frame);
    else pending?.answer?.reject(new CommandError(frame.code, frame.message, frame.client_id));
  }

  /** Keeps a text that could not be stored, to send it again; false for what is not tried again, or was often enough. */
  #hold(/** @type {Pending} */ pending, /** @type {Frame} */ error) {
    if (error.code !== 'store_unavailable' || !TEXTS.has(pending.frame.type)) return false;
    const delay = againDelay(pending.tries + 1, this.#environment.random());
    if (delay === null) return false;
    Object.assign(pending, { sent_at: null, tries: pending.tries + 1, again_at: this.#environment.now() + delay });
    this.#watchAcks();
    this.#watchHeld();
    this.#options.onHeld?.(pending.frame);
    return true;
  }

  #watchHeld() {
    this.#environment.clearTimeout(this.#again_timer);
    const next = Math.min(...[...this.#pending.values()].map(({ again_at }) => again_at ?? Infinity));
    if (next === Infinity || this.#state.phase !== 'live') return;
    this.#again_timer = this.#environment.setTimeout(() => {
      const now = this.#environment.now();
      for (const pending of this.#pending.values()) if (pending.again_at !== null && pending.again_at <= now) pending.again_at = null;
      this.#sendPending();
    }, Math.max(0, next - this.#environment.now()));
  }

  #sendPending() {
    if (this.#state.phase !== 'live') return;
    /** Conversations in which a text could not be stored yet: what was written after it is not said before it. */
    const blocked = new Set();
    for (const pending of this.#pending.values()) {
      const { frame, tries } = pending;
      const is_text = TEXTS.has(frame.type);
      const may_go = pending.sent_at === null && pending.again_at === null && !(is_text && blocked.has(frame.conversation));
      if (is_text && tries > 0) blocked.add(frame.conversation);
      if (!may_go) continue;
      pending.sent_at = this.#environment.now();
      this.send(frame);
    }
    this.#watchAcks();
    this.#watchHeld();
  }

  /** A connection on which an answer stays out is dead, whatever the browser thinks. */
  #watchAcks() {
    this.#environment.clearTimeout(this.#ack_timer);
    const oldest = [...this.#pending.values()].find((pending) => pending.sent_at !== null);
    if (!oldest || this.#state.phase !== 'live') return;
    const wait = Math.max(0, /** @type {number} */ (oldest.sent_at) + ACK_TIMEOUT_MS - this.#environment.now());
    this.#ack_timer = this.#environment.setTimeout(() => this.#lost(1006), wait);
  }

  #tick() {
    const now = this.#environment.now();
    if (now - this.#ticked_at > SLEPT_AFTER_MS && this.#isConnected()) this.#lost(1006);
    this.#ticked_at = now;
    this.#environment.clearTimeout(this.#tick_timer);
    this.#tick_timer = this.#environment.setTimeout(() => this.#tick(), TICK_MS);
  }

  #isConnected() {
    return this.#state.phase === 'live' || this.#state.phase === 'connecting';
  }

  #lost(/** @type {number} */ code) {
    const { name, then } = CLOSE_CODES[code] ?? CLOSE_CODES[1006];
    const was_settled = this.#state.phase === 'live' && this.#environment.now() - this.#live_since >= SETTLED_AFTER_MS;
    if (was_settled) this.#attempt = 0;
    if (then === 'stop') {
      this.stop(name);
      if (code === 4400 || code === 4413) this.#refusePending();
      return;
    }
    this.#abandon(4408);
    const delay = retryDelay(code, this.#attempt, this.#environment.random());
    this.#attempt += 1;
    this.#set({ phase: 'waiting', attempt: this.#attempt, retry_at: this.#environment.now() + delay, reason: name });
    this.#retry_timer = this.#environment.setTimeout(() => this.#connect(), delay);
  }

  /** The server could not read what we sent: sending it again would end the same way. */
  #refusePending() {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#tellPending();
    for (const { frame, answer } of pending) {
      const error = { type: 'error', client_id: frame.client_id, code: 'connection_refused', message: 'the server refused the connection' };
      this.#options.onFrame(error);
      answer?.reject(new CommandError(error.code, error.message, frame.client_id));
    }
  }

  #abandon(/** @type {number} */ code) {
    this.#run += 1;
    for (const timer of [this.#retry_timer, this.#hello_timer, this.#ack_timer, this.#again_timer]) this.#environment.clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = null;
    try {
      socket?.close(code);
    } catch {
      // Already closed.
    }
  }

  #tellPending() {
    this.#options.onPending?.([...this.#pending.values()].map(({ frame }) => frame));
  }

  #set(/** @type {SocketState} */ state) {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

/**
 * A visitor's connection. It follows one conversation at a time, by the
 * gap-free visitor sequence.
 */
export class VisitorSocket extends ResumingSocket {
  /** @type {string | null} */ #conversation = null;
  #seq = 0;
  #is_resuming = false;

  constructor(/** @type {SocketOptions} */ options) {
    super('/ws/visitor', options);
  }

  /** The conversation shown and the last sequence seen in it. */
  get position() {
    return { conversation: this.#conversation, seq: this.#seq };
  }

  resumption() {
    this.#is_resuming = true;
    return [{ type: 'resume', conversation: this.#conversation, after: this.#seq }];
  }

  /** @param {Frame} frame */
  accept(frame) {
    if (frame.type === 'caught_up') this.#is_resuming = false;
    if (frame.type !== 'entry') return true;
    if (frame.conversation !== this.#conversation) {
      this.#conversation = frame.conversation;
      this.#seq = 0;
    }
    if (frame.seq <= this.#seq) return false;
    if (frame.seq > this.#seq + 1) return 'gap';
    this.#seq = frame.seq;
    return true;
  }

  /** @param {Frame} error */
  isLost(error) {
    return this.#is_resuming && this.#conversation !== null && (error.code === 'not_found' || error.code === 'invalid');
  }

  forget() {
    this.#conversation = null;
    this.#seq = 0;
  }
}
