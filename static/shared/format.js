// Turns values into the words and figures that people read; text.js has the
// part that the widget needs too, and is exported from here as well.
// Pure: no DOM, no clock of its own, no locale but the one given.

export * from './text.js';

/** A short date and time, as `21 Nov, 14:02`. */
export function dateTime(/** @type {string | number | Date} */ at, /** @type {string | undefined} */ locale = undefined) {
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at));
}

/** A span as a running clock: `0:07`, `12:40`, `1:02:03`, `3 d 4 h`. Never negative. */
export function duration(/** @type {number} */ seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86_400) return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s / 3600) % 24} h`;
}

/** How long ago, in the locale's words: `2 minutes ago`, `yesterday`. */
export function ago(/** @type {string | number | Date} */ at, /** @type {number} */ now = Date.now(), /** @type {string | undefined} */ locale = undefined) {
  const seconds = Math.min(0, (new Date(at).getTime() - now) / 1000);
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  /** @type {[Intl.RelativeTimeFormatUnit, number][]} */
  const units = [['day', 86_400], ['hour', 3600], ['minute', 60]];
  for (const [unit, size] of units) {
    if (-seconds >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return words.format(0, 'second');
}

/** A count for a small badge: `7`, `99+`. */
export function badge(/** @type {number} */ count, most = 99) {
  return count > most ? `${most}+` : String(count);
}

/** A score with two decimals, as `0.81`; a dash when there is none. */
export function score(/** @type {number | null | undefined} */ value) {
  return typeof value === 'number' && Number.isFinite(value) ? value.toFixed(2) : '–';
}

/** A contribution with its sign, as `+0.41` or `−0.12`. */
export function signed(/** @type {number} */ value) {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}

/** A share as `72 %`. */
export function percent(/** @type {number} */ share) {
  return `${Math.round(share * 100)} %`;
}

/** One of two nouns with its number: `1 person`, `3 people`. */
export function plural(/** @type {number} */ count, /** @type {string} */ one, /** @type {string} */ many) {
  return `${count} ${count === 1 ? one : many}`;
}

/** Up to two letters that stand for a name. */
export function initials(/** @type {string | null | undefined} */ name) {
  const words = (name ?? '').trim().split(/[\s._-]+/u).filter(Boolean);
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return picked.map((word) => [...word][0]?.toLocaleUpperCase() ?? '').join('') || '?';
}

/** Mood as a shape, to stand beside its color. */
export const MOOD_SHAPES = Object.freeze({ calm: '▁', uneasy: '▃', annoyed: '▅', furious: '▇' });
