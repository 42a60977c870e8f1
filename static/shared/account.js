// One's own account: the name that others see, and the password.

import { SHORTEST_PASSWORD } from '../login/forms.js';
import { x } from '../vendor/icons.js';
import { api } from './api.js';
import { Dialog } from './dialog.js';
import { html, Icon, useState } from './html.js';

/**
 * Saves it. Problems are by the id of their field, `all` for the rest.
 * @param {{ name: string, old: string, fresh: string }} values
 * @returns {Promise<{ account?: { name: string }, problems?: Record<string, string> }>}
 */
export async function saveAccount({ name, old, fresh }) {
  /** @type {Record<string, string>} */
  const problems = {};
  if (!name) problems['account-name'] = 'Enter a name.';
  if (fresh && !old) problems['account-old'] = 'Enter the password you have now.';
  if (fresh && [...fresh].length < SHORTEST_PASSWORD) problems['account-new'] = `It needs at least ${SHORTEST_PASSWORD} characters.`;
  if (Object.keys(problems).length > 0) return { problems };
  try {
    const { account } = await api.patch('/me', { name, ...(fresh ? { password: { old, new: fresh } } : {}) });
    return { account };
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    return { problems: code === 'wrong_password' ? { 'account-old': 'This is not the password you have now.' } : { all: `Not saved: ${message}` } };
  }
}

/** @param {{ name: string, problems?: Record<string, string>, isSaving?: boolean, onSave: (values: { name: string, old: string, fresh: string }) => void, onClose: () => void }} properties */
export function AccountDialog({ name: before, problems = {}, isSaving = false, onSave, onClose }) {
  const [name, setName] = useState(before);
  const [old, setOld] = useState('');
  const [fresh, setFresh] = useState('');
  const field = (/** @type {string} */ id, /** @type {string} */ label, /** @type {any} */ more) => html`<div class="field">
    <label for=${id}>${label}</label>
    <input class="input" id=${id} dir="auto" aria-invalid=${problems[id] ? 'true' : null} aria-describedby=${problems[id] ? `${id}-problem` : null} ...${more} />
    ${problems[id] && html`<p class="problem" id=${`${id}-problem`}>${problems[id]}</p>`}
  </div>`;
  return html`<${Dialog} label="Your account" onClose=${onClose}>
    <form
      novalidate
      onSubmit=${(/** @type {any} */ event) => {
        event.preventDefault();
        onSave({ name: name.trim(), old, fresh });
      }}
    >
      <div class="spread"><h2>Your account</h2><button type="button" class="button plain only-icon" aria-label="Close" onClick=${onClose}><${Icon} shapes=${x} /></button></div>
      ${field('account-name', 'Name that visitors and colleagues see', { type: 'text', value: name, maxlength: 100, autocomplete: 'name', autofocus: true, onInput: (/** @type {any} */ event) => setName(event.currentTarget.value) })}
      <fieldset class="stack">
        <legend>A new password, if you want one</legend>
        ${field('account-old', 'Password now', { type: 'password', value: old, autocomplete: 'current-password', onInput: (/** @type {any} */ event) => setOld(event.currentTarget.value) })}
        ${field('account-new', 'New password, at least 12 characters', { type: 'password', value: fresh, autocomplete: 'new-password', onInput: (/** @type {any} */ event) => setFresh(event.currentTarget.value) })}
      </fieldset>
      <div class="actions">
        <span class="problem grow" role="alert">${problems.all ?? ''}</span>
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="button primary" disabled=${isSaving}>${isSaving ? 'Saving…' : 'Save'}</button>
      </div>
    </form>
  <//>`;
}
