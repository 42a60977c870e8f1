// What is happening now: conversations by state, the oldest wait, who is there,
// why people were called today, and who analyzes. Asked for every two seconds;
// an old answer says that it is old.

import { circleAlert, messageSquareText, triangleAlert, wifiOff } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { clock, duration, plural } from '../../shared/format.js';
import { html, Icon, useEffect, useState } from '../../shared/html.js';
import { presence, reason } from '../../shared/words.js';
import { now } from '../../shared/time.js';
import { account } from '../app_state.js';
import { sentence } from '../labels/models.js';
import { Empty, Failed, Head } from '../parts.js';
import { may, write } from '../routes.js';
import { CardRow } from './cards.js';
import { Storage } from './storage.js';

const EVERY_MS = 2000;
const STALE_MS = 7000;

/** @type {[string, string, string][]} */
const STATES = [
  ['bot', 'With the bot', 'the bot answers'],
  ['waiting', 'Waiting', 'for a person'],
  ['offered', 'Offered', 'an agent is asked'],
  ['agent', 'With an agent', 'a person answers'],
  ['left_message', 'Left a message', 'an e-mail is owed'],
  ['wrap_up', 'Wrap-up', 'the agent finishes'],
];

function useLive() {
  const [state, setState] = useState(/** @type {{ data: any, at: number, error: any }} */ ({ data: null, at: 0, error: null }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    /** @type {any} */ let timer;
    let isAsking = false;
    const ask = async () => {
      if (document.hidden || isAsking) return;
      isAsking = true;
      clearTimeout(timer);
      try {
        const data = await api.get('/live', { signal: abort.signal });
        setState({ data, at: now.peek(), error: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((before) => ({ ...before, error }));
      }
      isAsking = false;
      timer = setTimeout(ask, EVERY_MS);
    };
    ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', ask);
    };
  }, [round]);
  return { ...state, retry: () => setRound((n) => n + 1) };
}

export function Live() {
  const { data, at, error, retry } = useLive();
  const isStale = Boolean(data && now.value - at > STALE_MS);
  return html`
    <${Head} title="Live">What is happening now.<//>
    ${!data && error
      ? html`<${Failed} what="The live figures" error=${error} onRetry=${retry} />`
      : html`<div class="live-status" role="status">
            ${isStale
              ? html`<p class="notice warn"><${Icon} shapes=${wifiOff} /> <span>As of ${clock(at)}. The server does not answer; these figures may be old.</span></p>`
              : data && html`<${Analyzer} analyzer=${data.analyzer} />`}
          </div>
          <div class=${`live${isStale ? ' is-stale' : ''}`} aria-busy=${data ? null : 'true'}>
            <${Figures} data=${data} at=${at} />
            <div class="live-columns">
              <${Why} data=${data} />
              <${Who} data=${data} />
            </div>
            <${Recent} data=${data} />
            ${may(account.value?.role ?? '', 'admin') && html`<${Storage} />`}
          </div>`}
  `;
}

/** @type {Record<string, string>} */
const ANALYZER = {
  loading: 'The model is loading. Until then the word lists analyze.',
  absent: 'There is no model. The word lists analyze, with less understanding.',
  failed: 'The model failed. The word lists analyze, with less understanding.',
};

function Analyzer(/** @type {any} */ { analyzer }) {
  if (analyzer?.status === 'ready' && analyzer.why) return html`<p class="notice warn"><${Icon} shapes=${triangleAlert} /> <span>${sentence(analyzer.why)} Messages are analyzed by <span class="mono">${analyzer.name} ${analyzer.version}</span>. <a href=${write({ page: 'learning' })}>Look under Learning</a>.</span></p>`;
  if (!analyzer || analyzer.status === 'ready') return html`<p class="small quiet live-analyzer">Messages are analyzed by the model <span class="mono">${analyzer?.name} ${analyzer?.version}</span>.</p>`;
  return html`<p class="notice warn"><${Icon} shapes=${triangleAlert} /> <span>${ANALYZER[analyzer.status] ?? 'The word lists analyze.'}${analyzer.why ? html` <span class="quiet">(${analyzer.why})</span>` : ''} Asking for a person works all the same.</span></p>`;
}

function Figures(/** @type {any} */ { data, at }) {
  // Between two answers the wait goes on.
  const wait = data?.oldest_wait_s;
  const shown = typeof wait === 'number' ? wait + Math.max(0, Math.floor((now.value - at) / 1000)) : null;
  return html`<dl class="figures">
    ${STATES.map(
      ([code, word, hint]) => html`<div class="figure" key=${code}>
        <dt>${word}</dt>
        <dd>
          <a href=${write({ page: 'conversations', query: { state: code } })} class="figure-number" aria-label=${`${data ? (data.conversations[code] ?? 0) : '–'} ${word.toLowerCase()}`}>${data ? (data.conversations[code] ?? 0) : html`<span class="skeleton"></span>`}</a>
          <span class="figure-hint">${code === 'waiting' && shown !== null ? html`oldest <span class="tabular">${duration(shown)}</span>` : hint}</span>
        </dd>
      </div>`,
    )}
  </dl>`;
}

function Why(/** @type {any} */ { data }) {
  const reasons = /** @type {[string, number][]} */ (Object.entries(data?.by_reason ?? {})).sort((a, b) => b[1] - a[1]);
  const most = Math.max(1, ...reasons.map(([, n]) => n));
  // The server's day begins at midnight UTC; here it is told in the reader's zone.
  const midnight = new Date(Math.floor(now.value / 86_400_000) * 86_400_000);
  return html`<section class="panel" aria-labelledby="why-title">
    <header><h2 id="why-title">Handed to people today</h2><span class="small quiet">since <time datetime=${midnight.toISOString()}>${clock(midnight)}</time></span><span class="tabular strong push">${data?.escalations_today ?? ''}</span></header>
    ${!data
      ? html`<div class="body"><span class="skeleton"></span></div>`
      : reasons.length === 0
        ? html`<p class="panel-empty">Nobody needed a person. The reasons appear here with the first handoff.</p>`
        : html`<ul class="bars">
            ${reasons.map(
              ([code, n]) => html`<li key=${code}>
                <span class="bars-word">${reason(code)}</span>
                <span class="bar" aria-hidden="true"><span style=${{ inlineSize: `${(n / most) * 100}%` }}></span></span>
                <span class="tabular bars-number">${n}</span>
              </li>`,
            )}
          </ul>`}
  </section>`;
}

const RANK = /** @type {Record<string, number>} */ ({ online: 0, away: 1, offline: 2 });

function Who(/** @type {any} */ { data }) {
  const agents = [...(data?.agents ?? [])].sort((a, b) => RANK[a.presence] - RANK[b.presence] || a.name.localeCompare(b.name));
  const there = agents.filter((one) => one.presence !== 'offline');
  const queues = (data?.queues ?? []).filter((/** @type {any} */ queue) => queue.waiting > 0);
  return html`<section class="panel" aria-labelledby="who-title">
    <header><h2 id="who-title">Who is there</h2><span class="tabular small quiet">${data ? `${there.length} of ${agents.length}` : ''}</span></header>
    ${!data
      ? html`<div class="body"><span class="skeleton"></span></div>`
      : agents.length === 0
        ? html`<p class="panel-empty">Nobody can answer yet. Invite agents under “Queues & agents”.</p>`
        : html`${there.length === 0 && html`<p class="panel-empty"><${Icon} shapes=${circleAlert} size=${14} /> Nobody is online. Visitors who ask for a person are told at once.</p>`}
            <ul class="list who-list">
              ${(there.length ? there : agents.slice(0, 8)).map(
                (/** @type {any} */ one) => html`<li key=${one.id} class="who-row">
                  <span class=${`presence ${one.presence}`}><bdi class="ellipsis">${one.name}</bdi></span>
                  <span class="small quiet">${one.presence === 'online' ? '' : presence(one.presence).toLowerCase()}</span>
                  <span class="tabular small">${one.used} of ${one.max}</span>
                </li>`,
              )}
            </ul>
            ${there.length > 0 && agents.length > there.length && html`<p class="panel-empty">${plural(agents.length - there.length, 'other is', 'others are')} offline.</p>`}`}
    ${queues.length > 0 &&
    html`<ul class="list who-list queue-waits" aria-label="Queues in which somebody waits">
      ${queues.map(
        (/** @type {any} */ queue) => html`<li key=${queue.id} class="who-row"><bdi class="ellipsis">${queue.name}</bdi><span class="small">${plural(queue.waiting, 'waits', 'wait')}</span><span class="tabular small">${queue.oldest_at ? duration((now.value - Math.max(Date.parse(queue.oldest_at), 0)) / 1000) : ''}</span></li>`,
      )}
    </ul>`}
  </section>`;
}

function Recent(/** @type {any} */ { data }) {
  const cards = (data?.recent ?? []).slice(0, 12);
  return html`<section class="panel" aria-labelledby="recent-title">
    <header><h2 id="recent-title">Newest conversations</h2><a class="small" href=${write({ page: 'conversations' })}>All conversations</a></header>
    ${!data
      ? html`<div class="body"><span class="skeleton"></span></div>`
      : cards.length === 0
        ? html`<${Empty} icon=${messageSquareText} title="No conversations yet" action=${may(account.value?.role ?? '', 'admin') && html`<a class="button" href=${write({ page: 'widgets' })}>Get the widget’s snippet</a>`}>They begin when a visitor writes in the widget. Put it on a page of yours first.<//>`
        : html`<ul class="list cards">${cards.map((/** @type {any} */ card) => html`<${CardRow} key=${card.conversation} card=${card} href=${write({ page: 'conversations', id: card.conversation })} />`)}</ul>`}
  </section>`;
}
