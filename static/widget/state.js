// What the widget knows, as a pure fold over the frames of the server and what
// the visitor does here: `(state, event) -> state`. No DOM, no clock, no network.

/** @import { Frame, Line, State, Status } from './types.d.ts' */

/** @type {Status} */
const NOTHING = { state: 'none', position: null, estimate: null, agent: null, people: 'available', opens_at: null, may_rate: false };

/** @returns {State} */
export function initial() {
  return {
    connection: { phase: 'idle', reason: null },
    has_been_live: false,
    is_caught_up: false,
    is_open: false,
    widget: null,
    message_chars: 4000,
    conversation: null,
    lines: [],
    outgoing: [],
    status: NOTHING,
    typing: null,
    seen_by_agent: 0,
    read: 0,
    asking: null,
    failed: null,
    rating: 'open',
    is_leaving: false,
  };
}

/**
 * @param {State} state
 * @param {Frame} event a frame of the server, or something local (`here.…`)
 * @returns {State}
 */
export function reduce(state, event) {
  switch (event.type) {
    case 'hello':
      return {
        ...state,
        widget: { name: '', greeting: '', accent: '', locale: 'en', ...event.widget },
        message_chars: event.limits?.message_chars ?? state.message_chars,
        has_been_live: true,
        // Without a conversation there is no history to wait for.
        is_caught_up: state.is_caught_up || !event.conversation,
      };
    case 'entry':
      return withEntry(state, event);
    case 'caught_up':
      return { ...state, is_caught_up: true };
    case 'status':
      return withStatus(state, event);
    case 'typing':
      return { ...state, typing: event.typing ? (event.who === 'agent' ? 'agent' : 'bot') : null };
    case 'read':
      return { ...state, seen_by_agent: Math.max(state.seen_by_agent, event.seq) };
    case 'ack':
      return withAck(state, event);
    case 'error':
      return withError(state, event);

    case 'here.connection':
      return { ...state, connection: { phase: event.phase, reason: event.reason }, typing: event.phase === 'live' ? state.typing : null };
    case 'here.restart':
      return { ...initial(), connection: state.connection, is_open: state.is_open, widget: state.widget, outgoing: state.outgoing, has_been_live: state.has_been_live };
    case 'here.open':
      return { ...state, is_open: event.is_open };
    case 'here.write':
    case 'here.retry':
      return { ...state, outgoing: [...state.outgoing.filter((it) => it.client_id !== event.client_id), { client_id: event.client_id, text: event.text, at: event.at, status: 'sending', code: null }] };
    case 'here.held':
    case 'here.again':
      return { ...state, outgoing: state.outgoing.map((it) => (it.client_id === event.client_id ? { ...it, status: event.type === 'here.held' ? 'held' : 'sending' } : it)) };
    case 'here.remove':
      return { ...state, outgoing: state.outgoing.filter((it) => it.client_id !== event.client_id) };
    case 'here.command':
      return { ...state, failed: null, asking: event.what === 'talk' ? event.client_id : state.asking };
    case 'here.read':
      return event.seq > state.read ? { ...state, read: event.seq } : state;
    case 'here.leave':
      return { ...state, is_leaving: event.is_leaving, failed: null };
    case 'here.rate':
      return { ...state, rating: event.rating, failed: null };
    case 'here.failed':
      return { ...state, failed: event.what, asking: event.what === 'talk' ? null : state.asking };
    case 'here.silence':
      return { ...state, typing: null };
    default:
      return state; // A newer server may say more than we know.
  }
}

/** @returns {State} */
function withEntry(/** @type {State} */ state, /** @type {Frame} */ entry) {
  const key = `${entry.conversation}/${entry.seq}`;
  if (state.lines.some((line) => line.key === key)) return state;
  /** @type {Line} */
  const line = {
    key,
    conversation: entry.conversation,
    seq: entry.seq,
    at: entry.at,
    kind: entry.kind === 'notice' ? 'notice' : 'message',
    author: entry.author ?? { kind: 'system' },
    text: entry.text,
    code: entry.code,
    params: entry.params ?? {},
    client_id: entry.client_id,
  };
  const is_new_conversation = entry.conversation !== state.conversation;
  const lines = [...state.lines, line];
  const last = lines[lines.length - 2];
  if (last && last.conversation === line.conversation && last.seq > line.seq) lines.sort((a, b) => (a.conversation === b.conversation ? a.seq - b.seq : 0));
  const is_mine = line.author.kind === 'visitor';
  return {
    ...state,
    conversation: entry.conversation,
    lines,
    outgoing: entry.client_id ? state.outgoing.filter((it) => it.client_id !== entry.client_id) : state.outgoing,
    typing: is_mine || line.kind === 'notice' ? state.typing : null,
    ...(is_new_conversation ? { read: 0, seen_by_agent: 0, rating: 'open', is_leaving: false } : {}),
  };
}

/** @returns {State} */
function withStatus(/** @type {State} */ state, /** @type {Frame} */ frame) {
  /** @type {Status} */
  const status = {
    state: frame.state,
    position: frame.position ?? null,
    estimate: frame.estimate ?? null,
    agent: frame.agent ?? null,
    people: frame.people ?? 'available',
    opens_at: frame.opens_at ?? null,
    may_rate: frame.may_rate === true,
  };
  return {
    ...state,
    status,
    asking: hasHandoff(status) ? null : state.asking,
    is_leaving: state.is_leaving && status.state === 'waiting',
    typing: status.state === 'agent' || status.state === 'bot' ? state.typing : null,
    failed: status.state === state.status.state ? state.failed : null,
  };
}

/** @returns {State} */
function withAck(/** @type {State} */ state, /** @type {Frame} */ ack) {
  return {
    ...state,
    asking: state.asking === ack.client_id ? null : state.asking,
    outgoing: state.outgoing.map((it) => (it.client_id === ack.client_id ? { ...it, status: 'sent', at: ack.at ?? it.at } : it)),
  };
}

/** @returns {State} */
function withError(/** @type {State} */ state, /** @type {Frame} */ error) {
  if (!error.client_id) return state;
  return {
    ...state,
    asking: state.asking === error.client_id ? null : state.asking,
    outgoing: state.outgoing.map((it) => (it.client_id === error.client_id ? { ...it, status: 'failed', code: error.code } : it)),
  };
}

/** True while a person has the conversation, or will. */
export function hasHandoff(/** @type {Status} */ status) {
  return status.state === 'waiting' || status.state === 'agent' || status.state === 'left_message';
}

/** The last sequence of the conversation shown. */
export function lastSeq(/** @type {State} */ state) {
  for (let at = state.lines.length - 1; at >= 0; at -= 1) if (state.lines[at].conversation === state.conversation) return state.lines[at].seq;
  return 0;
}

/** How many messages of others the visitor has not seen. */
export function unread(/** @type {State} */ state) {
  return state.lines.filter((line) => line.conversation === state.conversation && line.seq > state.read && line.author.kind !== 'visitor' && (line.kind === 'message' || line.code === 'agent_joined')).length;
}

/**
 * What is true of a message of the visitor: stored by the server, or seen by an agent.
 * @returns {'sent' | 'seen'}
 */
export function mark(/** @type {State} */ state, /** @type {Line} */ line) {
  return line.conversation === state.conversation && line.seq <= state.seen_by_agent ? 'seen' : 'sent';
}

/** True while a conversation goes on that somebody may end. */
export function mayEnd(/** @type {State} */ state) {
  return state.conversation !== null && ['bot', 'waiting', 'agent', 'left_message'].includes(state.status.state);
}

/** True when the rating should be asked for. */
export function mayRate(/** @type {State} */ state) {
  return state.status.may_rate && state.rating === 'open' && state.conversation !== null;
}
