// Search, jump, act: one field over what is on the page, what can be done now,
// and what the server finds in what was said.

import { search as searchIcon } from '../../vendor/icons.js';
import { ago } from '../../shared/format.js';
import { html, Icon, useEffect, useRef, useState } from '../../shared/html.js';
import { abilities, lists } from '../state.js';
import * as words from '../../shared/words.js';
import { Dialog } from '../../shared/dialog.js';

export function Palette(/** @type {any} */ { state, ui, act }) {
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const list = useRef(/** @type {any} */ (null));
  const options = findOptions(state, ui, act, query.trim());
  const chosen = Math.min(at, options.length - 1);

  useEffect(() => {
    const timer = setTimeout(() => act.search(query.trim()), 180);
    return () => clearTimeout(timer);
  }, [query]);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  const run = (/** @type {any} */ option) => {
    act.closeDialog();
    option.run();
  };
  const pressed = (/** @type {any} */ event) => {
    if (event.isComposing) return;
    if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && options.length > 0) {
      event.preventDefault();
      setAt((chosen + (event.key === 'ArrowDown' ? 1 : options.length - 1)) % options.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (options[chosen]) run(options[chosen]);
    }
  };
  const isSearching = ui.found?.query === query.trim() && ui.found.status === 'loading';
  const hasFailed = ui.found?.query === query.trim() && ui.found.status === 'failed';

  /** @type {string|null} */
  let group = null;
  return html`<${Dialog} label="Search, jump, act" class="palette" onClose=${act.closeDialog}>
    <div class="palette-field">
      <${Icon} shapes=${searchIcon} />
      <input
        type="text"
        role="combobox"
        aria-label="Search, jump, act"
        aria-expanded="true"
        aria-controls="palette-options"
        aria-activedescendant=${options.length > 0 ? `option-${chosen}` : null}
        aria-autocomplete="list"
        autocomplete="off"
        spellcheck=${false}
        dir="auto"
        autofocus
        placeholder="A name, a word that was said, or what to do"
        value=${query}
        onInput=${(/** @type {any} */ event) => (setQuery(event.currentTarget.value), setAt(0))}
        onKeyDown=${pressed}
      />
    </div>
    <div class="palette-options" id="palette-options" role="listbox" aria-label="Results" ref=${list}>
      ${options.map((option, index) => {
        const head = option.group === group ? null : html`<div class="options-head" role="presentation" key=${`group:${option.group}`}>${option.group}</div>`;
        group = option.group;
        return html`${head}
          <div
            key=${option.key}
            id=${`option-${index}`}
            class="palette-option"
            role="option"
            aria-selected=${index === chosen ? 'true' : 'false'}
            onMouseMove=${() => index !== chosen && setAt(index)}
            onClick=${() => run(option)}
          >
            ${option.mood && html`<span class=${`mood ${option.mood}`} aria-hidden="true">${words.mood(option.mood).shape}</span>`}
            <bdi class="ellipsis">${option.name}</bdi>
            <span class="ellipsis option-hint grow" dir="auto">${option.hint}</span>
            ${option.key_name && html`<kbd>${option.key_name}</kbd>`}
          </div>`;
      })}
    </div>
    <p class="palette-foot" role="status">
      ${hasFailed ? 'The search in what was said failed; what is on this page is shown.' : isSearching ? 'Searching what was said…' : options.length === 0 ? 'Nothing found.' : html`<kbd>↑</kbd> <kbd>↓</kbd> choose, <kbd>Enter</kbd> go, <kbd>Esc</kbd> close`}
    </p>
  <//>`;
}

/** Everything that fits what was typed, in groups, most useful first. */
function findOptions(/** @type {any} */ state, /** @type {any} */ ui, /** @type {any} */ act, /** @type {any} */ query) {
  const wanted = query.toLocaleLowerCase();
  const fits = (/** @type {any[]} */ ...texts) => wanted === '' || texts.some((text) => (text ?? '').toLocaleLowerCase().includes(wanted));
  const { offers, waiting, mine, left } = lists(state);
  const known = new Set();
  const conversation = (/** @type {any} */ group) => (/** @type {any} */ card) => {
    known.add(card.conversation);
    return {
      group,
      key: `${group}:${card.conversation}`,
      name: card.visitor?.name || 'Visitor',
      mood: card.mood,
      hint: card.last?.text || (card.reason ? words.reason(card.reason) : ''),
      run: () => act.open(card.conversation),
    };
  };
  const open = (/** @type {any} */ cards, /** @type {any} */ group) => cards.filter((/** @type {any} */ card) => fits(card.visitor?.name, card.queue?.name, card.last?.text, card.email, card.reason && words.reason(card.reason))).map(conversation(group));
  const may = abilities(state, state.open);
  const actions = /** @type {any[]} */ ([
    offers[0] && { name: 'Accept the offer', hint: offers[0].card.visitor?.name || 'Visitor', run: () => act.accept(offers[0].card.conversation) },
    may.reply && { name: 'Write a reply', key_name: 'C', run: () => act.compose('focus') },
    may.note && { name: 'Write a note', key_name: '@', run: () => act.compose('note') },
    may.transfer && { name: 'Transfer', key_name: 'T', run: () => act.transferDialog(false) },
    may.transfer && { name: 'Escalate: up a tier', key_name: 'E', run: () => act.transferDialog(true) },
    may.handBack && { name: 'Hand back to the bot', run: () => act.confirm('hand_back') },
    may.resolve && { name: 'Resolve', key_name: 'R', run: () => act.confirm('resolve') },
    state.presence !== 'online' && { name: 'Go online', run: () => act.presence('online') },
    state.presence !== 'away' && { name: 'Go away', run: () => act.presence('away') },
    state.presence !== 'offline' && { name: 'Go offline', run: () => act.presence('offline') },
    { name: ui.sound ? 'Sound off' : 'Sound on', run: () => act.toggleSound() },
    { name: 'Change appearance', run: () => act.nextTheme() },
    { name: 'Show all keys', key_name: '?', run: () => act.help() },
    { name: 'Your account', run: () => act.account() },
    { name: 'Log out', run: () => act.logOut() },
  ])
    .filter((action) => action && fits(action.name))
    .map((action) => ({ group: 'Act', key: `act:${action.name}`, hint: '', ...action }));
  const here = [
    ...open(offers.map(({ card }) => card), 'Offered to you'),
    ...open(mine, 'Mine'),
    ...open(waiting, 'Waiting').slice(0, 8),
    ...open(left, 'Left messages').slice(0, 5),
  ];
  const found = (ui.found?.query === query && query !== '' ? ui.found.cards : [])
    .filter((/** @type {any} */ card) => !known.has(card.conversation))
    .slice(0, 12)
    .map((/** @type {any} */ card) => ({ ...conversation('Said in conversations')(card), hint: `${words.stateWord(card.state)} · ${ago(card.last?.at ?? card.since)} · ${card.last?.text ?? ''}` }));
  return wanted === '' ? [...actions, ...here] : [...here, ...actions, ...found];
}
