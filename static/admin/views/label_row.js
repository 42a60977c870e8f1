// What a visitor's message really was, said in place: a row of toggles below it
// with what Baton thought beside each, by mouse or by one key each. The keys
// work while the row has the focus and nowhere else.

import { check, checkCheck, chevronDown, circleAlert, flag, x } from '../../vendor/icons.js';
import { announce } from '../../shared/dom.js';
import { html, Icon, useLayoutEffect, useMemo, useRef, useState } from '../../shared/html.js';
import { agree, HEADS, intentsOf, MOODS, opinionOf, saidOf, SAYABLE, silenceOf, thinks, thoughtOf, turn, withIntent, withIntents, withMood, withPlace } from '../labels/label.js';
import { WHOLE } from '../labels/labeling.js';
import { saidOf as failed, useId } from '../parts.js';
import { intentWord } from '../policy/schema.js';

/** The keys, for the legend. The first of each are those that `KeyboardEvent.key` knows. */
export const KEYS = /** @type {const} */ ([
  { show: ['↑', '↓'], what: 'message' },
  { show: ['F'], what: 'frustrated' },
  { show: ['H'], what: 'asks for a person' },
  { show: ['O'], what: 'offensive' },
  { show: ['1', '2', '3'], what: 'mood − 0 +' },
  { show: ['I'], what: 'intents' },
  { show: ['A'], what: 'Baton is right' },
  { show: ['P'], what: 'person needed here' },
  { show: ['⌫'], what: 'take back' },
  { show: ['U'], what: 'undo' },
]);

/** A share in as little room as it takes: `.81`, `1.0`. */
const shareOf = (/** @type {number} */ share) => (share >= 0.995 ? '1.0' : share.toFixed(2).slice(1));

const clip = (/** @type {string} */ text, most = 40) => ([...text].length > most ? `${[...text].slice(0, most).join('')}…` : text);

/**
 * Renders again when one of these labels changes, or any where none is named.
 * @param {import('../labels/labeling.js').Labeling | null} labeling
 * @param {import('../labels/labeling.js').Key[]} keys
 */
export function useLabeling(labeling, ...keys) {
  const [, setRound] = useState(0);
  useLayoutEffect(() => labeling?.listen((key) => (keys.length === 0 || keys.includes(key)) && setRound((n) => n + 1)), [labeling, ...keys]);
}

/** Moves the focus to the row of the message before or after, to the same place in it. */
function walk(/** @type {HTMLElement} */ bar, /** @type {number} */ by) {
  const bars = [...(bar.closest('.transcript')?.querySelectorAll('.labels-bar') ?? [])];
  const to = bars[bars.indexOf(bar) + by];
  if (!to) return;
  const at = [...bar.querySelectorAll('button')].indexOf(/** @type {any} */ (document.activeElement));
  const buttons = [...to.querySelectorAll('button')];
  (buttons[Math.max(0, at)] ?? buttons[0])?.focus();
  to.closest('.line')?.scrollIntoView({ block: 'nearest' });
}

/** The row of one message. `calledAt` is the message at which a person was first called. */
export function LabelRow(/** @type {any} */ { entry, labeling, calledAt }) {
  useLabeling(labeling, entry.position, WHOLE);
  const label = labeling.get(entry.position).value;
  const whole = labeling.get(WHOLE).value;
  const isPlace = whole?.position === entry.position;
  const onPlace = () => labeling.set(WHOLE, withPlace(whole, entry.position, calledAt));
  const opinion = useMemo(() => opinionOf(entry.analysis), [entry]);
  const id = useId('lb');
  const bar = useRef(/** @type {any} */ (null));
  const [at, setAt] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const put = (/** @type {any} */ next) => labeling.set(entry.position, next);
  const intents = intentsOf(label, opinion);
  const who = opinion?.by === 'words' ? 'the word lists' : 'Baton';

  const openIntents = () => {
    setOpen(true);
    requestAnimationFrame(() => /** @type {any} */ (document.getElementById(`${id}-intents`))?.querySelector('input')?.focus());
  };
  const closeIntents = () => {
    setOpen(false);
    bar.current?.querySelector('.labels-intents')?.focus();
  };
  /** @type {Record<string, () => void>} */
  const acts = {
    ...Object.fromEntries(HEADS.map(({ head, key }) => [key, () => put(turn(label, opinion, head))])),
    ...Object.fromEntries(MOODS.map(({ mood, key }) => [key, () => put(withMood(label, mood))])),
    i: () => (isOpen ? closeIntents() : openIntents()),
    a: () => put(agree(label, opinion)),
    p: onPlace,
    u: () => undo(labeling),
    Backspace: () => put(null),
    Delete: () => put(null),
    ArrowUp: () => walk(bar.current, -1),
    ArrowDown: () => walk(bar.current, 1),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => buttons().at(0)?.focus(),
    End: () => buttons().at(-1)?.focus(),
  };
  const buttons = () => /** @type {HTMLElement[]} */ ([...bar.current.querySelectorAll('button')]);
  const step = (/** @type {number} */ by) => buttons()[Math.min(buttons().length - 1, Math.max(0, at + by))]?.focus();

  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || event.altKey) return;
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z';
    if ((event.ctrlKey || event.metaKey) && !isUndo) return;
    const act = isUndo ? acts.u : acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    // A key that is held down walks, and says nothing over and over.
    if (event.repeat && !event.key.startsWith('Arrow')) return;
    act();
  };

  let index = -1;
  /** One button of the row: only one of them is in the order of Tab, the arrows reach the others. */
  const own = (/** @type {() => void} */ act) => {
    index += 1;
    const mine = index;
    return {
      type: 'button',
      tabIndex: mine === at ? 0 : -1,
      onFocus: () => setAt(mine),
      onClick: (/** @type {any} */ event) => {
        // Some browsers give a pressed button no focus: the row would close under the finger.
        event.currentTarget.focus();
        act();
      },
    };
  };

  return html`<div class="labels">
    ${isPlace && html`<p class="labels-place"><${Icon} shapes=${flag} size=${12} /> A person should have come here</p>`}
    <div class="labels-room">
      <p class="labels-said" aria-hidden="true"><${Summary} label=${label} opinion=${opinion} analysis=${entry.analysis} who=${who} /></p>
      <div ref=${bar} class="labels-bar" role="toolbar" aria-label=${`What this message is: “${clip(entry.text ?? '')}”`} onKeyDown=${onKeyDown}>
        ${HEADS.map(({ head, key, word, yes, no }) => {
          const said = label?.[head];
          const share = opinion ? shareOf(opinion.shares[head]) : '';
          const thought = opinion ? thinks(opinion, head) : null;
          const state = `${opinion ? `${who}: ${thought ? yes : no}; ` : ''}${said === undefined ? 'not labeled' : `labeled: ${said === 1 ? yes : no}`}`;
          const isYes = said === undefined ? thought : said === 1;
          return html`<button key=${head} class=${`label-toggle${said === undefined ? '' : ' is-said'}${isYes ? ' is-yes' : ''}`} title=${state} aria-keyshortcuts=${key.toUpperCase()} ...${own(acts[key])}>
            <span class="label-mark" aria-hidden="true">${said === undefined ? html`<span class=${`label-dot${thought ? ' is-full' : ''}`}></span>` : html`<${Icon} shapes=${said === 1 ? check : x} size=${12} />`}</span>
            <span>${word}</span>
            ${share && html`<span class="label-share tabular">${share}</span>`}
            <span class="visually-hidden">. ${state}</span>
          </button>`;
        })}
        <span class="label-moods" role="group" aria-label="Mood">
          ${MOODS.map(({ mood, key, sign, word }) => {
            const isSaid = label?.sentiment === mood;
            const isThought = opinion?.sentiment === mood;
            const name = `${sign} ${word}${isThought ? `; ${who} thinks so` : ''}`;
            return html`<button key=${mood} class=${`label-toggle label-mood${isSaid ? ' is-said' : ''}${isThought ? ' is-thought' : ''}`} aria-pressed=${isSaid ? 'true' : 'false'} aria-label=${name} title=${name} aria-keyshortcuts=${key} ...${own(acts[key])}>${sign}</button>`;
          })}
        </span>
        <button class=${`label-toggle labels-intents${label?.intents ? ' is-said' : ''}`} aria-expanded=${isOpen ? 'true' : 'false'} aria-controls=${`${id}-intents`} aria-label=${`Intents: ${intents.map(intentWord).join(', ') || 'none'}${label?.intents ? ', labeled' : ''}`} title=${intents.map(intentWord).join(', ') || 'no intent'} aria-keyshortcuts="I" ...${own(acts.i)}>
          <span>Intents</span> <${Icon} shapes=${label?.intents ? check : chevronDown} size=${12} />
        </button>
        <button class="label-toggle label-only" aria-label=${`Say that ${who === 'Baton' ? 'Baton is' : 'the word lists are'} right`} title=${`Say that ${who} ${who === 'Baton' ? 'is' : 'are'} right, in what is not labeled yet (A)`} aria-disabled=${opinion ? null : 'true'} aria-keyshortcuts="A" ...${own(acts.a)}><${Icon} shapes=${checkCheck} size=${14} /></button>
        <button class=${`label-toggle label-only${isPlace ? ' is-said' : ''}`} aria-pressed=${isPlace ? 'true' : 'false'} aria-label="A person should have come here" title="A person should have come here (P)" aria-keyshortcuts="P" ...${own(onPlace)}><${Icon} shapes=${flag} size=${14} /></button>
      </div>
    </div>
    <div id=${`${id}-intents`} hidden=${!isOpen}>
      ${isOpen && html`<${IntentList} label=${label} opinion=${opinion} put=${put} onClose=${closeIntents} />`}
    </div>
    <${Failure} labeling=${labeling} of=${entry.position} />
  </div>`;
}

/** Takes the last change back, wherever it was made. */
function undo(/** @type {import('../labels/labeling.js').Labeling} */ labeling) {
  if (labeling.undo() === null) announce('There is nothing to undo.');
}

/** The row in one line, for as long as nobody is at it. */
function Summary(/** @type {any} */ { label, opinion, analysis, who }) {
  if (label) {
    return saidOf(label, opinion).map(
      ({ what, text, against }) => html`<span class="tag" key=${what}><${Icon} shapes=${check} size=${12} /> ${text}${against && html` <span class="quiet">(${who}: ${against})</span>`}</span> `,
    );
  }
  return html`<span class="quiet">${opinion ? `${who === 'Baton' ? 'Baton' : 'The word lists'}: ${thoughtOf(opinion)}` : `No opinion of Baton: ${silenceOf(analysis)}`}</span>`;
}

function IntentList(/** @type {any} */ { label, opinion, put, onClose }) {
  const now = intentsOf(label, opinion);
  return html`<fieldset
    class="labels-list"
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      onClose();
    }}
  >
    <legend>What it is about, all that fits</legend>
    <div class="choices-list">
      ${SAYABLE.map(
        (code) => html`<label class="check" key=${code}>
          <input type="checkbox" checked=${now.includes(code)} onChange=${() => put(withIntent(label, opinion, code))} />
          <span>${intentWord(code)}${opinion?.intents.includes(code) ? html` <span class="label-dot is-full" title="Baton thinks so"></span><span class="visually-hidden">, Baton thinks so</span>` : ''}</span>
        </label>`,
      )}
    </div>
    <div class="cluster">
      <button type="button" class="button compact" aria-pressed=${label?.intents?.length === 0 ? 'true' : 'false'} onClick=${() => put(withIntents(label, label?.intents?.length === 0 ? undefined : []))}>None of these</button>
      <button type="button" class="button compact" onClick=${() => put(withIntents(label, label?.intents ? undefined : (opinion?.intents ?? [])))}>${label?.intents ? 'Take the intents back' : 'Right as ticked'}</button>
      <button type="button" class="button compact" onClick=${onClose}>Close</button>
    </div>
  </fieldset>`;
}

/** Quietly, beside what was changed last: that it is saved, and the way back. */
export function SaveNote(/** @type {any} */ { labeling, of }) {
  useLabeling(labeling, of);
  const slot = labeling.get(of);
  if (slot.error || !slot.note) return null;
  if (slot.isBusy) return html`<span class="labels-note">Saving…</span>`;
  return html`<span class="labels-note">
    ${slot.note === 'undone' ? 'Undone' : 'Saved'}
    ${labeling.last === of && html`<button type="button" class="link-button" onClick=${() => undo(labeling)}>Undo<span class="visually-hidden"> the last label</span></button>`}
  </span>`;
}

/** Where it could not be saved: why, what was kept, what to do. */
export function Failure(/** @type {any} */ { labeling, of }) {
  useLabeling(labeling, of);
  const { error, isBusy } = labeling.get(of);
  return html`<div role="alert">
    ${error &&
    html`<div class="notice bad labels-failure"><${Icon} shapes=${circleAlert} /> <div>
      <p>Not saved. ${failed(error).replace('Nothing was saved; what you typed is still here.', 'Your label is still here.').replace('What you typed is still here; try', 'Your label is still here; try')}</p>
      <p class="cluster"><button type="button" class="link-button" disabled=${isBusy} onClick=${() => labeling.retry(of)}>Try again</button> <button type="button" class="link-button" onClick=${() => labeling.giveUp(of)}>Leave it as it was</button></p>
    </div></div>`}
  </div>`;
}
