// One's own account, as both consoles show it.

import { AccountDialog, saveAccount } from '../../shared/account.js';
import { html, useState } from '../../shared/html.js';
import { account, learnPeople, toast } from '../app_state.js';

export function Account(/** @type {any} */ { onClose }) {
  const [state, setState] = useState(/** @type {{ isSaving?: boolean, problems?: Record<string, string> }} */ ({}));
  const save = async (/** @type {{ name: string, old: string, fresh: string }} */ values) => {
    setState({ isSaving: true });
    const { account: saved, problems } = await saveAccount(values);
    if (!saved) return setState({ problems });
    if (account.value) account.value = { ...account.value, name: saved.name };
    learnPeople();
    toast('Your account is saved.');
    return onClose();
  };
  return html`<${AccountDialog} name=${account.value?.name ?? ''} ...${state} onSave=${save} onClose=${onClose} />`;
}
