// The desk: the console's two signals and the way to change them. Frames of the
// socket and local ones go through `dispatch`; who reacts to a change is told
// with `onChange`. It knows no view and reaches outside the page for nothing but
// the socket that it is handed.

import { signal } from '../shared/html.js';
import { newClientId } from '../shared/socket.js';
import { initial, isText, reduce } from './state.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Frame} Frame */

/** What the server said: state.js folds it. */
export const state = signal(initial());

/** What only this page knows: what is open over it, where the focus should go, what was found. */
export const ui = signal({
  /** @type {string|null} */ cursor: null,
  /** @type {any} */ dialog: null,
  why: false,
  isNarrow: false,
  sound: true,
  notify: 'default',
  theme: 'system',
  /** @type {any[]} */ canned: [],
  cannedStatus: 'loading',
  /** @type {any} */ done: null,
  /** @type {any} */ found: null,
  /** @type {any} */ wish: null,
  saidOffer: '',
  saidMessage: '',
});

export function set(/** @type {Record<string, any>} */ change) {
  ui.value = { ...ui.value, ...change };
}

/** Widths at which the layout changes, as in console.css. */
export const narrow = matchMedia('(max-width: 699px)');
export const wide = matchMedia('(min-width: 1100px)');

/** What main.js hands over once it is known who is here. */
export const line = {
  /** @type {import('../shared/agent-socket.js').AgentSocket|null} */ socket: null,
  /** @type {ReturnType<typeof import('./drafts.js').openDrafts>|null} */ drafts: null,
};

/** @typedef {{ before: State, now: State, frame: Frame, command: Frame|null }} Change `command` is what an ack or error answers */

/** @type {((change: Change) => void)[]} */
const listeners = [];

/** Runs after every frame that changed something. */
export function onChange(/** @type {(change: Change) => void} */ listener) {
  listeners.push(listener);
}

export function dispatch(/** @type {Frame} */ frame) {
  const before = state.value;
  const command = frame.type === 'ack' || frame.type === 'error' ? (before.pending[frame.client_id]?.frame ?? null) : null;
  const now = reduce(before, frame);
  if (now === before) return;
  state.value = now;
  for (const listener of listeners) listener({ before, now, frame, command });
}

/** Sends something that changes something. Texts wait for a connection; anything else would come as a surprise later. */
export function send(/** @type {Frame} */ frame) {
  const full = { ...frame, client_id: newClientId() };
  if (!isText(full) && state.value.link !== 'open') {
    dispatch({ type: 'local.say', news: { id: 'offline', code: 'offline' } });
    return;
  }
  dispatch({ type: 'local.command', command: full, at: new Date().toISOString() });
  line.socket?.command(/** @type {any} */ (full));
}

/** Sends something that is worth nothing later. */
export function hint(/** @type {Frame} */ frame) {
  line.socket?.signal(/** @type {any} */ (frame));
}
