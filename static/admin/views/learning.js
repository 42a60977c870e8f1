// Learning on site: what people here said, how often calling a person was right,
// how a model is learned from it, and which model answers.

import { arrowRight, circleCheck, tag } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { percent, plural } from '../../shared/format.js';
import { html, Icon, useEffect } from '../../shared/html.js';
import { LABELS } from '../../shared/words.js';
import { heads } from '../labels/models.js';
import { Copyable, Empty, Failed, Head, LoadingRows, useLoad } from '../parts.js';
import { write } from '../routes.js';
import { Models } from './models.js';

/** Loads again when somebody comes back to the page: training runs in a terminal. */
function useFresh(/** @type {() => void} */ reload) {
  useEffect(() => {
    const look = () => document.visibilityState === 'visible' && reload();
    document.addEventListener('visibilitychange', look);
    window.addEventListener('focus', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      window.removeEventListener('focus', look);
    };
  }, []);
}

export function Learning() {
  const labels = useLoad((signal) => api.get('/labels', { signal }), []);
  const models = useLoad((signal) => api.get('/models', { signal }), []);
  useFresh(labels.reload);
  useFresh(models.reload);
  return html`
    <${Head} title="Learning">What people here say of messages, and the model that learns from it. Nothing takes effect before somebody adopts it.<//>
    <div class="learning">
      <div class="live-columns">
        <${Labels} state=${labels} />
        <${Escalations} state=${labels} />
      </div>
      <${Train} counts=${labels.data} />
      <${Models} state=${models} />
    </div>
  `;
}

const toLabel = (/** @type {string} */ name) => html`<a class=${name} href=${write({ page: 'conversations', query: { labeled: 'false' } })}>Label conversations <${Icon} shapes=${arrowRight} size=${14} /></a>`;

function Labels(/** @type {any} */ { state }) {
  const { data, error, reload } = state;
  return html`<section class="panel" aria-labelledby="labels-title">
    <header><h2 id="labels-title">Labels</h2>${data && data.messages > 0 && toLabel('small')}</header>
    ${!data && error
      ? html`<${Failed} what="The labels" error=${error} onRetry=${reload} />`
      : !data
        ? html`<${LoadingRows} rows=${4} label="The labels are loading" />`
        : data.messages === 0
          ? html`<${Empty} icon=${tag} title="No message is labeled yet" action=${toLabel('button')}>Open a conversation and say what a message really was, with one key each. ${data.needed} labeled messages are enough to begin.<//>`
          : html`<div class="body stack">
              <div class="progress">
                <p><strong class="tabular">${data.messages}</strong> ${data.enough ? '' : `of ${data.needed} `}messages <span class="quiet">and ${plural(data.conversations, 'conversation', 'conversations')}</span></p>
                ${!data.enough && html`<span class="bar" role="img" aria-label=${`${data.messages} of ${data.needed}`}><span style=${{ inlineSize: `${Math.min(1, data.messages / data.needed) * 100}%` }}></span></span>`}
                <p class="small quiet">${data.enough ? html`<${Icon} shapes=${circleCheck} size=${12} /> Enough to learn from. More labels make it better.` : `${plural(data.needed - data.messages, 'more message', 'more messages')} before anything can be learned.`}</p>
              </div>
              <div class="table-scroll" tabindex="0" role="region" aria-label="Labels by question">
                <table class="table label-counts">
                  <thead><tr><th scope="col">Question</th><th scope="col">Said</th><th scope="col"><span class="visually-hidden">What is missing</span></th></tr></thead>
                  <tbody>
                    ${heads(data.by_head).map(
                      ({ head, word, parts, total, lacks }) => html`<tr key=${head}>
                        <th scope="row">${word}</th>
                        <td class="tabular">${total > 0 ? parts.map((part) => `${part.n} ${part.word}`).join(' · ') : '–'}</td>
                        <td class="quiet">${lacks}</td>
                      </tr>`,
                    )}
                  </tbody>
                </table>
              </div>
            </div>`}
  </section>`;
}

function Escalations(/** @type {any} */ { state }) {
  const { data, error, reload } = state;
  const counts = LABELS.map(({ code, word }) => ({ code, word, n: data?.escalations?.[code] ?? 0 }));
  const total = counts.reduce((sum, { n }) => sum + n, 0);
  const most = Math.max(1, ...counts.map(({ n }) => n));
  return html`<section class="panel" aria-labelledby="escalations-title">
    <header><h2 id="escalations-title">Was it right to call a person?</h2>${total > 0 && html`<span class="small quiet">as agents say at wrap-up</span>`}</header>
    ${!data && error
      ? html`<${Failed} what="What agents say" error=${error} onRetry=${reload} />`
      : !data
        ? html`<${LoadingRows} rows=${4} label="What agents say is loading" />`
        : total === 0
          ? html`<p class="panel-empty">No agent has said it yet. At wrap-up one key does: 1 to 4, from “right moment” to “not needed”.</p>`
          : html`<div class="body stack">
              <p><strong class="tabular">${percent(counts[0].n / total)}</strong> at the right moment <span class="quiet">of ${plural(total, 'handoff', 'handoffs')}</span></p>
              <ul class="bars bare">
                ${counts.map(
                  ({ code, word, n }) => html`<li key=${code}>
                    <span class="bars-word">${word}</span>
                    <span class="bar" aria-hidden="true"><span style=${{ inlineSize: `${(n / most) * 100}%` }}></span></span>
                    <span class="tabular bars-number">${n}</span>
                  </li>`,
                )}
              </ul>
              <p class="small quiet">Many too early: raise the line under <a href=${write({ page: 'tuning' })}>Tuning</a>. Many too late: lower it. Learning counts these labels too, but weakly.</p>
            </div>`}
  </section>`;
}

function Train(/** @type {any} */ { counts }) {
  const left = counts ? Math.max(0, counts.needed - counts.messages) : 0;
  return html`<section class="panel" aria-labelledby="train-title">
    <header><h2 id="train-title">Learn</h2>${left > 0 && html`<span class="tag warn">${plural(left, 'label', 'labels')} short</span>`}</header>
    <div class="body stack">
      <p class="small train-words">Run this on the machine of the service, in its folder. It takes minutes, the service goes on meanwhile. Every fifth labeled message is kept aside to measure with; a model that would be worse is refused and nothing is written. What it writes appears below.</p>
      <${Copyable} label="Command" text="baton train --from-labels --installation data" hint="“data” is the folder that the service was started with (--data)." />
    </div>
  </section>`;
}
