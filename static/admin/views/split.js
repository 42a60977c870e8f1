// A list with an editor beside it; on a narrow page one or the other.

import { arrowLeft } from '../../vendor/icons.js';
import { html, Icon } from '../../shared/html.js';

export function Split(/** @type {any} */ { list, detail, back, backWord = 'Back to the list' }) {
  return html`<div class=${`split${detail ? ' has-detail' : ''}`}>
    <div class="split-list panel">${list}</div>
    ${detail && html`<div class="split-detail panel"><a class="split-back small" href=${back}><${Icon} shapes=${arrowLeft} size=${14} /> ${backWord}</a>${detail}</div>`}
  </div>`;
}
