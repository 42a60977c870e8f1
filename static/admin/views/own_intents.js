// Intents of the site's own: each with its name, its examples one a line, and
// from where on it calls a person. What is typed goes into the same draft as
// everything else.

import { chevronRight, circleAlert, plus, trash2 } from '../../vendor/icons.js';
import { announce } from '../../shared/dom.js';
import { plural, score } from '../../shared/format.js';
import { html, Icon, useEffect, useRef, useState } from '../../shared/html.js';
import { priority, subject } from '../../shared/words.js';
import { parsed, problems, setText, text } from '../policy/draft.js';
import { added, asName, changed, count, examplesOf, lines, MOST, ownIntents, placeOf, without, wrongName } from '../policy/own_intents.js';
import { INTENTS, PRIORITIES } from '../policy/schema.js';

const TAKEN = [...INTENTS, 'human_request'];
/** What an intent calls a person from when somebody switches that on. */
const FROM = 0.7;

/** @param {{ field: any, isLocked: boolean, Value: any }} properties `Value` is the field for one number or word */
export function OwnIntents({ field, isLocked, Value }) {
  const list = ownIntents(parsed.value?.values);
  const [open, setOpen] = useState(/** @type {number | null} */ (null));
  const [name, setName] = useState('');
  const made = asName(name);
  const wrong = name.trim() === '' ? null : wrongName(made, list, TAKEN);
  const isFull = list.length >= MOST;
  const write = (/** @type {string} */ next) => setText(next);
  const add = () => {
    if (name.trim() === '' || wrong || isFull) return;
    write(added(text.value ?? '', made));
    setOpen(list.length);
    setName('');
    announce(`${subject(made)} is in the draft. Write its messages.`);
  };
  return html`<div class="own-intents">
    ${list.length > 0 &&
    html`<ul class="list own-list">
      ${list.map((one, index) => html`<${Intent} key=${index} intent=${one} index=${index} isLocked=${isLocked} isOpen=${open === index} onOpen=${setOpen} Value=${Value} />`)}
    </ul>`}
    <div class="keyword-add">
      <input
        class="input" type="text" autocapitalize="none" aria-label="Name of a new intent" placeholder=${list.length ? 'another intent' : 'a name, as prescription renewal'} maxlength="60" data-key=${field.path}
        aria-invalid=${wrong ? 'true' : null} aria-describedby=${wrong ? 'own-intent-wrong' : null} disabled=${isLocked || isFull} value=${name}
        onInput=${(/** @type {any} */ event) => setName(event.currentTarget.value)}
        onKeyDown=${(/** @type {any} */ event) => event.key === 'Enter' && (event.preventDefault(), add())}
      />
      <button type="button" class="button" disabled=${isLocked || isFull || name.trim() === '' || Boolean(wrong)} onClick=${add}><${Icon} shapes=${plus} /> Add</button>
    </div>
    ${wrong && html`<p class="problem" id="own-intent-wrong">It needs ${wrong}.</p>`}
    ${isFull && html`<p class="small quiet">${MOST} are as many as there can be.</p>`}
  </div>`;
}

function Intent(/** @type {any} */ { intent, index, isLocked, isOpen, onOpen, Value }) {
  const path = `intents.${index}`;
  const word = subject(String(intent.name ?? '')) || 'without a name';
  const examples = examplesOf(intent);
  const found = problems.value.filter(({ at }) => placeOf(at) === index);
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const calls = typeof intent.escalate_at === 'number';
  const put = (/** @type {any} */ key, /** @type {any} */ value) => setText(changed(text.value ?? '', index, key, value));
  // A new one is opened and its messages are asked for at once.
  useEffect(() => {
    if (isOpen && examples.length === 0) box.current?.focus();
  }, [isOpen]);
  const counted = count(examples.length);
  const take = () => {
    setText(without(text.value ?? '', index));
    onOpen(null);
    announce(`${word} is taken out of the draft.`);
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector('[data-key="intents"]'))?.focus());
  };
  return html`<li class=${`own-intent${found.length ? ' has-problem' : ''}`}>
    <details open=${isOpen} onToggle=${(/** @type {any} */ event) => event.currentTarget.open !== isOpen && onOpen(event.currentTarget.open ? index : null)}>
      <summary>
        <${Icon} shapes=${chevronRight} size=${14} />
        <bdi class="own-name">${word}</bdi>
        <span class="own-sum small quiet">${found.length > 0 && html`<${Icon} shapes=${circleAlert} size=${12} /> `}${plural(examples.length, 'message', 'messages')}${calls ? ` · calls a person from ${score(intent.escalate_at)}` : ''}</span>
      </summary>
      <div class="own-form">
        <p class="own-line">Its name is <${Value} field=${{ path: `${path}.name`, kind: 'name', label: `Name of ${word}` }} isLocked=${isLocked} /></p>
        <${Examples} path=${path} word=${word} value=${examples} box=${box} isLocked=${isLocked} counted=${counted} hasProblem=${found.some(({ at }) => at === `intents.${index + 1}.examples`)} onValue=${(/** @type {string[]} */ next) => put('examples', next)} />
        <div class="own-line">
          <label class="own-check"><input type="checkbox" checked=${calls} disabled=${isLocked} onChange=${(/** @type {any} */ event) => put('escalate_at', event.currentTarget.checked ? FROM : undefined)} /> Calls a person at once</label>
          ${calls &&
          html` <span>from <${Value} field=${{ path: `${path}.escalate_at`, kind: 'share', label: `Probability from which ${word} calls a person`, min: 0, max: 1 }} isLocked=${isLocked} /></span>
            <label>with <span class="visually-hidden">priority of ${word}</span>
              <select class="select inline" disabled=${isLocked} value=${intent.priority ?? 'normal'} onChange=${(/** @type {any} */ event) => put('priority', event.currentTarget.value)}>
                ${PRIORITIES.map((code) => html`<option key=${code} value=${code} selected=${code === (intent.priority ?? 'normal')}>${priority(code)} priority</option>`)}
              </select></label>`}
        </div>
        ${found.map(({ message }, at) => html`<p class="problem" key=${at} id=${at === 0 ? `own-problem-${index}` : null}><${Icon} shapes=${circleAlert} size=${12} /> ${message}</p>`)}
        <p><button type="button" class="button plain compact" disabled=${isLocked} onClick=${take}><${Icon} shapes=${trash2} size=${14} /> Take away<span class="visually-hidden">: ${word}</span></button></p>
      </div>
    </details>
  </li>`;
}

/** One message a line, with the count beside it. */
function Examples(/** @type {any} */ { path, word, value, box, isLocked, counted, hasProblem, onValue }) {
  const [typed, setTyped] = useState(/** @type {string | null} */ (null));
  // What is typed stays as it is, empty lines too, for as long as it means what the draft says.
  const isSame = typed !== null && JSON.stringify(lines(typed)) === JSON.stringify(value);
  const id = `own-examples-${path.replaceAll('.', '-')}`;
  return html`<div class="field">
    <div class="spread own-head">
      <label for=${id}>Messages that have it, one a line<span class="visually-hidden">: ${word}</span></label>
      <span class=${`small tabular ${counted.isRight ? 'quiet' : 'own-missing'}`} id=${`${id}-count`}>${counted.text}${counted.rest && `: ${counted.rest}`}</span>
    </div>
    <textarea
      id=${id} ref=${box} class="textarea own-examples" dir="auto" rows=${Math.min(12, Math.max(6, value.length + 1))} data-key=${`${path}.examples`} disabled=${isLocked}
      aria-describedby=${`${id}-count`} aria-invalid=${hasProblem ? 'true' : null} value=${isSame ? typed : value.join('\n')}
      onInput=${(/** @type {any} */ event) => {
        setTyped(event.currentTarget.value);
        onValue(lines(event.currentTarget.value));
      }}
      onBlur=${() => setTyped(null)}
    ></textarea>
  </div>`;
}
