// Labels: what people here say a message really was, beside what Baton thought
// of it. Pure: how labels are kept is labeling.js, how they look is the views'.

import { INTENTS, intentWord } from '../policy/schema.js';

/** @typedef {{ frustration?: 0 | 1, human_request?: 0 | 1, offensive?: 0 | 1, sentiment?: string, intents?: string[] }} Label */
/** @typedef {{ label: string, position: number | null }} Whole */
/** @typedef {{ by: string, shares: Record<string, number>, sentiment: string, intents: string[] }} Opinion */

/** The questions with yes and no, and the key that turns each over. */
export const HEADS = /** @type {const} */ ([
  { head: 'frustration', key: 'f', word: 'Frustrated', yes: 'frustrated', no: 'not frustrated' },
  { head: 'human_request', key: 'h', word: 'Asks for a person', yes: 'asks for a person', no: 'does not ask for a person' },
  { head: 'offensive', key: 'o', word: 'Offensive', yes: 'offensive', no: 'not offensive' },
]);

export const MOODS = /** @type {const} */ ([
  { mood: 'negative', key: '1', sign: '−', word: 'negative mood' },
  { mood: 'neutral', key: '2', sign: '0', word: 'neutral mood' },
  { mood: 'positive', key: '3', sign: '+', word: 'positive mood' },
]);

/** The intents that can be said: `other` is what is left when there is none. */
export const SAYABLE = Object.freeze(INTENTS.filter((code) => code !== 'other'));

const OPERATING_POINT = 0.5;

/** What Baton thought of a message; null where it has no opinion. */
export function opinionOf(/** @type {any} */ analysis) {
  if (!analysis || analysis.abstained) return null;
  const moods = Object.entries(analysis.sentiment ?? {}).sort((a, b) => Number(b[1]) - Number(a[1]));
  /** @type {Opinion} */
  const opinion = {
    by: analysis.analyzer?.by ?? 'model',
    shares: Object.fromEntries(HEADS.map(({ head }) => [head, Number(analysis[head] ?? 0)])),
    sentiment: moods[0]?.[0] ?? 'neutral',
    intents: SAYABLE.filter((code) => Number(analysis.intents?.[code] ?? 0) >= OPERATING_POINT),
  };
  return opinion;
}

/** Its answer to a question with yes and no. */
export const thinks = (/** @type {Opinion} */ opinion, /** @type {string} */ head) => opinion.shares[head] >= OPERATING_POINT;

/** A label as it is sent: keys in one order, nothing that is not said, null when nothing is left. */
export function tidy(/** @type {Label} */ label) {
  /** @type {any} */
  const out = {};
  for (const { head } of HEADS) if (label[head] !== undefined) out[head] = label[head];
  if (label.sentiment) out.sentiment = label.sentiment;
  if (label.intents) out.intents = SAYABLE.filter((code) => label.intents?.includes(code));
  return Object.keys(out).length > 0 ? /** @type {Label} */ (out) : null;
}

/**
 * Turns a question over: first against what Baton thought, then with it, then
 * back to not said. Without an opinion the first is yes.
 * @param {Label | null} label
 * @param {Opinion | null} opinion
 * @param {'frustration' | 'human_request' | 'offensive'} head
 */
export function turn(label, opinion, head) {
  const first = opinion && thinks(opinion, head) ? 0 : 1;
  const said = label?.[head];
  const next = said === undefined ? first : said === first ? (first === 1 ? 0 : 1) : undefined;
  return tidy({ ...label, [head]: next });
}

/** Says the mood; the one that is said is taken back. */
export function withMood(/** @type {Label | null} */ label, /** @type {string} */ mood) {
  return tidy({ ...label, sentiment: label?.sentiment === mood ? undefined : mood });
}

/** The intents as they stand: said, or else as Baton thought. */
export const intentsOf = (/** @type {Label | null} */ label, /** @type {Opinion | null} */ opinion) => label?.intents ?? opinion?.intents ?? [];

/** One intent in or out. What Baton thought of the others is said with it. */
export function withIntent(/** @type {Label | null} */ label, /** @type {Opinion | null} */ opinion, /** @type {string} */ code) {
  const now = intentsOf(label, opinion);
  return tidy({ ...label, intents: now.includes(code) ? now.filter((one) => one !== code) : [...now, code] });
}

export function withIntents(/** @type {Label | null} */ label, /** @type {string[] | undefined} */ intents) {
  return tidy({ ...label, intents });
}

/** Says what Baton thought, wherever nothing is said yet. */
export function agree(/** @type {Label | null} */ label, /** @type {Opinion | null} */ opinion) {
  if (!opinion) return label;
  const thought = Object.fromEntries(HEADS.map(({ head }) => [head, thinks(opinion, head) ? 1 : 0]));
  return tidy({ ...thought, sentiment: opinion.sentiment, intents: opinion.intents, ...label });
}

const moodWord = (/** @type {string} */ code) => MOODS.find(({ mood }) => mood === code)?.word ?? code;
const listed = (/** @type {string[]} */ intents) => (intents.length > 0 ? intents.map(intentWord).join(', ') : 'about nothing on the list');

/**
 * What is said, each with what Baton thought where that is something else.
 * @param {Label | null} label
 * @param {Opinion | null} opinion
 * @returns {{ what: string, text: string, against: string }[]}
 */
export function saidOf(label, opinion) {
  const out = [];
  for (const { head, yes, no } of HEADS) {
    const said = label?.[head];
    if (said === undefined) continue;
    const isAgainst = opinion && thinks(opinion, head) !== (said === 1);
    out.push({ what: head, text: said === 1 ? yes : no, against: isAgainst ? (said === 1 ? 'no' : 'yes') : '' });
  }
  if (label?.sentiment) out.push({ what: 'sentiment', text: moodWord(label.sentiment), against: opinion && opinion.sentiment !== label.sentiment ? opinion.sentiment : '' });
  if (label?.intents) out.push({ what: 'intents', text: listed(label.intents), against: opinion && !isSame(opinion.intents, label.intents) ? listed(opinion.intents) : '' });
  return out;
}

/** What Baton thought, in words: what it found, the mood, the intents. */
export function thoughtOf(/** @type {Opinion} */ opinion) {
  const found = HEADS.filter(({ head }) => thinks(opinion, head)).map(({ head, yes }) => `${yes} ${opinion.shares[head].toFixed(2)}`);
  return [...found, moodWord(opinion.sentiment), ...opinion.intents.map(intentWord)].join(', ');
}

/** Why there is no opinion. */
export function silenceOf(/** @type {any} */ analysis) {
  if (analysis?.abstained === 'language') return 'in a language it does not speak';
  return analysis?.abstained === 'empty' ? 'no words' : 'not analyzed';
}

/** What changed from one label to the next, as a sentence for those who hear the page. */
export function changeOf(/** @type {Label | null} */ before, /** @type {Label | null} */ after) {
  if (!after) return 'Nothing is said of this message any more.';
  const was = new Map(saidOf(before, null).map(({ what, text }) => [what, text]));
  const is = new Map(saidOf(after, null).map(({ what, text }) => [what, text]));
  const now = [...is].filter(([what, text]) => was.get(what) !== text).map(([, text]) => text);
  const gone = [...was].filter(([what]) => !is.has(what)).map(([, text]) => `no longer ${text}`);
  const text = [...now, ...gone].join(', ');
  return text ? `${text.charAt(0).toLocaleUpperCase()}${text.slice(1)}.` : '';
}

/** What can be said of a conversation in which a person was called, and of one in which none was. */
const CALLED = Object.freeze([
  { code: 'right', word: 'Right moment', hint: 'a person was needed, and in time' },
  { code: 'early', word: 'Too early', hint: 'the bot could have gone on for a while' },
  { code: 'late', word: 'Too late', hint: 'a person should have come sooner' },
  { code: 'needless', word: 'Not needed', hint: 'no person was needed' },
]);
const KEPT = Object.freeze([
  { code: 'right', word: 'Right, nobody was needed', hint: 'the bot could do it' },
  { code: 'missed', word: 'Missed', hint: 'a person was needed and nobody came' },
]);
const WORDS = Object.freeze([...CALLED, KEPT[1]]);

/** The choices that fit, and the one that is said even where it does not. */
export function verdicts(/** @type {boolean} */ wasCalled, /** @type {string | undefined} */ said) {
  const fitting = wasCalled ? CALLED : KEPT;
  const odd = said && !fitting.some(({ code }) => code === said) ? WORDS.find(({ code }) => code === said) : null;
  return odd ? [...fitting, odd] : [...fitting];
}

/** Whether a place in the conversation goes with what is said of it. */
export const takesPlace = (/** @type {string} */ verdict) => verdict === 'early' || verdict === 'late' || verdict === 'missed';

/** Says what the whole conversation was; what is said already is taken back. */
export function withVerdict(/** @type {Whole | null} */ whole, /** @type {string} */ verdict) {
  if (whole?.label === verdict) return null;
  return { label: verdict, position: takesPlace(verdict) ? (whole?.position ?? null) : null };
}

/**
 * Says that a person should have come at a message, which also says what the
 * conversation was: the place lies before the first call, after it, or there was none.
 * @param {Whole | null} whole
 * @param {number} position
 * @param {number | null} calledAt the message at which a person was first called
 * @returns {Whole}
 */
export function withPlace(whole, position, calledAt) {
  if (whole?.position === position) return { ...whole, position: null };
  if (calledAt === null) return { label: 'missed', position };
  if (calledAt === position) return { label: 'right', position };
  return { label: position < calledAt ? 'late' : 'early', position };
}

export const isSame = (/** @type {unknown} */ a, /** @type {unknown} */ b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
