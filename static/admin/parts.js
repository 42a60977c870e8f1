// The pieces that several pages are made of: fields with labels and problems,
// lists that are empty, loading or failed, copying, saving, confirming.

import { check, circleAlert, copy, plus, rotateCcw, trash2, x } from '../vendor/icons.js';
import { Dialog } from '../shared/dialog.js';
import { ago, dateTime } from '../shared/format.js';
import { html, Icon, useEffect, useRef, useState } from '../shared/html.js';
import { now } from '../shared/time.js';
import { toast } from './app_state.js';

let lastId = 0;

/** An id that stays with its component. */
export function useId(prefix = 'f') {
  return useState(() => {
    lastId += 1;
    return `${prefix}${lastId}`;
  })[0];
}

/**
 * Loads something and keeps what was there while it loads again.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {any[]} deps
 * @returns {{ data: T | null, error: any, isLoading: boolean, reload: () => void, set: (data: T) => void }}
 */
export function useLoad(load, deps) {
  const [state, setState] = useState(/** @type {{ data: any, error: any, isLoading: boolean }} */ ({ data: null, error: null, isLoading: true }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    load(abort.signal).then(
      (data) => !abort.signal.aborted && setState({ data, error: null, isLoading: false }),
      (error) => !abort.signal.aborted && setState((before) => ({ ...before, error, isLoading: false })),
    );
    return () => abort.abort();
  }, [...deps, round]);
  return { ...state, reload: () => setRound((n) => n + 1), set: (data) => setState({ data, error: null, isLoading: false }) };
}

/**
 * Runs something that changes the server, once at a time, and keeps what went wrong.
 * Problems are by field, without the field's name before the sentence.
 */
export function useSave() {
  const [state, setState] = useState(/** @type {{ isBusy: boolean, failure: string, problems: Record<string, string> }} */ ({ isBusy: false, failure: '', problems: {} }));
  const isAlive = useRef(true);
  useEffect(() => () => void (isAlive.current = false), []);
  const put = (/** @type {typeof state} */ next) => isAlive.current && setState(next);
  return {
    ...state,
    clear: () => put({ isBusy: false, failure: '', problems: {} }),
    refuse: (/** @type {Record<string, string>} */ problems) => put({ isBusy: false, failure: '', problems }),
    /** @returns {Promise<any>} what `work` gave, undefined when it failed */
    run: async (/** @type {() => Promise<any>} */ work) => {
      if (state.isBusy) return undefined;
      put({ isBusy: true, failure: '', problems: {} });
      try {
        const answer = await work();
        put({ isBusy: false, failure: '', problems: {} });
        return answer ?? null;
      } catch (error) {
        put({ isBusy: false, ...refusal(error) });
        return undefined;
      }
    },
  };
}

/** @type {Record<string, string>} */
const FAILURES = {
  unreachable: 'The server did not answer. Nothing was saved; what you typed is still here.',
  store_unavailable: 'The server cannot save right now. What you typed is still here; try again in a moment.',
  conflict: 'Somebody else changed this first. Load it again and look.',
  forbidden: 'Your role does not allow this.',
  last_admin: 'This is the last admin. Make somebody else an admin first.',
  queue_in_use: 'Conversations are in this queue, or it is the one for everything else. It stays.',
  rate_limited: 'Too many at once. Wait a moment and try again.',
};

function refusal(/** @type {any} */ error) {
  /** @type {Record<string, string>} */
  const problems = {};
  for (const { field, message } of error.problems ?? []) {
    if (field) problems[field] = [problems[field], sentence(field, message)].filter(Boolean).join(' ');
  }
  const named = Object.keys(problems).length > 0;
  return { problems, failure: named ? 'Not saved. Look at the marked fields.' : saidOf(error) };
}

function sentence(/** @type {string} */ field, /** @type {string} */ message) {
  const text = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
  return `${text.charAt(0).toLocaleUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

export function saidOf(/** @type {any} */ error) {
  const code = error?.code ?? '';
  return Object.hasOwn(FAILURES, code) ? FAILURES[code] : sentence('', error?.message || 'Something went wrong.');
}

/**
 * A labelled field. `children` is a function from the attributes of the control.
 * @param {any} properties
 */
export function Field({ label, hint, problem, children, isQuiet = false, class: name = '' }) {
  const id = useId();
  const described = [problem && `${id}-problem`, hint && `${id}-hint`].filter(Boolean).join(' ') || null;
  return html`<div class=${`field ${name}`}>
    <label for=${id} class=${isQuiet ? 'visually-hidden' : null}>${label}</label>
    ${children({ id, 'aria-describedby': described, 'aria-invalid': problem ? 'true' : null })}
    ${problem && html`<p class="problem" id=${`${id}-problem`}>${problem}</p>`}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

export function TextField(/** @type {any} */ { label, hint, problem, value, onValue, type = 'text', isLong = false, isQuiet = false, class: name = '', ...rest }) {
  return html`<${Field} label=${label} hint=${hint} problem=${problem} isQuiet=${isQuiet} class=${name}>
    ${(/** @type {any} */ own) =>
      isLong
        ? html`<textarea class="textarea" dir="auto" value=${value} onInput=${(/** @type {any} */ event) => onValue(event.currentTarget.value)} ...${own} ...${rest}></textarea>`
        : html`<input class="input" dir="auto" type=${type} value=${value} onInput=${(/** @type {any} */ event) => onValue(event.currentTarget.value)} ...${own} ...${rest} />`}
  <//>`;
}

export function SelectField(/** @type {any} */ { label, hint, problem, value, onValue, options, isQuiet = false, class: name = '', ...rest }) {
  return html`<${Field} label=${label} hint=${hint} problem=${problem} isQuiet=${isQuiet} class=${name}>
    ${(/** @type {any} */ own) => html`<select class="select" value=${value} onChange=${(/** @type {any} */ event) => onValue(event.currentTarget.value)} ...${own} ...${rest}>
      ${options.map((/** @type {[string, string]} */ [code, word]) => html`<option key=${code} value=${code} selected=${code === value}>${word}</option>`)}
    </select>`}
  <//>`;
}

/** A list of short words, as chips: type and press Enter or a comma; Backspace takes the last away. */
export function WordsField(/** @type {any} */ { label, hint, problem, value, onValue, suggestions = [] }) {
  const [typed, setTyped] = useState('');
  const list = useId('l');
  const add = (/** @type {string} */ text) => {
    const words = text.split(',').map((word) => word.trim().toLocaleLowerCase()).filter(Boolean);
    setTyped('');
    if (words.length > 0) onValue([...new Set([...value, ...words])]);
  };
  return html`<${Field} label=${label} hint=${hint} problem=${problem}>
    ${(/** @type {any} */ own) => html`<div class="words-field">
      ${value.map((/** @type {string} */ word) => html`<span class="tag" key=${word}><bdi>${word}</bdi><button type="button" class="tag-remove" aria-label=${`Take away ${word}`} onClick=${() => onValue(value.filter((/** @type {string} */ one) => one !== word))}><${Icon} shapes=${x} size=${12} /></button></span>`)}
      <input
        class="words-input" dir="auto" value=${typed} list=${suggestions.length > 0 ? list : null} autocomplete="off" ...${own}
        onInput=${(/** @type {any} */ event) => (event.currentTarget.value.includes(',') ? add(event.currentTarget.value) : setTyped(event.currentTarget.value))}
        onKeyDown=${(/** @type {any} */ event) => {
          if (event.key === 'Enter' && typed.trim() !== '') {
            event.preventDefault();
            add(typed);
          } else if (event.key === 'Backspace' && typed === '' && value.length > 0) onValue(value.slice(0, -1));
        }}
        onBlur=${() => add(typed)}
      />
      ${suggestions.length > 0 && html`<datalist id=${list}>${suggestions.filter((/** @type {string} */ one) => !value.includes(one)).map((/** @type {string} */ one) => html`<option key=${one} value=${one} />`)}</datalist>`}
    </div>`}
  <//>`;
}

/** A group of check boxes: several of a few. */
export function ChoicesField(/** @type {any} */ { label, hint, problem, value, onValue, options }) {
  const id = useId();
  return html`<fieldset class="field choices" aria-describedby=${problem || hint ? `${id}-more` : null}>
    <legend>${label}</legend>
    <div class="choices-list">
      ${options.map(
        (/** @type {[string, string]} */ [code, word]) => html`<label class="check" key=${code}>
          <input type="checkbox" checked=${value.includes(code)} onChange=${() => onValue(value.includes(code) ? value.filter((/** @type {string} */ one) => one !== code) : [...value, code])} />
          <bdi>${word}</bdi>
        </label>`,
      )}
    </div>
    <div id=${`${id}-more`}>${problem && html`<p class="problem">${problem}</p>`}${hint && html`<p class="hint">${hint}</p>`}</div>
  </fieldset>`;
}

/** The lines of a text that is shown once or pasted elsewhere, with a button that copies it. */
export function Copyable(/** @type {any} */ { label, text, hint }) {
  const [isCopied, setCopied] = useState(false);
  const field = useRef(/** @type {any} */ (null));
  const id = useId();
  const take = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      toast(`${label} copied.`);
    } catch {
      // No access to the clipboard: it is selected, so that Ctrl+C does it.
      field.current.focus();
      field.current.select();
      toast('Press Ctrl+C or ⌘C to copy.');
    }
  };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <div class="copyable">
      <textarea class="textarea code" id=${id} ref=${field} readonly rows="2" spellcheck=${false} value=${text} aria-describedby=${hint ? `${id}-hint` : null} onFocus=${(/** @type {any} */ event) => event.currentTarget.select()}></textarea>
      <button type="button" class="button" onClick=${take}><${Icon} shapes=${isCopied ? check : copy} /> ${isCopied ? 'Copied' : 'Copy'}</button>
    </div>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

/** Nothing is here: what it is for, and how to begin. */
export function Empty(/** @type {any} */ { icon, title, children, action }) {
  return html`<div class="state">
    ${icon && html`<${Icon} shapes=${icon} size=${24} />`}
    <h2>${title}</h2>
    <p>${children}</p>
    ${action}
  </div>`;
}

export function Failed(/** @type {any} */ { what, error, onRetry }) {
  return html`<div class="state" role="alert">
    <${Icon} shapes=${circleAlert} size=${24} />
    <h2>${what} could not be loaded</h2>
    <p>${saidOf(error).replace('Nothing was saved; what you typed is still here.', 'Nothing is lost.')}</p>
    <button type="button" class="button" onClick=${onRetry}><${Icon} shapes=${rotateCcw} /> Try again</button>
  </div>`;
}

/** Rows in the shape of what is coming. */
export function LoadingRows(/** @type {any} */ { rows = 5, label = 'Loading' }) {
  return html`<div class="loading-rows" role="status">
    <span class="visually-hidden">${label}</span>
    ${Array.from({ length: rows }, (_, index) => html`<div class="loading-row" key=${index} aria-hidden="true"><span class="skeleton"></span><span class="skeleton"></span></div>`)}
  </div>`;
}

/** An instant in the reader's own zone: short, with the whole of it on hover. */
export function When(/** @type {any} */ { at, isAgo = false }) {
  if (!at) return html`<span class="quiet">–</span>`;
  return html`<time datetime=${at} title=${new Date(at).toLocaleString()}>${isAgo ? ago(at, now.value, 'en') : dateTime(at)}</time>`;
}

/** The foot of a form: save, cancel, remove, and what went wrong. */
export function FormFoot(/** @type {any} */ { save, isDirty, isNew, onCancel, onRemove, saveWord, removeWord = 'Remove' }) {
  return html`<div class="form-foot">
    <div role="alert">${save.failure && html`<p class="notice bad"><${Icon} shapes=${circleAlert} /> <span>${save.failure}</span></p>`}</div>
    <div class="cluster">
      <button type="submit" class="button primary" disabled=${save.isBusy}>${isNew && !saveWord ? html`<${Icon} shapes=${plus} />` : null} ${save.isBusy ? 'Saving…' : (saveWord ?? (isNew ? 'Add' : 'Save'))}</button>
      <button type="button" class="button" onClick=${onCancel}>${isDirty ? 'Discard changes' : isNew ? 'Cancel' : 'Close'}</button>
      ${onRemove && html`<button type="button" class="button danger push" onClick=${onRemove}><${Icon} shapes=${trash2} /> ${removeWord}</button>`}
    </div>
  </div>`;
}

/** A question before something that cannot be undone. */
export function Confirm(/** @type {any} */ { title, children, yes, isDanger = true, isBusy = false, failure = '', onYes, onNo }) {
  return html`<${Dialog} label=${title} onClose=${onNo}>
    <form
      onSubmit=${(/** @type {any} */ event) => {
        event.preventDefault();
        onYes();
      }}
    >
      <h2>${title}</h2>
      <div class="written">${children}</div>
      <div role="alert">${failure && html`<p class="notice bad"><${Icon} shapes=${circleAlert} /> <span>${failure}</span></p>`}</div>
      <div class="actions">
        <button type="button" class="button" autofocus onClick=${onNo}>Cancel</button>
        <button type="submit" class=${`button ${isDanger ? 'danger' : 'primary'}`} disabled=${isBusy}>${yes}</button>
      </div>
    </form>
  <//>`;
}

/** The head of a page: its name, what it answers, and what one can do there. */
export function Head(/** @type {any} */ { title, children, action }) {
  return html`<header class="page-head">
    <div class="grow">
      <h1 tabindex="-1" id="page-title">${title}</h1>
      ${children && html`<p class="page-intro">${children}</p>`}
    </div>
    ${action}
  </header>`;
}
