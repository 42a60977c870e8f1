// Every version of the policy: who, when, why, and what it changed. Any of them
// can be taken as a draft; none can be changed.

import { arrowLeft, history, pencil } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { html, Icon, useState } from '../../shared/html.js';
import { go, nameOf, toast } from '../app_state.js';
import { Confirm, Empty, Failed, LoadingRows, useLoad, When } from '../parts.js';
import { draft, published, takeAsDraft } from '../policy/draft.js';
import { changes } from '../policy/merge.js';
import { write } from '../routes.js';
import { Changes } from './publish.js';

export function Versions(/** @type {any} */ { id }) {
  const versions = published.value?.versions ?? [];
  const number = Number(id);
  if (id) return html`<${Version} key=${id} number=${number} />`;
  if (versions.length === 0) return html`<${Empty} icon=${history} title="No versions yet">The first appears when somebody publishes. Until then the policy is the one Baton comes with.<//>`;
  return html`<ol class="list versions">
    ${versions.map(
      (version) => html`<li key=${version.version}>
        <a class="row version-row" href=${write({ page: 'tuning', id: String(version.version), query: { view: 'versions' } })}>
          <span class="version-name"><span class="mono strong">${version.name}@${version.version}</span>${`${version.name}@${version.version}` === published.value?.live && html` <span class="tag good">live</span>`}</span>
          <span class="version-why written">${version.comment || 'No comment'}</span>
          <span class="small quiet"><bdi>${nameOf(version.author)}</bdi>, <${When} at=${version.at} /></span>
        </a>
      </li>`,
    )}
  </ol>`;
}

function Version(/** @type {any} */ { number }) {
  const [isAsking, setAsking] = useState(false);
  const { data, error, reload } = useLoad(
    async (signal) => {
      const [one, before] = await Promise.all([api.get(`/policies/${number}`, { signal }), number > 1 ? api.get(`/policies/${number - 1}`, { signal }).catch(() => null) : null]);
      return { one, changed: before ? changes(before.toml, one.toml) : null };
    },
    [number],
  );
  const take = () => {
    takeAsDraft(data?.one.toml);
    toast(draft.value ? 'Taken as your draft. Nothing is published yet.' : 'This is the same as the live policy: nothing to draft.');
    go({ page: 'tuning' });
  };
  const back = html`<a class="small" href=${write({ page: 'tuning', query: { view: 'versions' } })}><${Icon} shapes=${arrowLeft} size=${14} /> All versions</a>`;
  if (error) return html`<div class="version">${back}<${Failed} what="This version" error=${error} onRetry=${reload} /></div>`;
  if (!data) return html`<div class="version">${back}<${LoadingRows} rows=${6} /></div>`;
  const { one, changed } = data;
  return html`<div class="version stack">
    ${back}
    <div class="spread version-head">
      <div>
        <h2><span class="mono">${one.name}@${one.version}</span></h2>
        <p class="small quiet"><bdi>${nameOf(one.author)}</bdi>, <${When} at=${one.at} /></p>
      </div>
      <button type="button" class="button" onClick=${() => (draft.value ? setAsking(true) : take())}><${Icon} shapes=${pencil} /> Take as draft</button>
    </div>
    ${one.comment && html`<p class="written">${one.comment}</p>`}
    <section>
      <h3>${changed ? `What it changed of version ${number - 1}` : 'The first version'}</h3>
      ${changed && (changed.length === 0 ? html`<p class="quiet small">Nothing but words.</p>` : html`<div class="table-scroll" tabindex="0" role="region" aria-label="What it changed"><${Changes} list=${changed} /></div>`)}
    </section>
    <details>
      <summary>The text of this version</summary>
      <textarea class="textarea code version-text" readonly spellcheck=${false} wrap="off" aria-label="Text of this version" value=${one.toml}></textarea>
    </details>
    ${isAsking && html`<${Confirm} title="Replace your draft?" yes="Replace the draft" onNo=${() => setAsking(false)} onYes=${take}><p>Your draft has changes of its own. They are gone when you take ${one.name}@${one.version} instead.</p><//>`}
  </div>`;
}
