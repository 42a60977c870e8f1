// What the built-in bot answers from, and a question to try on it.

import { bookOpen, check, circleHelp, plus, x } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { plural, score } from '../../shared/format.js';
import { html, Icon, useEffect, useState } from '../../shared/html.js';
import { leave, toast, useUnsaved } from '../app_state.js';
import { Confirm, Empty, Failed, FormFoot, Head, LoadingRows, saidOf, TextField, useLoad, useSave } from '../parts.js';
import { write } from '../routes.js';
import { Split } from './split.js';

export function Knowledge(/** @type {any} */ { route }) {
  const { data, error, reload } = useLoad(async (signal) => (await api.get('/knowledge', { signal })).knowledge, []);
  const [filter, setFilter] = useState('');
  const isNew = route.id === 'new';
  const chosen = data?.find((/** @type {any} */ entry) => entry.id === route.id);
  const wanted = filter.trim().toLocaleLowerCase();
  const shown = (data ?? []).filter((/** @type {any} */ entry) => !wanted || [entry.title, entry.answer, ...entry.questions].some((text) => text.toLocaleLowerCase().includes(wanted)));
  const list = html`
    ${data?.length > 0 && html`<${Attempt} version=${data} />`}
    ${error
      ? html`<${Failed} what="The knowledge" error=${error} onRetry=${reload} />`
      : !data
        ? html`<${LoadingRows} rows=${6} label="Knowledge is loading" />`
        : data.length === 0
          ? html`<${Empty} icon=${bookOpen} title="The bot knows nothing yet" action=${html`<a class="button primary" href=${write({ page: 'knowledge', id: 'new' })}><${Icon} shapes=${plus} /> Add the first entry</a>`}>Write an answer and a few ways to ask for it. The bot answers when a question is close enough, and calls a person rather than guess.<//>`
          : html`${data.length > 8 && html`<div class="filters"><${TextField} label="Find an entry" isQuiet type="search" placeholder="Find an entry" class="grow" value=${filter} onValue=${setFilter} /></div>`}
              ${shown.length === 0
                ? html`<p class="panel-empty">No entry has these words.</p>`
                : html`<ul class="list rows" aria-label="Entries">
                    ${shown.map(
                      (/** @type {any} */ entry) => html`<li key=${entry.id}>
                        <a class="row item-row" href=${write({ page: 'knowledge', id: entry.id })} aria-current=${entry.id === route.id ? 'true' : null}>
                          <span class="grow item-main"><bdi class="strong ellipsis">${entry.title}</bdi><span class="small quiet ellipsis" dir="auto">${plural(entry.questions.length, 'question', 'questions')} · ${entry.answer}</span></span>
                        </a>
                      </li>`,
                    )}
                  </ul>`}`}
  `;
  const detail =
    isNew || chosen
      ? html`<${EntryForm} key=${route.id} entry=${chosen} onSaved=${reload} />`
      : route.id && data
        ? html`<${Empty} icon=${bookOpen} title="This entry is not there">It may have been removed.<//>`
        : null;
  return html`
    <${Head} title="Knowledge" action=${html`<a class="button primary" href=${write({ page: 'knowledge', id: 'new' })}><${Icon} shapes=${plus} /> Add an entry</a>`}>What the built-in bot answers from.<//>
    <${Split} list=${list} detail=${detail} back=${write({ page: 'knowledge' })} />
  `;
}

/** A question, which entry it finds, and how sure the bot is. */
function Attempt(/** @type {any} */ { version }) {
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState(/** @type {any} */ (null));
  useEffect(() => {
    if (typed.trim() === '') {
      setFound(null);
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setFound({ answer: await api.post('/knowledge/try', { text: typed.trim() }, { signal: abort.signal }) });
      } catch (error) {
        if (!abort.signal.aborted) setFound({ error });
      }
    }, 300);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [typed, version]);
  const { answer, error } = found ?? {};
  return html`<div class="attempt">
    <${TextField} label="Try a question" value=${typed} onValue=${setTyped} maxlength="4000" placeholder="How do I send something back?" />
    <div class="attempt-answer" role="status">
      ${error
        ? html`<p class="notice bad"><${Icon} shapes=${circleHelp} /> <span>${saidOf(error).replace('Nothing was saved; what you typed is still here.', '')}</span></p>`
        : !answer
          ? html`<p class="small quiet">See which entry the bot would take, and how sure it is.</p>`
          : answer.entry
            ? html`<div class=${`notice ${answer.sure ? 'good' : 'warn'}`}>
                <${Icon} shapes=${answer.sure ? check : circleHelp} />
                <div class="grow">
                  <p>${answer.sure ? 'Answers with' : 'Not sure enough to answer; closest is'} <a href=${write({ page: 'knowledge', id: answer.entry.id })}><bdi>${answer.entry.title}</bdi></a></p>
                  <p class="small quiet">similarity <span class="tabular">${score(answer.similarity)}</span>${answer.sure ? '' : '. The bot says that it has no answer.'}</p>
                </div>
              </div>`
            : html`<p class="notice warn"><${Icon} shapes=${circleHelp} /> <span>Nothing comes close. The bot says that it has no answer.</span></p>`}
    </div>
  </div>`;
}

const fields = (/** @type {any} */ { title, questions, answer }) => ({ title, questions, answer });

function EntryForm(/** @type {any} */ { entry, onSaved }) {
  const [start, setStart] = useState(() => fields(entry ?? { title: '', questions: [''], answer: '' }));
  const [form, setForm] = useState(start);
  const [isRemoving, setRemoving] = useState(false);
  const save = useSave();
  const removal = useSave();
  const put = (/** @type {any} */ change) => setForm({ ...form, ...change });
  const isDirty = JSON.stringify(form) !== JSON.stringify(start);
  useUnsaved(isDirty, entry ? `What you changed in “${start.title}”` : 'The new entry');
  const putQuestion = (/** @type {number} */ index, /** @type {string} */ text) => put({ questions: form.questions.map((/** @type {string} */ one, /** @type {number} */ at) => (at === index ? text : one)) });

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const body = { title: form.title.trim(), questions: form.questions.map((/** @type {string} */ one) => one.trim()).filter(Boolean), answer: form.answer.trim() };
    /** @type {Record<string, string>} */
    const problems = {};
    if (!body.title) problems.title = 'Give it a title.';
    if (body.questions.length === 0) problems.questions = 'Write at least one way to ask for it.';
    if (!body.answer) problems.answer = 'Write what the bot says.';
    if (Object.keys(problems).length > 0) return save.refuse(problems);
    const answer = await save.run(() => (entry ? api.put(`/knowledge/${entry.id}`, body) : api.post('/knowledge', body)));
    if (answer === undefined) return undefined;
    const saved = fields(answer.entry);
    setStart(saved);
    setForm(saved);
    onSaved();
    toast(`“${saved.title}” is saved. The bot knows it now.`);
    if (!entry) leave({ page: 'knowledge', id: answer.entry.id });
    return undefined;
  };
  const remove = async () => {
    const done = await removal.run(() => api.delete(`/knowledge/${entry.id}`));
    if (done === undefined) return;
    onSaved();
    toast(`“${start.title}” is removed.`);
    leave({ page: 'knowledge' });
  };

  return html`<form class="editor" onSubmit=${submit} novalidate>
    <h2>${entry ? html`<bdi>${start.title}</bdi>` : 'A new entry'}</h2>
    <${TextField} label="Title" value=${form.title} onValue=${(/** @type {string} */ title) => put({ title })} maxlength="200" required problem=${save.problems.title} placeholder="Returns" hint="For you and your colleagues; agents see it too." />
    <fieldset class="field questions">
      <legend>Ways to ask for it</legend>
      <ul class="list questions-list">
        ${form.questions.map(
          (/** @type {string} */ question, /** @type {number} */ index) => html`<li key=${index} class="question">
            <input class="input" dir="auto" aria-label=${`Question ${index + 1}`} value=${question} maxlength="500" placeholder=${index === 0 ? 'How do I return something?' : 'another way to ask'} onInput=${(/** @type {any} */ event) => putQuestion(index, event.currentTarget.value)} />
            ${form.questions.length > 1 && html`<button type="button" class="button plain only-icon" aria-label=${`Take away question ${index + 1}`} onClick=${() => put({ questions: form.questions.filter((/** @type {string} */ _, /** @type {number} */ at) => at !== index) })}><${Icon} shapes=${x} /></button>`}
          </li>`,
        )}
      </ul>
      <div><button type="button" class="button" disabled=${form.questions.length >= 50} onClick=${() => put({ questions: [...form.questions, ''] })}><${Icon} shapes=${plus} /> Another way to ask</button></div>
      ${save.problems.questions && html`<p class="problem">${save.problems.questions}</p>`}
      <p class="hint">Three or four in the words visitors use work best.</p>
    </fieldset>
    <${TextField} label="Answer" isLong rows="7" value=${form.answer} onValue=${(/** @type {string} */ answer) => put({ answer })} maxlength="4000" required problem=${save.problems.answer} hint="Said to visitors as it stands. Web addresses become links." />
    <${FormFoot} save=${save} isDirty=${isDirty} isNew=${!entry} onCancel=${() => (isDirty && entry ? (setForm(start), save.clear()) : leave({ page: 'knowledge' }))} onRemove=${entry ? () => setRemoving(true) : null} />
    ${isRemoving && html`<${Confirm} title=${`Remove “${start.title}”?`} yes="Remove the entry" isBusy=${removal.isBusy} failure=${removal.failure} onNo=${() => (setRemoving(false), removal.clear())} onYes=${remove}><p>The bot no longer answers from it. Conversations that had the answer keep it.</p><//>`}
  </form>`;
}
