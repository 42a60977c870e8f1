// Reasons as an agent reads them: the server's sentence where it gives one,
// else the code in words with the figure that belongs to it.

import { signed } from '../shared/format.js';
import * as words from '../shared/words.js';

/** @typedef {{ code: string, contribution?: number|null, text?: string }} Reason */

/** `Losing patience (+0.41)` */
export function reasonLine(/** @type {Reason} */ { code, contribution, text }) {
  const said = text || words.reason(code);
  return typeof contribution === 'number' ? `${said} (${signed(contribution)})` : said;
}
