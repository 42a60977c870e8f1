// Puts the console together: the socket and the API on one side, the reducer in
// the middle, the views on the other. Everything that reaches outside the page
// (storage, sound, title, address) happens here and nowhere else.

import { api, onSignedOut, query } from '../shared/api.js';
import { storage } from '../shared/dom.js';
import { isSameDay } from '../shared/format.js';
import { html, render, signal } from '../shared/html.js';
import { AgentSocket } from '../shared/agent-socket.js';
import { newClientId } from '../shared/socket.js';
import { SHORTEST_PASSWORD } from '../login/forms.js';
import { askToNotify, createSound, notificationState, notify, title } from './alerts.js';
import { openDrafts } from './drafts.js';
import { isTyping, meaning } from './keys.js';
import { abilities, cardOf, initial, isText, lists, reduce, rowIds, wanted } from './state.js';
import { learnTime, startClock } from './time.js';
import { App } from './views/app.js';
import * as words from '../shared/words.js';

/** A text sent this shortly before a reload goes out by itself; an older one asks first. */
const RESEND_WITHIN_MS = 60_000;

const local = storage();
const narrow = matchMedia('(max-width: 699px)');
const wide = matchMedia('(min-width: 1100px)');

const state = signal(initial());
const ui = signal({
  /** @type {string|null} */ cursor: null,
  /** @type {any} */ dialog: null,
  why: false,
  isNarrow: narrow.matches,
  sound: local.get('baton.sound') !== 'off',
  notify: notificationState(),
  theme: local.get('baton.theme') ?? 'system',
  /** @type {any[]} */ canned: [],
  cannedStatus: 'loading',
  /** @type {any} */ done: null,
  /** @type {any} */ found: null,
  /** @type {any} */ wish: null,
  saidOffer: '',
  saidMessage: '',
});
const set = (/** @type {Record<string, any>} */ change) => {
  ui.value = { ...ui.value, ...change };
};

const sound = createSound();
/** @type {AgentSocket} */ let socket;
/** @type {ReturnType<typeof openDrafts>} */ let drafts;
/** @type {Set<string>} */ const watched = new Set();
let pressedAt = 0;

// Frames in, effects out.

function dispatch(/** @type {Record<string, any>} */ frame) {
  const before = state.value;
  const command = frame.type === 'ack' || frame.type === 'error' ? before.pending[frame.client_id]?.frame : null;
  const after = reduce(before, frame);
  if (after === before) return;
  state.value = after;
  if (after.news !== before.news) letPass(after.news);
  if (after.pending !== before.pending) keepSent(after);
  if (command && frame.type === 'ack') acknowledged(command, before);
  follow(state.value);
  if (after.offers !== before.offers || after.overview !== before.overview) offersChanged(before, state.value);
  if (frame.type === 'entry') entryCame(before, frame);
  retitle(state.value);
}

/** Watches what is open and what is ours, and nothing else. */
function follow(/** @type {import('./state.js').State} */ now) {
  const ids = wanted(now);
  for (const id of ids) {
    if (watched.has(id)) continue;
    watched.add(id);
    socket?.watch(id);
  }
  for (const id of watched) {
    if (ids.has(id)) continue;
    watched.delete(id);
    socket?.unwatch(id);
    dispatch({ type: 'local.forget', conversation: id });
  }
}

/** @type {Map<string, any>} */
const passing = new Map();

/** News goes by itself: what was done soon, what went wrong after there was time to read it. */
function letPass(/** @type {{id: string, code: string}[]} */ news) {
  for (const { id, code } of news) {
    if (passing.has(id)) continue;
    const isGood = ['closed', 'transferred', 'handed_back', 'account_saved'].includes(code);
    passing.set(id, setTimeout(() => act.dismiss(id), isGood ? 5_000 : 15_000));
  }
  for (const [id, timer] of passing) {
    if (news.some((one) => one.id === id)) continue;
    clearTimeout(timer);
    passing.delete(id);
  }
}

function watchAgain(/** @type {string} */ id) {
  socket.unwatch(id);
  socket.watch(id);
}

function keepSent(/** @type {import('./state.js').State} */ now) {
  const sent = Object.values(now.pending).filter(({ frame, position }) => isText(frame) && position === null);
  drafts?.setSent(sent.map(({ frame, at }) => ({ frame, at })));
}

function acknowledged(/** @type {Record<string, any>} */ command, /** @type {import('./state.js').State} */ before) {
  const id = command.conversation;
  const name = cardOf(before, id)?.visitor?.name;
  if (command.type === 'offer.accept' || command.type === 'conversation.take') {
    // Before it was ours the server may have refused to show it, or stopped showing it.
    if (watched.has(id)) watchAgain(id);
  }
  const done = /** @type {Record<string, string>} */ ({ 'conversation.wrap_up': 'closed', 'conversation.transfer': 'transferred', 'conversation.hand_back': 'handed_back' })[command.type];
  if (done) {
    dispatch({ type: 'local.say', news: { id: `${done}:${id}`, code: done, name } });
    if (state.value.open === id) act.close();
  }
}

const offered = new Set();

function offersChanged(/** @type {import('./state.js').State} */ before, /** @type {import('./state.js').State} */ now) {
  const rows = lists(now).offers;
  const fresh = rows.filter(({ offer }) => !offered.has(offer.offer));
  offered.clear();
  for (const { offer } of rows) offered.add(offer.offer);
  if (fresh.length === 0) {
    if (rows.length === 0 && ui.value.saidOffer) set({ saidOffer: '' });
    return;
  }
  const { card } = fresh[0];
  const name = card.visitor?.name || 'A visitor';
  if (ui.value.sound) sound.play();
  set({ saidOffer: `Offered to you: ${name}, ${words.reason(card.reason)}. In the list, Enter accepts.` });
  for (const { card: one, offer } of fresh) {
    notify({ tag: offer.offer, title: `${one.visitor?.name || 'A visitor'} needs a person`, body: words.reason(one.reason), onOpen: () => act.open(one.conversation) });
  }
  // The row takes the focus only when nobody is at anything: no letter is ever stolen.
  const active = document.activeElement;
  const isAtWork = Boolean(ui.value.dialog) || isTyping(active) || Boolean(active?.closest('.main, [role="menu"]')) || Date.now() - pressedAt < 1000;
  if (!isAtWork) focusRow(card.conversation);
}

function entryCame(/** @type {import('./state.js').State} */ before, /** @type {Record<string, any>} */ entry) {
  if (entry.kind !== 'message' || entry.author.kind !== 'visitor' || !before.rooms[entry.conversation]?.caughtUp) return;
  const name = entry.author.name || 'Visitor';
  if (entry.conversation === state.value.open) set({ saidMessage: `${name}: ${entry.text}` });
  if (cardOf(state.value, entry.conversation)?.agent?.id === state.value.account?.id) {
    notify({ tag: entry.conversation, title: name, body: entry.text, onOpen: () => act.open(entry.conversation) });
  }
}

function retitle(/** @type {import('./state.js').State} */ now) {
  const { offers, mine } = lists(now);
  const unread = mine.reduce((sum, card) => sum + (card.conversation === now.open && !document.hidden ? 0 : (card.unread ?? 0)), 0);
  const wantedTitle = title({ offers: offers.map(({ card }) => card.visitor?.name || 'A visitor'), unread });
  if (document.title !== wantedTitle) document.title = wantedTitle;
}

// What the views may ask for.

function command(/** @type {Record<string, any>} */ frame) {
  const full = { ...frame, client_id: newClientId() };
  if (!isText(full) && state.value.link !== 'open') {
    dispatch({ type: 'local.say', news: { id: 'offline', code: 'offline' } });
    return;
  }
  dispatch({ type: 'local.command', command: full, at: new Date().toISOString() });
  socket.command(/** @type {any} */ (full));
}

/** @type {Map<string, {sentAt: number, timer: any}>} */
const typing = new Map();
/** @type {Map<string, number>} */
const marked = new Map();
/** @type {{id: string, position: number}|null} */
let unseen = null;
/** @type {any} */
let seenTimer = null;

/** Tells the visitor's side what was read: only what is open, ours, and looked at. */
function markSeen() {
  if (!unseen || document.hidden || !document.hasFocus()) return;
  const { id, position } = unseen;
  unseen = null;
  const card = cardOf(state.value, id);
  if (id !== state.value.open || card?.agent?.id !== state.value.account?.id || (marked.get(id) ?? 0) >= position) return;
  marked.set(id, position);
  socket.signal({ type: 'read.mark', conversation: id, position });
}

const act = {
  open(/** @type {string} */ id, focus = true) {
    const isSwitch = Boolean(state.value.open);
    dispatch({ type: 'local.open', conversation: id });
    set({ cursor: id, why: false });
    address(id, isSwitch);
    if (!focus) return;
    if (abilities(state.value, id).reply) act.compose('focus');
    else if (narrow.matches) afterRender(() => document.getElementById('conversation')?.focus());
  },
  close() {
    const id = state.value.open;
    dispatch({ type: 'local.open', conversation: null });
    set({ why: false });
    address(null, true);
    focusRow(id);
  },
  cursor(/** @type {string} */ id) {
    if (ui.value.cursor !== id) set({ cursor: id });
  },
  accept(/** @type {string} */ id) {
    const row = lists(state.value).offers.find(({ offer }) => offer.conversation === id);
    if (!row) return;
    command({ type: 'offer.accept', conversation: id, offer: row.offer.offer });
    act.open(id, false);
    act.compose('focus');
  },
  decline(/** @type {string} */ id) {
    const row = lists(state.value).offers.find(({ offer }) => offer.conversation === id);
    if (row) command({ type: 'offer.decline', conversation: id, offer: row.offer.offer });
  },
  take(/** @type {string} */ id) {
    command({ type: 'conversation.take', conversation: id });
    act.open(id, false);
    act.compose('focus');
  },
  send(/** @type {string} */ id, /** @type {string} */ text, /** @type {'reply'|'note'} */ mode) {
    act.typing(id, false);
    command({ type: mode === 'note' ? 'note.add' : 'message.send', conversation: id, text });
  },
  retry(/** @type {string} */ clientId) {
    const pending = state.value.pending[clientId];
    if (!pending) return;
    dispatch({ type: 'local.retry', client_id: clientId });
    socket.command(/** @type {any} */ (pending.frame));
  },
  /** Puts a text that was not sent back where it was written. */
  takeBack(/** @type {string} */ clientId) {
    const pending = state.value.pending[clientId];
    if (!pending) return;
    const { conversation, text, type } = pending.frame;
    const draft = drafts.get(conversation);
    drafts.set(conversation, draft.text ? `${text}\n${draft.text}` : text, type === 'note.add' ? 'note' : 'reply');
    dispatch({ type: 'local.discard', client_id: clientId });
    act.compose('restore');
  },
  typing(/** @type {string} */ id, /** @type {boolean} */ is) {
    const known = typing.get(id);
    clearTimeout(known?.timer);
    if (!is) {
      if (known) socket.signal({ type: 'typing.set', conversation: id, typing: false });
      typing.delete(id);
      return;
    }
    const isDue = !known || Date.now() - known.sentAt > 3000;
    if (isDue) socket.signal({ type: 'typing.set', conversation: id, typing: true });
    typing.set(id, { sentAt: isDue ? Date.now() : known.sentAt, timer: setTimeout(() => act.typing(id, false), 5000) });
  },
  /** The end of a conversation is on the page. It counts as read only while somebody looks. */
  seen(/** @type {string} */ id, /** @type {number} */ position) {
    unseen = { id, position };
    clearTimeout(seenTimer);
    // A moment later, so that a whole history is one mark.
    seenTimer = setTimeout(markSeen, 200);
  },
  draft: (/** @type {string} */ id) => drafts.get(id),
  keepDraft: (/** @type {string} */ id, /** @type {string} */ text, /** @type {'reply'|'note'} */ mode) => drafts.set(id, text, mode),
  compose(/** @type {'focus'|'note'|'canned'|'restore'} */ what) {
    if (state.value.open) set({ wish: { conversation: state.value.open, what, at: Date.now() }, why: false });
  },
  keepFocus(/** @type {string} */ id) {
    if (state.value.open === id) set({ wish: { conversation: id, what: 'focus', at: Date.now() } });
  },
  label(/** @type {number} */ index) {
    if (state.value.open) set({ wish: { conversation: state.value.open, what: 'label', label: index, at: 0 } });
  },
  transferDialog(/** @type {boolean} */ up) {
    const id = state.value.open;
    if (id && abilities(state.value, id).transfer) set({ dialog: { kind: 'transfer', conversation: id, up } });
  },
  transfer(/** @type {string} */ id, /** @type {{queue: string|null, agent: string|null, up: boolean, note: string}} */ { note, ...to }) {
    set({ dialog: null });
    command({ type: 'conversation.transfer', conversation: id, ...to, ...(note ? { note } : {}) });
  },
  confirm(/** @type {'resolve'|'hand_back'} */ what) {
    const id = state.value.open;
    if (id && abilities(state.value, id).resolve) set({ dialog: { kind: 'confirm', what, conversation: id } });
  },
  confirmed(/** @type {'resolve'|'hand_back'} */ what, /** @type {string} */ id) {
    // Who resolved goes on with wrapping up, wherever the focus was before.
    set({ dialog: null, ...(what === 'resolve' ? { wish: { conversation: id, what: 'wrap_up', at: Date.now() } } : {}) });
    command({ type: `conversation.${what}`, conversation: id });
  },
  wrapUp(/** @type {string} */ id, /** @type {{disposition: string, label: string|null, note: string}} */ { note, ...rest }) {
    command({ type: 'conversation.wrap_up', conversation: id, ...rest, ...(note ? { note } : {}) });
  },
  presence(/** @type {string} */ presence) {
    command({ type: 'presence.set', presence });
  },
  help: () => set({ dialog: { kind: 'keys' } }),
  palette: () => set({ dialog: { kind: 'palette' }, found: null }),
  closeDialog: () => set({ dialog: null }),
  why: () => {
    const open = !ui.value.why;
    set({ why: open });
    if (!wide.matches) afterRender(() => document.getElementById(open ? 'why' : 'conversation')?.focus());
  },
  show(/** @type {number} */ position) {
    if (!wide.matches) set({ why: false });
    afterRender(() => {
      const line = document.querySelector(`[data-position="${Number(position)}"]`);
      line?.scrollIntoView({ block: 'center' });
      line?.classList.remove('is-shown');
      void (/** @type {HTMLElement|null} */ (line)?.offsetWidth);
      line?.classList.add('is-shown');
    });
  },
  toggleSound() {
    const on = !ui.value.sound;
    local.set('baton.sound', on ? 'on' : 'off');
    set({ sound: on });
    if (on) sound.play();
  },
  async askToNotify() {
    set({ notify: await askToNotify() });
  },
  nextTheme() {
    const order = ['system', 'light', 'dark'];
    const theme = order[(order.indexOf(ui.value.theme) + 1) % order.length];
    local.set('baton.theme', theme === 'system' ? null : theme);
    set({ theme });
    applyTheme(theme);
  },
  account: () => set({ dialog: { kind: 'account' } }),
  async saveAccount(/** @type {{name: string, old: string, fresh: string}} */ { name, old, fresh }) {
    /** @type {Record<string, string>} */
    const problems = {};
    if (!name) problems['account-name'] = 'Enter a name.';
    if (fresh && !old) problems['account-old'] = 'Enter the password you have now.';
    if (fresh && [...fresh].length < SHORTEST_PASSWORD) problems['account-new'] = `It needs at least ${SHORTEST_PASSWORD} characters.`;
    if (Object.keys(problems).length > 0) return set({ dialog: { kind: 'account', problems } });
    set({ dialog: { kind: 'account', isSaving: true } });
    try {
      const { account } = await api.patch('/me', { name, ...(fresh ? { password: { old, new: fresh } } : {}) });
      dispatch({ type: 'local.account', name: account.name });
      dispatch({ type: 'local.say', news: { id: 'account', code: 'account_saved' } });
      if (ui.value.dialog?.kind === 'account') set({ dialog: null });
    } catch (error) {
      const { code, message } = /** @type {any} */ (error);
      const said = code === 'wrong_password' ? { 'account-old': 'This is not the password you have now.' } : { all: `Not saved: ${message}` };
      set({ dialog: { kind: 'account', problems: said } });
    }
  },
  async logOut() {
    try {
      await api.post('/logout');
    } catch (error) {
      if (/** @type {any} */ (error).status !== 401) {
        dispatch({ type: 'local.say', news: { id: 'logout', code: 'offline' } });
        return;
      }
    }
    location.assign('/login');
  },
  reconnect() {
    if (state.value.ended === 'protocol') location.reload();
    socket.wake();
    socket.start();
  },
  watchAgain,
  dismiss: (/** @type {string} */ id) => dispatch({ type: 'local.dismiss', id }),
  async loadCanned() {
    set({ cannedStatus: 'loading' });
    try {
      const answer = await api.get('/canned');
      set({ canned: answer.canned ?? answer, cannedStatus: 'ready' });
    } catch {
      set({ cannedStatus: 'failed' });
    }
  },
  async search(/** @type {string} */ text) {
    if (text.length < 2) return set({ found: null });
    set({ found: { query: text, status: 'loading', cards: ui.value.found?.cards ?? [] } });
    try {
      const { conversations } = await api.get(`/conversations${query({ q: text, limit: 20 })}`);
      if (ui.value.found?.query === text) set({ found: { query: text, status: 'ready', cards: conversations } });
    } catch {
      if (ui.value.found?.query === text) set({ found: { query: text, status: 'failed', cards: [] } });
    }
  },
  toggleDone() {
    if (ui.value.done) set({ done: null });
    else act.loadDone();
  },
  async loadDone() {
    set({ done: { status: 'loading', cards: [] } });
    try {
      const { conversations } = await api.get(`/conversations${query({ state: 'closed', limit: 50 })}`);
      const today = conversations.filter((/** @type {any} */ card) => isSameDay(card.last?.at ?? card.since, Date.now()));
      set({ done: { status: 'ready', cards: today } });
    } catch {
      set({ done: { status: 'failed', cards: [] } });
    }
  },
};

// The keyboard.

const KEY_ACTS = {
  palette: () => act.palette(),
  next: () => walk(1),
  previous: () => walk(-1),
  compose: () => act.compose('focus'),
  canned: () => act.compose('canned'),
  note: () => act.compose('note'),
  transfer: () => act.transferDialog(false),
  escalate: () => act.transferDialog(true),
  resolve: () => act.confirm('resolve'),
  why: () => state.value.open && !wide.matches && act.why(),
  help: () => act.help(),
  back,
};

function onKey(/** @type {KeyboardEvent} */ event) {
  sound.unlock();
  pressedAt = Date.now();
  if (ui.value.dialog) {
    if (meaning(event) === 'palette') event.preventDefault();
    return;
  }
  const what = meaning(event);
  if (!what) return;
  // The composer is on its way to the focus: a letter meant for it is not a command.
  const { wish } = ui.value;
  if (wish && !wish.done && wish.conversation === state.value.open && Date.now() - wish.at < 1500 && !['palette', 'back', 'label'].includes(what)) return;
  if (what === 'enter') {
    const row = /** @type {HTMLElement} */ (event.target).closest('[data-row]');
    if (!(row instanceof HTMLElement) || row.dataset.kind !== 'offer') return;
    event.preventDefault();
    if (!event.repeat) act.accept(String(row.dataset.row));
    return;
  }
  if (what === 'label') {
    if (!state.value.open || !abilities(state.value, state.value.open).wrapUp) return;
    event.preventDefault();
    act.label(Number(event.key) - 1);
    return;
  }
  event.preventDefault();
  /** @type {Record<string, () => void>} */ (KEY_ACTS)[what]?.();
}

function walk(/** @type {number} */ by) {
  const ids = rowIds(state.value);
  if (ids.length === 0) return;
  const at = ids.indexOf(ui.value.cursor ?? '');
  const hasFocus = Boolean(document.activeElement?.closest('[data-row]'));
  const to = at < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.max(0, Math.min(ids.length - 1, hasFocus ? at + by : at));
  focusRow(ids[to]);
}

function back() {
  if (ui.value.why && !wide.matches) return act.why();
  const inList = Boolean(document.activeElement?.closest('[data-row]'));
  if (state.value.open && (narrow.matches || inList || !isTyping(document.activeElement))) return act.close();
  focusRow(state.value.open);
}

function focusRow(/** @type {string|null} */ id) {
  const ids = rowIds(state.value);
  const target = id && ids.includes(id) ? id : (ids.find((one) => one === ui.value.cursor) ?? ids[0]);
  if (!target) return;
  set({ cursor: target });
  afterRender(() => {
    const row = document.querySelector(`[data-row="${CSS.escape(target)}"]`);
    if (row instanceof HTMLElement) row.focus();
  });
}

function afterRender(/** @type {() => void} */ run) {
  requestAnimationFrame(() => requestAnimationFrame(run));
}

// The page's address names the open conversation, so that a reload and the back button work.

function address(/** @type {string|null} */ id, /** @type {boolean} */ replace) {
  const url = id ? `#${id}` : location.pathname;
  if (location.hash === (id ? `#${id}` : '')) return;
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
}

function fromAddress() {
  const id = /^#(cnv_[A-Za-z0-9_-]{1,64})$/.exec(location.hash)?.[1] ?? null;
  if (id === state.value.open) return;
  dispatch({ type: 'local.open', conversation: id });
  set({ why: false });
}

function applyTheme(/** @type {string} */ theme) {
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function browserStorage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

async function askTime() {
  const askedAt = Date.now();
  try {
    const answer = await fetch('/healthz', { method: 'GET', cache: 'no-store' });
    learnTime(answer.headers.get('date'), askedAt);
  } catch {
    // The computer's own clock has to do.
  }
}

// The beginning.

function toLogin() {
  location.replace(`/login?next=${encodeURIComponent(`/agent${location.hash}`)}`);
}

function connect(/** @type {{id: string}} */ account) {
  drafts = openDrafts(browserStorage(), account.id);
  const sent = drafts.sent();
  const isRecent = (/** @type {{at: string}} */ { at }) => Date.now() - Date.parse(at) < RESEND_WITHIN_MS;
  const recent = sent.filter(isRecent);
  for (const { frame, at } of recent) dispatch({ type: 'local.command', command: frame, at });
  dispatch({ type: 'local.restore', commands: sent.filter((one) => !isRecent(one)) });

  let wasLive = false;
  socket = new AgentSocket({
    ticket: async () => (await api.post('/tickets')).ticket,
    pending: recent.map(({ frame }) => /** @type {any} */ (frame)),
    onFrame: dispatch,
    onState({ phase, reason }) {
      if (phase === 'live') {
        wasLive = true;
        dispatch({ type: 'local.link', link: 'open' });
      } else if (phase === 'stopped') {
        if (reason === 'unauthorized' || reason === 'signed_out') toLogin();
        dispatch({ type: 'local.link', link: 'ended', ended: reason });
      } else {
        dispatch({ type: 'local.link', link: wasLive || phase === 'waiting' || state.value.link === 'reconnecting' ? 'reconnecting' : 'connecting' });
      }
    },
  });
  for (const id of watched) socket.watch(id);
  socket.start();
}

async function begin() {
  applyTheme(ui.value.theme);
  startClock();
  onSignedOut(toLogin);
  fromAddress();
  const root = /** @type {HTMLElement} */ (document.getElementById('console'));
  render(html`<${Root} />`, root);
  root.removeAttribute('aria-busy');

  document.addEventListener('keydown', onKey);
  document.addEventListener('pointerdown', () => sound.unlock());
  window.addEventListener('popstate', fromAddress);
  window.addEventListener('focus', looked);
  document.addEventListener('visibilitychange', looked);
  narrow.addEventListener('change', () => set({ isNarrow: narrow.matches }));

  await whoAmI();
  askTime();
  act.loadCanned();
}

function looked() {
  retitle(state.value);
  markSeen();
}

async function whoAmI() {
  for (let delay = 1000; ; delay = Math.min(delay * 2, 15_000)) {
    try {
      const answer = await api.get('/me');
      connect(answer.account ?? answer);
      return;
    } catch (error) {
      if (/** @type {any} */ (error).status === 401) return;
      dispatch({ type: 'local.link', link: 'reconnecting' });
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

function Root() {
  return html`<${App} state=${state.value} ui=${ui.value} act=${act} />`;
}

begin();
