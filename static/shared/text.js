// What every page needs to turn values into words: times, names, links.
// Pure: no DOM, no clock of its own, no locale but the one given. The widget
// loads this file and not format.js, which has what only the consoles need.

/** @typedef {{ low_s: number, high_s: number, from: number }} Estimate */

/** Clock time of an instant, as `14:02`. */
export function clock(/** @type {string | number | Date} */ at, /** @type {string | undefined} */ locale = undefined) {
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at));
}

/** Day of an instant as a heading: `Saturday, 21 November`; the year only when it is not this one. */
export function day(/** @type {string | number | Date} */ at, /** @type {string | undefined} */ locale = undefined, /** @type {number} */ now = Date.now()) {
  const date = new Date(at);
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', ...(isThisYear ? {} : { year: 'numeric' }) }).format(date);
}

/** True when two instants fall on one local day. */
export function isSameDay(/** @type {string | number | Date} */ a, /** @type {string | number | Date} */ b) {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/**
 * An estimate in whole minutes, rounded outward so that it never promises less
 * than was measured; null when there is none ("we can't tell yet").
 * @param {Estimate | null | undefined} estimate
 * @returns {{ low: number, high: number } | null}
 */
export function minutes(estimate) {
  if (!estimate || !(estimate.high_s >= 0)) return null;
  const low = Math.max(0, Math.floor(estimate.low_s / 60));
  return { low, high: Math.max(1, low, Math.ceil(estimate.high_s / 60)) };
}

/** Length as the server counts it: Unicode characters, not UTF-16 units. */
export function characters(/** @type {string} */ text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u0000-\u0020\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/giu; // eslint-disable-line no-control-regex

/**
 * Splits text into plain parts and http(s) links. Only what parses as an
 * address of these two schemes, without a name or password in it, is a link;
 * everything else stays text. Closing marks of the sentence are not part of it.
 * @param {string} text
 * @returns {{ text: string, href?: string }[]}
 */
export function linkParts(text) {
  /** @type {{ text: string, href?: string }[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = withoutSentenceEnd(match[0]);
    const href = address(shown);
    if (!href) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index) });
    parts.push({ text: shown, href });
    end = match.index + shown.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

function withoutSentenceEnd(/** @type {string} */ found) {
  let shown = found.replace(/[.,;:!?…'"»”’]+$/u, '');
  for (const [open, close] of ['()', '[]', '{}']) {
    while (shown.endsWith(close) && shown.split(close).length > shown.split(open).length) shown = shown.slice(0, -1);
  }
  return shown.replace(/[.,;:!?…]+$/u, '');
}

/** The normalized address, or null when it is not one we would open. */
export function address(/** @type {string} */ text) {
  try {
    const url = new URL(text);
    const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
    return isWeb && url.hostname !== '' && url.username === '' && url.password === '' ? url.href : null;
  } catch {
    return null;
  }
}
