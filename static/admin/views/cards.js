// A conversation as one row of a list: who, how they feel, where it is, why.

import { duration, score } from '../../shared/format.js';
import { html } from '../../shared/html.js';
import { mood, reason, stateWord } from '../../shared/words.js';
import { now } from '../../shared/time.js';
import { When } from '../parts.js';

const STATE_TAGS = /** @type {Record<string, string>} */ ({ waiting: 'warn', offered: 'warn', left_message: 'info', agent: 'good' });
const WAITS = new Set(['waiting', 'offered']);

export function CardRow(/** @type {any} */ { card, href, isCurrent = false }) {
  const feeling = mood(card.mood);
  const who = [card.agent?.name, card.queue?.name].filter(Boolean).join(' · ');
  return html`<li>
    <a class="row card-row" href=${href} aria-current=${isCurrent ? 'true' : null}>
      <span class=${`mood ${feeling.word}`} title=${feeling.word}><span aria-hidden="true">${feeling.shape}</span><span class="visually-hidden">${feeling.word}</span></span>
      <span class="card-main">
        <span class="card-top">
          <bdi class="card-name ellipsis">${card.visitor?.name || 'A visitor'}</bdi>
          <span class=${`tag ${STATE_TAGS[card.state] ?? ''}`}>${stateWord(card.state)}</span>
          ${(card.priority === 'high' || card.priority === 'urgent') && html`<span class="tag bad">${card.priority}</span>`}
        </span>
        <span class="card-last ellipsis" dir="auto">${card.last?.text ?? 'Nothing said yet'}</span>
        ${(card.reason || who) && html`<span class="card-why ellipsis">${[card.reason && reason(card.reason), who].filter(Boolean).join(' · ')}</span>`}
      </span>
      <span class="card-end">
        ${WAITS.has(card.state) ? html`<span class="tabular" title="waiting since">${duration((now.value - Date.parse(card.since)) / 1000)}</span>` : html`<${When} at=${card.last?.at ?? card.since} isAgo />`}
        <span class="small quiet tabular" title="score">${typeof card.score === 'number' ? score(card.score) : ''}</span>
      </span>
    </a>
  </li>`;
}
