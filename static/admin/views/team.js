// What queues and agents have in common.

import { html } from '../../shared/html.js';
import { write } from '../routes.js';

/** @type {[string, string][]} */
export const TIERS = [['1', '1, first line'], ['2', '2, experienced'], ['3', '3, experts']];

export function TeamTabs(/** @type {any} */ { here }) {
  return html`<nav class="tabs" aria-label="Queues and agents">
    <a href=${write({ page: 'queues' })} aria-current=${here === 'queues' ? 'page' : null}>Queues</a>
    <a href=${write({ page: 'agents' })} aria-current=${here === 'agents' ? 'page' : null}>Agents</a>
  </nav>`;
}
