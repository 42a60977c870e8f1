// Puts the console together: who is here, the socket, the page, and what listens.

import { AgentSocket } from '../shared/agent-socket.js';
import { api, onSignedOut } from '../shared/api.js';
import { html, render } from '../shared/html.js';
import { act, markSeen, sound } from './acts.js';
import { fromAddress } from './address.js';
import { notificationState } from './alerts.js';
import { dispatch, line, narrow, set, state, ui } from './desk.js';
import { openDrafts } from './drafts.js';
import { retitle, startEffects, watched } from './effects.js';
import { onKey } from './keyboard.js';
import { settings, showTheme } from './settings.js';
import { askTime, startClock } from '../shared/time.js';
import { App } from './views/app.js';

/** A text sent this shortly before a reload goes out by itself; an older one asks first. */
const RESEND_WITHIN_MS = 60_000;

function browserStorage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function toLogin() {
  location.replace(`/login?next=${encodeURIComponent(`/agent${location.hash}`)}`);
}

function connect(/** @type {{id: string}} */ account) {
  line.drafts = openDrafts(browserStorage(), account.id);
  const sent = line.drafts.sent();
  const isRecent = (/** @type {{at: string}} */ { at }) => Date.now() - Date.parse(at) < RESEND_WITHIN_MS;
  const recent = sent.filter(isRecent);
  for (const { frame, at } of recent) dispatch({ type: 'local.command', command: frame, at });
  dispatch({ type: 'local.restore', commands: sent.filter((one) => !isRecent(one)) });

  let wasLive = false;
  line.socket = new AgentSocket({
    ticket: async () => (await api.post('/tickets')).ticket,
    pending: recent.map(({ frame }) => /** @type {any} */ (frame)),
    onFrame: dispatch,
    onHeld: ({ client_id }) => dispatch({ type: 'local.held', client_id }),
    onState({ phase, reason }) {
      if (phase === 'live') {
        wasLive = true;
        dispatch({ type: 'local.link', link: 'open' });
      } else if (phase === 'stopped') {
        dispatch({ type: 'local.link', link: 'ended', ended: reason });
      } else {
        dispatch({ type: 'local.link', link: wasLive || phase === 'waiting' || state.value.link === 'reconnecting' ? 'reconnecting' : 'connecting' });
      }
    },
  });
  for (const id of watched) line.socket.watch(id);
  line.socket.start();
}

async function begin() {
  set({ isNarrow: narrow.matches, sound: settings.sound, theme: settings.theme, notify: notificationState() });
  showTheme();
  startClock();
  startEffects();
  onSignedOut(toLogin);
  fromAddress();
  const root = /** @type {HTMLElement} */ (document.getElementById('console'));
  render(html`<${Root} />`, root);
  root.removeAttribute('aria-busy');

  document.addEventListener('keydown', onKey);
  document.addEventListener('pointerdown', () => sound.unlock());
  window.addEventListener('popstate', fromAddress);
  window.addEventListener('focus', looked);
  document.addEventListener('visibilitychange', looked);
  narrow.addEventListener('change', () => set({ isNarrow: narrow.matches }));

  await whoAmI();
  askTime();
  act.loadCanned();
}

function looked() {
  retitle();
  markSeen();
}

async function whoAmI() {
  for (let delay = 1000; ; delay = Math.min(delay * 2, 15_000)) {
    try {
      const answer = await api.get('/me');
      connect(answer.account ?? answer);
      return;
    } catch (error) {
      if (/** @type {any} */ (error).status === 401) return;
      dispatch({ type: 'local.link', link: 'reconnecting' });
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

function Root() {
  return html`<${App} state=${state.value} ui=${ui.value} act=${act} />`;
}

begin();
