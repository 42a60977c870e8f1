// The keyboard: what a key means (keys.js) becomes what is done (acts.js).

import { act, sound } from './acts.js';
import { narrow, state, ui, wide } from './desk.js';
import { focusRow, walk } from './focus.js';
import { isTyping, meaning } from './keys.js';
import { abilities } from './state.js';

let pressedAt = 0;

/** True while somebody types, chooses or reads something that a jump of the focus would take away. */
export function isAtWork() {
  const active = document.activeElement;
  return Boolean(ui.value.dialog) || isTyping(active) || Boolean(active?.closest('.main, [role="menu"]')) || Date.now() - pressedAt < 1000;
}

/** @type {Record<string, () => void>} */
const KEY_ACTS = {
  palette: () => act.palette(),
  next: () => walk(1),
  previous: () => walk(-1),
  compose: () => act.compose('focus'),
  canned: () => act.compose('canned'),
  note: () => act.compose('note'),
  transfer: () => act.transferDialog(false),
  escalate: () => act.transferDialog(true),
  resolve: () => act.confirm('resolve'),
  why: () => {
    if (state.value.open && !wide.matches) act.why();
  },
  help: () => act.help(),
  back,
};

export function onKey(/** @type {KeyboardEvent} */ event) {
  sound.unlock();
  pressedAt = Date.now();
  if (ui.value.dialog) {
    if (meaning(event) === 'palette') event.preventDefault();
    return;
  }
  const what = meaning(event);
  if (!what) return;
  // The composer is on its way to the focus: a letter meant for it is not a command.
  const { wish } = ui.value;
  if (wish && !wish.done && wish.conversation === state.value.open && Date.now() - wish.at < 1500 && !['palette', 'back', 'label'].includes(what)) return;
  if (what === 'enter') {
    const row = /** @type {HTMLElement} */ (event.target).closest('[data-row]');
    if (!(row instanceof HTMLElement) || row.dataset.kind !== 'offer') return;
    event.preventDefault();
    if (!event.repeat) act.accept(String(row.dataset.row));
    return;
  }
  if (what === 'label') {
    if (!state.value.open || !abilities(state.value, state.value.open).wrapUp) return;
    event.preventDefault();
    act.label(Number(event.key) - 1);
    return;
  }
  event.preventDefault();
  KEY_ACTS[what]?.();
}

function back() {
  if (ui.value.why && !wide.matches) return act.why();
  const inList = Boolean(document.activeElement?.closest('[data-row]'));
  if (state.value.open && (narrow.matches || inList || !isTyping(document.activeElement))) return act.close();
  focusRow(state.value.open);
}
