// Persons: looking for one by what is known of them. What is stored about one, and what
// may be done with it, is in person.js. What was typed stays out of the address.

import { search, userSearch } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { announce } from '../../shared/dom.js';
import { html, Icon, useState } from '../../shared/html.js';
import { Empty, Failed, Head, LoadingRows, TextField, When } from '../parts.js';
import { count, inShort } from '../persons.js';
import { write } from '../routes.js';
import { Person } from './person.js';
import { Split } from './split.js';

/** A search: what was asked for, and what became of it. */
function useSearch() {
  const [state, setState] = useState(/** @type {{ text: string, found: any[] | null, isMore: boolean, error: any, isBusy: boolean }} */ ({ text: '', found: null, isMore: false, error: null, isBusy: false }));
  const look = async (/** @type {string} */ text) => {
    if (state.isBusy) return;
    setState((before) => ({ ...before, text, error: null, isBusy: true }));
    try {
      const { persons, more } = await api.post('/persons/find', { text });
      setState({ text, found: persons, isMore: more, error: null, isBusy: false });
      announce(persons.length === 0 ? 'Nobody was found.' : `${count(persons.length, 'visitor', 'visitors')} found.`);
    } catch (error) {
      setState((before) => ({ ...before, error, isBusy: false }));
    }
  };
  const forget = (/** @type {string[]} */ visitors) => setState((before) => ({ ...before, found: before.found?.filter((one) => !visitors.includes(one.visitor)) ?? null }));
  return { ...state, look, forget };
}

export function Persons(/** @type {any} */ { route }) {
  const { text, found, isMore, error, isBusy, look, forget } = useSearch();
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState('');
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const short = [...typed.trim()].length < 2;
    setProblem(short ? 'Write two letters or more.' : '');
    if (!short) look(typed.trim());
  };
  const list = html`
    <form class="filters" role="search" onSubmit=${submit}>
      <${TextField} label="Name, address, id or what the site told" isQuiet type="search" value=${typed} onValue=${setTyped} problem=${problem} placeholder="Name, address or id" maxlength="200" class="grow" />
      <button type="submit" class="button" disabled=${isBusy}><${Icon} shapes=${search} /> ${isBusy ? 'Looking…' : 'Find'}</button>
    </form>
    <div aria-busy=${isBusy ? 'true' : null}>
      ${error
        ? html`<${Failed} what="The persons" error=${error} onRetry=${() => look(text)} />`
        : isBusy && !found
          ? html`<${LoadingRows} rows=${4} label="Looking" />`
          : !found
            ? html`<${Empty} icon=${userSearch} title="Look for somebody">By a part of their name or address, by the id that their site signs for them or that a conversation shows, or by anything the site told about them.<//>`
            : found.length === 0
              ? html`<${Empty} icon=${search} title="Nobody fits">Nothing that is stored about a visitor has <bdi class="strong">${text}</bdi> in it. What they wrote is searched under <a href=${write({ page: 'conversations', query: { q: text } })}>Conversations</a>.<//>`
              : html`<ul class="list rows" aria-label="Visitors found">
                    ${found.map((person) => html`<${Row} key=${person.visitor} person=${person} isCurrent=${person.visitor === route.id} />`)}
                  </ul>
                  ${isMore && html`<p class="panel-empty">These are the latest 50, and there are more. More letters find fewer.</p>`}`}
    </div>
  `;
  return html`
    <${Head} title="Persons">What is stored about somebody who wrote to you: to look at, to hand out, or to erase.<//>
    <${Split} list=${list} detail=${route.id && html`<${Person} key=${route.id} visitor=${route.id} onErased=${forget} />`} back=${write({ page: 'persons' })} />
  `;
}

function Row(/** @type {any} */ { person, isCurrent }) {
  return html`<li>
    <a class="row item-row" href=${write({ page: 'persons', id: person.visitor })} aria-current=${isCurrent ? 'true' : null}>
      <span class="grow item-main">
        <bdi class="strong ellipsis">${person.name}</bdi>
        <span class="small quiet ellipsis">${person.email && html`<bdi>${person.email}</bdi> · `}${inShort(person)}</span>
      </span>
      <span class="card-end">
        ${person.seen_at && html`<${When} at=${person.seen_at} isAgo />`}
        ${person.held.unfinished > 0 && html`<span class="tag warn">not over</span>`}
      </span>
    </a>
  </li>`;
}
