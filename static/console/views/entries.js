// What was said, in order: messages, notes, notices, decisions, answers that
// came too late, and texts of ours that are on their way. Everything is text.

import { ban, check, checkCheck, chevronRight, circleAlert, clock as clockIcon, lock } from '../../vendor/icons.js';
import { clock, day, isSameDay, linkParts, score, signed } from '../../shared/format.js';
import { html, Icon, Written } from '../../shared/html.js';
import { countedMost, reasonLine } from '../reasons.js';
import * as words from '../../shared/words.js';

/** Messages of one author within this time stand under one name. */
const TOGETHER_MS = 5 * 60_000;

export function Entries(/** @type {any} */ { state, room, entries, sent, act }) {
  const counted = countedWords(room?.packet?.handoff);
  const lastSeen = lastSeenOwn(entries, state.account, room?.readSeq ?? 0);
  const lines = [];
  let before = null;
  let isWithPeople = false;
  const newest = newestDecisions(entries);
  for (const entry of entries) {
    const isHandoff = entry.kind === 'decision' && entry.decision?.outcome === 'escalate' && !isWithPeople;
    // A message that was looked at again shows what was found last, and what called a person.
    if (entry.kind === 'decision' && !isHandoff && newest.get(about(entry)) !== entry.position) continue;
    if (!before || !isSameDay(before.at, entry.at)) lines.push(html`<li class="day" key=${`day:${entry.at}`}><span>${day(entry.at)}</span></li>`);
    lines.push(html`<${Line} key=${entry.position} entry=${entry} isWithPeople=${isWithPeople} isHandoff=${isHandoff} isFirst=${!continues(before, entry)} state=${state} counted=${counted.get(entry.position)} seen=${lastSeen.get(entry.position)} />`);
    if (entry.kind === 'decision') isWithPeople ||= entry.decision?.outcome === 'escalate';
    else if (entry.kind === 'notice') isWithPeople = entry.code === 'back_to_bot' ? false : isWithPeople || entry.code === 'queued' || entry.code === 'agent_joined';
    before = entry;
  }
  if (entries.length === 0 && sent.length === 0) lines.push(html`<li class="quiet-line" key="none">Nothing was said yet.</li>`);
  return html`<ol class="entries">
    ${lines} ${sent.map((/** @type {any} */ { pending }) => html`<${OnItsWay} key=${pending.frame.client_id} pending=${pending} act=${act} />`)}
  </ol>`;
}

/** The message that a decision is about, or the decision itself. */
const about = (/** @type {any} */ entry) => entry.decision?.turn_position ?? `decision:${entry.position}`;

/** For each message the position of the last decision about it. */
function newestDecisions(/** @type {any[]} */ entries) {
  return new Map(entries.filter(({ kind }) => kind === 'decision').map((entry) => [about(entry), entry.position]));
}

function continues(/** @type {any} */ before, /** @type {any} */ entry) {
  if (!before || before.kind !== entry.kind || (entry.kind !== 'message' && entry.kind !== 'note')) return false;
  if (before.author.kind !== entry.author.kind || before.author.id !== entry.author.id) return false;
  return isSameDay(before.at, entry.at) && Date.parse(entry.at) - Date.parse(before.at) < TOGETHER_MS;
}

/** Words that counted for the handoff, by the position of their message. */
function countedWords(/** @type {any} */ handoff) {
  const byPosition = new Map();
  const list = countedMost(handoff?.words ?? []);
  const most = list[0]?.weight ?? 0;
  for (const word of list) {
    if (word.weight >= most * 0.3) byPosition.set(word.position, [...(byPosition.get(word.position) ?? []), word.text]);
  }
  return byPosition;
}

/** Our newest message, and our newest one that the visitor has seen: only these carry a mark. */
function lastSeenOwn(/** @type {any} */ entries, /** @type {any} */ account, /** @type {any} */ readSeq) {
  const marks = new Map();
  const own = entries.filter((/** @type {any} */ entry) => entry.kind === 'message' && entry.author.kind === 'agent' && entry.author.id === account?.id && entry.seq);
  const newest = own.at(-1);
  if (newest) marks.set(newest.position, 'sent');
  const seen = own.findLast((/** @type {any} */ entry) => entry.seq <= readSeq);
  if (seen) marks.set(seen.position, 'seen');
  return marks;
}

function Line(/** @type {any} */ { entry, isWithPeople, isHandoff, isFirst, state, counted, seen }) {
  if (entry.kind === 'decision') return html`<${Decision} entry=${entry} isWithPeople=${isWithPeople} isHandoff=${isHandoff} />`;
  if (entry.kind === 'notice') {
    return html`<li class="notice-line"><span class="rule" aria-hidden="true"></span><bdi>${words.notice(entry.code, entry.params)}</bdi> <time datetime=${entry.at}>${clock(entry.at)}</time><span class="rule" aria-hidden="true"></span></li>`;
  }
  if (entry.kind === 'unsent') {
    return html`<li class="unsent">
      <details>
        <summary><${Icon} shapes=${chevronRight} size=${12} class="unfold" /><${Icon} shapes=${ban} size=${12} /> An answer of the bot came too late and was not sent</summary>
        <p><${Written} text=${entry.text ?? ''} /></p>
      </details>
    </li>`;
  }
  const isNote = entry.kind === 'note';
  const who = entry.author.kind;
  const mood = who === 'visitor' ? words.moodOf(entry.analysis) : null;
  return html`<li class=${`said said-${isNote ? 'note' : who}${isFirst ? ' is-first' : ''}`} data-position=${entry.position}>
    <time class="said-at" datetime=${entry.at}>${clock(entry.at)}</time>
    <div class="said-body">
      ${isFirst && html`<p class="said-who"><${Author} author=${entry.author} account=${state.account} />${isNote && html`<span class="tag warn note-tag"><${Icon} shapes=${lock} size=${12} /> note, only colleagues see it</span>`}</p>`}
      <div class="said-text">${counted ? html`<${Marked} text=${entry.text ?? ''} marked=${counted} />` : html`<${Written} text=${entry.text ?? ''} />`}</div>
      ${seen && html`<p class="said-mark"><${Icon} shapes=${seen === 'seen' ? checkCheck : check} size=${12} /> ${seen}</p>`}
    </div>
    <span class=${`said-mood${mood ? ` mood ${mood}` : ''}`} title=${mood ? moodTitle(mood, entry.analysis) : null}>
      ${mood && html`<span aria-hidden="true">${words.mood(mood).shape}</span><span class="visually-hidden">${moodTitle(mood, entry.analysis)}</span>`}
    </span>
  </li>`;
}

function moodTitle(/** @type {any} */ mood, /** @type {any} */ analysis) {
  const by = analysis.analyzer?.by === 'words' ? ', by the word lists' : '';
  return `${words.mood(mood).word}, frustration ${score(analysis.frustration)}${by}`;
}

function Author(/** @type {any} */ { author, account }) {
  if (author.kind === 'visitor') return html`<bdi>${author.name || 'Visitor'}</bdi>`;
  if (author.kind === 'bot') return author.name && author.name.toLowerCase() !== 'bot' ? html`<bdi>${author.name}</bdi> <span class="tag">bot</span>` : html`Bot`;
  if (author.kind === 'agent') return author.id === account?.id ? html`You` : html`<bdi>${author.name || 'A colleague'}</bdi>`;
  return html`Baton`;
}

/** Text with the words that counted marked in it. Words are found as they are, never as patterns; addresses stay links. */
function Marked(/** @type {any} */ { text, marked }) {
  return html`<span class="written" dir="auto"
    >${linkParts(text).map((part) => (part.href ? html`<a href=${part.href} target="_blank" rel="noopener noreferrer nofollow">${part.text}</a>` : markedParts(part.text, marked)))}</span
  >`;
}

/** Where a word stands by itself, not inside another; -1 when it does not. */
function wholeWord(/** @type {string} */ text, /** @type {string} */ word) {
  const isLetter = (/** @type {string|undefined} */ sign) => sign !== undefined && /[\p{L}\p{N}]/u.test(sign);
  for (let at = text.indexOf(word); word && at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isLetter(text[at - 1]) && !isLetter(text[at + word.length])) return at;
  }
  return -1;
}

function markedParts(/** @type {string} */ text, /** @type {string[]} */ marked) {
  const lower = text.toLowerCase();
  /** @type {[number, number][]} */
  const spans = [];
  for (const word of marked) {
    const at = lower.length === text.length ? wholeWord(lower, word.toLowerCase()) : -1;
    if (at >= 0) spans.push([at, at + word.length]);
  }
  spans.sort((a, b) => a[0] - b[0]);
  const parts = [];
  let end = 0;
  for (const [from, to] of spans) {
    if (from < end) continue;
    parts.push(text.slice(end, from), html`<mark>${text.slice(from, to)}</mark>`);
    end = to;
  }
  parts.push(text.slice(end));
  return parts;
}

/** A decision is one quiet line that unfolds into what made its score. */
function Decision(/** @type {any} */ { entry, isWithPeople, isHandoff }) {
  const decision = entry.decision ?? {};
  const reasons = decision.reasons ?? [];
  const largest = Math.max(0.01, ...(decision.contributions ?? []).map((/** @type {any} */ { value }) => Math.abs(value)));
  return html`<li class=${`decision${isHandoff ? ' is-handoff' : ''}`}>
    <details>
      <summary>
        <${Icon} shapes=${chevronRight} size=${12} class="unfold" />
        <span class="tabular">${score(decision.score)}</span>
        ${isHandoff ? html`<span>needs a person: ${reasons.map((/** @type {any} */ { code, name }) => words.reason(code, name)).join(', ') || 'score over the line'}</span>` : html`<span>${isWithPeople ? 'already with people' : 'stays with the bot'}</span>`}
      </summary>
      <div class="decision-more">
        <p>Score <span class="tabular">${score(decision.score)}</span>, line <span class="tabular">${score(decision.threshold)}</span>, policy <span class="mono">${decision.policy ?? ''}</span></p>
        ${reasons.length > 0 && html`<p>${reasons.map((/** @type {any} */ reason) => reasonLine(reason)).join(' · ')}</p>`}
        ${(decision.contributions ?? []).length > 0
          ? html`<ul class="terms">
              ${decision.contributions.map(
                (/** @type {any} */ { code, value }) => html`<li key=${code}>
                  <span>${words.contribution(code)}</span>
                  <span class="bar" aria-hidden="true"><span class=${value < 0 ? 'is-less' : ''} style=${{ inlineSize: `${(Math.abs(value) / largest) * 100}%` }}></span></span>
                  <span class="tabular">${signed(value)}</span>
                </li>`,
              )}
            </ul>`
          : html`<p>Nothing counted toward the score.</p>`}
      </div>
    </details>
  </li>`;
}

/** A text of ours that the server has not stored yet, or refused. */
function OnItsWay(/** @type {any} */ { pending, act }) {
  const { frame, status, code } = pending;
  const isNote = frame.type === 'note.add';
  return html`<li class=${`said said-${isNote ? 'note' : 'agent'} is-first is-${status}`}>
    <time class="said-at" datetime=${pending.at}>${clock(pending.at)}</time>
    <div class="said-body">
      <p class="said-who">You${isNote && html`<span class="tag warn note-tag"><${Icon} shapes=${lock} size=${12} /> note</span>`}</p>
      <div class="said-text"><${Written} text=${frame.text} /></div>
      ${status === 'sending'
        ? html`<p class="said-mark">sending…</p>`
        : status === 'held'
          ? html`<p class="said-mark is-held" role="status">
              <${Icon} shapes=${clockIcon} size=${12} /> Not sent yet: the server cannot save right now. Trying again.
              <button type="button" class="link-button" onClick=${() => act.sendNow(frame.client_id)}>Try now</button>
            </p>`
          : html`<p class="said-mark is-bad" role="alert">
            <${Icon} shapes=${circleAlert} size=${12} /> Not sent. ${words.problem(code)}
            <button type="button" class="link-button" onClick=${() => act.retry(frame.client_id)}>Try again</button>
            <button type="button" class="link-button" onClick=${() => act.takeBack(frame.client_id)}>Edit</button>
          </p>`}
    </div>
    <span class="said-mood"></span>
  </li>`;
}
