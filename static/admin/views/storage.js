// How large the database is and how long the disk lasts, for admins. Asked for
// once a minute.

import { triangleAlert } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { html, Icon, useEffect, useState } from '../../shared/html.js';
import { bytes, keeps, lasts } from '../storage.js';

const EVERY_MS = 60_000;

export function Storage() {
  const [storage, setStorage] = useState(/** @type {any} */ (null));
  useEffect(() => {
    const abort = new AbortController();
    const ask = async () => {
      if (document.hidden) return;
      try {
        setStorage(await api.get('/storage', { signal: abort.signal }));
      } catch {
        // The figures above say already that the server does not answer.
      }
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, []);
  return html`<section class="panel" aria-labelledby="storage-title">
    <header>
      <h2 id="storage-title">Storage</h2>
      ${storage && html`<span class="tabular strong push">${bytes(storage.bytes)}</span>`}
    </header>
    ${!storage
      ? html`<div class="body"><span class="skeleton"></span></div>`
      : html`<div class="body">
          ${storage.low && html`<p class="notice warn"><${Icon} shapes=${triangleAlert} /> <span>The disk has only ${bytes(storage.free_bytes)} left. When it is full, no message is taken any more: make room.</span></p>`}
          <p>${storage.free_bytes !== null && !storage.low ? `${bytes(storage.free_bytes)} of the disk are free. ` : ''}${lasts(storage)}</p>
          <p class="small quiet">${keeps(storage)}</p>
        </div>`}
  </section>`;
}
