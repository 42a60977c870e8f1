// Tuning: the policy on the left, as sentences or as its text, and its versions;
// on the right what it means for a conversation. Nothing takes effect before
// it is published.

import { circleAlert, fileText, flaskConical, history, listChecks, rotateCcw, triangleAlert, upload } from '../../vendor/icons.js';
import { plural } from '../../shared/format.js';
import { html, Icon, useState } from '../../shared/html.js';
import { nameOf, toast } from '../app_state.js';
import { Confirm, Failed, Head, LoadingRows } from '../parts.js';
import { bringOntoLive, discard, draft, draftChanges, failure, isChecking, isOutdated, liveVersion, mayPublish, parsed, problems, published, rebased, refresh, setText, text } from '../policy/draft.js';
import { label } from '../policy/schema.js';
import { write } from '../routes.js';
import { Bench } from './bench.js';
import { Publish } from './publish.js';
import { Sentences } from './sentences.js';
import { Versions } from './versions.js';

/** @type {[string, string, any][]} */
const VIEWS = [
  ['sentences', 'Policy', listChecks],
  ['text', 'As text', fileText],
  ['versions', 'Versions', history],
  ['bench', 'Test bench', flaskConical],
];

export function Tuning(/** @type {any} */ { route }) {
  const view = VIEWS.some(([name]) => name === route.query.view) ? route.query.view : 'sentences';
  const isReady = text.value !== null && published.value !== null;
  return html`
    <${Head} title="Tuning">When a conversation goes to a person. Change it here, see in the test bench what it means, then publish. Nothing takes effect before.<//>
    <div class=${`tuning${view === 'bench' ? ' is-bench' : ''}`}>
      <section class="tuning-policy" aria-label="Policy">
        <nav class="tabs" aria-label="Views of the policy">
          ${VIEWS.map(([name, word, icon]) => html`<a key=${name} href=${write({ page: 'tuning', query: { view: name === 'sentences' ? null : name } })} class=${`tab-${name}`} aria-current=${view === name ? 'page' : null}><${Icon} shapes=${icon} size=${14} /> ${word}</a>`)}
        </nav>
        ${!isReady && failure.value
          ? html`<${Failed} what="The policy" error=${failure.value} onRetry=${refresh} />`
          : !isReady
            ? html`<${LoadingRows} rows=${10} label="The policy is loading" />`
            : html`<${DraftBar} />
                ${(view === 'sentences' || view === 'bench') && html`<${Sentences} />`}
                ${view === 'text' && html`<${PolicyText} />`}
                ${view === 'versions' && html`<${Versions} id=${route.id} />`}`}
      </section>
      <${Bench} />
    </div>
  `;
}

/** What the draft is, what is wrong with it, and what can be done with it. */
function DraftBar() {
  const [asking, setAsking] = useState(/** @type {'publish' | 'discard' | 'merge' | null} */ (null));
  const n = draftChanges.value.length;
  const found = problems.value;
  const close = () => setAsking(null);
  if (!draft.value) {
    const version = liveVersion.value;
    return html`<p class="draft-bar is-live">This is <span class="mono">${published.value?.live ?? 'the default'}</span>, in effect now${version?.comment ? html`: <q class="written">${version.comment}</q>.` : '.'} Change anything to begin a draft.</p>`;
  }
  return html`<div class="draft-bar">
    <div class="spread draft-head">
      <p>
        <strong>Your draft</strong>, ${n === 0 ? 'the same policy in other words' : plural(n, 'change', 'changes')}
        <span class="quiet small"> · ${isChecking.value ? 'checking…' : found.length > 0 ? 'cannot be published yet' : 'kept in this browser'}</span>
      </p>
      <span class="cluster">
        <button type="button" class="button" onClick=${() => setAsking('discard')}><${Icon} shapes=${rotateCcw} /> Discard</button>
        <button type="button" class="button primary" disabled=${!mayPublish.value} onClick=${() => setAsking('publish')}><${Icon} shapes=${upload} /> Publish…</button>
      </span>
    </div>
    ${isOutdated.value &&
    html`<div class="notice warn">
      <${Icon} shapes=${triangleAlert} />
      <div class="grow">
        <p><bdi>${nameOf(liveVersion.value?.author)}</bdi> published <span class="mono">${published.value?.live}</span> while you were working. Your draft began from <span class="mono">${draft.value.basedOn}</span> and is kept as it is.</p>
        <p><button type="button" class="link-button" onClick=${() => setAsking('merge')}>Bring my changes onto ${published.value?.live}…</button></p>
      </div>
    </div>`}
    <div role="status" class="draft-problems">
      ${found.length > 0 &&
      html`<div class="notice bad">
        <${Icon} shapes=${circleAlert} />
        <ul>
          ${found.map(({ key, line, message }, index) => html`<li key=${index}>${key ? html`<button type="button" class="link-button" onClick=${() => show(key)}>${label(key)}</button>: ` : line ? `Line ${line}: ` : ''}${message}</li>`)}
        </ul>
      </div>`}
    </div>
    ${asking === 'publish' && html`<${Publish} onClose=${close} onMerge=${() => setAsking('merge')} />`}
    ${asking === 'discard' &&
    html`<${Confirm}
      title="Discard your draft?"
      yes="Discard the draft"
      onNo=${close}
      onYes=${() => {
        discard();
        close();
        toast('The draft is discarded. The live policy is unchanged.');
      }}
    ><p>${n === 0 ? 'Its text is gone then.' : `${plural(n, 'change is', 'changes are')} gone then.`} The live policy stays as it is.</p><//>`}
    ${asking === 'merge' && html`<${Merge} onClose=${close} />`}
  </div>`;
}

/** Goes to a field of the form. */
function show(/** @type {string} */ key) {
  location.hash = write({ page: 'tuning' });
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const field = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!(field instanceof HTMLElement)) return;
    field.closest('details')?.setAttribute('open', '');
    field.focus();
    field.scrollIntoView({ block: 'center' });
  }));
}

function Merge(/** @type {any} */ { onClose }) {
  const plan = rebased.value;
  if (!plan) return null;
  const list = (/** @type {any[]} */ changes) => (changes.length ? changes.map(({ path }) => label(path)).join(', ') : 'nothing');
  return html`<${Confirm}
    title=${`Bring your changes onto ${published.value?.live}?`}
    yes="Bring them over"
    isDanger=${false}
    onNo=${onClose}
    onYes=${() => {
      bringOntoLive();
      onClose();
      toast('Your draft now stands on the live policy.');
    }}
  >
    <p>Published meanwhile: ${list(plan.theirs)}.</p>
    <p>Yours: ${list(plan.mine)}.</p>
    ${plan.clashes.length > 0 && html`<p class="notice warn"><${Icon} shapes=${triangleAlert} /> <span>Both changed: ${plan.clashes.map(label).join(', ')}. Your value stays; look at it again before you publish.</span></p>`}
  <//>`;
}

function PolicyText() {
  const wrong = problems.value.length > 0;
  return html`<div class="field policy-text">
    <label for="policy-text">The policy as TOML</label>
    <textarea
      id="policy-text"
      class="textarea code"
      spellcheck=${false}
      autocapitalize="none"
      autocomplete="off"
      wrap="off"
      value=${text.value ?? ''}
      aria-invalid=${wrong ? 'true' : null}
      aria-describedby="policy-text-hint"
      onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}
    ></textarea>
    <p class="hint" id="policy-text-hint">The same policy as under “Policy”: what you change here changes there. ${(parsed.value?.problems.length ?? 0) > 0 ? 'It cannot be read right now.' : ''}</p>
  </div>`;
}
