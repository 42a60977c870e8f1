// Preact, htm and signals under one import for the consoles, with the few
// components that both of them need. The widget does not use it.

import { h } from '../vendor/preact.js';
import htm from '../vendor/htm.js';
import { linkParts } from './text.js';

export { Fragment, createContext, h, render } from '../vendor/preact.js';
export { useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../vendor/hooks.js';
export { batch, computed, effect, signal, useComputed, useSignal, useSignalEffect } from '../vendor/signals.js';

/** Markup as a template: html`<p class="quiet">${text}</p>`. Values are text, never markup. */
export const html = htm.bind(h);

/**
 * An icon of static/vendor/icons.js. Without a label it is decoration for the
 * words beside it; a button that holds only an icon carries its own aria-label.
 * @param {{ shapes: any, label?: string, size?: number, class?: string }} properties
 */
export function Icon({ shapes, label, size = 16, class: name = '' }) {
  const naming = label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' };
  return h(
    'svg',
    /** @type {any} */ ({
      viewBox: '0 0 24 24', width: size, height: size, fill: 'none', stroke: 'currentColor',
      'stroke-width': 2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round', class: `icon ${name}`, ...naming,
    }),
    /** @type {[string, Record<string, string>][]} */ (shapes).map(([tag, attributes]) => h(tag, attributes)),
  );
}

/**
 * Text that somebody wrote, with its http(s) addresses as links.
 * @param {{ text: string }} properties
 */
export function Written({ text }) {
  return h(
    'span',
    { class: 'written', dir: 'auto' },
    linkParts(text).map((part) => (part.href ? h('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part.text) : part.text)),
  );
}
