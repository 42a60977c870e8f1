// Canned replies: what agents put in with a short word.

import { plus, zap } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { html, Icon, useState } from '../../shared/html.js';
import { leave, toast, useUnsaved } from '../app_state.js';
import { Confirm, Empty, Failed, FormFoot, Head, LoadingRows, TextField, useLoad, useSave } from '../parts.js';
import { write } from '../routes.js';
import { Split } from './split.js';

export function Canned(/** @type {any} */ { route }) {
  const { data, error, reload } = useLoad(async (signal) => (await api.get('/canned', { signal })).canned, []);
  const isNew = route.id === 'new';
  const chosen = data?.find((/** @type {any} */ one) => one.id === route.id);
  const list = error
    ? html`<${Failed} what="The canned replies" error=${error} onRetry=${reload} />`
    : !data
      ? html`<${LoadingRows} rows=${5} label="Canned replies are loading" />`
      : data.length === 0
        ? html`<${Empty} icon=${zap} title="No canned replies yet" action=${html`<a class="button primary" href=${write({ page: 'canned', id: 'new' })}><${Icon} shapes=${plus} /> Add the first one</a>`}>What agents write ten times a day needs writing once. They type <kbd>/</kbd> and the word, and can still change it before it is sent.<//>`
        : html`<ul class="list rows" aria-label="Canned replies">
            ${[...data].sort((a, b) => a.shortcut.localeCompare(b.shortcut)).map(
              (one) => html`<li key=${one.id}>
                <a class="row item-row" href=${write({ page: 'canned', id: one.id })} aria-current=${one.id === route.id ? 'true' : null}>
                  <span class="grow item-main"><bdi class="strong mono">/${one.shortcut}</bdi><span class="small quiet ellipsis" dir="auto">${one.text}</span></span>
                </a>
              </li>`,
            )}
          </ul>`;
  const detail =
    isNew || chosen
      ? html`<${ReplyForm} key=${route.id} reply=${chosen} onSaved=${reload} />`
      : route.id && data
        ? html`<${Empty} icon=${zap} title="This reply is not there">It may have been removed.<//>`
        : null;
  return html`
    <${Head} title="Canned replies" action=${html`<a class="button primary" href=${write({ page: 'canned', id: 'new' })}><${Icon} shapes=${plus} /> Add a reply</a>`}>What agents put in with a short word.<//>
    <${Split} list=${list} detail=${detail} back=${write({ page: 'canned' })} />
  `;
}

function ReplyForm(/** @type {any} */ { reply, onSaved }) {
  const [start, setStart] = useState(() => ({ shortcut: reply?.shortcut ?? '', text: reply?.text ?? '' }));
  const [form, setForm] = useState(start);
  const [isRemoving, setRemoving] = useState(false);
  const save = useSave();
  const removal = useSave();
  const put = (/** @type {any} */ change) => setForm({ ...form, ...change });
  const isDirty = JSON.stringify(form) !== JSON.stringify(start);
  useUnsaved(isDirty, reply ? `What you changed in /${start.shortcut}` : 'The new reply');

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const body = { shortcut: form.shortcut.trim().replace(/^\/+/, ''), text: form.text.trim() };
    /** @type {Record<string, string>} */
    const problems = {};
    if (!body.shortcut) problems.shortcut = 'Choose a short word.';
    if (!body.text) problems.text = 'Write the reply.';
    if (Object.keys(problems).length > 0) return save.refuse(problems);
    const answer = await save.run(() => (reply ? api.put(`/canned/${reply.id}`, body) : api.post('/canned', body)));
    if (answer === undefined) return undefined;
    const saved = { shortcut: answer.canned.shortcut, text: answer.canned.text };
    setStart(saved);
    setForm(saved);
    onSaved();
    toast(`/${saved.shortcut} is saved.`);
    if (!reply) leave({ page: 'canned', id: answer.canned.id });
    return undefined;
  };
  const remove = async () => {
    const done = await removal.run(() => api.delete(`/canned/${reply.id}`));
    if (done === undefined) return;
    onSaved();
    toast(`/${start.shortcut} is removed.`);
    leave({ page: 'canned' });
  };

  return html`<form class="editor" onSubmit=${submit} novalidate>
    <h2>${reply ? html`<bdi class="mono">/${start.shortcut}</bdi>` : 'A new reply'}</h2>
    <${TextField} label="Short word" value=${form.shortcut} onValue=${(/** @type {string} */ shortcut) => put({ shortcut })} maxlength="31" required autocapitalize="none" spellcheck=${false} problem=${save.problems.shortcut} placeholder="refund" hint="Agents type / and this word. Letters, digits, - and _." />
    <${TextField} label="Reply" isLong rows="7" value=${form.text} onValue=${(/** @type {string} */ text) => put({ text })} maxlength="4000" required problem=${save.problems.text} />
    <${FormFoot} save=${save} isDirty=${isDirty} isNew=${!reply} onCancel=${() => (isDirty && reply ? (setForm(start), save.clear()) : leave({ page: 'canned' }))} onRemove=${reply ? () => setRemoving(true) : null} />
    ${isRemoving && html`<${Confirm} title=${`Remove /${start.shortcut}?`} yes="Remove the reply" isBusy=${removal.isBusy} failure=${removal.failure} onNo=${() => (setRemoving(false), removal.clear())} onYes=${remove}><p>Agents can no longer put it in. What was sent stays.</p><//>`}
  </form>`;
}
