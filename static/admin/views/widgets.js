// Widgets: a key for each, the sites that may show it, how it greets and looks,
// and the line that goes into a page.

import { globe, plus, x } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { plural } from '../../shared/format.js';
import { html, Icon, useState } from '../../shared/html.js';
import { leave, toast, useUnsaved } from '../app_state.js';
import { Confirm, Copyable, Empty, Failed, Field, FormFoot, Head, LoadingRows, SelectField, TextField, useLoad, useSave } from '../parts.js';
import { write } from '../routes.js';
import { Split } from './split.js';

/** @type {[string, string][]} */
const LOCALES = [['en', 'English'], ['de', 'German']];

export function Widgets(/** @type {any} */ { route }) {
  const { data, error, reload } = useLoad(async (signal) => (await api.get('/widgets', { signal })).widgets, []);
  const isNew = route.id === 'new';
  const chosen = data?.find((/** @type {any} */ one) => one.key === route.id);
  const list = error
    ? html`<${Failed} what="The widgets" error=${error} onRetry=${reload} />`
    : !data
      ? html`<${LoadingRows} rows=${3} label="Widgets are loading" />`
      : data.length === 0
        ? html`<${Empty} icon=${globe} title="No widget yet" action=${html`<a class="button primary" href=${write({ page: 'widgets', id: 'new' })}><${Icon} shapes=${plus} /> Add the first widget</a>`}>The widget is the small window in the corner of your pages. Name the sites that may show it, and put one line into them.<//>`
        : html`<ul class="list rows" aria-label="Widgets">
            ${data.map(
              (/** @type {any} */ one) => html`<li key=${one.key}>
                <a class="row item-row" href=${write({ page: 'widgets', id: one.key })} aria-current=${one.key === route.id ? 'true' : null}>
                  <${Swatch} color=${one.accent} />
                  <span class="grow item-main"><bdi class="strong">${one.name}</bdi><span class="small quiet ellipsis">${one.sites.length === 0 ? 'no site may show it yet' : one.sites.length === 1 ? one.sites[0] : plural(one.sites.length, 'site', 'sites')}</span></span>
                </a>
              </li>`,
            )}
          </ul>`;
  const detail =
    isNew || chosen
      ? html`<${WidgetForm} key=${route.id} widget=${chosen} onSaved=${reload} />`
      : route.id && data
        ? html`<${Empty} icon=${globe} title="This widget is not there">It may have been removed.<//>`
        : null;
  return html`
    <${Head} title="Widget" action=${html`<a class="button primary" href=${write({ page: 'widgets', id: 'new' })}><${Icon} shapes=${plus} /> Add a widget</a>`}>How visitors reach you: which sites, which words, which color.<//>
    <${Split} list=${list} detail=${detail} back=${write({ page: 'widgets' })} />
  `;
}

function Swatch(/** @type {any} */ { color }) {
  return html`<svg class="swatch" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" rx="4" fill=${/^#[0-9a-f]{6}$/i.test(color) ? color : 'none'} /></svg>`;
}

/** What is wrong with a site, as browsers name it: scheme and host, no path. */
export function siteProblem(/** @type {string} */ site) {
  try {
    const url = new URL(site);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'It begins with https:// or http://.';
    if (url.pathname !== '/' || url.search || url.hash || url.username) return `Only scheme and host: ${url.origin}`;
    return null;
  } catch {
    return 'Write it as https://shop.example.';
  }
}

const fields = (/** @type {any} */ { name, sites, greeting, accent, locale }) => ({ name, sites, greeting, accent, locale });
const blank = () => ({ name: '', sites: [''], greeting: 'Hello. Ask me anything; a person is one click away.', accent: '#0b6e4f', locale: 'en' });

function WidgetForm(/** @type {any} */ { widget, onSaved }) {
  const [start, setStart] = useState(() => (widget ? fields(widget) : blank()));
  const [form, setForm] = useState(start);
  const [isRemoving, setRemoving] = useState(false);
  const [isChecked, setChecked] = useState(false);
  const save = useSave();
  const removal = useSave();
  const put = (/** @type {any} */ change) => setForm({ ...form, ...change });
  const isDirty = JSON.stringify(form) !== JSON.stringify(start);
  useUnsaved(isDirty, widget ? `What you changed in “${start.name}”` : 'The new widget');
  const sites = form.sites.map((/** @type {string} */ site) => site.trim()).filter(Boolean);

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setChecked(true);
    /** @type {Record<string, string>} */
    const problems = {};
    if (form.name.trim() === '') problems.name = 'A widget needs a name; visitors see it at the top.';
    if (sites.some(siteProblem)) problems.sites = 'Look at the marked sites.';
    if (!/^#[0-9a-f]{6}$/i.test(form.accent)) problems.accent = 'A color such as #0b6e4f.';
    if (form.greeting.trim() === '') problems.greeting = 'Write how the bot begins.';
    if (Object.keys(problems).length > 0) return save.refuse(problems);
    const body = { ...form, name: form.name.trim(), greeting: form.greeting.trim(), sites };
    const answer = await save.run(() => (widget ? api.patch(`/widgets/${widget.key}`, body) : api.post('/widgets', body)));
    if (answer === undefined) return undefined;
    const saved = fields(answer.widget);
    setStart(saved);
    setForm(saved);
    setChecked(false);
    onSaved();
    toast(`“${saved.name}” is saved.`);
    if (!widget) leave({ page: 'widgets', id: answer.widget.key });
    return undefined;
  };
  const remove = async () => {
    const done = await removal.run(() => api.delete(`/widgets/${widget.key}`));
    if (done === undefined) return;
    onSaved();
    toast(`“${start.name}” is removed.`);
    leave({ page: 'widgets' });
  };

  return html`<form class="editor" onSubmit=${submit} novalidate>
    <h2>${widget ? html`<bdi>${start.name}</bdi>` : 'A new widget'}</h2>
    ${widget && html`<${Copyable} label="Snippet" text=${widget.snippet} hint="Put it before the end of the body of every page that shows the widget." />`}
    <${TextField} label="Name" value=${form.name} onValue=${(/** @type {string} */ name) => put({ name })} maxlength="60" required problem=${save.problems.name} placeholder="Fenwick & Daughters" hint="At the top of the widget." />
    <fieldset class="field questions">
      <legend>Sites that may show it</legend>
      <ul class="list questions-list">
        ${form.sites.map((/** @type {string} */ site, /** @type {number} */ index) => {
          const wrong = site.trim() && (isChecked || !isDirty) ? siteProblem(site.trim()) : null;
          return html`<li key=${index} class="question-wrap"><div class="question">
              <input class="input" type="url" aria-label=${`Site ${index + 1}`} value=${site} aria-invalid=${wrong ? 'true' : null} placeholder="https://shop.example" onInput=${(/** @type {any} */ event) => put({ sites: form.sites.map((/** @type {string} */ one, /** @type {number} */ at) => (at === index ? event.currentTarget.value : one)) })} />
              <button type="button" class="button plain only-icon" aria-label=${`Take away site ${index + 1}`} onClick=${() => put({ sites: form.sites.filter((/** @type {string} */ _, /** @type {number} */ at) => at !== index) })}><${Icon} shapes=${x} /></button>
            </div>
            ${wrong && html`<p class="problem">${wrong}</p>`}
          </li>`;
        })}
      </ul>
      <div><button type="button" class="button" onClick=${() => put({ sites: [...form.sites, ''] })}><${Icon} shapes=${plus} /> Another site</button></div>
      ${save.problems.sites && html`<p class="problem">${save.problems.sites}</p>`}
      <p class="hint">Scheme and host, with the port where there is one. On any other page the widget does not open.</p>
    </fieldset>
    <${TextField} label="Greeting" isLong value=${form.greeting} onValue=${(/** @type {string} */ greeting) => put({ greeting })} maxlength="500" problem=${save.problems.greeting} hint="The first words of the bot." />
    <div class="pair">
      <${Field} label="Color of buttons" problem=${save.problems.accent}>
        ${(/** @type {any} */ own) => html`<div class="color"><input type="color" aria-label="Choose the color" value=${/^#[0-9a-f]{6}$/i.test(form.accent) ? form.accent : '#000000'} onInput=${(/** @type {any} */ event) => put({ accent: event.currentTarget.value })} /><input class="input mono" value=${form.accent} maxlength="7" spellcheck=${false} ...${own} onInput=${(/** @type {any} */ event) => put({ accent: event.currentTarget.value })} /></div>`}
      <//>
      <${SelectField} label="Language of its own words" value=${form.locale} onValue=${(/** @type {string} */ locale) => put({ locale })} options=${LOCALES.some(([code]) => code === form.locale) ? LOCALES : [...LOCALES, [form.locale, form.locale]]} problem=${save.problems.locale} />
    </div>
    ${widget?.identity_key &&
    html`<details class="secret"><summary>Key with which your site signs who its visitors are</summary>
      <${Copyable} label="Identity key" text=${widget.identity_key} hint="Secret: it stays on your server. Whoever has it can say who a visitor is." />
    </details>`}
    <${FormFoot} save=${save} isDirty=${isDirty} isNew=${!widget} onCancel=${() => (isDirty && widget ? (setForm(start), save.clear()) : leave({ page: 'widgets' }))} onRemove=${widget ? () => setRemoving(true) : null} />
    ${isRemoving && html`<${Confirm} title=${`Remove “${start.name}”?`} yes="Remove the widget" isBusy=${removal.isBusy} failure=${removal.failure} onNo=${() => (setRemoving(false), removal.clear())} onYes=${remove}><p>Pages with its snippet show nothing any more, and its key never works again. Conversations stay.</p><//>`}
  </form>`;
}
