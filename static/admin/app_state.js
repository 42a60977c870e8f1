// What every page of the admin console shares: who is logged in, where they are,
// the names of people, what is not saved yet, short messages, appearance.

import { api } from '../shared/api.js';
import { announce, storage } from '../shared/dom.js';
import { effect, signal, useEffect, useRef } from '../shared/html.js';
import * as routes from './routes.js';

const local = storage();

/** @type {import('../vendor/signals.js').Signal<{ id: string, name: string, email: string, role: string } | null>} */
export const account = signal(/** @type {any} */ (null));

/** Whether the server answered the first question: `asking`, `there`, `away`. */
export const connection = signal('asking');

// Names of people, for lists that know only their ids.

export const people = signal(/** @type {any[]} */ ([]));

export async function learnPeople() {
  try {
    people.value = (await api.get('/accounts')).accounts;
  } catch {
    // Lists show the id, which is still true.
  }
}

export function nameOf(/** @type {string | null | undefined} */ id) {
  if (!id) return 'Baton itself';
  return people.value.find((one) => one.id === id)?.name ?? id;
}

// Where we are.

export const route = signal(routes.read(location.hash));

/** A question that stands in the way of leaving: where to, and what would be lost. */
export const leaving = signal(/** @type {{ to: string, what: string } | null} */ (null));

/** @type {Map<object, string>} */
const unsaved = new Map();

/** While `isDirty`, leaving asks first. `what` completes "… is not saved". */
export function useUnsaved(/** @type {boolean} */ isDirty, /** @type {string} */ what) {
  const key = useRef({}).current;
  if (isDirty) unsaved.set(key, what);
  else unsaved.delete(key);
  useEffect(() => () => void unsaved.delete(key), []);
}

/** Whether the next change of the address needs no question. */
let mayLeave = false;

export function followAddress() {
  window.addEventListener('hashchange', () => {
    const to = location.hash;
    const from = routes.write(route.value);
    if (to === from) return;
    const what = [...unsaved.values()][0];
    const isAllowed = mayLeave;
    mayLeave = false;
    const isSamePlace = routes.read(to).page === route.value.page && routes.read(to).id === route.value.id;
    if (what && !isSamePlace && !isAllowed) {
      history.replaceState(null, '', from);
      leaving.value = { to, what };
      return;
    }
    route.value = routes.read(to);
  });
}

/** Goes somewhere. Asks first where something is not saved. */
export function go(/** @type {Parameters<typeof routes.write>[0]} */ to) {
  location.hash = routes.write(to);
}

/** Goes somewhere without a question: what was here is saved, or given up. */
export function leave(/** @type {Parameters<typeof routes.write>[0]} */ to) {
  const hash = routes.write(to);
  if (hash === location.hash) return;
  mayLeave = true;
  location.hash = hash;
}

/** Goes on to where the person wanted, without what was not saved. */
export function leaveAnyway() {
  const to = leaving.value?.to;
  leaving.value = null;
  if (to === undefined) return;
  mayLeave = true;
  location.hash = to;
}

/** Changes the address without leaving the page: filters. */
export function setQuery(/** @type {Record<string, string | null>} */ query) {
  route.value = { ...route.value, query: /** @type {any} */ (Object.fromEntries(Object.entries({ ...route.value.query, ...query }).filter(([, value]) => value))) };
  history.replaceState(null, '', routes.write(route.value));
}

export function guardUnload() {
  window.addEventListener('beforeunload', (event) => {
    if (unsaved.size > 0) event.preventDefault();
  });
}

// Short messages: something was done. They are said to screen readers as well.

export const toasts = signal(/** @type {{ id: number, text: string }[]} */ ([]));
let lastToast = 0;

export function toast(/** @type {string} */ text) {
  lastToast += 1;
  const id = lastToast;
  toasts.value = [...toasts.value.slice(-2), { id, text }];
  announce(text);
  setTimeout(() => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  }, 5000);
}

// Appearance, shared with the agent console.

export const theme = signal(local.get('baton.theme') ?? 'system');

export function applyTheme() {
  effect(() => {
    const { dataset } = document.documentElement;
    if (theme.value === 'light' || theme.value === 'dark') dataset.theme = theme.value;
    else delete dataset.theme;
  });
}

export function nextTheme() {
  theme.value = { system: 'light', light: 'dark', dark: 'system' }[theme.value] ?? 'system';
  local.set('baton.theme', theme.value);
}
