// One person: what is stored about them in numbers, their conversations, the whole of it as
// a file, and taking it out. Not what was said: that is under Conversations.

import { check, circleAlert, download, trash2, triangleAlert, userSearch } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { html, Icon, useEffect, useRef, useState } from '../../shared/html.js';
import { stateWord } from '../../shared/words.js';
import { toast } from '../app_state.js';
import { Confirm, Empty, Failed, LoadingRows, useId, useLoad, useSave, When } from '../parts.js';
import { count, done, fileName, figures, goes, list, stays } from '../persons.js';
import { write } from '../routes.js';

/** Writing the database anew takes longer than other answers. */
const ERASING_MS = 120_000;

/** The visitor, and everybody with the same address where there are others. */
function usePerson(/** @type {string} */ visitor) {
  return useLoad(
    async (signal) => {
      const alone = await api.post('/persons/show', { visitor }, { signal });
      const { email } = alone.visitors[0];
      const all = email ? await api.post('/persons/show', { email }, { signal }).catch(() => null) : null;
      return { alone, all: all && all.visitors.length > 1 ? all : null, email };
    },
    [visitor],
  );
}

export function Person(/** @type {any} */ { visitor, onErased }) {
  const { data, error, reload } = usePerson(visitor);
  const [isAll, setAll] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [result, setResult] = useState(/** @type {any} */ (null));
  const saving = useSave();
  const erasing = useSave();
  if (result) return html`<${Result} name=${result.name} answer=${result.answer} />`;
  if (error?.code === 'not_found') return html`<${Empty} icon=${userSearch} title="Nothing is stored about this visitor">They may have been erased, or removed because they never wrote.<//>`;
  if (error) return html`<${Failed} what="This person" error=${error} onRetry=${reload} />`;
  if (!data) return html`<${LoadingRows} rows=${6} label="The person is loading" />`;
  const shown = isAll && data.all ? data.all : data.alone;
  const who = isAll && data.all ? { email: data.email } : { visitor };
  const visitors = shown.visitors.map((/** @type {any} */ one) => one.visitor);
  const [first] = data.alone.visitors;

  const save = async () => {
    const answer = await saving.run(() => api.post('/persons/export', who, { timeout_ms: ERASING_MS }));
    if (!answer) return;
    const file = fileName(visitors, new Date());
    saveAs(file, JSON.stringify(answer, null, 2));
    toast(`Saved as ${file}.`);
  };
  const erase = async () => {
    const answer = await erasing.run(() => api.post('/persons/erase', who, { timeout_ms: ERASING_MS }));
    if (!answer) return;
    setAsking(false);
    setResult({ name: first.name, answer });
    onErased(answer.visitors);
  };
  return html`<article class="conversation" aria-label=${`What is stored about ${first.name}`}>
    <header class="conversation-head">
      <div class="grow">
        <h2><bdi>${first.name}</bdi></h2>
        <p class="small quiet">${first.email && html`<bdi>${first.email}</bdi> · `}known since <${When} at=${first.known_since} />${first.seen_at && html`, here last <${When} at=${first.seen_at} isAgo />`}</p>
        <p class="small quiet"><bdi class="mono person-id">${visitor}</bdi></p>
      </div>
      <button type="button" class="button" disabled=${saving.isBusy} onClick=${save}><${Icon} shapes=${download} /> ${saving.isBusy ? 'Writing…' : 'Export as a file'}</button>
      <div role="alert" class="person-alert">${saving.failure && html`<p class="notice bad"><${Icon} shapes=${circleAlert} /> <span>${saving.failure}</span></p>`}</div>
    </header>
    ${data.all && html`<${Scope} all=${data.all} email=${data.email} isAll=${isAll} onAll=${setAll} />`}
    <${Figures} held=${shown.held} />
    ${Object.keys(first.attributes).length > 0 && html`<${Attributes} attributes=${first.attributes} />`}
    <${Conversations} conversations=${shown.conversations} held=${shown.held} />
    <section class="danger-zone" aria-labelledby="erase-title">
      <h3 id="erase-title">Erase</h3>
      <p class="small quiet">Takes out who they are and every word, and leaves what is counted. It cannot be undone. Export first what they may ask for.</p>
      <p><button type="button" class="button danger" onClick=${() => (erasing.clear(), setAsking(true))}><${Icon} shapes=${trash2} /> Erase this person…</button></p>
    </section>
    ${isAsking && html`<${Question} shown=${shown} name=${first.name} erasing=${erasing} onYes=${erase} onNo=${() => !erasing.isBusy && setAsking(false)} />`}
  </article>`;
}

/** One visitor, or everybody who gave the same address: browsers have no other way to be one person. */
function Scope(/** @type {any} */ { all, email, isAll, onAll }) {
  return html`<fieldset class="field scope">
    <legend>Whom it is about</legend>
    <label class="check small"><input type="radio" name="scope" checked=${!isAll} onChange=${() => onAll(false)} /> <span>This visitor alone</span></label>
    <label class="check small"><input type="radio" name="scope" checked=${isAll} onChange=${() => onAll(true)} /> <span>All ${all.visitors.length} visitors with <bdi>${email}</bdi></span></label>
  </fieldset>`;
}

function Figures(/** @type {any} */ { held }) {
  return html`<dl class="figures person-figures" aria-label="What is stored">
    ${figures(held).map(({ name, text, hint }) => html`<div class="figure" key=${name}><dt>${name}</dt><dd><span class="figure-number">${text}</span>${hint && html`<span class="figure-hint">${hint}</span>`}</dd></div>`)}
  </dl>`;
}

function Attributes(/** @type {any} */ { attributes }) {
  return html`<section aria-labelledby="told-title">
    <h3 id="told-title">What the site told</h3>
    <dl class="attributes">${Object.entries(attributes).map(([name, value]) => html`<div key=${name}><dt><bdi>${name}</bdi></dt><dd><bdi>${value}</bdi></dd></div>`)}</dl>
  </section>`;
}

function Conversations(/** @type {any} */ { conversations, held }) {
  return html`<section aria-labelledby="theirs-title">
    <h3 id="theirs-title">Conversations</h3>
    ${conversations.length === 0
      ? html`<p class="small quiet">None: they were here and wrote nothing, or what they wrote was removed with age.</p>`
      : html`<ul class="list theirs">
          ${conversations.map(
            (/** @type {any} */ one) => html`<li key=${one.conversation}>
              <a href=${write({ page: 'conversations', id: one.conversation })}><${When} at=${one.opened_at} /></a>
              <span class=${`tag ${one.state === 'closed' ? '' : 'warn'}`}>${stateWord(STATES[one.state] ?? one.state)}</span>
            </li>`,
          )}
        </ul>`}
    ${held.conversations > conversations.length && html`<p class="small quiet">The latest ${conversations.length} of ${held.conversations}.</p>`}
  </section>`;
}

/** The store's words for states, where the pages have others. */
const STATES = /** @type {Record<string, string>} */ ({ with_bot: 'bot', queued: 'waiting', with_agent: 'agent' });

/** The question before it, with what goes and what stays in numbers. */
function Question(/** @type {any} */ { shown, name, erasing, onYes, onNo }) {
  const { held, visitors } = shown;
  const title = visitors.length > 1 ? `Erase ${visitors.length} visitors?` : `Erase ${name}?`;
  const ids = { goes: useId('g'), stays: useId('s') };
  return html`<${Confirm} title=${title} yes=${erasing.isBusy ? 'Erasing…' : 'Erase for ever'} isBusy=${erasing.isBusy} failure=${erasing.failure && `${erasing.failure.replace('Nothing was saved; what you typed is still here.', 'Look again whether they are still there.')}`} onYes=${onYes} onNo=${onNo}>
    <div class="said-parts">
    ${held.unfinished > 0 && html`<p class="notice warn"><${Icon} shapes=${triangleAlert} /> <span>${count(held.unfinished, 'conversation is', 'conversations are')} not over. ${held.unfinished === 1 ? 'It ends' : 'They end'} now, and those in ${held.unfinished === 1 ? 'it' : 'them'} see that.</span></p>`}
    <h3 class="small" id=${ids.goes}>Gone for ever</h3>
    <ul class="said-list" aria-labelledby=${ids.goes}>${goes(held, visitors).map((line) => html`<li key=${line}>${line}</li>`)}</ul>
    <h3 class="small" id=${ids.stays}>Stays</h3>
    <ul class="said-list" aria-labelledby=${ids.stays}>${stays(held).map((line) => html`<li key=${line}>${line}</li>`)}</ul>
    </div>
  <//>`;
}

function Result(/** @type {any} */ { name, answer }) {
  const title = useRef(/** @type {any} */ (null));
  // Whoever pressed the button is where its answer is.
  useEffect(() => title.current?.focus(), []);
  return html`<div class="state person-result">
    <${Icon} shapes=${check} size=${24} />
    <h2 tabindex="-1" ref=${title}>${answer.visitors.length > 1 ? `${answer.visitors.length} visitors are erased` : html`<bdi>${name}</bdi> is erased`}</h2>
    ${done(answer).map((line) => html`<p key=${line}>${line}</p>`)}
    <p class="quiet">Erased: <span class="mono person-id">${list(answer.visitors)}</span></p>
  </div>`;
}

/** Gives the browser a file to save. */
function saveAs(/** @type {string} */ name, /** @type {string} */ text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
