// What follows from a frame beyond the page itself: what is watched, what is
// kept in the browser, sound, title, notifications, and news that passes.

import * as words from '../shared/words.js';
import { act, sound } from './acts.js';
import { notify, title } from './alerts.js';
import { dispatch, line, onChange, set, state, ui } from './desk.js';
import { focusRow } from './focus.js';
import { isAtWork } from './keyboard.js';
import { cardOf, isText, lists, wanted } from './state.js';

/** @typedef {import('./state.js').State} State */

/** A sign of typing without an end is over after this. */
const TYPING_MS = 8_000;

/** Conversations that the socket was asked to show. */
/** @type {Set<string>} */
export const watched = new Set();

export function startEffects() {
  onChange(({ before, now, frame, command }) => {
    if (now.news !== before.news) letPass(now.news);
    if (now.pending !== before.pending) keepSent(now);
    if (command && frame.type === 'ack') acknowledged(command, before);
    follow(state.value);
    if (now.offers !== before.offers || now.overview !== before.overview) offersChanged(state.value);
    if (frame.type === 'entry') entryCame(before, frame);
    if (frame.type === 'typing') endTyping(frame);
    retitle();
  });
}

/** Watches what is open and what is ours, and nothing else. */
function follow(/** @type {State} */ now) {
  const ids = wanted(now);
  for (const id of ids) {
    if (watched.has(id)) continue;
    watched.add(id);
    line.socket?.watch(id);
  }
  for (const id of watched) {
    if (ids.has(id)) continue;
    watched.delete(id);
    line.socket?.unwatch(id);
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

/** @type {Map<string, any>} */
const typists = new Map();

function endTyping(/** @type {Record<string, any>} */ frame) {
  const key = `${frame.conversation} ${frame.who} ${frame.name ?? ''}`;
  clearTimeout(typists.get(key));
  if (frame.typing) typists.set(key, setTimeout(() => dispatch({ ...frame, typing: false }), TYPING_MS));
  else typists.delete(key);
}

/** Texts that no entry has proved stored yet: another page of this browser would show them as not sent. */
function keepSent(/** @type {State} */ now) {
  const sent = Object.values(now.pending).filter(({ frame, position }) => isText(frame) && position === null);
  line.drafts?.setSent(sent.map(({ frame, at }) => ({ frame, at })));
}

function acknowledged(/** @type {Record<string, any>} */ command, /** @type {State} */ before) {
  const id = command.conversation;
  const name = cardOf(before, id)?.visitor?.name;
  if (command.type === 'offer.accept' || command.type === 'conversation.take') {
    // Before it was ours the server may have refused to show it, or stopped showing it.
    if (watched.has(id)) act.watchAgain(id);
  }
  const done = /** @type {Record<string, string>} */ ({ 'conversation.wrap_up': 'closed', 'conversation.transfer': 'transferred', 'conversation.hand_back': 'handed_back' })[command.type];
  if (done) {
    dispatch({ type: 'local.say', news: { id: `${done}:${id}`, code: done, name } });
    if (state.value.open === id) act.close();
  }
}

/** Offers that were told of already. */
const offered = new Set();

function offersChanged(/** @type {State} */ now) {
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
  if (!isAtWork()) focusRow(card.conversation);
}

function entryCame(/** @type {State} */ before, /** @type {Record<string, any>} */ entry) {
  if (entry.kind !== 'message' || entry.author.kind !== 'visitor' || !before.rooms[entry.conversation]?.caughtUp) return;
  const name = entry.author.name || 'Visitor';
  if (entry.conversation === state.value.open) set({ saidMessage: `${name}: ${entry.text}` });
  if (cardOf(state.value, entry.conversation)?.agent?.id === state.value.account?.id) {
    notify({ tag: entry.conversation, title: name, body: entry.text, onOpen: () => act.open(entry.conversation) });
  }
}

export function retitle() {
  const now = state.value;
  const { offers, mine } = lists(now);
  const unread = mine.reduce((sum, card) => sum + (card.conversation === now.open && !document.hidden ? 0 : (card.unread ?? 0)), 0);
  const wantedTitle = title({ offers: offers.map(({ card }) => card.visitor?.name || 'A visitor'), unread });
  if (document.title !== wantedTitle) document.title = wantedTitle;
}
