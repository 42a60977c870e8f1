// The policy as sentences. Each number is a field: what is typed goes into the
// policy's text as soon as it is a value, and stays in the field until it is.

import { circleAlert, plus, rotateCcw, x } from '../../vendor/icons.js';
import { announce } from '../../shared/dom.js';
import { html, Icon, useEffect, useState } from '../../shared/html.js';
import { priority } from '../../shared/words.js';
import { draft, liveValueAt, parsed, problems, setValue, typing, valueAt } from '../policy/draft.js';
import { isSame } from '../policy/merge.js';
import { placeOf } from '../policy/own_intents.js';
import { asSpan, GROUPS, INTENTS, intentWord, PRIORITIES, said, UNITS, valueOf, wrong } from '../policy/schema.js';
import { OwnIntents } from './own_intents.js';

export function Sentences() {
  const isUnread = (parsed.value?.problems.length ?? 0) > 0;
  return html`<div class="sentences">
    ${isUnread && html`<p class="notice bad"><${Icon} shapes=${circleAlert} /> <span>The text has a mistake, so the sentences are locked. Mend it under “As text”.</span></p>`}
    ${GROUPS.map(
      (group) => html`<section class="sentence-group" key=${group.id} aria-labelledby=${`group-${group.id}`}>
        <h2 id=${`group-${group.id}`}>${group.title}</h2>
        ${group.intro && html`<p class="small quiet">${group.intro}</p>`}
        ${group.sentences.map((sentence, index) => html`<${SentenceLine} key=${index} sentence=${sentence} isLocked=${isUnread} />`)}
      </section>`,
    )}
  </div>`;
}

function SentenceLine(/** @type {any} */ { sentence, isLocked }) {
  const fields = sentence.parts.filter((/** @type {any} */ part) => typeof part !== 'string');
  const changed = fields.filter((/** @type {any} */ field) => draft.value && !isSame(field.path, liveValueAt(field.path), valueAt(field.path)));
  // What is wrong inside an intent of one's own is said where it stands.
  const found = problems.value.filter(({ key, at }) => fields.some((/** @type {any} */ field) => field.path === key) && placeOf(at) === null);
  const typed = fields.map((/** @type {any} */ field) => typing.value[field.path]).filter(Boolean);
  return html`<div class=${`sentence${changed.length ? ' is-changed' : ''}`}>
    <div class="sentence-words">
      ${sentence.parts.map((/** @type {any} */ part, /** @type {number} */ index) => (typeof part === 'string' ? html`<span key=${index}>${/^[,.;]/.test(part) ? part : ` ${part} `}</span>` : html`<${Part} key=${part.path} field=${part} isLocked=${isLocked} />`))}
    </div>
    ${changed.map(
      (/** @type {any} */ field) => html`<p class="sentence-was" key=${field.path}>
        ${field.kind === 'own' ? `${field.label}, before:` : changed.length > 1 || field.kind === 'intents' || field.kind === 'keywords' ? `${field.label} was` : 'was'} ${said(field.path, liveValueAt(field.path))}
        <button type="button" class="button plain compact" disabled=${isLocked} onClick=${() => reset(field)}><${Icon} shapes=${rotateCcw} size=${12} /> Put back<span class="visually-hidden">: ${field.label}</span></button>
      </p>`,
    )}
    ${typed.map((/** @type {string} */ problem, /** @type {number} */ index) => html`<p class="problem" key=${`t${index}`} id=${`typed-${fields[0].path}`}>Not taken yet: it needs ${problem}.</p>`)}
    ${found.map(({ key, message }, index) => html`<p class="problem" key=${`p${index}`} id=${`problem-${key}`}><${Icon} shapes=${circleAlert} size=${12} /> ${fields.length > 1 ? `${fields.find((/** @type {any} */ field) => field.path === key)?.label}: ` : ''}${message}</p>`)}
    ${sentence.hint && html`<p class="sentence-hint">${sentence.hint}</p>`}
  </div>`;
}

function reset(/** @type {any} */ field) {
  typing.value = { ...typing.value, [field.path]: '' };
  setValue(field.path, liveValueAt(field.path));
  announce(`${field.label}: ${said(field.path, liveValueAt(field.path))}`);
}

function Part(/** @type {any} */ { field, isLocked }) {
  if (field.kind === 'intents') return html`<${IntentsPart} field=${field} isLocked=${isLocked} />`;
  if (field.kind === 'keywords') return html`<${KeywordsPart} field=${field} isLocked=${isLocked} />`;
  if (field.kind === 'own') return html`<${OwnIntents} field=${field} isLocked=${isLocked} Value=${ValuePart} />`;
  return html`<${ValuePart} field=${field} isLocked=${isLocked} />`;
}

/** A number, a span of time or a word. */
function ValuePart(/** @type {any} */ { field, isLocked }) {
  const value = valueAt(field.path);
  const isWord = field.kind === 'text' || field.kind === 'name';
  const span = field.kind === 'span' ? asSpan(value) : null;
  const shown = field.kind === 'span' ? String(span?.number ?? '') : String(value ?? '');
  const unit = span?.unit ?? 'm';
  const [typed, setTyped] = useState(/** @type {string | null} */ (null));
  const invalid = typed !== null ? wrong(field, typed) : null;
  const hasProblem = Boolean(invalid) || problems.value.some(({ key }) => key === field.path);

  // Another value from elsewhere (the text, a version) replaces what is shown.
  useEffect(() => {
    if (typed !== null && !invalid && String(valueOf(field, typed, unit)) !== String(valueOf(field, shown, unit))) setTyped(null);
  }, [shown, unit]);
  useEffect(() => {
    if ((typing.value[field.path] ?? '') !== (invalid ?? '')) typing.value = { ...typing.value, [field.path]: invalid ?? '' };
  }, [invalid]);
  useEffect(() => () => void (typing.value[field.path] && (typing.value = { ...typing.value, [field.path]: '' })), []);

  const take = (/** @type {string} */ next, nextUnit = unit) => {
    setTyped(next);
    if (!wrong(field, next)) setValue(field.path, valueOf(field, next, nextUnit));
  };
  const step = (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!by || isWord || isLocked) return;
    event.preventDefault();
    const size = (field.kind === 'share' ? 0.01 : 1) * (event.shiftKey ? 10 : 1) * by;
    const from = Number((typed ?? shown).replace(',', '.'));
    const next = Math.min(field.max ?? Infinity, Math.max(field.min ?? 0, (Number.isFinite(from) ? from : 0) + size));
    take(String(field.kind === 'share' ? Number(next.toFixed(4)) : Math.round(next)));
  };
  const common = {
    'data-key': field.path,
    'aria-label': field.label,
    'aria-invalid': hasProblem ? 'true' : null,
    'aria-describedby': invalid ? `typed-${field.path}` : hasProblem ? `problem-${field.path}` : null,
    disabled: isLocked,
  };
  const now = typed ?? shown;
  return html`<span class="value-part">
    <input
      class=${`input inline ${isWord ? 'is-name' : ''}`} type="text" inputmode=${isWord ? 'text' : 'decimal'} autocomplete="off" spellcheck=${false}
      value=${now} ...${common} onInput=${(/** @type {any} */ event) => take(event.currentTarget.value)} onKeyDown=${step} onBlur=${() => !invalid && setTyped(null)}
    />${field.kind === 'span'
      ? html`<select class="select inline" aria-label=${`${field.label}, unit`} disabled=${isLocked} value=${unit} onChange=${(/** @type {any} */ event) => take(now, event.currentTarget.value)}>
          ${[...UNITS].reverse().map(({ unit: code, one, many }) => html`<option key=${code} value=${code} selected=${code === unit}>${Number(now) === 1 ? one : many}</option>`)}
        </select>`
      : field.one
        ? html` <span>${Number(now) === 1 ? field.one : field.many}</span>`
        : null}${field.never ? html`<span class="quiet small">${Number(now) === 0 ? ' (never)' : ' (0 is never)'}</span>` : null}
  </span>`;
}

/** Subjects that escalate, as words one can take away and add. */
function IntentsPart(/** @type {any} */ { field, isLocked }) {
  const value = /** @type {string[]} */ (Array.isArray(valueAt(field.path)) ? valueAt(field.path) : []);
  const rest = INTENTS.filter((one) => !value.includes(one));
  return html`<span class="chips" role="group" aria-label=${field.label}>
    ${value.map((code, index) => html`<span class="tag" key=${code}>${intentWord(String(code))}<button type="button" class="tag-remove" data-key=${index === 0 ? field.path : null} disabled=${isLocked} aria-label=${`Take away ${intentWord(String(code))}`} onClick=${() => setValue(field.path, value.filter((one) => one !== code))}><${Icon} shapes=${x} size=${12} /></button></span>`)}
    ${value.length === 0 && html`<span class="quiet">nothing</span>`}
    <select
      class="select inline" aria-label="Add a subject that escalates" data-key=${value.length === 0 ? field.path : null} disabled=${isLocked} value=""
      onChange=${(/** @type {any} */ event) => {
        if (event.currentTarget.value) setValue(field.path, [...value, event.currentTarget.value]);
        event.currentTarget.value = '';
      }}
    >
      <option value="">add…</option>
      ${rest.map((code) => html`<option key=${code} value=${code}>${intentWord(code)}</option>`)}
    </select>
  </span>`;
}

/** Words that escalate, each with its priority. */
function KeywordsPart(/** @type {any} */ { field, isLocked }) {
  const value = /** @type {{ phrase: string, priority?: string }[]} */ (Array.isArray(valueAt(field.path)) ? valueAt(field.path) : []);
  const [phrase, setPhrase] = useState('');
  const put = (/** @type {any[]} */ next) => setValue(field.path, next);
  const length = [...phrase.trim()].length;
  const add = () => {
    if (length < 2 || length > 100) return;
    put([...value, { phrase: phrase.trim(), priority: 'normal' }]);
    setPhrase('');
  };
  return html`<div class="keywords">
    ${value.length > 0 &&
    html`<ul class="list">
      ${value.map(
        (one, index) => html`<li key=${`${index}:${one.phrase}`} class="keyword">
          <bdi class="keyword-phrase">“${one.phrase}”</bdi>
          <label><span class="visually-hidden">Priority of ${one.phrase}</span>
            <select class="select inline" disabled=${isLocked} value=${one.priority ?? 'normal'} onChange=${(/** @type {any} */ event) => put(value.map((other, at) => (at === index ? { ...other, priority: event.currentTarget.value } : other)))}>
              ${PRIORITIES.map((code) => html`<option key=${code} value=${code} selected=${code === (one.priority ?? 'normal')}>${priority(code)} priority</option>`)}
            </select></label>
          <button type="button" class="button plain only-icon" disabled=${isLocked} aria-label=${`Take away ${one.phrase}`} onClick=${() => put(value.filter((_, at) => at !== index))}><${Icon} shapes=${x} /></button>
        </li>`,
      )}
    </ul>`}
    <div class="keyword-add">
      <input
        class="input" type="text" dir="auto" aria-label="A word or phrase that escalates" placeholder=${value.length ? 'another word or phrase' : 'a word or phrase, as gas smell'} maxlength="100" data-key=${field.path} disabled=${isLocked} value=${phrase}
        onInput=${(/** @type {any} */ event) => setPhrase(event.currentTarget.value)}
        onKeyDown=${(/** @type {any} */ event) => event.key === 'Enter' && (event.preventDefault(), add())}
      />
      <button type="button" class="button" disabled=${isLocked || length < 2} onClick=${add}><${Icon} shapes=${plus} /> Add</button>
    </div>
  </div>`;
}
