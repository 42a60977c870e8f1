// A native <dialog> for the consoles: it keeps the focus inside and gives it
// back. What is asked in it belongs to the page that opens it.

import { html, useLayoutEffect, useRef } from './html.js';

/** Open for as long as it is rendered; Escape and a press outside call `onClose`. */
export function Dialog(/** @type {any} */ { label, onClose, children, class: name = '' }) {
  const element = useRef(/** @type {any} */ (null));
  const isGone = useRef(false);
  // Before the next key press and not after the next frame: what is typed right after
  // the key that opens it belongs into it.
  useLayoutEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      isGone.current = true;
      if (dialog.open) dialog.close();
      if (before instanceof HTMLElement && before.isConnected && (document.activeElement === document.body || !document.activeElement)) before.focus();
    };
  }, []);
  return html`<dialog
    ref=${element}
    class=${name}
    aria-label=${label}
    onCancel=${(/** @type {any} */ event) => {
      event.preventDefault();
      onClose();
    }}
    onClose=${() => {
      // Browsers close it without asking when Escape is all that was ever pressed.
      if (!isGone.current) onClose();
    }}
    onMouseDown=${(/** @type {any} */ event) => event.target === element.current && onClose()}
  >
    ${children}
  </dialog>`;
}
