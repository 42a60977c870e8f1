// Queues: where handed-over conversations wait, for whom, and when they are open.

import { inbox, plus, x } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { html, Icon, useState } from '../../shared/html.js';
import { now } from '../../shared/time.js';
import { leave, toast, useUnsaved } from '../app_state.js';
import * as hours from '../hours.js';
import { ChoicesField, Confirm, Empty, Failed, Field, FormFoot, Head, LoadingRows, SelectField, TextField, useLoad, useSave, WordsField } from '../parts.js';
import { liveText } from '../policy/draft.js';
import { namesIn } from '../policy/own_intents.js';
import { INTENTS, intentWord } from '../policy/schema.js';
import { write } from '../routes.js';
import { Split } from './split.js';
import { TeamTabs, TIERS } from './team.js';

export function Queues(/** @type {any} */ { route }) {
  const { data, error, reload } = useLoad(async (signal) => (await api.get('/queues', { signal })).queues, []);
  const isNew = route.id === 'new';
  const chosen = data?.find((/** @type {any} */ queue) => queue.id === route.id);
  const skills = [...new Set((data ?? []).flatMap((/** @type {any} */ queue) => queue.skills))];
  const list = error
    ? html`<${Failed} what="The queues" error=${error} onRetry=${reload} />`
    : !data
      ? html`<${LoadingRows} rows=${4} label="Queues are loading" />`
      : data.length === 0
        ? html`<${Empty} icon=${inbox} title="No queues yet" action=${html`<a class="button primary" href=${write({ page: 'queues', id: 'new' })}><${Icon} shapes=${plus} /> Add the first queue</a>`}>A queue holds conversations for people who know the matter, and knows when they are there. One for everything is enough to begin.<//>`
        : html`<ul class="list rows" aria-label="Queues">
            ${data.map(
              (/** @type {any} */ queue) => html`<li key=${queue.id}>
                <a class="row item-row" href=${write({ page: 'queues', id: queue.id })} aria-current=${queue.id === route.id ? 'true' : null}>
                  <span class="grow item-main">
                    <span class="cluster"><bdi class="strong">${queue.name}</bdi>${queue.default && html`<span class="tag">everything else</span>`}${queue.hours && !hours.isOpen(queue.hours, now.value) && html`<span class="tag warn">closed now</span>`}</span>
                    <span class="small quiet">${[hours.summary(queue.hours), queue.tier > 1 && `tier ${queue.tier}`, queue.skills.join(', ')].filter(Boolean).join(' · ')}</span>
                  </span>
                </a>
              </li>`,
            )}
          </ul>`;
  const detail =
    isNew || chosen
      ? html`<${QueueForm} key=${route.id} queue=${chosen} isFirst=${data?.length === 0} skills=${skills} onSaved=${reload} />`
      : route.id && data
        ? html`<${Empty} icon=${inbox} title="This queue is not there">It may have been removed.<//>`
        : null;
  return html`
    <${Head} title="Queues & agents" action=${html`<a class="button primary" href=${write({ page: 'queues', id: 'new' })}><${Icon} shapes=${plus} /> Add a queue</a>`}>Where handed-over conversations wait, and who answers them.<//>
    <${TeamTabs} here="queues" />
    <${Split} list=${list} detail=${detail} back=${write({ page: 'queues' })} />
  `;
}

const blank = () => ({ name: '', skills: [], tier: 1, hours: null, intents: [], default: false });
const fields = (/** @type {any} */ { name, skills, tier, hours: week, intents, default: isDefault }) => ({ name, skills, tier, hours: week, intents, default: isDefault });

function QueueForm(/** @type {any} */ { queue, isFirst, skills, onSaved }) {
  const [start, setStart] = useState(() => fields(queue ?? { ...blank(), default: isFirst }));
  const [form, setForm] = useState(start);
  const [isRemoving, setRemoving] = useState(false);
  const save = useSave();
  const removal = useSave();
  const put = (/** @type {any} */ change) => setForm({ ...form, ...change });
  const isDirty = JSON.stringify(form) !== JSON.stringify(start);
  useUnsaved(isDirty, queue ? `What you changed in “${start.name}”` : 'The new queue');
  const found = form.hours ? hours.problems(form.hours) : {};
  const back = () => leave({ page: 'queues' });

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (form.name.trim() === '') return save.refuse({ name: 'A queue needs a name.' });
    if (Object.keys(found).length > 0) return save.refuse({ hours: 'Look at the marked times.' });
    const body = { ...form, name: form.name.trim() };
    const answer = await save.run(() => (queue ? api.patch(`/queues/${queue.id}`, body) : api.post('/queues', body)));
    if (answer === undefined) return undefined;
    const saved = fields(answer.queue);
    setStart(saved);
    setForm(saved);
    onSaved();
    toast(`“${saved.name}” is saved.`);
    if (!queue) leave({ page: 'queues', id: answer.queue.id });
    return undefined;
  };
  const remove = async () => {
    const done = await removal.run(() => api.delete(`/queues/${queue.id}`));
    if (done === undefined) return;
    onSaved();
    toast(`“${start.name}” is removed.`);
    back();
  };

  return html`<form class="editor" onSubmit=${submit} novalidate>
    <h2>${queue ? html`<bdi>${start.name}</bdi>` : 'A new queue'}</h2>
    <${TextField} label="Name" value=${form.name} onValue=${(/** @type {string} */ name) => put({ name })} maxlength="60" required problem=${save.problems.name} placeholder="Delivery" hint="Visitors may see it while they wait." />
    <${WordsField} label="Skills an agent needs" value=${form.skills} onValue=${(/** @type {any} */ value) => put({ skills: value })} suggestions=${skills} problem=${save.problems.skills} hint="Type a word and press Enter. Without skills every agent of the tier may answer." />
    <${SelectField} label="Tier" value=${String(form.tier)} onValue=${(/** @type {string} */ tier) => put({ tier: Number(tier) })} options=${TIERS} problem=${save.problems.tier} hint="The least experienced agents who are offered its conversations." />
    <${ChoicesField} label="Subjects that lead here" value=${form.intents} onValue=${(/** @type {any} */ intents) => put({ intents })} options=${[...new Set([...INTENTS.filter((code) => code !== 'other'), ...namesIn(liveText.value), ...start.intents])].map((code) => [code, intentWord(code)])} problem=${save.problems.intents} hint="What a conversation is about decides its queue; the first queue that lists it gets it." />
    <label class="check"><input type="checkbox" checked=${form.default} disabled=${start.default} onChange=${() => put({ default: !form.default })} /> <span>Everything that no other queue asks for comes here</span></label>
    <${HoursEditor} value=${form.hours} onValue=${(/** @type {any} */ value) => put({ hours: value })} found=${found} problem=${save.problems.hours} />
    <${FormFoot} save=${save} isDirty=${isDirty} isNew=${!queue} onCancel=${() => (isDirty && queue ? (setForm(start), save.clear()) : back())} onRemove=${queue && !start.default ? () => setRemoving(true) : null} />
    ${isRemoving &&
    html`<${Confirm} title=${`Remove “${start.name}”?`} yes="Remove the queue" isBusy=${removal.isBusy} failure=${removal.failure} onNo=${() => (setRemoving(false), removal.clear())} onYes=${remove}>
      <p>Conversations that come later go to the queue for everything else. A queue with conversations in it cannot be removed.</p>
    <//>`}
  </form>`;
}

const ZONES = (() => {
  try {
    return Intl.supportedValuesOf('timeZone');
  } catch {
    return [];
  }
})();
const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

function HoursEditor(/** @type {any} */ { value, onValue, found, problem }) {
  const [date, setDate] = useState('');
  const [kept, setKept] = useState(value ?? hours.officeHours(OWN_ZONE));
  const put = (/** @type {any} */ change) => onValue({ ...value, ...change });
  const spans = (/** @type {string} */ day) => value?.days[day] ?? [];
  const putDay = (/** @type {string} */ day, /** @type {any[]} */ list) => {
    const days = { ...value.days };
    if (list.length > 0) days[day] = list;
    else delete days[day];
    put({ days });
  };
  const toggle = () => {
    if (value) setKept(value);
    onValue(value ? null : kept);
  };
  const addDate = () => {
    if (!hours.isDate(date) || value.holidays.includes(date)) return;
    put({ holidays: [...value.holidays, date].sort() });
    setDate('');
  };
  return html`<fieldset class="hours">
    <legend>Opening hours</legend>
    <label class="check"><input type="radio" name="hours" checked=${!value} onChange=${() => value && toggle()} /> <span>Always open</span></label>
    <label class="check"><input type="radio" name="hours" checked=${Boolean(value)} onChange=${() => !value && toggle()} /> <span>At these times</span></label>
    ${value &&
    html`<div class="hours-body">
      <${Field} label="Time zone" problem=${found.timezone}>
        ${(/** @type {any} */ own) => html`<input class="input" list="zones" value=${value.timezone} autocomplete="off" ...${own} onInput=${(/** @type {any} */ event) => put({ timezone: event.currentTarget.value })} /><datalist id="zones">${ZONES.map((zone) => html`<option key=${zone} value=${zone} />`)}</datalist>`}
      <//>
      <ul class="list week">
        ${hours.DAYS.map(
          ([day, name]) => html`<li key=${day} class="week-day">
            <span class="week-name">${name}</span>
            <div class="week-spans">
              ${spans(day).length === 0 && html`<span class="quiet small week-closed">closed</span>`}
              ${spans(day).map(
                (/** @type {[string, string]} */ [from, to], /** @type {number} */ index) => html`<div class="week-span" key=${index}>
                  <input class="input time" type="time" aria-label=${`${name} opens`} value=${from} aria-invalid=${found[`${day}.${index}`] ? 'true' : null} onInput=${(/** @type {any} */ event) => putDay(day, spans(day).map((/** @type {any} */ span, /** @type {number} */ at) => (at === index ? [event.currentTarget.value, span[1]] : span)))} />
                  <span aria-hidden="true">–</span>
                  <input class="input time" type="time" aria-label=${`${name} closes`} value=${to === '24:00' ? '23:59' : to} aria-invalid=${found[`${day}.${index}`] ? 'true' : null} onInput=${(/** @type {any} */ event) => putDay(day, spans(day).map((/** @type {any} */ span, /** @type {number} */ at) => (at === index ? [span[0], event.currentTarget.value] : span)))} />
                  <button type="button" class="button plain only-icon" aria-label=${`${name}: take away this span`} onClick=${() => putDay(day, spans(day).filter((/** @type {any} */ _, /** @type {number} */ at) => at !== index))}><${Icon} shapes=${x} /></button>
                  ${found[`${day}.${index}`] && html`<p class="problem">${found[`${day}.${index}`]}</p>`}
                </div>`,
              )}
            </div>
            <button type="button" class="button plain compact" onClick=${() => putDay(day, [...spans(day), spans(day).length ? ['18:00', '20:00'] : ['09:00', '17:30']])}><${Icon} shapes=${plus} size=${12} /> ${spans(day).length ? 'more' : 'open'}<span class="visually-hidden"> hours on ${name}</span></button>
          </li>`,
        )}
      </ul>
      <div class="field">
        <span class="label" id="holidays-label">Closed on these days</span>
        ${value.holidays.length > 0 && html`<ul class="list chips" aria-labelledby="holidays-label">${value.holidays.map((/** @type {string} */ one) => html`<li class="tag" key=${one}><time datetime=${one}>${one}</time><button type="button" class="tag-remove" aria-label=${`Take away ${one}`} onClick=${() => put({ holidays: value.holidays.filter((/** @type {string} */ each) => each !== one) })}><${Icon} shapes=${x} size=${12} /></button></li>`)}</ul>`}
        <div class="cluster">
          <input class="input date" type="date" aria-label="A day on which it is closed" value=${date} onInput=${(/** @type {any} */ event) => setDate(event.currentTarget.value)} />
          <button type="button" class="button" disabled=${!hours.isDate(date)} onClick=${addDate}><${Icon} shapes=${plus} /> Add the day</button>
        </div>
      </div>
    </div>`}
    ${problem && html`<p class="problem">${problem}</p>`}
  </fieldset>`;
}
