// What the server tells of labels and models, made ready for the page Learning.
// Pure.

import { HEADS } from './label.js';

/** @typedef {{ number: number, version: string, folder: string, author: string, at: string, comment: string, rollback: boolean, live: boolean }} Adoption */
/** @typedef {{ old: number, new: number, n: number }} Change */

/**
 * What rolling back goes back to: `null` where there is nothing to take back, an
 * empty text for the model that came with Baton. Adopting puts a model on a pile,
 * rolling back takes the topmost off.
 * @param {Adoption[]} versions newest first
 * @returns {string | null}
 */
export function before(versions) {
  /** @type {Adoption[]} */
  const pile = [];
  for (const one of [...versions].reverse()) {
    if (one.rollback) pile.pop();
    else pile.push(one);
  }
  if (pile.length === 0) return null;
  const under = pile.at(-2);
  return !under || under.folder === '' ? '' : under.version;
}

/**
 * Every model that can answer, newest first, the one that came with Baton last.
 * @param {any} data what `/models` says
 */
export function models(data) {
  const live = data.live?.version ?? null;
  const own = [...data.available].reverse().map((one) => ({ ...one, isShipped: false, isLive: one.version === live }));
  const shipped = data.shipped ? [{ ...data.shipped, folder: '', trained_on: [], figures: null, isShipped: true, isLive: data.shipped.version === live }] : [];
  return [...own, ...shipped];
}

const ROWS = [...HEADS.map(({ head, word }) => ({ head, word })), { head: 'sentiment', word: 'Mood' }];

/**
 * The comparison with the model it was learned from, a row for each question.
 * @param {any} figures
 * @returns {{ head: string, word: string, site: Change | null, dev: Change | null, measure: string }[]}
 */
export function comparison(figures) {
  if (!figures) return [];
  return [{ head: 'all', word: 'All together' }, ...ROWS]
    .map(({ head, word }) => ({ head, word, site: figures.site?.[head]?.right ?? null, dev: figures.dev?.[head]?.F1 ?? figures.dev?.[head]?.recall ?? null, measure: figures.dev?.[head]?.F1 ? 'F1' : 'recall' }))
    .filter(({ site, dev }) => site || dev);
}

/**
 * How many labels say what, for each question.
 * @param {any} byHead
 * @returns {{ head: string, word: string, parts: { word: string, n: number }[], total: number, lacks: string }[]}
 */
export function heads(byHead) {
  return ROWS.map(({ head, word }) => {
    const counts = /** @type {number[]} */ (byHead?.[head] ?? []);
    const words = head === 'sentiment' ? ['negative', 'neutral', 'positive'] : ['no', 'yes'];
    const parts = words.map((each, index) => ({ word: each, n: counts[index] ?? 0 }));
    const total = parts.reduce((sum, { n }) => sum + n, 0);
    const missing = parts.filter(({ n }) => n === 0).map((part) => part.word);
    const lacks = total === 0 ? 'nothing said yet' : missing.length > 0 ? `no ${missing.map((part) => `“${part}”`).join(' or ')} yet` : '';
    return { head, word, parts, total, lacks };
  });
}

/** A sentence of the server: a capital to begin with, a full stop to end with. */
export const sentence = (/** @type {string} */ text) => `${text.charAt(0).toLocaleUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
