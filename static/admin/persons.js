// What is said about a person's data: pure words over the answers of
// /api/v1/persons. Not how it looks.

import { plural } from '../shared/format.js';

const number = (/** @type {number} */ n) => n.toLocaleString('en');

/** `1,204 messages`, `1 message`. */
export function count(/** @type {number} */ n, /** @type {string} */ one, /** @type {string} */ many) {
  return n < 1000 ? plural(n, one, many) : `${number(n)} ${many}`;
}

/** The figures of what is stored, with their names, in reading order. */
export function figures(/** @type {any} */ held) {
  return [
    { name: 'Conversations', n: held.conversations, hint: held.unfinished > 0 ? `${number(held.unfinished)} not over` : '' },
    { name: 'Messages', n: held.messages, hint: 'they wrote' },
    { name: 'Answers', n: held.answers, hint: 'by bot and agents' },
    { name: 'Notes', n: held.notes, hint: 'for agents only' },
    { name: 'Handoffs', n: held.handoffs, hint: 'to people' },
    { name: 'Ratings', n: held.ratings, hint: 'they gave' },
    { name: 'Labels', n: held.labels, hint: 'of their messages' },
  ].map((figure) => ({ ...figure, text: number(figure.n) }));
}

/** One line under the name in the list. */
export function inShort(/** @type {any} */ person) {
  return person.held.conversations === 0 ? 'no conversation' : count(person.held.conversations, 'conversation', 'conversations');
}

/** What an erasure takes away, each as a line. */
export function goes(/** @type {any} */ held, /** @type {any[]} */ visitors) {
  const has = (/** @type {(one: any) => any} */ what) => visitors.some((one) => what(one));
  const about = ['the name', has((one) => one.email) && 'the address', has((one) => Object.keys(one.attributes).length > 0) && 'what the site told about them', 'the key of their browser'].filter(Boolean);
  const said = [held.messages > 0 && count(held.messages, 'message of theirs', 'messages of theirs'), held.answers > 0 && count(held.answers, 'answer', 'answers'), held.notes > 0 && count(held.notes, 'note', 'notes')].filter(Boolean);
  return [
    `Who they are: ${list(about)}`,
    ...(said.length > 0 ? [`What was said: the words of ${list(said)}`] : []),
    ...(held.ratings > 0 ? [`The comments on ${count(held.ratings, 'rating', 'ratings')}`] : []),
    ...(held.labels > 0 ? [`${count(held.labels, 'label', 'labels')} of their messages: nothing is learned from them any more`] : []),
  ];
}

/** What stays after it, each as a line. */
export function stays(/** @type {any} */ held) {
  const counted = [held.handoffs > 0 && count(held.handoffs, 'handoff', 'handoffs'), held.ratings > 0 && `the stars of ${count(held.ratings, 'rating', 'ratings')}`].filter(Boolean);
  return [
    ...(held.conversations > 0 ? [`${count(held.conversations, 'conversation', 'conversations')} of nobody, without a word in ${held.conversations === 1 ? 'it' : 'them'}: times, scores and counts${counted.length > 0 ? `, ${list(counted)}` : ''}`] : []),
    'A line in the audit log: that you erased this id, and when',
    'What was made before: backups, exports, and models that learned from labels',
  ];
}

/** What became of it. */
export function done(/** @type {any} */ answer) {
  const gone = [count(answer.entries, 'text', 'texts'), ...(answer.labels > 0 ? [count(answer.labels, 'label', 'labels')] : [])];
  const is_one = answer.entries === 1 && answer.labels === 0;
  return [
    answer.conversations > 0 ? `${list(gone)} ${is_one ? 'is' : 'are'} gone. ${count(answer.conversations, 'conversation is nobody’s now and still counts', 'conversations are nobody’s now and still count')}.` : 'What was known of them is gone. They had no conversation.',
    ...(answer.ended > 0 ? [`${count(answer.ended, 'conversation was', 'conversations were')} ended for it; those in ${answer.ended === 1 ? 'it' : 'them'} saw the end.`] : []),
    answer.compacted
      ? 'The database was written anew: no byte is left in its files.'
      : 'Remains may lie in gaps of the database until it is written anew: “baton person erase” does that for a file, VACUUM FULL for PostgreSQL.',
  ];
}

/** The name of the file that an export is saved as: an id, and no name. */
export function fileName(/** @type {string[]} */ visitors, /** @type {Date} */ at) {
  return `baton-${visitors[0] ?? 'person'}${visitors.length > 1 ? `-and-${visitors.length - 1}-more` : ''}-${at.toISOString().slice(0, 10)}.json`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(/** @type {any[]} */ parts) {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`;
}
