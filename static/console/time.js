// The page's one clock: a signal that ticks once a second, corrected to the
// server's time, so that every count-down on the page moves together.

import { signal } from '../vendor/signals.js';

/** Milliseconds by which the server's clock is ahead of this computer's. */
let skew = 0;

export const now = signal(Date.now());

export function startClock() {
  const tick = () => {
    now.value = Date.now() + skew;
  };
  setInterval(tick, 1000);
  document.addEventListener('visibilitychange', tick);
}

/** Takes the server's time from the `Date` of an answer. It counts whole seconds, so small differences are none. */
export function learnTime(/** @type {string|null} */ date, /** @type {number} */ askedAt, answeredAt = Date.now()) {
  const server = Date.parse(date ?? '');
  if (Number.isNaN(server)) return;
  const difference = server + 500 - (askedAt + answeredAt) / 2;
  skew = Math.abs(difference) > 2000 ? difference : 0;
  now.value = Date.now() + skew;
}
