// The frame of the admin console: the bar that says which policy is live, the
// navigation, the page, and the question before something unsaved is left.

import { activity, bookOpen, chevronDown, circleAlert, circleUser, externalLink, globe, history, logOut, menu, messageSquareText, moon, pencil, scrollText, slidersHorizontal, sun, trendingUp, triangleAlert, users, userSearch, x, zap } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { plural } from '../../shared/format.js';
import { html, Icon, useEffect, useRef, useState } from '../../shared/html.js';
import { useMenu } from '../../shared/menu.js';
import { account, connection, leaveAnyway, leaving, nameOf, nextTheme, route, theme, toasts } from '../app_state.js';
import { Confirm, When } from '../parts.js';
import { draft, draftChanges, failure, isOutdated, liveVersion, problems, published } from '../policy/draft.js';
import { allowed, may, navigation, PAGES, write } from '../routes.js';
import { Account } from './account.js';
import { Agents } from './agents.js';
import { Audit } from './audit.js';
import { Canned } from './canned.js';
import { Conversations } from './conversations.js';
import { Knowledge } from './knowledge.js';
import { Learning } from './learning.js';
import { Live } from './live.js';
import { Persons } from './persons.js';
import { Queues } from './queues.js';
import { Tuning } from './tuning.js';
import { Widgets } from './widgets.js';

/** @type {Record<string, any>} */
const ICONS = { live: activity, conversations: messageSquareText, tuning: slidersHorizontal, learning: trendingUp, knowledge: bookOpen, canned: zap, queues: users, widgets: globe, persons: userSearch, audit: scrollText };
/** @type {Record<string, any>} */
const VIEWS = { live: Live, conversations: Conversations, tuning: Tuning, learning: Learning, knowledge: Knowledge, canned: Canned, queues: Queues, agents: Agents, widgets: Widgets, persons: Persons, audit: Audit };

export function App() {
  const who = account.value;
  const [isNavOpen, setNavOpen] = useState(false);
  const [isAccountOpen, setAccountOpen] = useState(false);
  const here = who ? allowed(route.value, who.role) : route.value;
  const page = PAGES.find((one) => one.page === here.page);
  const isFirst = useRef(true);

  useEffect(() => {
    document.title = `${page?.title ?? 'Admin'} · Baton`;
    setNavOpen(false);
    // A new page begins at its top and at its name; the very first leaves the focus alone.
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    window.scrollTo(0, 0);
    document.getElementById('page-title')?.focus({ preventScroll: true });
  }, [here.page]);

  if (who && !may(who.role, 'supervisor')) return html`<${NotForAgents} />`;
  const View = VIEWS[here.page];
  return html`<div class="admin">
    <a class="skip visually-hidden" href="#main" onClick=${toMain}>To the page</a>
    <header class="topbar">
      <button type="button" class="button plain only-icon nav-button" aria-label="Pages" aria-expanded=${isNavOpen ? 'true' : 'false'} aria-controls="nav" onClick=${() => setNavOpen(!isNavOpen)}>
        <${Icon} shapes=${isNavOpen ? x : menu} />
      </button>
      <p class="brand">Baton</p>
      <${PolicyBar} />
      <${AccountMenu} who=${who} onAccount=${() => setAccountOpen(true)} />
    </header>
    ${(connection.value === 'away' || failure.value?.code === 'unreachable') && html`<p class="link is-away" role="status"><span class="spinner" aria-hidden="true"></span> The server does not answer. Trying again.</p>`}
    <nav id="nav" class=${`nav${isNavOpen ? ' is-open' : ''}`} aria-label="Pages">
      <ul class="list">
        ${(who ? navigation(who.role) : []).map(
          ({ page: name, title }) => html`<li key=${name}>
            <a class="row" href=${write({ page: name })} aria-current=${(page?.group ?? here.page) === name ? 'page' : null} onClick=${() => setNavOpen(false)}><${Icon} shapes=${ICONS[name]} /> <span>${title}</span></a>
          </li>`,
        )}
      </ul>
    </nav>
    <main id="main" tabindex="-1" class=${`page page-${here.page}`}>${who ? html`<${View} key=${here.page} route=${here} />` : html`<${Waiting} />`}</main>
    <div class="toasts">${toasts.value.map(({ id, text }) => html`<p class="toast" key=${id}>${text}</p>`)}</div>
    ${leaving.value && html`<${Confirm} title="Leave without saving?" yes="Leave without saving" onYes=${leaveAnyway} onNo=${() => (leaving.value = null)}><p>${leaving.value.what} is not saved.</p><//>`}
    ${isAccountOpen && html`<${Account} onClose=${() => setAccountOpen(false)} />`}
  </div>`;
}

function toMain(/** @type {Event} */ event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Waiting() {
  return html`<div class="page-wait" aria-hidden="true"><span class="skeleton"></span><span class="skeleton"></span><span class="skeleton"></span></div>`;
}

/** What is live, whether there is a draft, and who changed it. */
function PolicyBar() {
  const version = liveVersion.value;
  const live = published.value;
  if (failure.value && !live) return html`<p class="policy-bar"><span class="quiet">The policy could not be read</span></p>`;
  if (!live) return html`<p class="policy-bar" aria-hidden="true"><span class="skeleton policy-wait"></span></p>`;
  const n = draftChanges.value.length;
  return html`<div class="policy-bar" role="status" aria-label="Policy">
    <a class="policy-part" href=${write({ page: 'tuning', query: { view: 'versions' } })}>
      <span class="tag good">Live</span>
      <span class="policy-name"><strong class="mono">${live.live ?? 'default'}</strong>
        <span class="policy-who"> ${version ? html`<bdi>${nameOf(version.author)}</bdi>, <${When} at=${version.at} isAgo />` : 'as delivered'}</span></span>
    </a>
    ${draft.value
      ? html`<a class="policy-part" href=${write({ page: 'tuning' })}>
          <span class=${`tag ${problems.value.length ? 'bad' : 'warn'}`}><${Icon} shapes=${problems.value.length ? circleAlert : pencil} size=${12} /> Draft</span>
          <span class="policy-name">${n === 0 ? 'words only' : plural(n, 'change', 'changes')}<span class="policy-who"> by you, <${When} at=${draft.value.at} isAgo /></span></span>
          ${isOutdated.value && html`<span class="tag warn"><${Icon} shapes=${triangleAlert} size=${12} /> based on <span class="mono">${draft.value.basedOn}</span></span>`}
        </a>`
      : html`<span class="policy-part quiet policy-none">No draft</span>`}
  </div>`;
}

function AccountMenu(/** @type {any} */ { who, onAccount }) {
  const { isOpen, choose, button, panel } = useMenu();
  if (!who) return null;
  const logOff = async () => {
    try {
      await api.post('/logout');
    } finally {
      location.assign('/login');
    }
  };
  return html`<div class="account">
    <button type="button" class="button plain account-button" ...${button}>
      <span class="account-name ellipsis"><bdi>${who.name}</bdi></span> <${Icon} shapes=${chevronDown} size=${14} />
    </button>
    ${isOpen &&
    html`<div class="menu" aria-label="Your account" ...${panel}>
      <div class="menu-who" role="presentation"><bdi>${who.email}</bdi> · ${who.role}</div>
      <a class="row" role="menuitem" tabindex="-1" href="/agent"><${Icon} shapes=${externalLink} /> Agent console</a>
      <button type="button" class="row" role="menuitem" tabindex="-1" onClick=${choose(onAccount)}><${Icon} shapes=${circleUser} /> Your account</button>
      <button type="button" class="row" role="menuitem" tabindex="-1" onClick=${nextTheme}><${Icon} shapes=${theme.value === 'dark' ? moon : sun} /> <span class="grow">Appearance</span> <small>${theme.value === 'system' ? 'as the system' : theme.value}</small></button>
      <hr />
      <button type="button" class="row" role="menuitem" tabindex="-1" onClick=${logOff}><${Icon} shapes=${logOut} /> Log out</button>
    </div>`}
  </div>`;
}

function NotForAgents() {
  return html`<main class="state not-for-agents">
    <${Icon} shapes=${history} size=${24} />
    <h1>For supervisors and admins</h1>
    <p>Your account answers visitors. Everything for that is in the agent console.</p>
    <a class="button primary" href="/agent">To the agent console</a>
  </main>`;
}
