// Draws the widget's state. It changes only what differs, so that a screen
// reader hears each new line once and nothing loses its focus or its scroll.
// It fetches nothing and decides nothing: presses go to `actions`.

import { el, icon, setText, textNodes } from '../shared/elements.js';
import { characters, clock, day, isSameDay, minutes } from '../shared/text.js';
import { arrowUp, bot, check, checkCheck, chevronDown, circleAlert, clock as clockIcon, userRound, wifiOff, x } from '../vendor/icons-widget.js';
import { mark, mayEnd, mayRate, unread } from './state.js';

/** @import { Actions, Line, Outgoing, State } from './types.d.ts' */

/** Messages of one author within this time stand together under one name and one time. */
const GROUP_MS = 5 * 60_000;
/** The counter appears when this few characters are left. */
const COUNT_FROM = 400;
/** A connection lost for less than this is not worth a word. */
const QUIET_MS = 1_500;

const button = (/** @type {string} */ label, /** @type {() => void} */ onclick, name = 'button') => el('button', { class: name, type: 'button', onclick }, label);
const linkButton = (/** @type {string} */ label, /** @type {() => void} */ act) => button(label, act, 'link-button');
const submitButton = (/** @type {string} */ label) => el('button', { class: 'button primary', type: 'submit' }, label);

/**
 * Builds the widget inside `root`.
 * @param {HTMLElement} root
 * @param {any} words one of locales/
 * @param {string} locale
 * @param {Actions} actions
 * @param {{ has_close: boolean, draft: string }} options
 */
export function createView(root, words, locale, actions, options) {
  const face = el('span', { class: 'face', 'aria-hidden': 'true' });
  const title = el('h1', { class: 'ellipsis' });
  const line = el('p', { class: 'line ellipsis' });
  const close = el('button', { class: 'tool', type: 'button', 'aria-label': words.close, title: words.close, onclick: actions.close, hidden: !options.has_close }, icon(x, null, 20));
  const header = el('header', {}, face, el('div', { class: 'who' }, title, line), close);

  const banner = el('div', { class: 'banner', role: 'status' });
  const intro = el('div', { class: 'intro' });
  const lines = el('div', { class: 'lines' });
  const log = el('div', { class: 'log', role: 'log', tabindex: '0', 'aria-label': words.log, 'aria-live': 'off', 'aria-relevant': 'additions', onscroll: actions.looked }, intro, lines);
  const newer = el('button', { class: 'newer', type: 'button', hidden: true, onclick: () => toEnd() }, icon(chevronDown), words.newer);
  const typing = el('p', { class: 'typing' });
  const card = el('section', { class: 'card', hidden: true });

  const talk = el('button', { class: 'strip-button', type: 'button', onclick: () => talk.getAttribute('aria-disabled') !== 'true' && actions.talk() }, icon(userRound), el('span'));
  const end = el('button', { class: 'plain', type: 'button', 'aria-label': words.end, title: words.end, onclick: () => askToEnd() }, words.end_short);
  const strip = el('div', { class: 'strip' }, talk, end);

  const count = el('p', { class: 'count', id: 'count', hidden: true });
  const problem = el('p', { class: 'problem', role: 'alert', hidden: true });
  const input = el('textarea', { id: 'message', rows: 1, dir: 'auto', 'aria-describedby': 'hint count', autocomplete: 'off', value: options.draft });
  const send = el('button', { class: 'send', type: 'submit', 'aria-label': words.send, title: words.send }, icon(arrowUp, null, 20));
  const composer = el(
    'form',
    { class: 'composer', onsubmit: submit },
    el('label', { class: 'visually-hidden', for: 'message' }, words.placeholder),
    el('div', { class: 'box' }, input, send),
    count,
    el('p', { class: 'visually-hidden', id: 'hint' }, words.send_hint),
  );
  const dialog = el(
    'dialog',
    { 'aria-labelledby': 'end-title', onclose: () => dialog.returnValue === 'end' && actions.end() },
    el(
      'form',
      { method: 'dialog' },
      el('h2', { id: 'end-title' }, words.end_title),
      el('p', {}, words.end_text),
      el('div', { class: 'actions' }, el('button', { class: 'button', value: 'keep' }, words.end_no), el('button', { class: 'button primary', value: 'end' }, words.end_yes)),
    ),
  );
  const announcer = el('div', { id: 'announcer', class: 'visually-hidden', 'aria-live': 'polite' });
  root.replaceChildren(header, banner, el('div', { class: 'middle' }, log, newer), typing, card, problem, strip, composer, dialog, announcer);

  /** @type {Map<string, HTMLElement>} */
  const drawn = new Map();
  let message_chars = 4000;
  let banner_key = '';
  let card_key = '';
  /** @type {any} */ let banner_timer = null;
  /** @type {() => void} */ let drawBannerNow = () => {};
  let is_at_end = true;
  /** @type {State | null} */ let shown = null;

  log.addEventListener('scroll', () => (is_at_end = atEnd()), { passive: true });
  if ('ResizeObserver' in window) new ResizeObserver(() => is_at_end && toEnd()).observe(log);
  input.addEventListener('input', () => {
    actions.draft(input.value);
    actions.typing(input.value.trim() !== '');
    drawComposer();
  });
  input.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      composer.requestSubmit();
    }
  });
  drawComposer();

  function submit(/** @type {Event} */ event) {
    event.preventDefault();
    const text = input.value.trim();
    if (text === '' || characters(text) > message_chars) return;
    input.value = '';
    is_at_end = true;
    actions.draft('');
    actions.typing(false);
    actions.send(text);
    drawComposer();
    input.focus();
  }

  function drawComposer() {
    const left = message_chars - characters(input.value.trim());
    const is_near = left <= COUNT_FROM;
    count.hidden = !is_near;
    count.classList.toggle('over', left < 0);
    setText(count, is_near ? (left < 0 ? words.too_long(-left) : words.left_to_write(left)) : '');
    input.setAttribute('aria-invalid', String(left < 0));
    send.setAttribute('aria-disabled', String(left < 0 || input.value.trim() === ''));
    // The box grows with what is written; `field-sizing` does it where it exists.
    if (!CSS.supports('field-sizing', 'content')) {
      input.style.height = 'auto';
      input.style.height = `${input.scrollHeight + 2}px`;
    }
  }

  function atEnd() {
    return log.scrollHeight - log.scrollTop - log.clientHeight < 48;
  }

  function toEnd() {
    log.scrollTop = log.scrollHeight;
    is_at_end = true;
    newer.hidden = true;
  }

  function askToEnd() {
    dialog.returnValue = '';
    dialog.showModal();
  }

  /** `{ day, time }` of the next opening; the day is empty when it is today. */
  function opening(/** @type {string | null | undefined} */ at) {
    if (!at) return '';
    const weekday = isSameDay(at, Date.now()) ? '' : new Intl.DateTimeFormat(locale, { weekday: 'long' }).format(new Date(at));
    return words.opens(weekday, clock(at, locale));
  }

  function botName(/** @type {State} */ state) {
    return state.widget?.name ? `${state.widget.name} · ${words.bot}` : words.bot;
  }

  function drawHeader(/** @type {State} */ state) {
    const { status, widget } = state;
    const name = widget?.name || '';
    setText(title, name || words.log);
    setText(face, ([...name.trim()][0] ?? '').toLocaleUpperCase());
    setText(line, status.state === 'agent' ? words.with_agent(status.agent || words.team) : status.state === 'waiting' ? words.waiting : status.state === 'left_message' ? words.left : status.state === 'closed' ? words.over : words.bot_at_work);
  }

  function drawIntro(/** @type {State} */ state) {
    const key = `${JSON.stringify(state.widget)} ${state.is_caught_up}`;
    if (intro.dataset.key === key) return;
    intro.dataset.key = key;
    if (!state.widget || !state.is_caught_up) {
      intro.replaceChildren(
        el('p', { class: 'visually-hidden' }, words.loading),
        ...['60%', '80%', '45%'].map((width) => {
          const bone = el('span', { class: 'bone', 'aria-hidden': 'true' });
          bone.style.inlineSize = width;
          return bone;
        }),
      );
      return;
    }
    intro.replaceChildren(
      ...(state.widget.greeting ? [el('p', { class: 'greeting written', dir: 'auto' }, ...textNodes(state.widget.greeting))] : []),
      el('p', { class: 'disclosure' }, icon(bot), el('span', {}, words.bot_says(state.widget.name))),
    );
  }

  function drawLines(/** @type {State} */ state) {
    log.setAttribute('aria-live', state.is_caught_up ? 'polite' : 'off');
    /** @type {{ key: string, make: () => HTMLElement, update?: (element: HTMLElement) => void }[]} */
    const wanted = [];
    const all = [
      ...state.lines.map((it) => ({ line: it, out: /** @type {Outgoing | null} */ (null) })),
      ...state.outgoing.map((it) => ({ line: /** @type {Line} */ ({ key: '', conversation: state.conversation ?? '', seq: Infinity, at: it.at, kind: 'message', author: { kind: 'visitor' }, text: it.text, client_id: it.client_id }), out: it })),
    ];
    all.forEach(({ line: it, out }, at) => {
      const before = all[at - 1]?.line;
      const after = all[at + 1]?.line;
      if (before && before.conversation !== it.conversation && before.conversation !== '') wanted.push({ key: `end ${before.key}`, make: () => el('p', { class: 'rule' }, words.anew) });
      if (before ? !isSameDay(before.at, it.at) : !isSameDay(it.at, Date.now())) wanted.push({ key: `day ${it.conversation} ${new Date(it.at).toDateString()}`, make: () => el('p', { class: 'rule' }, day(it.at, locale)) });
      const key = it.client_id ? `mine ${it.client_id}` : it.key;
      if (it.kind === 'notice') {
        const say = words.notices[it.code ?? ''];
        if (say) wanted.push({ key, make: () => el('p', { class: 'note' }, el('span', {}, say({ ...it.params, opens: opening(it.params?.opens_at) })), ' ', el('time', { datetime: it.at }, clock(it.at, locale))) });
        return;
      }
      const is_first = !together(before, it);
      const is_last = !together(it, after);
      wanted.push({ key, make: () => message(state, it), update: (element) => updateMessage(state, element, it, out, is_first, is_last) });
    });

    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, element] of drawn) {
      if (keys.has(key)) continue;
      element.remove();
      drawn.delete(key);
    }
    let place = lines.firstElementChild;
    for (const { key, make, update } of wanted) {
      let element = drawn.get(key);
      if (!element) {
        element = make();
        drawn.set(key, element);
      }
      update?.(element);
      if (element === place) place = place.nextElementSibling;
      else lines.insertBefore(element, place);
    }
  }

  function together(/** @type {Line | undefined} */ a, /** @type {Line | undefined} */ b) {
    if (!a || !b || a.kind !== 'message' || b.kind !== 'message') return false;
    return a.author.kind === b.author.kind && a.author.name === b.author.name && isSameDay(a.at, b.at) && Math.abs(Date.parse(b.at) - Date.parse(a.at)) < GROUP_MS && (a.conversation === b.conversation || a.conversation === '' || b.conversation === '');
  }

  function message(/** @type {State} */ state, /** @type {Line} */ it) {
    const author = it.author.kind === 'visitor' ? words.you : it.author.kind === 'bot' ? botName(state) : it.author.name || words.team;
    return el(
      'div',
      { class: `message ${it.author.kind}` },
      el('p', { class: 'author' }, it.author.kind === 'bot' && icon(bot, null, 14), author),
      el('div', { class: 'bubble written', dir: 'auto' }, ...textNodes(it.text ?? '')),
      el('p', { class: 'foot' }),
    );
  }

  function updateMessage(/** @type {State} */ state, /** @type {HTMLElement} */ element, /** @type {Line} */ it, /** @type {Outgoing | null} */ out, /** @type {boolean} */ is_first, /** @type {boolean} */ is_last) {
    element.classList.toggle('first', is_first);
    element.classList.toggle('last', is_last);
    const what = out ? out.status : it.author.kind === 'visitor' ? mark(state, it) : '';
    const key = `${what} ${out?.code ?? ''} ${it.at}`;
    element.classList.toggle('failed', what === 'failed');
    element.classList.toggle('held', what === 'held');
    element.classList.toggle('sending', what === 'sending' || what === 'held');
    if (element.dataset.key === key) return;
    element.dataset.key = key;
    const foot = /** @type {HTMLElement} */ (element.lastElementChild);
    const time = el('time', { datetime: it.at }, clock(it.at, locale));
    if (what === 'failed' && out) {
      const why = words.failed[out.code ?? ''] ?? words.failed.any;
      foot.replaceChildren(
        el('span', {}, icon(circleAlert, null, 14), ' ', why),
        linkButton(words.retry, () => actions.retry(out.client_id)),
        linkButton(words.remove, () => actions.remove(out.client_id)),
      );
    } else if (what === 'held' && out) {
      foot.replaceChildren(el('span', {}, icon(clockIcon, null, 14), ' ', words.held), linkButton(words.try_now, () => actions.sendNow(out.client_id)));
    } else if (what === '') foot.replaceChildren(time);
    else {
      const shape = what === 'sending' ? clockIcon : what === 'seen' ? checkCheck : check;
      foot.replaceChildren(time, icon(shape, null, 14), el('span', {}, words[what]));
    }
  }

  function drawTyping(/** @type {State} */ state) {
    const text = state.typing === 'agent' ? words.is_typing(state.status.agent || words.team) : state.typing === 'bot' ? words.bot_typing : '';
    if (typing.dataset.text === text) return;
    typing.dataset.text = text;
    typing.replaceChildren(...(text ? [el('span', { class: 'dots', 'aria-hidden': 'true' }, el('i'), el('i'), el('i')), el('span', { class: 'ellipsis' }, text)] : []));
  }

  function drawBanner(/** @type {State} */ state) {
    const { phase, reason } = state.connection;
    const is_lost = phase === 'waiting' || phase === 'connecting';
    const key = phase === 'stopped' ? `stopped ${reason}` : is_lost ? `lost ${phase}` : '';
    if (key === banner_key) return;
    const was_lost = banner_key.startsWith('lost');
    banner_key = key;
    drawBannerNow = () => {
      banner_timer = null;
      if (is_lost) {
        banner.replaceChildren(icon(wifiOff), el('span', {}, state.has_been_live ? words.reconnecting : words.connecting), phase === 'waiting' ? linkButton(words.try_now, actions.tryNow) : '');
        return;
      }
      /** @type {[text: string, label?: string, act?: () => void]} */
      const [text, label, act] =
        reason === 'replaced' ? [words.replaced, words.use_here, actions.useHere]
        : reason === 'protocol' ? [words.outdated, words.reload, () => location.reload()]
        : /not_allowed|unknown/.test(reason ?? '') ? [words.not_allowed]
        : [words.stopped, words.try_now, actions.useHere];
      banner.replaceChildren(...(key ? [icon(circleAlert), el('span', {}, text), label && act ? linkButton(label, act) : ''] : []));
    };
    if (is_lost && was_lost && banner_timer) return; // It is said soon, and with the latest words.
    clearTimeout(banner_timer);
    banner_timer = null;
    if (is_lost && !was_lost) banner_timer = setTimeout(() => drawBannerNow(), QUIET_MS);
    else drawBannerNow();
  }

  function drawCard(/** @type {State} */ state) {
    const { status } = state;
    const wait = minutes(status.estimate);
    const what = mayRate(state) ? 'rate' : state.rating === 'sent' && status.state === 'closed' ? 'rated' : state.is_leaving && status.state === 'waiting' ? 'leave' : status.state === 'waiting' ? 'waiting' : status.state === 'left_message' ? 'left' : '';
    const key = what === 'waiting' ? JSON.stringify([what, status.position, wait, status.estimate?.from, status.people, status.opens_at]) : what === 'rate' ? `rate ${state.conversation}` : what;
    if (key === card_key) return;
    const had_focus = card.contains(document.activeElement);
    const was = card_key;
    card_key = key;
    card.hidden = what === '';
    card.className = `card ${what}`;
    if (what === 'waiting') {
      const is_away = status.people !== 'available';
      const heading = is_away ? (status.people === 'closed' ? words.closed : words.nobody) : status.position === 1 ? words.next : status.position ? words.place(status.position) : words.no_place;
      const detail = is_away
        ? [el('p', {}, [opening(status.opens_at), words.nobody_hint].filter(Boolean).join(' '))]
        : wait
          ? [el('p', {}, el('strong', {}, words.wait(wait.low, wait.high)), `, ${words.wait_from(status.estimate?.from ?? 0)}`), el('p', { class: 'quiet' }, words.stay)]
          : [el('p', {}, words.wait_unknown), el('p', { class: 'quiet' }, words.stay)];
      const heading_element = el('h2', { 'aria-live': 'polite' }, heading);
      card.replaceChildren(
        heading_element,
        ...detail,
        el(
          'div',
          { class: 'actions' },
          button(words.leave, () => actions.leaving(true), is_away ? 'button primary' : 'button'),
          button(words.go_on, actions.goOn),
        ),
      );
      announcer.textContent = [heading, ...detail.map((it) => it.textContent)].join('. ');
      if (had_focus) card.querySelector('button')?.focus();
    } else if (what === 'leave') {
      const email = el('input', { class: 'input', id: 'email', type: 'email', name: 'email', autocomplete: 'email', inputmode: 'email', required: true, 'aria-describedby': 'email-hint' });
      const hint = el('p', { class: 'quiet', id: 'email-hint' }, words.email_hint);
      const form = el(
        'form',
        {
          novalidate: true,
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            const is_good = email.checkValidity();
            email.setAttribute('aria-invalid', String(!is_good));
            hint.className = is_good ? 'quiet' : 'problem';
            setText(hint, is_good ? words.email_hint : words.email_bad);
            if (is_good) actions.leave(email.value.trim());
            else email.focus();
          },
        },
        el('label', { for: 'email' }, words.email),
        email,
        hint,
        el('div', { class: 'actions' }, submitButton(words.email_send), button(words.cancel, () => actions.leaving(false))),
      );
      card.replaceChildren(form);
      email.focus();
    } else if (what === 'left') {
      card.replaceChildren(el('h2', {}, words.left), el('p', {}, words.left_hint));
      announcer.textContent = words.left;
    } else if (what === 'rate') {
      const comment = el('textarea', { class: 'input', id: 'comment', rows: 2, dir: 'auto', maxlength: 1000 });
      const form = el(
        'form',
        {
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            const picked = /** @type {HTMLInputElement | null} */ (form.querySelector('input:checked'));
            if (picked) actions.rate(Number(picked.value), comment.value.trim());
          },
        },
        el(
          'fieldset',
          {},
          el('legend', {}, words.rate_title),
          el(
            'div',
            { class: 'scores' },
            words.rate_words.map((/** @type {string} */ word, /** @type {number} */ at) => el('label', {}, el('input', { type: 'radio', name: 'score', value: String(at + 1), required: true }), el('span', {}, word))),
          ),
        ),
        el('label', { for: 'comment' }, words.rate_comment),
        comment,
        el('div', { class: 'actions' }, submitButton(words.rate_send), button(words.rate_skip, actions.skipRating)),
      );
      card.replaceChildren(form);
      announcer.textContent = words.rate_title;
    } else if (what === 'rated') {
      card.replaceChildren(el('p', {}, words.rated));
      announcer.textContent = words.rated;
      if (had_focus) input.focus();
    } else {
      card.replaceChildren();
      if (had_focus || was === 'leave') input.focus();
    }
  }

  function drawStrip(/** @type {State} */ state) {
    const { status } = state;
    const may_talk = ['none', 'bot', 'closed'].includes(status.state);
    talk.hidden = !may_talk;
    talk.setAttribute('aria-disabled', String(state.asking !== null));
    setText(talk.lastElementChild, state.asking ? words.talk_wait : words.talk);
    end.hidden = !mayEnd(state);
    setText(problem, state.failed ? words.talk_failed : '');
    problem.hidden = !state.failed;
    input.placeholder = status.state === 'closed' ? words.placeholder_new : words.placeholder;
  }

  return {
    draw(/** @type {State} */ state) {
      message_chars = state.message_chars;
      const was_at_end = is_at_end;
      drawHeader(state);
      drawIntro(state);
      drawLines(state);
      drawTyping(state);
      drawBanner(state);
      drawCard(state);
      drawStrip(state);
      if (was_at_end) toEnd();
      newer.hidden = is_at_end || unread(state) === 0;
      shown = state;
    },
    /** True while the end of the log is on the screen. */
    isAtEnd: () => shown !== null && (is_at_end || atEnd()),
    /** The person came here: to the box, or on a touch screen to the log, so that no keyboard covers it. */
    focus() {
      (matchMedia('(pointer: coarse)').matches ? log : input).focus({ preventScroll: true });
      if (is_at_end) toEnd();
    },
    isDialogOpen: () => dialog.open,
  };
}
