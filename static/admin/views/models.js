// Which model answers, which lie ready and how they compare, and who adopted
// what. Adopting and rolling back are the admin's.

import { circleAlert, history, rotateCcw, triangleAlert, upload } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { Dialog } from '../../shared/dialog.js';
import { percent, plural } from '../../shared/format.js';
import { html, Icon, useState } from '../../shared/html.js';
import { account, toast } from '../app_state.js';
import { before, comparison, models, sentence } from '../labels/models.js';
import { Failed, LoadingRows, TextField, useSave, When } from '../parts.js';
import { may } from '../routes.js';

/** Loading a model beside the one that answers takes longer than other answers. */
const LOADING_MS = 120_000;

export function Models(/** @type {any} */ { state }) {
  const { data, error, reload } = state;
  const [wish, setWish] = useState(/** @type {any} */ (null));
  const isAdmin = may(account.value?.role ?? '', 'admin');
  const back = data ? before(data.versions) : null;
  const done = (/** @type {string} */ said) => {
    setWish(null);
    reload();
    toast(said);
  };
  return html`<section class="panel" aria-labelledby="models-title">
      <header><h2 id="models-title">Models</h2>
        ${isAdmin && back !== null && html`<button type="button" class="button compact" onClick=${() => setWish({ to: back || data.shipped?.version || '', isBack: true })}><${Icon} shapes=${rotateCcw} size=${12} /> Roll back…</button>`}
      </header>
      ${!data && error
        ? html`<${Failed} what="The models" error=${error} onRetry=${reload} />`
        : !data
          ? html`<${LoadingRows} rows=${3} label="The models are loading" />`
          : html`<div role="status">
                ${data.trouble && html`<p class="notice warn models-notice"><${Icon} shapes=${triangleAlert} /> <span>${sentence(data.trouble)} ${isAdmin ? 'Adopt another one, or roll back.' : 'An admin can adopt another one, or roll back.'}</span></p>`}
                ${!data.live && html`<p class="notice warn models-notice"><${Icon} shapes=${triangleAlert} /> <span>No model answers now. The word lists analyze, with less understanding.</span></p>`}
              </div>
              <ul class="list models">${models(data).map((model) => html`<${ModelRow} key=${`${model.folder}/${model.version}`} model=${model} isAdmin=${isAdmin} onAdopt=${() => setWish({ to: model.version, model, isBack: false })} />`)}</ul>
              ${data.available.length === 0 && html`<p class="panel-empty">None was learned here yet. The first appears when the command above has run through.</p>`}`}
    </section>
    ${data && html`<${History} versions=${data.versions} />`}
    ${wish && html`<${Adopt} wish=${wish} live=${data.live} onClose=${() => setWish(null)} onDone=${done} />`}`;
}

function ModelRow(/** @type {any} */ { model, isAdmin, onAdopt }) {
  const rows = comparison(model.figures);
  const n = model.figures?.messages;
  return html`<li class="model">
    <div class="model-head">
      <p class="model-name"><span class="mono strong">${model.version}</span>
        ${model.isLive && html` <span class="tag good">live</span>`}
        <span class="tag">${model.isShipped ? 'came with Baton' : 'learned here'}</span></p>
      ${isAdmin && !model.isLive && html`<button type="button" class="button compact" onClick=${onAdopt}><${Icon} shapes=${upload} size=${12} /> Adopt…<span class="visually-hidden"> ${model.version}</span></button>`}
    </div>
    ${!model.isShipped && html`<p class="small quiet"><bdi>${model.name}</bdi>${typeof n === 'number' ? html`, from ${plural(n, 'labeled message', 'labeled messages')}, ${model.figures.held_back} of them kept aside to measure` : ''}. In the folder <span class="mono">models/${model.folder}</span>.</p>`}
    ${rows.length > 0
      ? html`<div class="table-scroll" tabindex="0" role="region" aria-label=${`How ${model.version} compares`}>
          <table class="table model-figures">
            <caption class="visually-hidden">How ${model.version} compares with the model it was learned from</caption>
            <thead><tr><th scope="col">Question</th><th scope="col" class="number">Right on your messages</th><th scope="col" class="number">On Baton’s own test messages</th></tr></thead>
            <tbody>${rows.map(({ head, word, site, dev, measure }) => html`<tr key=${head}><th scope="row">${word}</th><td class="number"><${Change} change=${site} as=${percent} /></td><td class="number"><${Change} change=${dev} measure=${measure} as=${(/** @type {number} */ value) => value.toFixed(3)} /></td></tr>`)}</tbody>
          </table>
        </div>`
      : !model.isShipped && html`<p class="small quiet">It has no figures beside the model before it.</p>`}
  </li>`;
}

function Change(/** @type {any} */ { change, as, measure = '' }) {
  if (!change) return html`<span class="quiet">–</span>`;
  const was = as(change.old);
  const is = as(change.new);
  const word = was === is ? 'the same' : change.new > change.old ? 'better' : 'lower';
  return html`<span><span class="quiet">${was}</span> → <strong>${is}</strong></span> <span class="change">${measure && `${measure}, `}${word}, of ${change.n.toLocaleString('en')}</span>`;
}

function History(/** @type {any} */ { versions }) {
  return html`<section class="panel" aria-labelledby="adoptions-title">
    <header><h2 id="adoptions-title">Who adopted what</h2></header>
    ${versions.length === 0
      ? html`<p class="panel-empty"><${Icon} shapes=${history} size=${14} /> Nothing was adopted yet: the model that came with Baton answers.</p>`
      : html`<ol class="list versions" aria-label="Adoptions, newest first">
          ${versions.map(
            (/** @type {any} */ one) => html`<li key=${one.number} class="row version-row">
              <span class="version-name">${one.rollback ? 'rolled back to' : 'adopted'} <span class="mono strong">${one.version || 'what came with Baton'}</span>${one.live && html` <span class="tag good">live</span>`}</span>
              <span class="version-why written">${one.comment || 'No comment'}</span>
              <span class="small quiet"><bdi>${one.author || 'Command line'}</bdi>, <${When} at=${one.at} /></span>
            </li>`,
          )}
        </ol>`}
  </section>`;
}

/** @type {Record<string, string>} */
const REFUSED = {
  not_found: 'This model is not there any more. Load the page again.',
  already_live: 'This one is live already. Somebody else may have been faster; load the page again.',
  nothing_before: 'There is nothing to go back to: the model that came with Baton is live.',
  conflict: 'Somebody else adopted a model first. Nothing was changed; load the page again and look.',
  unreachable: 'The server did not answer in time. It may still be loading the model: load the page again and look.',
};

function Adopt(/** @type {any} */ { wish, live, onClose, onDone }) {
  const [comment, setComment] = useState('');
  const save = useSave();
  const { to, isBack } = wish;
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (comment.trim() === '') return save.refuse({ comment: 'Say in a few words why. Who looks at this later will be grateful.' });
    const body = { comment: comment.trim(), ...(isBack ? {} : { version: to }) };
    const answer = await save.run(async () => {
      try {
        return await api.post(isBack ? '/models/rollback' : '/models/adopt', body, { timeout_ms: LOADING_MS });
      } catch (error) {
        const { code, message } = /** @type {any} */ (error);
        if (code === 'model_unusable') throw Object.assign(new Error(`${sentence(message)} Nothing was changed: ${live ? `${live.version} goes on` : 'the word lists go on'}`), { code: 'refused' });
        if (Object.hasOwn(REFUSED, code)) throw Object.assign(new Error(REFUSED[code]), { code: 'refused' });
        throw error;
      }
    });
    if (answer === undefined) return undefined;
    return onDone(`${answer?.version?.version || to} is live.`);
  };
  return html`<${Dialog} label=${isBack ? 'Roll back' : `Adopt ${to}`} onClose=${onClose}>
    <form onSubmit=${submit} novalidate>
      <h2>${isBack ? 'Roll back to ' : 'Adopt '}<span class="mono">${to || 'what came with Baton'}</span>?</h2>
      <p>It is loaded beside ${live ? html`<span class="mono">${live.version}</span>` : 'the word lists'} and takes over when it is ready, for every message from then on. Messages on the way are finished by the one that has them; what was decided stays as it is.</p>
      <p class="small quiet">${isBack ? 'What is rolled back stays in its folder and can be adopted again.' : 'If it cannot be loaded nothing changes. It can be rolled back at any time.'}</p>
      <${TextField} label="Why" isLong value=${comment} onValue=${setComment} maxlength="500" required autofocus problem=${save.problems.comment} placeholder=${isBack ? 'Too many false alarms since Monday' : 'Knows our words for a broken pump'} />
      <div role="alert">${save.failure && !save.problems.comment && html`<p class="notice bad"><${Icon} shapes=${circleAlert} /> <span>${save.failure}</span></p>`}</div>
      <div class="actions">
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="button primary" disabled=${save.isBusy}>${save.isBusy ? 'Loading the model…' : isBack ? 'Roll back' : 'Adopt'}</button>
      </div>
    </form>
  <//>`;
}
