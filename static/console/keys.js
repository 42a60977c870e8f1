// The keys of the console: one table, used by the keyboard and by the help.

/**
 * `where`: "anywhere" works while typing too; "list" only when the list has the
 * focus; "page" whenever nobody is typing.
 * @type {{ keys: string[], show: string[], act: string, where: 'anywhere'|'list'|'page'|'composer'|'wrap-up', what: string }[]}
 */
export const KEYS = [
  { keys: ['j', 'ArrowDown'], show: ['J', '↓'], act: 'next', where: 'page', what: 'Next in the list' },
  { keys: ['k', 'ArrowUp'], show: ['K', '↑'], act: 'previous', where: 'page', what: 'Previous in the list' },
  { keys: ['Enter'], show: ['Enter'], act: 'enter', where: 'list', what: 'Accept the offer, or open the conversation' },
  { keys: ['Escape'], show: ['Esc'], act: 'back', where: 'anywhere', what: 'Close what is open, or back to the list' },
  { keys: ['c'], show: ['C'], act: 'compose', where: 'page', what: 'Write in the open conversation' },
  { keys: ['/'], show: ['/'], act: 'canned', where: 'page', what: 'Canned replies' },
  { keys: ['@'], show: ['@'], act: 'note', where: 'page', what: 'Write a note for colleagues' },
  { keys: ['t'], show: ['T'], act: 'transfer', where: 'page', what: 'Transfer to a queue or an agent' },
  { keys: ['e'], show: ['E'], act: 'escalate', where: 'page', what: 'Escalate: up a tier' },
  { keys: ['r'], show: ['R'], act: 'resolve', where: 'page', what: 'Resolve' },
  { keys: ['1', '2', '3', '4'], show: ['1', '–', '4'], act: 'label', where: 'wrap-up', what: 'Say whether the handoff came at the right moment' },
  { keys: ['w'], show: ['W'], act: 'why', where: 'page', what: 'Why you are here (on narrow screens)' },
  { keys: ['?'], show: ['?'], act: 'help', where: 'page', what: 'This list' },
];

/** True where letters are text. */
export function isTyping(/** @type {EventTarget|null} */ target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['radio', 'checkbox', 'button', 'submit'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

/**
 * What a key means here, or null. Keys held with Ctrl, Alt or Meta belong to the
 * browser, except the palette's.
 * @param {KeyboardEvent} event
 * @returns {string|null}
 */
export function meaning(event) {
  if (event.isComposing || event.defaultPrevented) return null;
  if ((event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') return 'palette';
  if (event.metaKey || event.ctrlKey || event.altKey) return null;
  const typing = isTyping(event.target);
  const inList = event.target instanceof HTMLElement && Boolean(event.target.closest('[data-row]'));
  const arrow = event.key === 'ArrowDown' || event.key === 'ArrowUp';
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const found = KEYS.find((entry) => entry.keys.includes(key));
  if (!found) return null;
  if (found.where === 'anywhere') return found.act;
  if (typing) return null;
  if (found.where === 'list' || arrow) return inList ? found.act : null;
  return found.act;
}
