// The page's address names the open conversation, so that a reload and the
// browser's back button do what one expects.

import { dispatch, set, state } from './desk.js';

export function toAddress(/** @type {string|null} */ id, /** @type {boolean} */ replace) {
  const hash = id ? `#${id}` : '';
  if (location.hash === hash) return;
  if (replace) history.replaceState(null, '', hash || location.pathname);
  else history.pushState(null, '', hash || location.pathname);
}

export function fromAddress() {
  const id = /^#(cnv_[A-Za-z0-9_-]{1,64})$/.exec(location.hash)?.[1] ?? null;
  if (id === state.value.open) return;
  dispatch({ type: 'local.open', conversation: id });
  set({ why: false });
}
