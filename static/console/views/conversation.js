// The conversation and nothing else: who, what may be done, what was said, and
// the place to answer. What is offered or waiting is shown before it is taken.

import { arrowLeft, bot, circleAlert, circleCheck, inbox, panelRight, refreshCw, userPlus } from '../../vendor/icons.js';
import { duration } from '../../shared/format.js';
import { html, Icon, useEffect, useLayoutEffect, useRef, useState } from '../../shared/html.js';
import { abilities, cardOf, transcript, underway } from '../state.js';
import * as words from '../../shared/words.js';
import { Elapsed, left, SlaClock } from './clocks.js';
import { Composer } from './composer.js';
import { Entries } from './entries.js';
import { WrapUp } from './wrap_up.js';

export function Conversation(/** @type {any} */ { state, ui, act }) {
  const id = state.open;
  if (!id) return html`<section class="middle" id="conversation" tabindex="-1" aria-label="Conversation"><${NothingOpen} state=${state} act=${act} /></section>`;
  const room = state.rooms[id];
  const card = cardOf(state, id);
  const name = card?.visitor?.name || 'Visitor';
  return html`<section class="middle" id="conversation" tabindex="-1" aria-label=${`Conversation with ${name}`}>
    <${Head} state=${state} id=${id} card=${card} act=${act} ui=${ui} />
    ${room?.problem
      ? html`<${Refused} code=${room.problem.code} card=${card} act=${act} />`
      : html`<${Transcript} key=${id} state=${state} id=${id} room=${room} act=${act} />`}
    <${Foot} key=${`foot:${id}`} state=${state} ui=${ui} act=${act} id=${id} card=${card} room=${room} />
  </section>`;
}

function Head(/** @type {any} */ { state, id, card, act, ui }) {
  const may = abilities(state, id);
  const busy = (/** @type {any[]} */ ...types) => Boolean(underway(state, id, ...types));
  return html`<header class="head">
    <button type="button" class="button plain only-icon head-back" aria-label="Back to the list" onClick=${() => act.close()}><${Icon} shapes=${arrowLeft} /></button>
    <div class="head-who">
      <h2><bdi>${card?.visitor?.name || (card ? 'Visitor' : ' ')}</bdi></h2>
      <p class="head-line">
        ${card &&
        html`<span class=${`mood ${card.mood}`} aria-hidden="true">${words.mood(card.mood).shape}</span>
          <span>${words.mood(card.mood).word}</span>
          ${card.queue && html`<span class="dot" aria-hidden="true">·</span><bdi class="ellipsis">${card.queue.name}</bdi>`}
          <span class="dot" aria-hidden="true">·</span>
          <span class=${`head-state${card.state === 'agent' ? ' is-ours' : ''}`}>${card.state === 'agent' && card.agent?.id === state.account?.id ? 'with you' : words.stateWord(card.state)} ${['waiting', 'offered', 'left_message'].includes(card.state) ? html`<${Elapsed} since=${card.since} />` : null}</span>
          ${['waiting', 'offered', 'agent', 'left_message'].includes(card.state) && html`<${SlaClock} card=${card} words />`}`}
      </p>
    </div>
    <div class="head-actions" role="group" aria-label="Actions">
      ${may.transfer &&
      html`<button type="button" class="button" disabled=${busy('conversation.transfer')} aria-keyshortcuts="T" title="Transfer (T)" onClick=${() => act.transferDialog(false)}>
        <${Icon} shapes=${userPlus} /> <span class="head-word">Transfer</span>
      </button>`}
      ${may.handBack &&
      html`<button type="button" class="button" disabled=${busy('conversation.hand_back')} title="Hand back to the bot" onClick=${() => act.confirm('hand_back')}>
        <${Icon} shapes=${bot} /> <span class="head-word">Hand back</span>
      </button>`}
      ${may.resolve &&
      html`<button type="button" class="button" disabled=${busy('conversation.resolve')} aria-keyshortcuts="R" title="Resolve (R)" onClick=${() => act.confirm('resolve')}>
        <${Icon} shapes=${circleCheck} /> <span class="head-word">Resolve</span>
      </button>`}
      <button type="button" class="button plain only-icon head-why" aria-label="Why you are here" aria-expanded=${ui.why ? 'true' : 'false'} title="Why you are here (W)" onClick=${() => act.why()}>
        <${Icon} shapes=${panelRight} />
      </button>
    </div>
  </header>`;
}

/** The transcript: stays at its end unless somebody reads further up. */
function Transcript(/** @type {any} */ { state, id, room, act }) {
  const box = useRef(/** @type {any} */ (null));
  const atEnd = useRef(true);
  const lastShape = useRef('');
  const [isAway, setAway] = useState(false);
  const { entries, sent } = transcript(state, id);
  const isReady = room?.caughtUp || entries.length > 0;
  const last = entries.at(-1)?.position ?? 0;

  const toEnd = () => {
    const element = box.current;
    if (!element) return;
    element.scrollTop = element.scrollHeight;
    atEnd.current = true;
    setAway(false);
  };
  useLayoutEffect(() => {
    if (atEnd.current) toEnd();
    else setAway(true);
  }, [last, sent.length, isReady]);
  useEffect(() => {
    const element = box.current;
    const observer = new ResizeObserver(() => atEnd.current && (element.scrollTop = element.scrollHeight));
    observer.observe(element);
    // What is inside grows too: a mark, an unfolded decision, a window made narrower.
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, [isReady]);
  useEffect(() => {
    if (room?.caughtUp && last > 0 && atEnd.current) act.seen(id, last);
  }, [last, room?.caughtUp, isAway]);

  const scrolled = () => {
    const element = box.current;
    const shape = `${element.scrollHeight}x${element.clientHeight}`;
    const isReshaped = shape !== lastShape.current;
    lastShape.current = shape;
    if (isReshaped && atEnd.current) {
      // The browser moved it, not the person: what is inside or around it has another size now.
      element.scrollTop = element.scrollHeight;
      return;
    }
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < 48;
    if (atEnd.current) setAway(false);
  };

  const typing = Object.entries(room?.typing ?? {}).map(([who, by]) => (who === 'visitor' ? cardOf(state, id)?.visitor?.name || 'The visitor' : who === 'bot' ? 'The bot' : by || 'A colleague'));
  return html`<div class="transcript">
    <div class="log" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-live="off" aria-label="What was said">
      ${isReady ? html`<${Entries} state=${state} room=${room} entries=${entries} sent=${sent} act=${act} />` : html`<${Loading} act=${act} id=${id} />`}
    </div>
    ${isAway && html`<button type="button" class="button compact to-end" onClick=${toEnd}>New messages below</button>`}
    <div class="typing-line">${typing.length > 0 && html`<bdi>${typing[0]}</bdi>${typing.length > 1 ? ` and ${typing.length - 1} more are` : ' is'} typing…`}</div>
  </div>`;
}

function Loading(/** @type {any} */ { act, id }) {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 6000);
    return () => clearTimeout(timer);
  }, []);
  if (isSlow) {
    return html`<div class="state">
      <p>This takes longer than it should.</p>
      <button type="button" class="button" onClick=${() => act.watchAgain(id)}><${Icon} shapes=${refreshCw} /> Ask again</button>
    </div>`;
  }
  return html`<div class="loading" aria-hidden="true">
    ${[72, 40, 56, 30, 64].map((width, index) => html`<span key=${index} class="skeleton" style=${{ inlineSize: `${width}%` }}></span>`)}
  </div>`;
}

function NothingOpen(/** @type {any} */ { state, act }) {
  if (!state.overview) return html`<div class="state" aria-hidden="true"></div>`;
  const waits = state.overview.waiting.length > 0;
  return html`<div class="state">
    <${Icon} shapes=${inbox} size=${24} />
    <h2>${waits ? 'Choose who comes next' : 'All quiet'}</h2>
    <p>${waits ? html`<kbd>J</kbd> and <kbd>K</kbd> walk the list, <kbd>Enter</kbd> opens a conversation or accepts an offer.` : 'A conversation opens here when you accept an offer or pick one from the list.'}</p>
    <button type="button" class="button" onClick=${() => act.help()}>Show all keys <kbd>?</kbd></button>
  </div>`;
}

function Refused(/** @type {any} */ { code, card, act }) {
  const isOffered = card && (card.state === 'offered' || card.state === 'waiting');
  return html`<div class="state grow">
    <${Icon} shapes=${circleAlert} size=${24} />
    <h2>${isOffered ? 'Not yet yours to read' : 'This conversation cannot be shown'}</h2>
    <p>${isOffered ? 'Everything that was said is here as soon as you take it.' : words.problem(code)}</p>
    ${!isOffered && html`<button type="button" class="button" onClick=${() => act.close()}>Back to the list</button>`}
  </div>`;
}

/** What is under the transcript depends on whose turn it is; its height hardly changes. */
function Foot(/** @type {any} */ { state, ui, act, id, card, room }) {
  const may = abilities(state, id);
  const accepting = underway(state, id, 'offer.accept', 'conversation.take');
  if (may.wrapUp) return html`<${WrapUp} state=${state} act=${act} id=${id} card=${card} room=${room} ui=${ui} />`;
  if (may.reply || accepting) return html`<${Composer} state=${state} ui=${ui} act=${act} id=${id} card=${card} isWaiting=${Boolean(accepting)} />`;
  if (may.accept) return html`<${OfferFoot} state=${state} act=${act} id=${id} />`;
  if (may.take) {
    const busy = Boolean(underway(state, id, 'conversation.take'));
    return html`<div class="foot foot-bar">
      <p>${card.state === 'left_message' ? html`Left a message${card.email ? html` and an address: <bdi>${card.email}</bdi>` : ''}. Take it to answer.` : 'Waits for a person. You may take it out of turn.'}</p>
      <button type="button" class="button primary" disabled=${busy} onClick=${() => act.take(id)}>Take it</button>
    </div>`;
  }
  if (!card) return html`<div class="foot foot-bar"><p> </p></div>`;
  const holder = card.state === 'agent' && card.agent ? html`<bdi>${card.agent.name}</bdi> has this conversation.` : null;
  const closed = card.state === 'closed' ? 'This conversation is closed.' : null;
  const withBot = card.state === 'bot' ? 'The bot has this conversation.' : null;
  const elsewhere = card.state === 'elsewhere' ? 'This conversation has moved on: somebody else has it, or it has ended.' : null;
  const offered = card.state === 'offered' ? html`Offered to <bdi>${card.offer?.agent?.name ?? 'somebody else'}</bdi>.` : null;
  return html`<div class="foot foot-bar"><p>${holder ?? closed ?? withBot ?? elsewhere ?? offered ?? ''}</p></div>`;
}

function OfferFoot(/** @type {any} */ { state, act, id }) {
  const offer = state.offers[id] ?? cardOf(state, id)?.offer;
  const busy = Boolean(underway(state, id, 'offer.accept', 'offer.decline'));
  const seconds = offer?.expires_at ? left(offer.expires_at) : null;
  return html`<div class="foot foot-bar">
    <p>Offered to you${seconds === null ? '' : html` · <span class="tabular">${duration(seconds)}</span> left`}</p>
    <button type="button" class="button" disabled=${busy} onClick=${() => act.decline(id)}>Decline</button>
    <button type="button" class="button primary" disabled=${busy} onClick=${() => act.accept(id)}>Accept</button>
  </div>`;
}

