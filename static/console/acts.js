// What the views and the keyboard may ask for. Everything that goes to the
// server or outside the page begins here.

import { saveAccount } from '../shared/account.js';
import { api, query } from '../shared/api.js';
import { isSameDay } from '../shared/format.js';
import { toAddress } from './address.js';
import { askToNotify, createSound } from './alerts.js';
import { dispatch, hint, line, narrow, send, set, state, ui, wide } from './desk.js';
import { afterRender, focusRow } from './focus.js';
import { nextTheme, settings } from './settings.js';
import { abilities, cardOf, lists } from './state.js';

export const sound = createSound();

/** @type {Map<string, {sentAt: number, timer: any}>} */
const typing = new Map();
/** @type {Map<string, number>} */
const marked = new Map();
/** @type {{id: string, position: number}|null} */
let unseen = null;
/** @type {any} */
let seenTimer = null;

/** Tells the visitor's side what was read: only what is open, ours, and looked at. */
export function markSeen() {
  if (!unseen || document.hidden || !document.hasFocus()) return;
  const { id, position } = unseen;
  unseen = null;
  const card = cardOf(state.value, id);
  if (id !== state.value.open || card?.agent?.id !== state.value.account?.id || (marked.get(id) ?? 0) >= position) return;
  marked.set(id, position);
  hint({ type: 'read.mark', conversation: id, position });
}

export const act = {
  open(/** @type {string} */ id, focus = true) {
    const isSwitch = Boolean(state.value.open);
    dispatch({ type: 'local.open', conversation: id });
    set({ cursor: id, why: false });
    toAddress(id, isSwitch);
    if (!focus) return;
    if (abilities(state.value, id).reply) act.compose('focus');
    else if (narrow.matches) afterRender(() => document.getElementById('conversation')?.focus());
  },
  close() {
    const id = state.value.open;
    dispatch({ type: 'local.open', conversation: null });
    set({ why: false });
    toAddress(null, true);
    focusRow(id);
  },
  cursor(/** @type {string} */ id) {
    if (ui.value.cursor !== id) set({ cursor: id });
  },
  accept(/** @type {string} */ id) {
    const row = lists(state.value).offers.find(({ offer }) => offer.conversation === id);
    if (!row) return;
    send({ type: 'offer.accept', conversation: id, offer: row.offer.offer });
    act.open(id, false);
    act.compose('focus');
  },
  decline(/** @type {string} */ id) {
    const row = lists(state.value).offers.find(({ offer }) => offer.conversation === id);
    if (row) send({ type: 'offer.decline', conversation: id, offer: row.offer.offer });
  },
  take(/** @type {string} */ id) {
    send({ type: 'conversation.take', conversation: id });
    act.open(id, false);
    act.compose('focus');
  },
  send(/** @type {string} */ id, /** @type {string} */ text, /** @type {'reply'|'note'} */ mode) {
    act.typing(id, false);
    send({ type: mode === 'note' ? 'note.add' : 'message.send', conversation: id, text });
  },
  retry(/** @type {string} */ clientId) {
    const pending = state.value.pending[clientId];
    if (!pending) return;
    dispatch({ type: 'local.retry', client_id: clientId });
    line.socket?.command(/** @type {any} */ (pending.frame));
  },
  /** What could not be stored yet is tried now. */
  sendNow(/** @type {string} */ clientId) {
    dispatch({ type: 'local.retry', client_id: clientId });
    line.socket?.sendAgain();
  },
  /** Puts a text that was not sent back where it was written. */
  takeBack(/** @type {string} */ clientId) {
    const pending = state.value.pending[clientId];
    if (!pending) return;
    const { conversation, text, type } = pending.frame;
    const draft = act.draft(conversation);
    act.keepDraft(conversation, draft.text ? `${text}\n${draft.text}` : text, type === 'note.add' ? 'note' : 'reply');
    dispatch({ type: 'local.discard', client_id: clientId });
    act.compose('restore');
  },
  typing(/** @type {string} */ id, /** @type {boolean} */ is) {
    const known = typing.get(id);
    clearTimeout(known?.timer);
    if (!is) {
      if (known) hint({ type: 'typing.set', conversation: id, typing: false });
      typing.delete(id);
      return;
    }
    const isDue = !known || Date.now() - known.sentAt > 3000;
    if (isDue) hint({ type: 'typing.set', conversation: id, typing: true });
    typing.set(id, { sentAt: isDue ? Date.now() : known.sentAt, timer: setTimeout(() => act.typing(id, false), 5000) });
  },
  /** The end of a conversation is on the page. It counts as read only while somebody looks. */
  seen(/** @type {string} */ id, /** @type {number} */ position) {
    unseen = { id, position };
    clearTimeout(seenTimer);
    // A moment later, so that a whole history is one mark.
    seenTimer = setTimeout(markSeen, 200);
  },
  draft: (/** @type {string} */ id) => line.drafts?.get(id) ?? { text: '', mode: 'reply', at: 0 },
  keepDraft: (/** @type {string} */ id, /** @type {string} */ text, /** @type {'reply'|'note'} */ mode) => line.drafts?.set(id, text, mode),
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
    send({ type: 'conversation.transfer', conversation: id, ...to, ...(note ? { note } : {}) });
  },
  confirm(/** @type {'resolve'|'hand_back'} */ what) {
    const id = state.value.open;
    if (id && abilities(state.value, id).resolve) set({ dialog: { kind: 'confirm', what, conversation: id } });
  },
  confirmed(/** @type {'resolve'|'hand_back'} */ what, /** @type {string} */ id) {
    // Who resolved goes on with wrapping up, wherever the focus was before.
    set({ dialog: null, ...(what === 'resolve' ? { wish: { conversation: id, what: 'wrap_up', at: Date.now() } } : {}) });
    send({ type: `conversation.${what}`, conversation: id });
  },
  wrapUp(/** @type {string} */ id, /** @type {{disposition: string, label: string|null, note: string}} */ { note, ...rest }) {
    send({ type: 'conversation.wrap_up', conversation: id, ...rest, ...(note ? { note } : {}) });
  },
  presence(/** @type {string} */ presence) {
    send({ type: 'presence.set', presence });
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
    settings.sound = on;
    set({ sound: on });
    if (on) sound.play();
  },
  async askToNotify() {
    set({ notify: await askToNotify() });
  },
  nextTheme() {
    settings.theme = nextTheme();
    set({ theme: settings.theme });
  },
  account: () => set({ dialog: { kind: 'account' } }),
  async saveAccount(/** @type {{name: string, old: string, fresh: string}} */ values) {
    set({ dialog: { kind: 'account', isSaving: true } });
    const { account, problems } = await saveAccount(values);
    if (account) {
      dispatch({ type: 'local.account', name: account.name });
      dispatch({ type: 'local.say', news: { id: 'account', code: 'account_saved' } });
    }
    if (ui.value.dialog?.kind === 'account') set({ dialog: account ? null : { kind: 'account', problems } });
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
    line.socket?.wake();
    line.socket?.start();
  },
  /** Asks for all of a conversation again. */
  watchAgain(/** @type {string} */ id) {
    line.socket?.unwatch(id);
    line.socket?.watch(id);
  },
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
