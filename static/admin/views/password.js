// One's own password, in a dialog.

import { api } from '../../shared/api.js';
import { circleAlert } from '../../vendor/icons.js';
import { Dialog } from '../../shared/dialog.js';
import { html, Icon, useState } from '../../shared/html.js';
import { toast } from '../app_state.js';
import { TextField, useSave } from '../parts.js';

export function Password(/** @type {any} */ { onClose }) {
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const save = useSave();
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if ([...next].length < 12) return save.refuse({ password: 'At least 12 characters.' });
    const done = await save.run(() => api.patch('/me', { password: { old, new: next } }));
    if (done === undefined) return undefined;
    toast('Your password is changed.');
    return onClose();
  };
  return html`<${Dialog} label="Change password" onClose=${onClose}>
    <form onSubmit=${submit}>
      <h2>Change password</h2>
      <div role="alert">${save.failure && html`<p class="notice bad"><${Icon} shapes=${circleAlert} /> <span>${save.failure}</span></p>`}</div>
      <${TextField} label="Password now" type="password" autocomplete="current-password" required value=${old} onValue=${setOld} />
      <${TextField} label="New password" type="password" autocomplete="new-password" required hint="At least 12 characters." value=${next} onValue=${setNext} problem=${save.problems.password} />
      <div class="actions">
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="button primary" disabled=${save.isBusy}>Change password</button>
      </div>
    </form>
  <//>`;
}
