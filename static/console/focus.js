// Where the focus goes in the list, and what happens once the page is drawn.

import { set, state, ui } from './desk.js';
import { rowIds } from './state.js';

export function afterRender(/** @type {() => void} */ run) {
  requestAnimationFrame(() => requestAnimationFrame(run));
}

/** Focuses the row of a conversation, or the one that had the cursor, or the first. */
export function focusRow(/** @type {string|null} */ id) {
  const ids = rowIds(state.value);
  const target = id && ids.includes(id) ? id : (ids.find((one) => one === ui.value.cursor) ?? ids[0]);
  if (!target) return;
  set({ cursor: target });
  afterRender(() => {
    const row = document.querySelector(`[data-row="${CSS.escape(target)}"]`);
    if (row instanceof HTMLElement) row.focus();
  });
}

/** One row down or up; the first press only shows where one is. */
export function walk(/** @type {number} */ by) {
  const ids = rowIds(state.value);
  if (ids.length === 0) return;
  const at = ids.indexOf(ui.value.cursor ?? '');
  const hasFocus = Boolean(document.activeElement?.closest('[data-row]'));
  const to = at < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.max(0, Math.min(ids.length - 1, hasFocus ? at + by : at));
  focusRow(ids[to]);
}
