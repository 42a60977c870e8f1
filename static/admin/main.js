// Starts the admin console: who is asking, where they are, what is live.
// Pages are in views/; what they share is in app_state.js and parts.js.

import { api, onSignedOut } from '../shared/api.js';
import { html, render } from '../shared/html.js';
import { account, applyTheme, connection, followAddress, guardUnload, learnPeople } from './app_state.js';
import { askTime, startClock } from '../shared/time.js';
import { startDraft } from './policy/draft.js';
import { may } from './routes.js';
import { App } from './views/app.js';

function toLogin() {
  location.replace(`/login?next=${encodeURIComponent(`/admin${location.hash}`)}`);
}

/** Asks until the server answers: a restart of it must not need a reload here. */
async function whoAmI() {
  for (let delay = 1000; ; delay = Math.min(delay * 2, 15_000)) {
    try {
      const answer = await api.get('/me');
      connection.value = 'there';
      return answer.account;
    } catch (error) {
      if (/** @type {any} */ (error).status === 401) return null;
      connection.value = 'away';
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

async function begin() {
  applyTheme();
  onSignedOut(toLogin);
  startClock();
  followAddress();
  guardUnload();
  const root = /** @type {HTMLElement} */ (document.getElementById('admin'));
  render(html`<${App} />`, root);
  root.removeAttribute('aria-busy');
  const who = await whoAmI();
  if (!who) return;
  account.value = who;
  if (!may(who.role, 'supervisor')) return;
  askTime();
  learnPeople();
  startDraft(who.id);
}

begin();
