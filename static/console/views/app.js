// The page: bar, list, conversation, why; and over them what is said aloud.

import { circleAlert, wifiOff, x } from '../../vendor/icons.js';
import { html, Icon } from '../../shared/html.js';
import * as words from '../../shared/words.js';
import { Bar } from './bar.js';
import { Conversation } from './conversation.js';
import { Dialogs } from './dialogs.js';
import { List } from './list.js';
import { Palette } from './palette.js';
import { Why } from './why.js';

export function App(/** @type {any} */ { state, ui, act }) {
  const screen = state.open ? (ui.why ? 'why' : 'conversation') : 'list';
  return html`<div class="console" data-screen=${screen} data-why=${ui.why ? 'open' : 'closed'}>
    <a
      class="visually-hidden skip"
      href="#conversation"
      onClick=${(/** @type {any} */ event) => {
        event.preventDefault();
        document.getElementById('conversation')?.focus();
      }}
      >Skip to the conversation</a
    >
    <${Bar} state=${state} ui=${ui} act=${act} />
    <${Link} state=${state} act=${act} />
    <${List} state=${state} ui=${ui} act=${act} />
    <main class="main">
      <${Conversation} state=${state} ui=${ui} act=${act} />
      <${Why} state=${state} ui=${ui} act=${act} />
    </main>
    <${News} state=${state} act=${act} />
    <div class="visually-hidden" role="alert">${ui.saidOffer}</div>
    <div class="visually-hidden" aria-live="polite" id="announcer">${ui.saidMessage}</div>
    ${ui.dialog?.kind === 'palette' ? html`<${Palette} state=${state} ui=${ui} act=${act} />` : html`<${Dialogs} state=${state} ui=${ui} act=${act} />`}
  </div>`;
}

/** @type {Record<string, string>} */
const ENDED = {
  replaced: 'This console was opened somewhere else, and works there now.',
  not_allowed: 'You may not use the console any more. Ask an admin.',
  protocol: 'The server was updated. Reload the page to go on.',
};

/** Quiet while it comes back by itself, plain when it will not. What was typed stays either way. */
function Link(/** @type {any} */ { state, act }) {
  if (state.link === 'open') return html`<div class="link" role="status"></div>`;
  if (state.link === 'ended') {
    return html`<div class="link is-ended" role="alert">
      <${Icon} shapes=${circleAlert} size=${14} />
      <span>${ENDED[state.ended] ?? 'The connection was closed. What you typed is kept.'}</span>
      <button type="button" class="button compact" onClick=${act.reconnect}>${state.ended === 'protocol' ? 'Reload' : state.ended === 'replaced' ? 'Use it here' : 'Connect again'}</button>
    </div>`;
  }
  const isFirst = state.link === 'connecting';
  return html`<div class=${`link${isFirst ? '' : ' is-away'}`} role="status">
    ${isFirst ? html`<span class="visually-hidden">Connecting</span>` : html`<${Icon} shapes=${wifiOff} size=${14} /> <span>Reconnecting… what you write is kept and goes out then.</span> <button type="button" class="link-button" onClick=${act.reconnect}>Now</button>`}
  </div>`;
}

function News(/** @type {any} */ { state, act }) {
  return html`<div class="toasts" role="status">
    ${state.news.map(
      (/** @type {any} */ item) => html`<div class="toast" key=${item.id}>
        <span class="written">${words.news(item)}</span>
        <button type="button" class="button plain only-icon" aria-label="Dismiss" onClick=${() => act.dismiss(item.id)}><${Icon} shapes=${x} size=${14} /></button>
      </div>`,
    )}
  </div>`;
}
