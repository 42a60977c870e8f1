// One conversation: transcript, score curve, every decision with what it was
// made of, the handoff with its words and its counterfactual; and what people
// here say it really was.

import { ban, lock, tag } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { announce } from '../../shared/dom.js';
import { clock, day, isSameDay, plural, score, signed } from '../../shared/format.js';
import { html, Icon, useEffect, useMemo, useState, Written } from '../../shared/html.js';
import { handoffType, mood, moodOf, notice, priority, reason, stateWord } from '../../shared/words.js';
import { go, useUnsaved } from '../app_state.js';
import { changeOf, verdicts } from '../labels/label.js';
import { Labeling, WHOLE } from '../labels/labeling.js';
import { Failed, LoadingRows, useLoad, When } from '../parts.js';
import { asText } from '../transcript.js';
import { write } from '../routes.js';
import { Contributions, putIntoBench } from './bench.js';
import { Chart } from './chart.js';
import { KEYS, LabelRow, SaveNote, useLabeling } from './label_row.js';
import { LabelWhole } from './label_whole.js';

const isVisitors = (/** @type {any} */ entry) => entry.kind === 'message' && entry.author?.kind === 'visitor';

/** The labels of a conversation, saved as they are said; null for those who may not label. */
function useLabels(/** @type {string} */ id, /** @type {any} */ data) {
  const labeling = useMemo(() => {
    const path = `/conversations/${encodeURIComponent(id)}`;
    const save = (/** @type {any} */ key, /** @type {any} */ value) => {
      const at = key === WHOLE ? `${path}/label` : `${path}/labels/${key}`;
      return value ? api.put(at, value) : api.delete(at);
    };
    return new Labeling(save, (key, before, after, isUndone) => {
      const word = (/** @type {any} */ whole) => verdicts(true, whole.label).find(({ code }) => code === whole.label)?.word ?? whole.label;
      const what = key !== WHOLE ? changeOf(before, after) : after ? `The conversation: ${word(after)}${after.position === null ? '' : ', with the message at which a person should have come'}.` : 'Nothing is said of the conversation any more.';
      announce(`${isUndone ? 'Undone. ' : ''}${what} Saved.`);
    });
  }, [id]);
  useMemo(() => {
    if (data?.label === undefined) return;
    labeling.learn(WHOLE, data.label);
    for (const entry of data.entries) if (isVisitors(entry)) labeling.learn(entry.position, entry.label ?? null);
  }, [labeling, data]);
  const mine = data && data.label !== undefined ? labeling : null;
  useLabeling(mine);
  useUnsaved(Boolean(mine?.isUnsaved), 'A label');
  return mine;
}

export function Conversation(/** @type {any} */ { id }) {
  const { data, error, reload } = useLoad((signal) => api.get(`/conversations/${encodeURIComponent(id)}`, { signal }), [id]);
  const [showsAll, setShowsAll] = useState(false);
  const labeling = useLabels(id, data);
  if (error) return html`<div class="conversation"><${Failed} what="This conversation" error=${error} onRetry=${reload} /></div>`;
  if (!data) return html`<div class="conversation"><${LoadingRows} rows=${7} label="The conversation is loading" /></div>`;
  const { card, packet, entries } = data;
  const handoff = packet?.handoff;
  const scores = packet?.scores ?? [];
  const escalated = entries.filter((/** @type {any} */ one) => one.kind === 'decision' && one.decision?.outcome === 'escalate');
  const at = (/** @type {any} */ entry) => scores.findLastIndex((/** @type {any} */ one) => one.position <= (entry.decision.turn_position ?? entry.position));
  const calledAt = escalated.length > 0 ? (escalated[0].decision.turn_position ?? escalated[0].position) : null;
  const stays = entries.filter((/** @type {any} */ one) => one.kind === 'decision' && one.decision?.outcome !== 'escalate').length;
  const tryIt = () => {
    putIntoBench(asText(turnsOf(entries)));
    go({ page: 'tuning' });
  };
  return html`<article class="conversation" aria-label=${`Conversation with ${card.visitor?.name || 'a visitor'}`}>
    <header class="conversation-head">
      <div class="grow">
        <h2><bdi>${card.visitor?.name || 'A visitor'}</bdi></h2>
        <p class="small quiet">${[stateWord(card.state), card.priority !== 'normal' && `${priority(card.priority)} priority`, card.queue?.name, card.agent?.name].filter(Boolean).join(' · ')} · since <${When} at=${card.since} /></p>
      </div>
      <button type="button" class="button" onClick=${tryIt}>Try it in the test bench</button>
    </header>
    ${scores.length > 0 && html`<${Chart} series=${[{ name: 'score', kind: 'main', scores: scores.map((/** @type {any} */ one) => one.score), line: packet.threshold ?? null, leave: packet.leave ?? null, escalated: escalated.map(at).filter((/** @type {number} */ index) => index >= 0) }]} />`}
    ${handoff && html`<${Handoff} handoff=${handoff} />`}
    ${labeling && html`<${LabelWhole} labeling=${labeling} wasCalled=${calledAt !== null || Boolean(handoff)} entries=${entries} onShow=${focusRow} />`}
    <div class="spread transcript-head">
      <h3>What was said</h3>
      ${stays > 0 && html`<label class="check small"><input type="checkbox" checked=${showsAll} onChange=${() => setShowsAll(!showsAll)} /> also ${plural(stays, 'decision', 'decisions')} to stay with the bot</label>`}
    </div>
    ${labeling && entries.some(isVisitors) && html`<${Legend} labeling=${labeling} entries=${entries} />`}
    <${Transcript} entries=${entries} showsAll=${showsAll} labeling=${labeling} calledAt=${calledAt} />
    ${packet?.earlier?.length > 0 &&
    html`<section class="earlier"><h3>Earlier, with the same visitor</h3>
      <ul class="list">${packet.earlier.map((/** @type {any} */ one) => html`<li key=${one.conversation}><a href=${write({ page: 'conversations', id: one.conversation })}><${When} at=${one.closed_at} /></a> <span class="small quiet">${[one.disposition?.replaceAll('_', ' '), one.reason && reason(one.reason)].filter(Boolean).join(' · ')}</span></li>`)}</ul>
    </section>`}
  </article>`;
}

/** The turns of the log, as the test bench takes them. */
export function turnsOf(/** @type {any[]} */ entries) {
  /** @type {{ speaker: string, text: string, no_answer?: true }[]} */
  const turns = [];
  for (const entry of entries) {
    if (entry.kind === 'message' && ['visitor', 'bot', 'agent'].includes(entry.author?.kind)) turns.push({ speaker: entry.author.kind, text: entry.text ?? '' });
  }
  return turns;
}

function Handoff(/** @type {any} */ { handoff }) {
  const words = (handoff.words ?? []).filter((/** @type {any} */ { text, weight }) => Math.abs(weight) >= 0.005 && /[\p{L}\p{N}]/u.test(text)).slice(0, 8);
  return html`<section class="handoff" aria-labelledby="handoff-title">
    <h3 id="handoff-title">Why a person was called</h3>
    <ol class="reason-list">${(handoff.reasons ?? []).map((/** @type {any} */ one, /** @type {number} */ index) => html`<li key=${index}><span dir="auto">${one.text || reason(one.code, one.name)}</span>${typeof one.contribution === 'number' ? html` <span class="tabular quiet">${signed(one.contribution)}</span>` : ''}</li>`)}</ol>
    <p class="small quiet">${handoffType(handoff.type)}, decided by <span class="mono">${handoff.policy}</span>, <${When} at=${handoff.at} />${handoff.status ? `, ${handoff.status.replaceAll('_', ' ')}` : ''}.</p>
    ${handoff.counterfactual?.text && html`<p class="counterfactual"><strong>What would have changed it:</strong> <span dir="auto">${handoff.counterfactual.text}</span></p>`}
    ${words.length > 0 && html`<p class="counted-words"><strong>Words that counted:</strong> ${words.map((/** @type {any} */ { text, weight }, /** @type {number} */ index) => html`<span class="tag" key=${index}><bdi>${text}</bdi> <span class="tabular">${signed(weight)}</span></span> `)}</p>`}
  </section>`;
}

/** Puts the focus into the row of a message, so that its keys work. */
function focusRow(/** @type {number} */ position) {
  const line = document.querySelector(`.line[data-position="${position}"]`);
  /** @type {HTMLElement | null | undefined} */ (line?.querySelector('.labels-bar button[tabindex="0"]'))?.focus();
  line?.scrollIntoView({ block: 'nearest' });
}

/** How far one is, where to begin, and what the keys are. */
function Legend(/** @type {any} */ { labeling, entries }) {
  useLabeling(labeling);
  const messages = entries.filter(isVisitors);
  const next = messages.find((/** @type {any} */ one) => !labeling.get(one.position).value) ?? messages[0];
  return html`<div class="legend">
    <p class="cluster">
      <button type="button" class="button compact" onClick=${() => focusRow(next.position)}><${Icon} shapes=${tag} size=${12} /> Label messages</button>
      <span class="small quiet tabular">${labeling.count} of ${plural(messages.length, 'message', 'messages')} labeled</span>
    </p>
    <div class="legend-keys" role="group" aria-label="Keys while a message’s labels have the focus">
      ${KEYS.map(({ show, what }) => html`<span key=${what}>${show.map((key) => html`<kbd key=${key}>${key}</kbd>`)} ${what}</span> `)}
    </div>
    <p class="legend-keys"><span><span class="label-dot is-full"></span> <span class="label-dot"></span> Baton thinks yes, no</span> <span>A letter first says the opposite, then the same, then nothing.</span></p>
  </div>`;
}

function Transcript(/** @type {any} */ { entries, showsAll, labeling, calledAt }) {
  const [current, setCurrent] = useState(/** @type {number | null} */ (null));
  useEffect(() => {
    if (!labeling) return undefined;
    const look = (/** @type {any} */ event) => {
      const position = event.target.closest?.('.line-visitor')?.dataset.position;
      if (event.type === 'focusin' || position === undefined) setCurrent(position === undefined ? null : Number(position));
    };
    document.addEventListener('focusin', look);
    document.addEventListener('pointerdown', look);
    return () => {
      document.removeEventListener('focusin', look);
      document.removeEventListener('pointerdown', look);
    };
  }, [labeling]);
  const lines = [];
  let before = null;
  for (const entry of entries) {
    if (entry.kind === 'decision' && entry.decision?.outcome !== 'escalate' && !showsAll) continue;
    if (!before || !isSameDay(before.at, entry.at)) lines.push(html`<li class="day" key=${`day:${entry.position}`}>${day(entry.at)}</li>`);
    lines.push(html`<${Line} key=${entry.position} entry=${entry} labeling=${labeling} calledAt=${calledAt} isCurrent=${entry.position === current} />`);
    before = entry;
  }
  if (lines.length === 0) return html`<p class="quiet small">Nothing was said yet.</p>`;
  return html`<ol class="transcript">${lines}</ol>`;
}

const AUTHORS = /** @type {Record<string, string>} */ ({ visitor: 'Visitor', bot: 'Bot', agent: 'Agent', system: 'Baton' });

/** A press on a message takes up its labels, except on what has a press of its own, and while text is marked. */
function takeUp(/** @type {any} */ event) {
  if (event.target.closest('a, button, input, label, summary, .labels-list') || String(getSelection())) return;
  focusRow(Number(event.currentTarget.dataset.position));
}

function Line(/** @type {any} */ { entry, labeling, calledAt, isCurrent }) {
  const time = html`<time class="line-at" datetime=${entry.at} title=${new Date(entry.at).toLocaleString()}>${clock(entry.at)}</time>`;
  if (entry.kind === 'decision') return html`<li class="line line-decision">${time}<${Decision} decision=${entry.decision} /></li>`;
  if (entry.kind === 'notice') return html`<li class="line line-notice">${time}<p><bdi>${notice(entry.code, entry.params)}</bdi></p></li>`;
  if (entry.kind === 'unsent') return html`<li class="line line-notice">${time}<details><summary><${Icon} shapes=${ban} size=${12} /> An answer of the bot came too late and was not sent</summary><p><${Written} text=${entry.text ?? ''} /></p></details></li>`;
  const who = entry.author?.kind ?? 'system';
  const feeling = who === 'visitor' ? moodOf(entry.analysis) : null;
  const said = feeling ? `${feeling}, frustration ${score(entry.analysis.frustration)}${entry.analysis.analyzer?.by === 'words' ? ', by the word lists' : ''}` : null;
  const canLabel = labeling && isVisitors(entry);
  return html`<li class=${`line line-${entry.kind === 'note' ? 'note' : who}${canLabel ? ' is-labelable' : ''}${isCurrent ? ' is-current' : ''}`} data-position=${entry.position} onClick=${canLabel ? takeUp : null}>
    ${time}
    <div class="line-body">
      <p class="line-who"><bdi>${entry.author?.name || AUTHORS[who] || who}</bdi>${entry.kind === 'note' && html` <span class="tag warn"><${Icon} shapes=${lock} size=${12} /> note</span>`}${canLabel && html`<${SaveNote} labeling=${labeling} of=${entry.position} />`}</p>
      <p><${Written} text=${entry.text ?? ''} /></p>
    </div>
    <span class=${`mood ${feeling ?? ''}`} title=${said}>${feeling && html`<span aria-hidden="true">${mood(feeling).shape}</span><span class="visually-hidden">${said}</span>`}</span>
    ${canLabel && html`<${LabelRow} entry=${entry} labeling=${labeling} calledAt=${calledAt} />`}
  </li>`;
}

function Decision(/** @type {any} */ { decision }) {
  const isEscalation = decision?.outcome === 'escalate';
  return html`<details class=${`decision${isEscalation ? ' is-escalation' : ''}`}>
    <summary>${isEscalation ? html`<strong>Called a person</strong>: ${(decision.reasons ?? []).map((/** @type {any} */ one) => reason(one.code, one.name)).join(', ')}` : 'Stayed with the bot'} <span class="quiet tabular">score ${score(decision?.score)}, line ${score(decision?.threshold)}</span></summary>
    <${Contributions} decision=${decision} />
    <p class="small quiet">Policy <span class="mono">${decision?.policy}</span></p>
  </details>`;
}
