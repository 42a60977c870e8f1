// Why you are here: the reason this person needs a human, in plain words, with
// what it rests on. Everything in here is from the packet that came with the
// conversation; nothing is guessed.

import { arrowLeft, bot, externalLink, x } from '../../vendor/icons.js';
import { address, clock, dateTime, signed } from '../../shared/format.js';
import { html, Icon } from '../../shared/html.js';
import { countedMost } from '../reasons.js';
import { cardOf } from '../state.js';
import * as words from '../../shared/words.js';
import { Curve } from './curve.js';

export function Why(/** @type {any} */ { state, ui, act }) {
  const id = state.open;
  const room = id ? state.rooms[id] : null;
  const packet = room?.packet;
  return html`<section class="why" id="why" aria-label="Why you are here" tabindex="-1">
    <header class="why-head">
      <button type="button" class="button plain only-icon why-close" aria-label="Back to the conversation" onClick=${() => act.why()}>
        <${Icon} shapes=${ui.isNarrow ? arrowLeft : x} />
      </button>
      <h2>Why you are here</h2>
    </header>
    <div class="why-body" tabindex="0" role="region" aria-label="Reasons and background">
      ${!id || room?.problem ? html`<p class="part-note">The reasons for a handoff stand here, next to the conversation they belong to.</p>` : packet ? html`<${Packet} packet=${packet} card=${cardOf(state, id)} act=${act} />` : html`<${Loading} />`}
    </div>
  </section>`;
}

function Loading() {
  return html`<div class="why-loading" aria-hidden="true">
    ${[80, 60, 70].map((width, index) => html`<span key=${index} class="skeleton" style=${{ inlineSize: `${width}%` }}></span>`)}
    <span class="skeleton skeleton-curve"></span>
    ${[50, 75, 40, 66].map((width, index) => html`<span key=${index} class="skeleton" style=${{ inlineSize: `${width}%` }}></span>`)}
  </div>`;
}

function Packet(/** @type {any} */ { packet, card, act }) {
  const { handoff, scores = [], threshold, leave, visitor = {}, earlier = [] } = packet;
  return html`
    ${handoff ? html`<${Reasons} handoff=${handoff} />` : html`<p class="part-note">${card?.state === 'bot' ? 'The bot has this conversation. Nobody asked for a person yet.' : 'Nothing is recorded about how this came to a person.'}</p>`}
    ${scores.length > 0 &&
    html`<section aria-label="Score">
      <${Curve} scores=${scores} threshold=${threshold} leave=${leave} onPick=${(/** @type {any} */ position) => act.show(position)} />
    </section>`}
    <${Words} list=${countedMost(handoff?.words ?? [])} act=${act} />
    ${handoff?.counterfactual?.text &&
    html`<section>
      <h3>What would have changed it</h3>
      <p class="why-text" dir="auto">${handoff.counterfactual.text}</p>
    </section>`}
    ${handoff && html`<${Tried} tried=${handoff.tried ?? []} />`}
    <${Visitor} visitor=${visitor} />
    <${Earlier} earlier=${earlier} act=${act} />
    ${handoff?.policy && html`<p class="why-policy">Decided by policy <span class="mono">${handoff.policy}</span>${handoff.at ? html` at <time datetime=${handoff.at}>${clock(handoff.at)}</time>` : ''}</p>`}
  `;
}

function Reasons(/** @type {any} */ { handoff }) {
  const reasons = handoff.reasons ?? [];
  return html`<section aria-label="Reasons">
    <ol class="reasons">
      ${reasons.map(
        (/** @type {any} */ reason, /** @type {any} */ index) => html`<li key=${`${reason.code}:${index}`} class=${index === 0 ? 'is-first' : ''}>
          <span class="reason-text" dir="auto">${reason.text || words.reason(reason.code, reason.name)}</span>
          ${typeof reason.contribution === 'number' && html`<span class="tabular quiet small">${signed(reason.contribution)}</span>`}
        </li>`,
      )}
    </ol>
    <p class="small quiet">${words.handoffType(handoff.type)}</p>
  </section>`;
}

function Words(/** @type {any} */ { list, act }) {
  if (list.length === 0) return null;
  const largest = Math.max(0.01, ...list.map((/** @type {any} */ { weight }) => Math.abs(weight)));
  return html`<section>
    <h3>Words that counted</h3>
    <ul class="counted">
      ${list.map(
        (/** @type {any} */ { text, weight, position }, /** @type {any} */ index) => html`<li key=${index}>
          <button type="button" class="counted-word" onClick=${() => act.show(position)}>
            <bdi class="ellipsis">${text}</bdi>
            <span class="bar" aria-hidden="true"><span style=${{ inlineSize: `${(Math.abs(weight) / largest) * 100}%` }}></span></span>
            <span class="tabular quiet">${signed(weight)}</span>
          </button>
        </li>`,
      )}
    </ul>
  </section>`;
}

function Tried(/** @type {any} */ { tried }) {
  const answered = tried.filter((/** @type {any} */ { no_answer: none }) => !none).length;
  return html`<section>
    <h3>Tried by the bot</h3>
    ${tried.length === 0
      ? html`<p class="why-text">Nothing: the person came before an answer.</p>`
      : html`<p class="why-text">${answered} ${answered === 1 ? 'answer' : 'answers'}${tried.length > answered ? `, ${tried.length - answered} without an answer` : ''}</p>
          <ul class="tried">
            ${tried.slice(-4).map(
              (/** @type {any} */ attempt, /** @type {any} */ index) => html`<li key=${index}>
                <details>
                  <summary><bdi class="ellipsis">${attempt.question || '(no words)'}</bdi>${attempt.no_answer && html`<span class="tag warn">no answer</span>`}</summary>
                  <p class="tried-answer"><${Icon} shapes=${bot} size=${14} /> <span class="written" dir="auto">${attempt.no_answer || !attempt.answer ? 'The bot had no answer.' : attempt.answer}</span></p>
                </details>
              </li>`,
            )}
          </ul>`}
  </section>`;
}

function Visitor(/** @type {any} */ { visitor }) {
  const attributes = Object.entries(visitor.attributes ?? {});
  const rows = [['Name', visitor.name], ['E-mail', visitor.email], ...attributes.map(([name, value]) => [plain(name), value])].filter(([, value]) => value !== null && value !== undefined && value !== '');
  return html`<section>
    <h3>Visitor</h3>
    ${rows.length === 0
      ? html`<p class="why-text">Has not said who they are.</p>`
      : html`<dl class="facts">
          ${rows.map(([name, value], index) => html`<div key=${index}><dt><bdi>${name}</bdi></dt><dd><${Fact} value=${value} /></dd></div>`)}
        </dl>`}
  </section>`;
}

const plain = (/** @type {any} */ name) => {
  const said = String(name).replaceAll('_', ' ');
  return said.charAt(0).toLocaleUpperCase() + said.slice(1);
};

/** A value the site passed: a web address is a link, anything else is text. */
function Fact(/** @type {any} */ { value }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const href = address(text);
  if (!href) return html`<span class="written" dir="auto">${text}</span>`;
  const { host, pathname } = new URL(href);
  return html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow" title=${href}><span class="written">${pathname === '/' ? host : host + pathname}</span> <${Icon} shapes=${externalLink} size=${12} label="opens in a new tab" /></a>`;
}

function Earlier(/** @type {any} */ { earlier, act }) {
  return html`<section>
    <h3>Earlier</h3>
    ${earlier.length === 0
      ? html`<p class="why-text">First conversation with this visitor.</p>`
      : html`<ul class="earlier">
          ${earlier.slice(0, 5).map(
            (/** @type {any} */ before) => html`<li key=${before.conversation}>
              <button type="button" class="link-button" onClick=${() => act.open(before.conversation)}>
                ${before.closed_at ? dateTime(before.closed_at) : 'Not closed'}
              </button>
              <span class="small quiet">${[before.disposition && words.disposition(before.disposition).toLowerCase(), before.reason && words.reason(before.reason)].filter(Boolean).join(' · ')}</span>
            </li>`,
          )}
        </ul>`}
  </section>`;
}

