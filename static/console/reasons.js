// Reasons as an agent reads them: the server's sentence where it gives one,
// else the code in words with the figure that belongs to it.

import { signed } from '../shared/format.js';
import * as words from '../shared/words.js';

/** @typedef {{ text: string, weight: number, position: number }} Word */
/** @typedef {{ code: string, contribution?: number|null, name?: string, text?: string }} Reason */

/** `Losing patience (+0.41)` */
export function reasonLine(/** @type {Reason} */ { code, contribution, name, text }) {
  const said = text || words.reason(code, name);
  return typeof contribution === 'number' ? `${said} (${signed(contribution)})` : said;
}

/** The words that raised the score most, each once; marks and signs are no words. @param {Word[]} words */
export function countedMost(words, most = 6) {
  /** @type {Map<string, Word>} */
  const byText = new Map();
  for (const word of words) {
    if (!(word.weight > 0) || !/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(word.text)) continue;
    const key = `${word.position}:${word.text.toLowerCase()}`;
    const known = byText.get(key);
    if (!known || known.weight < word.weight) byText.set(key, word);
  }
  return [...byText.values()].sort((a, b) => b.weight - a.weight).slice(0, most);
}
