// Publishing: what changes, why, and a last look. Somebody else may be faster;
// then nothing is published and the draft is kept.

import { circleAlert, triangleAlert } from '../../vendor/icons.js';
import { Dialog } from '../../shared/dialog.js';
import { html, Icon, useState } from '../../shared/html.js';
import { toast } from '../app_state.js';
import { TextField, useSave } from '../parts.js';
import { draft, draftChanges, isOutdated, publish, published } from '../policy/draft.js';
import { label, said } from '../policy/schema.js';

export function Changes(/** @type {any} */ { list }) {
  return html`<table class="table changes">
    <thead><tr><th scope="col">What</th><th scope="col">Was</th><th scope="col">Becomes</th></tr></thead>
    <tbody>
      ${list.map((/** @type {any} */ { path, before, after }) => html`<tr key=${path}><th scope="row">${label(path)}</th><td class="written">${said(path, before)}</td><td class="written strong">${said(path, after)}</td></tr>`)}
    </tbody>
  </table>`;
}

export function Publish(/** @type {any} */ { onClose, onMerge }) {
  const [comment, setComment] = useState('');
  const save = useSave();
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (comment.trim() === '') return save.refuse({ comment: 'Say in a few words why. Who looks at this later will be grateful.' });
    const answer = await save.run(() => publish(comment.trim()));
    if (answer === undefined) return undefined;
    toast(`${answer?.live ?? published.value?.live} is live.`);
    return onClose();
  };
  const isLate = isOutdated.value;
  return html`<${Dialog} label="Publish the draft" class="dialog-wide" onClose=${onClose}>
    <form onSubmit=${submit} novalidate>
      <h2>Publish this policy?</h2>
      <p>It takes effect at once, for every conversation. <span class="mono">${draft.value?.basedOn}</span> stays in the versions and can be taken up again.</p>
      <div class="table-scroll" tabindex="0" role="region" aria-label="What changes"><${Changes} list=${draftChanges.value} /></div>
      <${TextField} label="Why" isLong value=${comment} onValue=${setComment} maxlength="500" required autofocus problem=${save.problems.comment} placeholder="Fewer early handoffs on Mondays" />
      <div role="alert">
        ${isLate
          ? html`<div class="notice warn"><${Icon} shapes=${triangleAlert} /> <div><p>Somebody published <span class="mono">${published.value?.live}</span> in the meantime. Nothing of yours was published, and your draft is kept.</p><p><button type="button" class="link-button" onClick=${onMerge}>Bring my changes onto ${published.value?.live}…</button></p></div></div>`
          : save.failure && html`<p class="notice bad"><${Icon} shapes=${circleAlert} /> <span>${save.failure}</span></p>`}
      </div>
      <div class="actions">
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="button primary" disabled=${save.isBusy || isLate}>${save.isBusy ? 'Publishing…' : 'Publish'}</button>
      </div>
    </form>
  <//>`;
}
