// Every code of the wire in plain words, in one place. A code that is not here
// yet is shown as its own words, never hidden.

import { MOOD_SHAPES } from './format.js';

/** Reasons for which somebody needs a person. */
const REASONS = {
  asked_for_human: 'asked for a person',
  legal_threat: 'speaks of legal steps',
  safety: 'somebody may be in danger',
  frustration: 'losing patience',
  repeated_question: 'same question again',
  bot_failed: 'the bot had no answer',
  no_progress: 'getting nowhere',
  abuse: 'abusive words',
  keyword: 'a word on your list',
  own_intent: 'one of your own intents',
  bot_handed_over: 'the bot asked for help',
  bot_silent: 'the bot went silent',
  agent_lost: 'lost their agent',
  transfer: 'transferred',
  reopened: 'wrote again',
};

/** Terms of the score. */
const CONTRIBUTIONS = {
  frustration: 'frustration',
  negative_sentiment: 'negative mood',
  streak: 'several in a row',
  slope: 'getting worse',
  recovery: 'calming down',
  repeated_question: 'same question again',
  bot_failures: 'bot without answer',
  no_progress: 'no progress',
  shouting: 'shouting',
  abuse: 'abusive words',
  cap: 'limited to 0–1',
};

/** Mood: the word, and the shape beside it, so that color is never alone. */
const MOODS = Object.fromEntries(Object.entries(MOOD_SHAPES).map(([word, shape]) => [word, { word, shape }]));

const DISPOSITIONS = {
  solved: 'Solved',
  unsolved: 'Not solved',
  no_reply: 'No reply',
  spam: 'Spam',
  other: 'Other',
};

/** What an agent says of the handoff that brought a conversation, keys 1 to 4. */
export const LABELS = [
  { code: 'right', word: 'Right moment', hint: 'a person was needed, and in time' },
  { code: 'early', word: 'Too early', hint: 'the bot could have gone on' },
  { code: 'late', word: 'Too late', hint: 'should have come sooner' },
  { code: 'needless', word: 'Not needed', hint: 'no person was needed' },
];

const STATES = {
  bot: 'with the bot',
  waiting: 'waiting',
  offered: 'offered',
  agent: 'with an agent',
  left_message: 'left a message',
  wrap_up: 'wrap-up',
  closed: 'closed',
  elsewhere: 'moved on',
};

const PRESENCES = { online: 'Online', away: 'Away', offline: 'Offline' };

const PRIORITIES = { low: 'low', normal: 'normal', high: 'high', urgent: 'urgent' };

/** Lines the server adds to a conversation. `p` are its parameters, always text. */
/** @type {Record<string, (p: Record<string, any>) => string>} */
const NOTICES = {
  queued: (p) => (p.queue ? `Handed over to people, queue ${p.queue}` : 'Handed over to people'),
  agent_joined: (p) => `${p.agent ?? 'An agent'} joined`,
  agent_left: (p) => `${p.agent ?? 'The agent'} left`,
  back_to_bot: () => 'Back with the bot',
  left_message: () => 'Left an e-mail address for an answer',
  nobody_there: () => 'Told that nobody is here at the moment',
  out_of_hours: () => 'Told that it is outside opening hours',
  resolved: (p) => (p.agent ? `Resolved by ${p.agent}` : 'Resolved'),
  ended: (p) => (p.reason === 'erased' ? 'Ended: what is stored about this visitor is being erased, as an admin decided' : 'The visitor ended the conversation'),
  abandoned: () => 'The visitor left while waiting',
  transferred: (p) => (p.agent || p.queue ? `Transferred to ${p.agent ?? p.queue}` : 'Transferred'),
};

/** What went wrong, what was kept, what to do. */
const PROBLEMS = {
  conflict: 'Somebody else was faster. The list shows how it stands now.',
  rejected: 'That is not possible as things stand. The list shows how it is now.',
  not_found: 'This conversation is not there any more.',
  not_allowed: 'Your role does not allow this.',
  forbidden: 'Your role does not allow this.',
  too_long: 'The text is too long: 4,000 characters at most.',
  rate_limited: 'Too many at once. Wait a moment and try again.',
  invalid: 'The server did not accept this.',
  unknown_type: 'This page is older than the server. Reload it.',
  no_room: 'You hold as many conversations as you may. Finish one first.',
  connection_refused: 'The server could not read this.',
  store_unavailable: 'The server cannot save right now. Try again in a moment.',
  unknown: 'The page was closed before the server answered. Check before sending again.',
  offline: 'You are not connected.',
};

/** @type {Record<string, string>} */
const FAILED_COMMANDS = {
  'offer.accept': 'Not accepted',
  'offer.decline': 'Not declined',
  'conversation.take': 'Not taken',
  'conversation.transfer': 'Not transferred',
  'conversation.hand_back': 'Not handed back',
  'conversation.resolve': 'Not resolved',
  'conversation.wrap_up': 'Not closed',
  'presence.set': 'Presence not changed',
};

/** A code as words: `no_reply` -> `no reply`. */
const plain = (/** @type {unknown} */ code) => String(code ?? '').replaceAll('_', ' ');

/**
 * @template T
 * @param {Record<string, T>} table
 * @param {string} key
 * @returns {T|undefined}
 */
const known = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined);

/** The name of an intent as words: `prescription_renewal` is `prescription renewal`. */
export const subject = plain;
/** A reason as words; `name` is that of an intent of the site's own. */
export const reason = (/** @type {string} */ code, /** @type {string | null | undefined} */ name = null) => (code === 'own_intent' && name ? `about “${subject(name)}”` : (known(REASONS, code) ?? known(CONTRIBUTIONS, code) ?? plain(code)));
export const contribution = (/** @type {string} */ code) => known(CONTRIBUTIONS, code) ?? plain(code);
export const disposition = (/** @type {string} */ code) => known(DISPOSITIONS, code) ?? plain(code);
export const stateWord = (/** @type {string} */ code) => known(STATES, code) ?? plain(code);
export const presence = (/** @type {string} */ code) => known(PRESENCES, code) ?? plain(code);
export const priority = (/** @type {string} */ code) => known(PRIORITIES, code) ?? plain(code);
export const mood = (/** @type {string} */ code) => known(MOODS, code) ?? MOODS.calm;
export const problem = (/** @type {string} */ code) => known(PROBLEMS, code) ?? `The server refused this (${plain(code)}).`;

export function notice(/** @type {string} */ code, /** @type {Record<string, any>|null|undefined} */ params) {
  const words = known(NOTICES, code);
  return words ? words(params ?? {}) : plain(code);
}

/** The mood of one message, from its frustration: the same four steps as a card's mood. */
export function moodOf(/** @type {{frustration: number, abstained?: string|null}|null|undefined} */ analysis) {
  if (!analysis) return null;
  const { frustration } = analysis;
  if (frustration >= 0.75) return 'furious';
  if (frustration >= 0.5) return 'annoyed';
  return frustration >= 0.25 ? 'uneasy' : 'calm';
}

/** One line of news for the corner of the page. */
export function news(/** @type {{code: string, name?: string, command?: string}} */ item) {
  const who = item.name ?? 'a visitor';
  if (item.code === 'offer_expired') return `The offer of ${who} ran out. It goes to somebody else.`;
  if (item.code === 'transferred') return `${who} is on the way to somebody else.`;
  if (item.code === 'handed_back') return `${who} is back with the bot.`;
  if (item.code === 'account_saved') return 'Your account is saved.';
  if (item.code === 'closed') return `${who}: closed.`;
  if (item.code === 'offer_withdrawn') return `${who} no longer waits for you.`;
  const what = item.command ? known(FAILED_COMMANDS, item.command) : null;
  return what ? `${what}${item.name ? `: ${item.name}` : ''}. ${problem(item.code)}` : problem(item.code);
}

/** How a handoff came to be, for the head of "why you are here". */
export function handoffType(/** @type {string} */ type) {
  const words = {
    customer_initiated: 'The visitor asked',
    automatic: 'The score decided',
    functional: 'Transferred to another queue',
    hierarchical: 'Sent up a tier',
    priority: 'An urgent matter',
  };
  return known(words, type) ?? plain(type);
}
