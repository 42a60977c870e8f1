// Where an agent writes: a reply, or a note that only colleagues see. `/` finds
// a canned reply, `@` in an empty reply turns it into a note. The text belongs
// to the conversation and survives a reload.

import { lock, send } from '../../vendor/icons.js';
import { characters } from '../../shared/format.js';
import { html, Icon, useEffect, useLayoutEffect, useRef, useState } from '../../shared/html.js';
import { asksForNote, bare, cannedAt, cannedFor, insertCanned } from '../composing.js';
import { abilities } from '../state.js';

const MOST = 4000;

export function Composer(/** @type {any} */ { state, ui, act, id, card, isWaiting = false, noteOnly = false }) {
  const draft = act.draft(id);
  const [text, setText] = useState(draft.text);
  const [mode, setMode] = useState(noteOnly ? 'note' : draft.mode);
  const [caret, setCaret] = useState(0);
  const [choice, setChoice] = useState(0);
  const [closedAt, setClosedAt] = useState(-1);
  const field = useRef(/** @type {any} */ (null));
  const wantedCaret = useRef(/** @type {any} */ (null));
  const may = abilities(state, id);

  const write = (/** @type {any} */ value, nextMode = mode) => {
    setText(value);
    setMode(nextMode);
    act.keepDraft(id, value, nextMode);
  };

  // The page asks for the composer by raising a number: to focus it, to note, or to look for a canned reply.
  useEffect(() => {
    const wish = ui.wish;
    if (!wish || wish.conversation !== id || wish.done || wish.what === 'wrap_up' || wish.what === 'label') return;
    wish.done = true;
    if (wish.what === 'note') write(text, 'note');
    if (wish.what === 'canned' && text === '') {
      write('/', 'reply');
      wantedCaret.current = 1;
    }
    if (wish.what === 'restore') {
      const kept = act.draft(id);
      setText(kept.text);
      setMode(kept.mode);
    }
    field.current?.focus();
  }, [ui.wish]);

  // Should the place to write go away under the fingers for a moment, it takes the focus back when it returns.
  useLayoutEffect(() => () => document.activeElement === field.current && act.keepFocus(id), []);

  useLayoutEffect(() => {
    const element = field.current;
    element.style.blockSize = 'auto';
    element.style.blockSize = `${Math.min(element.scrollHeight + 2, 240)}px`;
    if (wantedCaret.current !== null) {
      element.setSelectionRange(wantedCaret.current, wantedCaret.current);
      setCaret(wantedCaret.current);
      wantedCaret.current = null;
    }
  }, [text, mode]);

  const isNote = mode === 'note';
  const search = isNote ? null : cannedAt(text, caret);
  const found = search && search.from !== closedAt ? cannedFor(ui.canned, search.query) : [];
  const isListOpen = search !== null && search.from !== closedAt && (found.length > 0 || ui.cannedStatus !== 'ready' || ui.canned.length === 0);
  const chosen = Math.min(choice, found.length - 1);
  const length = characters(text.trim());
  const isTooLong = length > MOST;
  const maySend = length > 0 && !isTooLong && !isWaiting && (isNote ? may.note : may.reply);

  const submit = () => {
    if (!maySend) return;
    act.send(id, text.trim(), mode);
    write('', noteOnly ? 'note' : 'reply');
    setClosedAt(-1);
  };
  const insert = (/** @type {any} */ reply) => {
    if (!search) return;
    const next = insertCanned(text, caret, search, reply.text);
    wantedCaret.current = next.caret;
    write(next.text);
    setChoice(0);
    field.current?.focus();
  };
  const typed = (/** @type {any} */ event) => {
    const value = event.currentTarget.value;
    setCaret(event.currentTarget.selectionStart);
    setChoice(0);
    if (mode === 'reply' && asksForNote(text, value)) {
      write('', 'note');
      return;
    }
    write(value);
    if (mode === 'reply' && !value.startsWith('/')) act.typing(id, value !== '');
  };
  const pressed = (/** @type {any} */ event) => {
    if (event.isComposing) return;
    if (isListOpen && found.length > 0) {
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        setChoice((chosen + (event.key === 'ArrowDown' ? 1 : found.length - 1)) % found.length);
        return;
      }
      if ((event.key === 'Enter' && !event.shiftKey) || event.key === 'Tab') {
        event.preventDefault();
        insert(found[chosen]);
        return;
      }
    }
    if (event.key === 'Escape' && isListOpen && search) {
      event.preventDefault();
      event.stopPropagation();
      setClosedAt(search.from);
    } else if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      submit();
    } else if (event.key === 'Backspace' && isNote && text === '' && !noteOnly) {
      event.preventDefault();
      write('', 'reply');
    }
  };
  const moved = (/** @type {any} */ event) => setCaret(event.currentTarget.selectionStart);

  return html`<form
    class=${`foot composer${isNote ? ' is-note' : ''}`}
    aria-label=${isNote ? 'Note for colleagues' : 'Reply'}
    onSubmit=${(/** @type {any} */ event) => {
      event.preventDefault();
      submit();
    }}
  >
    ${isListOpen && html`<${CannedList} found=${found} chosen=${chosen} ui=${ui} query=${search?.query ?? ''} onChoose=${insert} act=${act} />`}
    <div class="composer-field">
      <textarea
        ref=${field}
        class="textarea composer-text"
        data-composer
        dir="auto"
        rows="1"
        placeholder=${isNote ? 'Note for colleagues' : 'Reply …   / canned   @ note'}
        aria-label=${isNote ? 'Note for colleagues. The visitor never sees it.' : `Reply to ${card?.visitor?.name || 'the visitor'}`}
        aria-describedby="composer-hint"
        aria-autocomplete="list"
        aria-controls=${isListOpen ? 'canned' : null}
        aria-activedescendant=${isListOpen && found.length > 0 ? `canned-${chosen}` : null}
        value=${text}
        onInput=${typed}
        onKeyDown=${pressed}
        onKeyUp=${moved}
        onClick=${moved}
        onBlur=${() => act.typing(id, false)}
      ></textarea>
    </div>
    <div class="composer-line">
      ${noteOnly
        ? html`<span class="composer-mode"><${Icon} shapes=${lock} size=${14} /> Note</span>`
        : html`<div class="composer-modes" role="group" aria-label="What you write">
            <button type="button" class="composer-mode" aria-pressed=${isNote ? 'false' : 'true'} onClick=${() => (write(text, 'reply'), field.current?.focus())}>Reply</button>
            <button type="button" class="composer-mode" aria-pressed=${isNote ? 'true' : 'false'} onClick=${() => (write(text, 'note'), field.current?.focus())}>
              <${Icon} shapes=${lock} size=${12} /> Note
            </button>
          </div>`}
      <span class="composer-hint" id="composer-hint">
        ${isTooLong
          ? html`<span class="problem">${length - MOST} characters too many</span>`
          : isWaiting
            ? 'Taking the conversation…'
            : length > MOST * 0.8
              ? `${MOST - length} characters left`
              : isNote
                ? 'Only colleagues see this'
                : html`<span class="wide-only"><kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> new line</span>`}
      </span>
      <button type="submit" class=${`button ${isNote ? '' : 'primary'}`} disabled=${!maySend}>
        <${Icon} shapes=${isNote ? lock : send} size=${14} /> ${isNote ? 'Add note' : 'Send'}
      </button>
    </div>
  </form>`;
}

function CannedList(/** @type {any} */ { found, chosen, ui, query, onChoose, act }) {
  if (ui.cannedStatus === 'failed') {
    return html`<div class="canned"><p class="part-note">Canned replies could not be loaded. <button type="button" class="link-button" onClick=${() => act.loadCanned()}>Try again</button></p></div>`;
  }
  if (ui.cannedStatus !== 'ready') return html`<div class="canned"><p class="part-note">Loading canned replies…</p></div>`;
  if (found.length === 0) return html`<div class="canned"><p class="part-note">${query ? 'No canned reply fits.' : 'There are no canned replies yet. A supervisor adds them in the admin console.'}</p></div>`;
  return html`<ul class="canned" id="canned" role="listbox" aria-label="Canned replies">
    ${found.map(
      (/** @type {any} */ reply, /** @type {any} */ index) => html`<li
        key=${reply.id ?? reply.shortcut}
        id=${`canned-${index}`}
        role="option"
        aria-selected=${index === chosen ? 'true' : 'false'}
        onMouseDown=${(/** @type {any} */ event) => {
          event.preventDefault();
          onChoose(reply);
        }}
      >
        <strong class="ellipsis">/<bdi>${bare(reply.shortcut)}</bdi></strong> <span class="ellipsis" dir="auto">${reply.text}</span>
      </li>`,
    )}
  </ul>`;
}
