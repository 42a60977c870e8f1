// What the widget needs over the DOM: elements, icons as SVG, text with links,
// and a place to keep small things. Text is always set as text; there is no way
// in here to set markup. The consoles have it through dom.js.

import { linkParts } from './text.js';

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {[tag: string, attributes: Record<string, string>][]} Icon */

/**
 * Makes an element. `class`, `on…` listeners and `data` are understood;
 * properties of the element are set as such, everything else as an attribute.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.startsWith('aria') && name !== 'list' && name !== 'role') /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false).map((child) => (typeof child === 'number' ? String(child) : /** @type {Node | string} */ (child))));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** An icon from static/vendor/icons.js. Without a label it is decoration for the words beside it. */
export function icon(/** @type {any} */ shapes, /** @type {string | null} */ label = null, size = 16) {
  const svg = document.createElementNS(SVG, 'svg');
  const attributes = { viewBox: '0 0 24 24', width: size, height: size, fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round', class: 'icon' };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, String(value));
  if (label) {
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
  } else svg.setAttribute('aria-hidden', 'true');
  for (const [tag, own] of /** @type {Icon} */ (shapes)) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(own)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

/** Text whose http(s) addresses are links that open elsewhere and learn nothing about us. */
export function textNodes(/** @type {string} */ text) {
  return linkParts(text).map((part) => (part.href ? el('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part.text) : document.createTextNode(part.text)));
}

/** Replaces what an element holds, only if the text differs: a live region then speaks once. */
export function setText(/** @type {Element} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Where one may keep small things; memory where the browser refuses. */
export function storage() {
  /** @type {Map<string, string>} */
  const memory = new Map();
  const reach = () => {
    try {
      return globalThis.localStorage;
    } catch {
      return null;
    }
  };
  return {
    get(/** @type {string} */ key) {
      try {
        return reach()?.getItem(key) ?? memory.get(key) ?? null;
      } catch {
        return memory.get(key) ?? null;
      }
    },
    set(/** @type {string} */ key, /** @type {string | null} */ value) {
      if (value === null) memory.delete(key);
      else memory.set(key, value);
      try {
        if (value === null) reach()?.removeItem(key);
        else reach()?.setItem(key, value);
      } catch {
        // Refused or full: memory has it for as long as the page lives.
      }
    },
  };
}
