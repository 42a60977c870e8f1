// After the visitor has gone: what came of it, and whether the handoff was
// right. The label feeds the tuning of the policy.

import { html, useEffect, useRef, useState } from '../../shared/html.js';
import { underway } from '../state.js';
import * as words from '../../shared/words.js';

const CODES = ['solved', 'unsolved', 'no_reply', 'spam', 'other'];

export function WrapUp(/** @type {any} */ { state, ui, act, id, card }) {
  const codes = state.dispositions.length > 0 ? state.dispositions : CODES;
  const [disposition, setDisposition] = useState(/** @type {any} */ (null));
  const [label, setLabel] = useState(/** @type {any} */ (null));
  const [note, setNote] = useState('');
  const [isMissing, setMissing] = useState(false);
  const form = useRef(/** @type {any} */ (null));
  const busy = Boolean(underway(state, id, 'conversation.wrap_up'));

  useEffect(() => {
    const wish = ui.wish;
    if (!wish || wish.conversation !== id || wish.done) return;
    if (wish.what === 'label') {
      setLabel(words.LABELS[wish.label]?.code ?? null);
      if (!form.current?.contains(document.activeElement)) form.current?.querySelector('input')?.focus();
    }
    if (wish.what === 'wrap_up') form.current?.querySelector('input')?.focus();
    wish.done = true;
  }, [ui.wish]);

  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    if (!disposition) {
      setMissing(true);
      event.currentTarget.querySelector('input[name="disposition"]')?.focus();
      return;
    }
    act.wrapUp(id, { disposition, label, note: note.trim() });
  };

  return html`<form ref=${form} class="foot wrap-up" aria-label="Wrap up" onSubmit=${submit}>
    <div class="wrap-up-head">
      <h3>Wrap up</h3>
      <p class="small quiet">The visitor has been told. <bdi>${card?.visitor?.name ?? ''}</bdi> leaves your list when this is done.</p>
    </div>
    <fieldset>
      <legend>What came of it?</legend>
      <div class="choices">
        ${codes.map(
          (/** @type {any} */ code) => html`<label class="choice" key=${code}>
            <input type="radio" name="disposition" value=${code} checked=${disposition === code} onChange=${() => (setDisposition(code), setMissing(false))} />
            <span>${words.disposition(code)}</span>
          </label>`,
        )}
      </div>
      <p class="problem" role="alert">${isMissing ? 'Choose one, so that it can be closed.' : ''}</p>
    </fieldset>
    <fieldset>
      <legend>Did it come to you at the right moment? <span class="quiet">keys 1 to 4, or leave it open</span></legend>
      <div class="choices">
        ${words.LABELS.map(
          ({ code, word, hint }, index) => html`<label class="choice" key=${code} title=${hint}>
            <input type="radio" name="label" value=${code} checked=${label === code} onChange=${() => setLabel(code)} onClick=${() => label === code && setLabel(null)} />
            <span><kbd aria-hidden="true">${index + 1}</kbd> ${word}</span>
          </label>`,
        )}
      </div>
    </fieldset>
    <div class="wrap-up-end">
      <label class="grow">
        <span class="visually-hidden">Note for colleagues (not needed)</span>
        <input class="input" type="text" dir="auto" maxlength="1000" placeholder="Note for colleagues (not needed)" value=${note} onInput=${(/** @type {any} */ event) => setNote(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button primary" disabled=${busy}>${busy ? 'Closing…' : 'Close conversation'}</button>
    </div>
  </form>`;
}
