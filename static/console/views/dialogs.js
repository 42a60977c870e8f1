// The few dialogs: transfer, a question before something that cannot be undone,
// and the keys.

import { x } from '../../vendor/icons.js';
import { AccountDialog } from '../../shared/account.js';
import { Dialog } from '../../shared/dialog.js';
import { html, Icon, useState } from '../../shared/html.js';
import { KEYS } from '../keys.js';
import { cardOf } from '../state.js';
import * as words from '../../shared/words.js';

export function Dialogs(/** @type {any} */ { state, ui, act }) {
  const { dialog } = ui;
  if (!dialog) return null;
  if (dialog.kind === 'transfer') return html`<${Transfer} key=${dialog.conversation} state=${state} dialog=${dialog} act=${act} />`;
  if (dialog.kind === 'confirm') return html`<${Confirm} state=${state} dialog=${dialog} act=${act} />`;
  if (dialog.kind === 'account') return html`<${AccountDialog} name=${state.account?.name ?? ''} problems=${dialog.problems} isSaving=${dialog.isSaving} onSave=${act.saveAccount} onClose=${act.closeDialog} />`;
  if (dialog.kind === 'keys') return html`<${Keys} act=${act} />`;
  return null;
}

/** @type {Record<string, {ask: string, body: (name: string) => string, yes: string}>} */
const QUESTIONS = {
  resolve: { ask: 'Resolve this conversation?', body: (/** @type {any} */ name) => `${name} is told that it is resolved and may still write again. You wrap it up next.`, yes: 'Resolve' },
  hand_back: { ask: 'Hand back to the bot?', body: (/** @type {any} */ name) => `The bot answers ${name} from here on, and knows what you wrote. It can call a person again.`, yes: 'Hand back' },
};

function Confirm(/** @type {any} */ { state, dialog, act }) {
  const question = QUESTIONS[dialog.what];
  const name = cardOf(state, dialog.conversation)?.visitor?.name || 'The visitor';
  return html`<${Dialog} label=${question.ask} onClose=${act.closeDialog}>
    <form
      onSubmit=${(/** @type {any} */ event) => {
        event.preventDefault();
        act.confirmed(dialog.what, dialog.conversation);
      }}
    >
      <h2>${question.ask}</h2>
      <p class="written">${question.body(name)}</p>
      <div class="actions">
        <button type="button" class="button" onClick=${act.closeDialog}>Cancel</button>
        <button type="submit" class="button primary" autofocus>${question.yes} <kbd aria-hidden="true">⏎</kbd></button>
      </div>
    </form>
  <//>`;
}

function Transfer(/** @type {any} */ { state, dialog, act }) {
  const [to, setTo] = useState(dialog.up ? 'up' : null);
  const [note, setNote] = useState('');
  const [filter, setFilter] = useState('');
  const [isMissing, setMissing] = useState(false);
  const card = cardOf(state, dialog.conversation);
  const queues = state.overview?.queues ?? [];
  const agents = (state.overview?.agents ?? []).filter((/** @type {any} */ { id }) => id !== state.account?.id);
  const fits = (/** @type {any} */ name) => (name ?? '').toLocaleLowerCase().includes(filter.trim().toLocaleLowerCase());
  const isLong = queues.length + agents.length > 8;

  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    if (!to) {
      setMissing(true);
      event.currentTarget.querySelector('input[name="to"]')?.focus();
      return;
    }
    const [kind, id] = to.split(/:(.*)/s);
    act.transfer(dialog.conversation, { queue: kind === 'queue' ? id : null, agent: kind === 'agent' ? id : null, up: kind === 'up', note: note.trim() });
  };
  const option = (/** @type {any} */ value, /** @type {any} */ name, /** @type {any} */ hint) => html`<label class="option" key=${value}>
    <input type="radio" name="to" value=${value} checked=${to === value} autofocus=${value === 'up'} onChange=${() => (setTo(value), setMissing(false))} />
    <bdi class="ellipsis grow">${name}</bdi>
    <span class="option-hint">${hint}</span>
  </label>`;

  return html`<${Dialog} label="Transfer" onClose=${act.closeDialog}>
    <form onSubmit=${submit}>
      <div class="spread"><h2>Transfer <bdi>${card?.visitor?.name || 'the visitor'}</bdi></h2><button type="button" class="button plain only-icon" aria-label="Close" onClick=${act.closeDialog}><${Icon} shapes=${x} /></button></div>
      ${isLong && html`<label class="field"><span class="label">Find a queue or an agent</span><input class="input" type="search" value=${filter} onInput=${(/** @type {any} */ event) => setFilter(event.currentTarget.value)} /></label>`}
      <fieldset class="options">
        <legend class="visually-hidden">Where to</legend>
        ${option('up', 'Up a tier', 'more experience')}
        ${queues.filter((/** @type {any} */ { name }) => fits(name)).length > 0 && html`<p class="options-head">Queues</p>`}
        ${queues.filter((/** @type {any} */ { name }) => fits(name)).map((/** @type {any} */ { id, name, waiting }) => option(`queue:${id}`, name, waiting > 0 ? `${waiting} waiting` : 'nobody waits'))}
        ${agents.filter((/** @type {any} */ { name }) => fits(name)).length > 0 && html`<p class="options-head">Agents</p>`}
        ${agents
          .filter((/** @type {any} */ { name }) => fits(name))
          .map((/** @type {any} */ { id, name, presence, used, max }) => option(`agent:${id}`, name, html`<span class=${`presence ${presence}`}>${words.presence(presence).toLowerCase()}, ${used} of ${max}</span>`))}
      </fieldset>
      <label class="field">
        <span class="label">Note for who takes over</span>
        <textarea class="textarea" dir="auto" maxlength="4000" value=${note} placeholder="What you found, what was promised" onInput=${(/** @type {any} */ event) => setNote(event.currentTarget.value)}></textarea>
        <span class="hint">Everything that was said goes along. Only colleagues see the note.</span>
      </label>
      <div class="actions">
        <span class="problem grow" role="alert">${isMissing ? 'Choose where to.' : ''}</span>
        <button type="button" class="button" onClick=${act.closeDialog}>Cancel</button>
        <button type="submit" class="button primary">Transfer</button>
      </div>
    </form>
  <//>`;
}

function Keys(/** @type {any} */ { act }) {
  return html`<${Dialog} label="Keys" onClose=${act.closeDialog}>
    <div class="body">
      <div class="spread"><h2>Keys</h2><button type="button" class="button plain only-icon" aria-label="Close" autofocus onClick=${act.closeDialog}><${Icon} shapes=${x} /></button></div>
      <table class="table keys">
        <thead class="visually-hidden"><tr><th scope="col">Key</th><th scope="col">What it does</th></tr></thead>
        <tbody>
          <tr><td><kbd>Ctrl</kbd> or <kbd>⌘</kbd> <kbd>K</kbd></td><td>Search, jump, act</td></tr>
          ${KEYS.map(({ show, what, act: name }) => html`<tr key=${name}><td>${show.map((key) => html`<kbd>${key}</kbd> `)}</td><td>${what}</td></tr>`)}
        </tbody>
      </table>
      <p class="small quiet">Single letters do nothing while you type. In the reply, <kbd>Enter</kbd> sends and <kbd>Shift</kbd> <kbd>Enter</kbd> begins a new line.</p>
    </div>
  <//>`;
}
