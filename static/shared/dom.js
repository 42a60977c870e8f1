// Small pieces over the DOM for the consoles: those of the widget too, and
// announcements and keys.

export * from './elements.js';

/** Says something to screen readers. Pages hold one `<div id="announcer" class="visually-hidden" aria-live="polite">`. */
export function announce(/** @type {string} */ text) {
  const region = document.getElementById('announcer');
  if (!region) return;
  region.textContent = '';
  requestAnimationFrame(() => (region.textContent = text));
}

/** True while the person types somewhere, so that single-letter shortcuts stay out of the way. */
export function isTyping(/** @type {EventTarget | null} */ target) {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}
