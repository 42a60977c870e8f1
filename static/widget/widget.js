// The widget's page inside its iframe: it joins the state, the view, the socket,
// what the browser keeps, and the loader on the site around it.

import { storage } from '../shared/elements.js';
import { VisitorSocket, newClientId } from '../shared/socket.js';
import { initial, lastSeq, reduce, unread } from './state.js';
import { createView } from './view.js';

/** @import { Actions, Frame } from './types.d.ts' */

const LOCALES = ['en', 'de'];
/** While somebody types, this often is it said; and after this long without a key it is taken back. */
const TYPING_AGAIN_MS = 3_000;
const TYPING_OVER_MS = 5_000;
/** The other side's "typing" is not believed for longer than this. */
const TYPING_BELIEVED_MS = 12_000;

const key = new URLSearchParams(location.search).get('key') ?? '';
const about = new URLSearchParams(location.hash.slice(1));
const host = window.parent === window ? null : about.get('host');
const kept = storage();
const keep = {
  secret: `baton:${key}:visitor`,
  draft: `baton:${key}:draft`,
  pending: `baton:${key}:pending`,
  read: `baton:${key}:read`,
};
const theme = about.get('theme');
if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;

let state = initial();
/** @type {ReturnType<typeof createView> | null} */
let view = null;
let locale = '';
let is_drawing = false;
let told_unread = -1;
let told_read = 0;

// --- The loader ---------------------------------------------------------------

/** @type {Map<string, (answer: any) => void>} */
const boots = new Map();

function tellHost(/** @type {Record<string, unknown>} */ message) {
  if (host) window.parent.postMessage({ baton: 1, ...message }, host);
}

/** The loader names the frame, paints the launcher, and remembers whether there is something to look for. */
function tellLook(/** @type {boolean} */ has_news) {
  tellHost({ type: 'look', name: state.widget?.name, accent: state.widget?.accent, has_news });
}

window.addEventListener('message', ({ data, source, origin }) => {
  if (!host || source !== window.parent || origin !== host || data?.baton !== 1) return;
  if (data.type === 'booted') {
    boots.get(data.id)?.(data.answer);
    boots.delete(data.id);
  } else if (data.type === 'open') {
    dispatch({ type: 'here.open', is_open: true });
    socket.start();
    view?.focus();
    looked();
  } else if (data.type === 'close') dispatch({ type: 'here.open', is_open: false });
});

/** Calls our own server; what fails carries `status` and `code`, as the socket wants it. */
async function post(/** @type {string} */ path, /** @type {object} */ body) {
  const response = await fetch(`/api/v1/widget/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(15_000) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw { status: response.status, code: answer.code };
  return answer;
}

/** Asks the loader for a visitor and a ticket: only its call carries the site's origin. */
async function boot() {
  const visitor = kept.get(keep.secret) ?? undefined;
  if (!host) return post('boot', { key, visitor, locale: locale || undefined });
  const id = newClientId();
  const answer = await new Promise((resolve) => {
    boots.set(id, resolve);
    setTimeout(() => resolve({ error: { status: 0, code: 'unreachable' } }), 20_000);
    tellHost({ type: 'boot', id, visitor });
  });
  if (answer.error) throw answer.error;
  return answer;
}

async function ticket() {
  const visitor = kept.get(keep.secret);
  if (visitor && !about.get('identity')) {
    try {
      return (await post('ticket', { key, visitor })).ticket;
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'unknown_visitor') throw error;
      kept.set(keep.secret, null);
    }
  }
  const booted = await boot();
  kept.set(keep.secret, booted.visitor);
  return booted.ticket;
}

// --- The socket ---------------------------------------------------------------

/** @returns {Frame[]} */
function restored() {
  try {
    const commands = JSON.parse(kept.get(keep.pending) ?? '[]');
    return Array.isArray(commands) ? commands.filter((command) => command?.type === 'message.send' && typeof command.text === 'string' && typeof command.client_id === 'string') : [];
  } catch {
    return [];
  }
}

const from_before = restored();
const socket = new VisitorSocket({
  ticket,
  pending: from_before,
  onFrame: receive,
  onState: ({ phase, reason }) => dispatch({ type: 'here.connection', phase, reason }),
  onHeld: ({ client_id }) => dispatch({ type: 'here.held', client_id }),
  onRestart: () => dispatch({ type: 'here.restart' }),
  onPending: (commands) => kept.set(keep.pending, commands.length ? JSON.stringify(commands.filter((command) => command.type === 'message.send')) : null),
});

/** @type {any} */
let silence = null;

function receive(/** @type {Frame} */ frame) {
  dispatch(frame);
  if (frame.type === 'hello') {
    told_read = 0;
    if (frame.conversation) {
      const [conversation, seq] = (kept.get(keep.read) ?? '').split('/');
      // Set after the first entry made the conversation ours: see `looked`.
      if (conversation === frame.conversation) read_before = { conversation, seq: Number(seq) || 0 };
    }
    paint(frame.widget?.accent);
    tellLook(Boolean(frame.conversation));
    if (!about.get('locale') && frame.widget?.locale) speak(frame.widget.locale);
  }
  if (frame.type === 'typing') {
    clearTimeout(silence);
    if (frame.typing) silence = setTimeout(() => dispatch({ type: 'here.silence' }), TYPING_BELIEVED_MS);
  }
  if (frame.type === 'entry' || frame.type === 'caught_up') {
    if (read_before?.conversation === state.conversation) dispatch({ type: 'here.read', seq: read_before.seq });
    looked();
  }
}

/** @type {{ conversation: string, seq: number } | null} */
let read_before = null;

/** Marks as read what is on the screen of somebody who is looking. */
function looked() {
  requestAnimationFrame(() => {
    if (!(state.is_open && document.visibilityState === 'visible' && view?.isAtEnd())) return;
    const seq = lastSeq(state);
    if (seq === 0) return;
    if (seq > state.read) dispatch({ type: 'here.read', seq });
    if (seq > told_read && socket.state.phase === 'live') {
      told_read = seq;
      socket.signal({ type: 'read.mark', seq });
      kept.set(keep.read, `${state.conversation}/${seq}`);
    }
  });
}

// --- State and view -----------------------------------------------------------

function dispatch(/** @type {Frame} */ event) {
  const next = reduce(state, event);
  if (next === state) return;
  const is_other = next.conversation !== state.conversation;
  state = next;
  if (is_other) {
    told_read = 0;
    tellLook(state.conversation !== null);
  }
  const count = state.is_open ? 0 : unread(state);
  if (count !== told_unread && state.is_caught_up) {
    told_unread = count;
    tellHost({ type: 'unread', count });
  }
  if (is_drawing) return;
  is_drawing = true;
  // One drawing for all frames of one moment; not by animation frame, which hidden pages do not get.
  queueMicrotask(() => {
    is_drawing = false;
    view?.draw(state);
  });
}

function command(/** @type {string} */ what, /** @type {Frame} */ frame) {
  const client_id = newClientId();
  dispatch({ type: 'here.command', what, client_id });
  return socket.command({ ...frame, client_id }).then(
    () => true,
    () => {
      dispatch({ type: 'here.failed', what });
      return false;
    },
  );
}

let typing_said_at = 0;
/** @type {any} */
let typing_over = null;

function typing(/** @type {boolean} */ is_typing) {
  clearTimeout(typing_over);
  if (is_typing) {
    if (Date.now() - typing_said_at > TYPING_AGAIN_MS) {
      typing_said_at = Date.now();
      socket.signal({ type: 'typing.set', typing: true });
    }
    typing_over = setTimeout(() => typing(false), TYPING_OVER_MS);
  } else if (typing_said_at > 0) {
    typing_said_at = 0;
    socket.signal({ type: 'typing.set', typing: false });
  }
}

/** @type {Actions} */
const actions = {
  send(text) {
    const client_id = newClientId();
    dispatch({ type: 'here.write', client_id, text, at: new Date().toISOString() });
    socket.start();
    socket.command({ type: 'message.send', client_id, text });
  },
  retry(client_id) {
    const message = state.outgoing.find((it) => it.client_id === client_id);
    if (!message) return;
    dispatch({ type: 'here.retry', client_id, text: message.text, at: new Date().toISOString() });
    socket.start();
    socket.command({ type: 'message.send', client_id, text: message.text });
  },
  sendNow(client_id) {
    dispatch({ type: 'here.again', client_id });
    socket.sendAgain();
  },
  remove: (client_id) => dispatch({ type: 'here.remove', client_id }),
  talk: () => command('talk', { type: 'human.request' }),
  goOn: () => command('bot', { type: 'bot.continue' }),
  leaving: (is_leaving) => dispatch({ type: 'here.leave', is_leaving }),
  leave: (email) => command('email', { type: 'contact.leave', email }),
  end: () => command('end', { type: 'conversation.end' }),
  async rate(score, comment) {
    const frame = { type: 'csat.rate', conversation: state.conversation, score, ...(comment ? { comment } : {}) };
    if (await command('rate', frame)) dispatch({ type: 'here.rate', rating: 'sent' });
  },
  skipRating: () => dispatch({ type: 'here.rate', rating: 'skipped' }),
  typing,
  draft: (text) => kept.set(keep.draft, text === '' ? null : text),
  close: () => tellHost({ type: 'close' }),
  tryNow: () => socket.wake(),
  useHere: () => socket.start(),
  looked,
};

/** Uses the site's color where a ground may have it, with black or white words on it. */
function paint(/** @type {string | undefined} */ accent) {
  if (!/^#[0-9a-f]{6}$/i.test(accent ?? '')) return;
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(/** @type {string} */ (accent).slice(at, at + 2), 16) / 255) ** 2.2);
  const { style } = document.documentElement;
  style.setProperty('--site', /** @type {string} */ (accent));
  style.setProperty('--on-site', 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff');
}

/** Draws the widget in the language wanted, or the nearest there is. */
async function speak(/** @type {string} */ wanted) {
  const language = wanted.slice(0, 2).toLowerCase();
  const next = LOCALES.includes(language) ? language : 'en';
  if (next === locale.slice(0, 2)) return;
  locale = next === language ? wanted : next;
  const { default: words } = await import(`./locales/${next}.js`);
  document.documentElement.lang = locale;
  document.title = words.log;
  view = createView(/** @type {HTMLElement} */ (document.getElementById('widget')), words, locale, actions, { has_close: host !== null, draft: kept.get(keep.draft) ?? '' });
  view.draw(state);
  if (state.is_open) view.focus();
}

document.addEventListener('visibilitychange', looked);
window.addEventListener('focus', looked);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !view?.isDialogOpen() && !event.isComposing) actions.close();
});

for (const { client_id, text } of from_before) dispatch({ type: 'here.write', client_id, text, at: new Date().toISOString() });
if (!host) dispatch({ type: 'here.open', is_open: true });
await speak(about.get('locale') || navigator.language || 'en');
tellHost({ type: 'ready' });
// Somebody who wrote before is met again at once; a newcomer only by opening.
if (!host || kept.get(keep.secret) || from_before.length > 0) socket.start();
