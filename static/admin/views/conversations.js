// Every conversation: search, filter, and one of them with all that Baton knew
// and decided. Read only: answering is the agent console's.

import { arrowRight, messageSquareText, search } from '../../vendor/icons.js';
import { api, query } from '../../shared/api.js';
import { html, Icon, useEffect, useState } from '../../shared/html.js';
import { stateWord } from '../../shared/words.js';
import { setQuery } from '../app_state.js';
import { Empty, Failed, Head, LoadingRows, SelectField, TextField, useLoad } from '../parts.js';
import { write } from '../routes.js';
import { CardRow } from './cards.js';
import { Conversation } from './conversation.js';
import { Split } from './split.js';

const STATES = ['', 'bot', 'waiting,offered', 'waiting', 'offered', 'agent', 'left_message', 'wrap_up', 'closed'];
const PAGE = 50;

/** @type {[string, string][]} */
const LABELED = [['', 'labeled or not'], ['false', 'not labeled yet'], ['true', 'labeled']];

function useCards(/** @type {string} */ state, /** @type {string} */ q, /** @type {string} */ labeled) {
  const { data, error, isLoading, reload, set } = useLoad((signal) => api.get(`/conversations${query({ state, q, labeled, limit: PAGE })}`, { signal }), [state, q, labeled]);
  const [more, setMore] = useState(/** @type {{ isBusy: boolean, error: any }} */ ({ isBusy: false, error: null }));
  const next = async () => {
    setMore({ isBusy: true, error: null });
    try {
      const answer = await api.get(`/conversations${query({ state, q, labeled, limit: PAGE, before: data.next })}`);
      const seen = new Set(data.conversations.map((/** @type {any} */ card) => card.conversation));
      set({ conversations: [...data.conversations, ...answer.conversations.filter((/** @type {any} */ card) => !seen.has(card.conversation))], next: answer.next });
      setMore({ isBusy: false, error: null });
    } catch (failed) {
      setMore({ isBusy: false, error: failed });
    }
  };
  return { data, error, isLoading, reload, next, more };
}

export function Conversations(/** @type {any} */ { route }) {
  const { state = '', q = '' } = route.query;
  const labeled = LABELED.some(([code]) => code === route.query.labeled) ? route.query.labeled : '';
  const [typed, setTyped] = useState(q);
  const { data, error, isLoading, reload, next, more } = useCards(state, q, labeled);
  useEffect(() => {
    if (typed === q) return undefined;
    const timer = setTimeout(() => setQuery({ q: typed.trim() }), 300);
    return () => clearTimeout(timer);
  }, [typed]);
  const filter = { state, q, labeled };
  const back = write({ page: 'conversations', query: filter });
  const cards = data?.conversations ?? [];
  const list = html`
    <form
      class="filters" role="search"
      onSubmit=${(/** @type {any} */ event) => {
        event.preventDefault();
        setQuery({ q: typed.trim() });
      }}
    >
      <${TextField} label="Search what was said, names, addresses" isQuiet type="search" value=${typed} onValue=${setTyped} placeholder="Search what was said" class="grow" />
      <${SelectField} label="State" isQuiet value=${state} onValue=${(/** @type {string} */ value) => setQuery({ state: value || null })} options=${STATES.map((code) => [code, code === '' ? 'every state' : code.includes(',') ? 'waiting or offered' : stateWord(code)])} />
      <${SelectField} label="Labels" isQuiet value=${labeled} onValue=${(/** @type {string} */ value) => setQuery({ labeled: value || null })} options=${LABELED} />
    </form>
    ${error
      ? html`<${Failed} what="The conversations" error=${error} onRetry=${reload} />`
      : !data
        ? html`<${LoadingRows} rows=${8} label="Conversations are loading" />`
        : cards.length === 0
          ? q || state || labeled
            ? html`<${Empty} icon=${search} title="Nothing fits" action=${html`<button type="button" class="button" onClick=${() => (setTyped(''), setQuery({ q: null, state: null, labeled: null }))}>Show all conversations</button>`}>No conversation has these words in this state, with such labels. Fewer words find more.<//>`
            : html`<${Empty} icon=${messageSquareText} title="No conversations yet">Each one stays here with everything that was said and decided. The first begins when a visitor writes in the widget.<//>`
          : html`<ul class="list cards" aria-label="Conversations" aria-busy=${isLoading ? 'true' : null}>
                ${cards.map((/** @type {any} */ card) => html`<${CardRow} key=${card.conversation} card=${card} isCurrent=${card.conversation === route.id} href=${write({ page: 'conversations', id: card.conversation, query: filter })} />`)}
              </ul>
              ${more.error && html`<p class="panel-empty" role="alert">The older ones could not be loaded.</p>`}
              ${data.next && html`<p class="more"><button type="button" class="button" disabled=${more.isBusy} onClick=${next}>${more.isBusy ? 'Loading…' : 'Older conversations'}</button></p>`}`}
  `;
  return html`
    <${Head} title="Conversations" action=${html`<a class="button plain" href="/agent">Answer in the agent console <${Icon} shapes=${arrowRight} /></a>`}>Everything that was said, and why Baton decided as it did.<//>
    <${Split} list=${list} detail=${route.id && html`<${Conversation} key=${route.id} id=${route.id} />`} back=${back} />
  `;
}
