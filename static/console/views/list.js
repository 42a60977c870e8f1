// The list: who next and why. Offers first, then who waits, ours, left
// messages, and what is done. One tab stop; J, K and the arrows walk it.

import { chevronDown, chevronRight, mail, refreshCw } from '../../vendor/icons.js';
import { ago, badge, dateTime, duration } from '../../shared/format.js';
import { html, Icon } from '../../shared/html.js';
import { lists } from '../state.js';
import { now } from '../../shared/time.js';
import * as words from '../../shared/words.js';
import { Elapsed, left, SlaClock } from './clocks.js';

export function List(/** @type {any} */ { state, ui, act }) {
  const all = lists(state);
  const isLoading = !state.overview;
  const first = all.offers[0]?.card ?? all.waiting[0] ?? all.mine[0] ?? all.left[0];
  const ids = [...all.offers.map(({ card }) => card), ...all.waiting, ...all.mine, ...all.left].map((card) => card.conversation);
  const cursor = ids.includes(ui.cursor) ? ui.cursor : ids.includes(state.open) ? state.open : first?.conversation;
  const row = (/** @type {any} */ card, /** @type {any} */ kind, /** @type {any} */ offer = null) =>
    html`<${Row} key=${`${kind}:${card.conversation}`} card=${card} kind=${kind} offer=${offer} state=${state} isCursor=${card.conversation === cursor} act=${act} />`;

  return html`<nav class="triage" aria-label="Conversations">
    ${!isLoading &&
    state.presence !== 'online' &&
    html`<div class="not-online">
      <p>Nothing is offered to you while you are ${words.presence(state.presence).toLowerCase()}.</p>
      <button type="button" class="button compact" onClick=${() => act.presence('online')}>Go online</button>
    </div>`}
    ${all.offers.length > 0 &&
    html`<section class="part part-offers" aria-label="Offered to you">
      <h2 class="part-head">Offered to you <span class="count">${all.offers.length}</span></h2>
      <ul class="items">
        ${all.offers.map(({ card, offer }) => row(card, 'offer', offer))}
      </ul>
    </section>`}
    <section class="part part-waiting" aria-label="Waiting" style=${{ '--rows': isLoading ? 4 : all.waiting.length }}>
      <h2 class="part-head">Waiting <span class="count">${isLoading ? '' : all.waiting.length + all.more}</span></h2>
      ${isLoading
        ? html`<${Skeleton} rows=${4} />`
        : html`<ul class="items">
              ${all.waiting.map((card) => row(card, 'waiting'))}
            </ul>
            ${all.more > 0 && html`<p class="part-note">${all.more} more wait behind these. The server offers them in order.</p>`}
            ${all.waiting.length === 0 && html`<${NobodyWaits} state=${state} hasOffer=${all.offers.length > 0} />`}`}
    </section>
    <section class="part part-mine" aria-label="Mine" style=${{ '--rows': isLoading ? 2 : all.mine.length }}>
      <h2 class="part-head">Mine <span class="count">${isLoading ? '' : all.mine.length}</span></h2>
      ${isLoading
        ? html`<${Skeleton} rows=${2} />`
        : html`<ul class="items">
              ${all.mine.map((card) => row(card, 'mine'))}
            </ul>
            ${all.mine.length === 0 && html`<p class="part-note">What you accept stands here until it is wrapped up.</p>`}`}
    </section>
    ${all.left.length > 0 &&
    html`<section class="part part-left" aria-label="Left messages" style=${{ '--rows': all.left.length }}>
      <h2 class="part-head">Left messages <span class="count">${all.left.length}</span></h2>
      <ul class="items">
        ${all.left.map((card) => row(card, 'left'))}
      </ul>
    </section>`}
    <${Done} state=${state} ui=${ui} act=${act} count=${all.done} isLoading=${isLoading} />
  </nav>`;
}

function NobodyWaits(/** @type {any} */ { state, hasOffer }) {
  if (hasOffer) return html`<p class="part-note">Nobody else waits.</p>`;
  if (state.presence === 'online') {
    return html`<p class="part-note">Nobody waits. The next person who needs you appears here, with a sound, and <kbd>Enter</kbd> accepts.</p>`;
  }
  return html`<p class="part-note">Nobody waits.</p>`;
}

function Row(/** @type {any} */ { card, kind, offer, state, isCursor, act }) {
  const id = card.conversation;
  const isOpen = state.open === id;
  const room = state.rooms[id];
  const mood = words.mood(card.mood);
  const isTyping = kind === 'mine' && room && Object.hasOwn(room.typing, 'visitor');
  const hasUnread = card.unread > 0 && !isOpen && (kind === 'mine' || kind === 'left');

  return html`<li class=${`item item-${kind}${isOpen ? ' is-open' : ''}${hasUnread ? ' has-unread' : ''}`}>
    <button
      type="button"
      class="item-main"
      data-row=${id}
      data-kind=${kind}
      tabindex=${isCursor ? 0 : -1}
      aria-current=${isOpen ? 'true' : null}
      onFocus=${() => act.cursor(id)}
      onClick=${() => act.open(id)}
    >
      <span class=${`mood ${card.mood}`} title=${mood.word} aria-hidden="true">${mood.shape}</span>
      <span class="item-text">
        <span class="item-top">
          <bdi class="item-name">${card.visitor?.name || 'Visitor'}</bdi>
          ${hasUnread && html`<span class="badge"><span aria-hidden="true">${badge(card.unread)}</span><span class="visually-hidden">${card.unread} unread</span></span>`}
          <span class="item-clock"><${RowClock} card=${card} kind=${kind} offer=${offer} /></span>
        </span>
        <span class="item-bottom">
          <span class="item-why"><span class="visually-hidden">${mood.word}, </span><${RowWhy} card=${card} kind=${kind} isTyping=${isTyping} /></span>
          <span class="item-sla">${kind !== 'mine' || card.state === 'agent' ? html`<${SlaClock} card=${card} />` : null}</span>
        </span>
      </span>
    </button>
    ${kind === 'offer' && html`<${OfferActions} card=${card} offer=${offer} state=${state} act=${act} />`}
  </li>`;
}

function RowClock(/** @type {any} */ { card, kind, offer }) {
  if (kind === 'offer') return html`<span class="countdown"><span class="visually-hidden">seconds left to accept: </span>${duration(left(offer.expires_at))}</span>`;
  if (kind === 'mine') return card.last ? html`<${Elapsed} since=${card.last.at} />` : null;
  return html`<${Elapsed} since=${card.since} />`;
}

function RowWhy(/** @type {any} */ { card, kind, isTyping }) {
  if (isTyping) return html`<em class="typing-word">typing…</em>`;
  if (card.state === 'wrap_up') return html`<strong class="tag">wrap up</strong>`;
  if (kind === 'mine') return html`<bdi>${card.last?.text ?? 'nothing said yet'}</bdi>`;
  if (kind === 'left') return html`<${Icon} shapes=${mail} size=${12} /> <bdi>${card.email ?? card.last?.text ?? ''}</bdi>`;
  const to = card.state === 'offered' && kind === 'waiting' ? ` · offered to ${card.offer?.agent?.name ?? 'an agent'}` : '';
  const priority = card.priority === 'urgent' ? html`<strong class="tag bad">urgent</strong> ` : null;
  return html`${priority}${card.reason ? words.reason(card.reason) : html`<bdi>${card.last?.text ?? ''}</bdi>`}${to}`;
}

function OfferActions(/** @type {any} */ { card, offer, state, act }) {
  const busy = Object.values(state.pending).some(({ frame }) => frame.conversation === card.conversation && frame.type.startsWith('offer.'));
  const whole = (offer.timeout_s ?? 30) * 1000;
  const share = Math.max(0, Math.min(1, (Date.parse(offer.expires_at) - now.value) / whole));
  return html`<div class="offer-actions">
    <div class="offer-time" aria-hidden="true"><div class="offer-time-left" style=${{ transform: `scaleX(${share})` }}></div></div>
    <button type="button" class="button primary compact" disabled=${busy} onClick=${() => act.accept(card.conversation)}>
      ${busy ? 'Accepting…' : 'Accept'} <kbd aria-hidden="true">⏎</kbd>
    </button>
    <button type="button" class="button compact" disabled=${busy} onClick=${() => act.decline(card.conversation)}>Decline</button>
  </div>`;
}

function Done(/** @type {any} */ { ui, act, count, isLoading }) {
  const { done } = ui;
  return html`<section class="part part-done" aria-label="Done today">
    <h2 class="part-head">
      <button type="button" class="part-toggle" aria-expanded=${done ? 'true' : 'false'} disabled=${isLoading} onClick=${() => act.toggleDone()}>
        <${Icon} shapes=${done ? chevronDown : chevronRight} size=${14} /> Done today <span class="count">${isLoading ? '' : count}</span>
      </button>
    </h2>
    ${done?.status === 'loading' && html`<${Skeleton} rows=${2} />`}
    ${done?.status === 'failed' &&
    html`<div class="part-note"><p>The list could not be loaded.</p><button type="button" class="button compact" onClick=${() => act.loadDone()}><${Icon} shapes=${refreshCw} size=${14} /> Try again</button></div>`}
    ${done?.status === 'ready' &&
    html`<ul class="items">
        ${done.cards.map(
          (/** @type {any} */ card) => html`<li class="item item-done" key=${card.conversation}>
            <button type="button" class="item-main" onClick=${() => act.open(card.conversation)}>
              <span class=${`mood ${card.mood}`} title=${words.mood(card.mood).word} aria-hidden="true">${words.mood(card.mood).shape}</span>
              <span class="item-text">
                <span class="item-top"><bdi class="item-name">${card.visitor?.name || 'Visitor'}</bdi><span class="item-clock">${ago(card.last?.at ?? card.since)}</span></span>
                <span class="item-bottom"><span class="item-why">${card.reason ? words.reason(card.reason) : dateTime(card.since)}</span></span>
              </span>
            </button>
          </li>`,
        )}
      </ul>
      ${done.cards.length === 0 && html`<p class="part-note">What you close today stands here.</p>`}`}
  </section>`;
}

function Skeleton(/** @type {any} */ { rows }) {
  return html`<ul class="items" aria-hidden="true">
    ${Array.from({ length: rows }, (_none, index) => html`<li class="item" key=${index}><span class="bones"><span class="skeleton bone-name"></span><span class="skeleton bone-why"></span></span></li>`)}
  </ul>`;
}
