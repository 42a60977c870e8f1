// The bar on top: presence, capacity, the way to everything else.

import { bell, bellOff, check, chevronDown, circleUser, keyboard, logOut, moon, search, sun, volume2, volumeX } from '../../vendor/icons.js';
import { html, Icon } from '../../shared/html.js';
import { useMenu } from '../../shared/menu.js';
import * as words from '../../shared/words.js';

export function Bar(/** @type {any} */ { state, ui, act }) {
  const { used, max } = state.capacity;
  const isAdmin = state.account?.role === 'supervisor' || state.account?.role === 'admin';
  return html`<header class="topbar">
    <h1 class="brand">Baton</h1>
    <${Menu} state=${state} ui=${ui} act=${act} />
    <span class=${`capacity${max > 0 && used >= max ? ' is-full' : ''}`} title="Conversations you hold, of those you can hold">
      ${state.overview || max ? html`<span class="tabular">${used}</span> of <span class="tabular">${max}</span>` : ''}
    </span>
    <button type="button" class="search-button" onClick=${() => act.palette()} aria-keyshortcuts="Control+K Meta+K">
      <${Icon} shapes=${search} size=${14} /> <span class="search-words">Search, jump, act</span> <kbd aria-hidden="true">${isMac() ? '⌘K' : 'Ctrl K'}</kbd>
    </button>
    <span class="topbar-end">
      ${isAdmin && html`<a class="topbar-link" href="/admin">Admin</a>`}
      <button type="button" class="button plain only-icon" aria-label="Keys" title="Keys (?)" onClick=${() => act.help()}><${Icon} shapes=${keyboard} /></button>
    </span>
  </header>`;
}

const isMac = () => /Mac|iPhone|iPad/.test(navigator.platform);

/** Presence, sound, notifications, theme, log out: a menu button with arrow keys, as ARIA describes it. */
function Menu(/** @type {any} */ { state, ui, act }) {
  const { isOpen, choose, button, panel } = useMenu('[aria-checked="true"]');
  const name = words.presence(state.presence);

  return html`<div class="presence-menu">
    <button
      type="button"
      class="presence-button"
      aria-label=${`You are ${name.toLowerCase()}. Presence and settings`}
      ...${button}
    >
      <span class=${`presence ${state.presence}`}>${name}</span>
      <${Icon} shapes=${chevronDown} size=${14} />
    </button>
    ${isOpen &&
    html`<div class="menu" aria-label="Presence and settings" ...${panel}>
      <div class="menu-who" role="presentation"><bdi>${state.account?.name ?? ''}</bdi></div>
      ${[
        ['online', 'Offers come to you'],
        ['away', 'You keep what you have, nothing new comes'],
        ['offline', 'You are not here'],
      ].map(
        ([value, hint]) => html`<button
          key=${value}
          type="button" class="row"
          role="menuitemradio"
          tabindex="-1"
          aria-checked=${state.presence === value ? 'true' : 'false'}
          onClick=${choose(() => act.presence(value))}
        >
          <span class=${`presence ${value}`} aria-hidden="true"></span>
          <span class="menu-words">${words.presence(value)}<small>${hint}</small></span>
          ${state.presence === value && html`<${Icon} shapes=${check} size=${14} />`}
        </button>`,
      )}
      <hr />
      <button type="button" class="row" role="menuitemcheckbox" tabindex="-1" aria-checked=${ui.sound ? 'true' : 'false'} onClick=${choose(act.toggleSound)}>
        <${Icon} shapes=${ui.sound ? volume2 : volumeX} /> <span class="menu-words">Sound for offers</span> <small>${ui.sound ? 'on' : 'off'}</small>
      </button>
      <button
        type="button" class="row"
        role="menuitemcheckbox"
        tabindex="-1"
        aria-checked=${ui.notify === 'granted' ? 'true' : 'false'}
        aria-disabled=${ui.notify === 'default' ? null : 'true'}
        onClick=${choose(act.askToNotify)}
      >
        <${Icon} shapes=${ui.notify === 'granted' ? bell : bellOff} />
        <span class="menu-words">
          Notifications${ui.notify === 'denied' ? html`<small>refused in this browser’s settings</small>` : ui.notify === 'unsupported' ? html`<small>not offered by this browser</small>` : null}
        </span>
        <small>${ui.notify === 'granted' ? 'on' : 'off'}</small>
      </button>
      <button type="button" class="row" role="menuitem" tabindex="-1" onClick=${choose(act.nextTheme)}>
        <${Icon} shapes=${ui.theme === 'dark' ? moon : sun} /> <span class="menu-words">Appearance</span> <small>${ui.theme === 'system' ? 'as the system' : ui.theme}</small>
      </button>
      <hr />
      <button type="button" class="row" role="menuitem" tabindex="-1" onClick=${choose(act.account)}><${Icon} shapes=${circleUser} /> <span class="menu-words">Your account</span></button>
      <button type="button" class="row" role="menuitem" tabindex="-1" onClick=${choose(act.logOut)}><${Icon} shapes=${logOut} /> <span class="menu-words">Log out</span></button>
    </div>`}
  </div>`;
}
