// Figures that move: time waited, and time left of a promise.

import { alarmClock, clock as clockIcon, timer } from '../../vendor/icons.js';
import { duration } from '../../shared/format.js';
import { html, Icon } from '../../shared/html.js';
import { now } from '../../shared/time.js';

/** Time since an instant, `1:12`. */
export function Elapsed(/** @type {any} */ { since }) {
  return html`<span class="tabular">${duration((now.value - Date.parse(since)) / 1000)}</span>`;
}

/** Seconds that are left, never below zero. */
export function left(/** @type {string} */ until) {
  return Math.max(0, Math.ceil((Date.parse(until) - now.value) / 1000));
}

/** How a promise stands: met, at risk in its last quarter, breached. */
export function standing(/** @type {string} */ since, /** @type {string} */ due, /** @type {number} */ at) {
  const end = Date.parse(due);
  if (at >= end) return 'breached';
  const whole = end - Date.parse(since);
  return end - at < Math.max(whole * 0.25, 15_000) ? 'at-risk' : 'met';
}

/** The clock of a promise: its color has a shape and words beside it. */
export function SlaClock(/** @type {any} */ { card, words = false }) {
  if (!card.due_at) return null;
  const how = standing(card.since, card.due_at, now.value);
  const seconds = Math.abs(Date.parse(card.due_at) - now.value) / 1000;
  const figure = duration(how === 'breached' ? seconds : Math.ceil(seconds));
  const shapes = { met: clockIcon, 'at-risk': timer, breached: alarmClock }[how];
  const said = how === 'breached' ? 'late by' : 'answer within';
  return html`<span class=${`sla sla-${how}`}>
    <${Icon} shapes=${shapes} size=${14} />
    ${words || how === 'breached' ? html`<span>${how === 'breached' ? 'late' : 'answer'} </span>` : html`<span class="visually-hidden">${said} </span>`}
    <span class="tabular">${figure}</span>
  </span>`;
}
