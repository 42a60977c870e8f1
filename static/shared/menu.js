// A menu button as ARIA describes it: opens on a press and on the arrow down,
// arrows walk, Escape and a press outside close. What is in it is the page's.

import { useLayoutEffect, useRef, useState } from './html.js';

/** `first` finds what has the focus when it opens. Put `button` and `panel` on the two elements, as their properties. */
export function useMenu(first = '[role^="menuitem"]') {
  const [isOpen, setOpen] = useState(false);
  const button = useRef(/** @type {any} */ (null));
  const panel = useRef(/** @type {any} */ (null));

  // In the same moment, so that the next arrow walks the menu and not the button.
  useLayoutEffect(() => {
    if (!isOpen) return undefined;
    panel.current?.querySelector(first)?.focus();
    const outside = (/** @type {any} */ event) => {
      if (!panel.current?.contains(event.target) && !button.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [isOpen]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const walk = (/** @type {any} */ event) => {
    const items = [...panel.current.querySelectorAll('[role^="menuitem"]')];
    const at = items.indexOf(document.activeElement);
    const to = /** @type {Record<string, number>} */ ({ ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 })[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items.at(to % items.length)?.focus();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === 'Tab') {
      setOpen(false);
    }
  };
  return {
    isOpen,
    /** An item's action: the menu closes first. */
    choose: (/** @type {() => void} */ action) => () => {
      close();
      action();
    },
    button: {
      ref: button,
      'aria-haspopup': 'menu',
      'aria-expanded': isOpen ? 'true' : 'false',
      onClick: () => setOpen(!isOpen),
      onKeyDown: (/** @type {any} */ event) => {
        if (event.key !== 'ArrowDown' || isOpen) return;
        event.preventDefault();
        setOpen(true);
      },
    },
    panel: { ref: panel, role: 'menu', onKeyDown: walk },
  };
}
