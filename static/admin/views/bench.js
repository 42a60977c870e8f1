// The test bench: a conversation as one types or pastes it, decided by the very
// functions that decide live; beside the live policy, the draft.

import { circleAlert, flaskConical, triangleAlert } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { plural, score, signed } from '../../shared/format.js';
import { html, Icon, signal, useEffect, useState } from '../../shared/html.js';
import { contribution, mood, moodOf, reason, subject } from '../../shared/words.js';
import { saidOf } from '../parts.js';
import { draft, liveText, parsed, problems, published } from '../policy/draft.js';
import { found as ownFound, ownIntents } from '../policy/own_intents.js';
import { parse } from '../policy/toml.js';
import { EXAMPLES, turns } from '../transcript.js';
import { Chart } from './chart.js';

const WAIT_MS = 250;

/** What stands in the bench, kept while one looks at other pages. */
const text = signal('');

/** Puts a conversation into the bench, from another page. */
export function putIntoBench(/** @type {string} */ conversation) {
  text.value = conversation;
}

/** Analyses of the model by text, so that typing on analyzes only what is new. */
const known = new Map();
const MOST_KNOWN = 300;

/** The answers for the live policy and for the draft, and what is going on. */
function useAnswers() {
  const [state, setState] = useState(/** @type {any} */ ({ turns: [], live: null, draft: null, draftFailure: null, error: null, isBusy: false }));
  const [round, setRound] = useState(0);
  const written = text.value;
  const draftText = draft.value && parsed.value?.problems.length === 0 ? draft.value.text : null;
  const live = published.value?.live;
  useEffect(() => {
    const list = turns(written);
    if (!list.some(({ speaker }) => speaker === 'visitor')) {
      setState({ turns: [], live: null, draft: null, draftFailure: null, error: null, isBusy: false });
      return undefined;
    }
    const abort = new AbortController();
    const ask = async () => {
      setState((/** @type {any} */ before) => ({ ...before, isBusy: true }));
      try {
        const options = { signal: abort.signal };
        const now = await api.post('/testbench', { turns: list.map((turn) => ({ ...turn, ...(turn.speaker === 'visitor' && known.has(turn.text) ? { analysis: known.get(turn.text) } : {}) })) }, options);
        const analyzed = list.map((turn, index) => ({ ...turn, ...(now.analyses?.[index] ? { analysis: now.analyses[index] } : {}) }));
        for (const turn of analyzed) remember(/** @type {any} */ (turn));
        let other = null;
        let draftFailure = null;
        if (draftText !== null) {
          try {
            other = await api.post('/testbench', { turns: analyzed, toml: draftText }, options);
          } catch (error) {
            if (abort.signal.aborted) return;
            draftFailure = error;
          }
        }
        setState({ turns: list, live: now, draft: other, draftFailure, error: null, isBusy: false });
      } catch (error) {
        if (!abort.signal.aborted) setState((/** @type {any} */ before) => ({ ...before, error, isBusy: false }));
      }
    };
    const timer = setTimeout(ask, WAIT_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [written, draftText, live, round]);
  return { ...state, retry: () => setRound((n) => n + 1) };
}

function remember(/** @type {{ speaker: string, text: string, analysis?: any }} */ turn) {
  if (turn.speaker !== 'visitor' || turn.analysis?.analyzer?.by !== 'model') return;
  known.set(turn.text, turn.analysis);
  if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
}

export function Bench() {
  const answers = useAnswers();
  const [picked, setPicked] = useState(/** @type {number | null} */ (null));
  return html`<section class="bench" aria-labelledby="bench-title">
    <header class="bench-head">
      <h2 id="bench-title"><${Icon} shapes=${flaskConical} /> Test bench</h2>
      <label><span class="visually-hidden">Put in an example</span>
        <select
          class="select" value=""
          onChange=${(/** @type {any} */ event) => {
            const example = EXAMPLES[Number(event.currentTarget.value)];
            event.currentTarget.value = '';
            if (!example) return;
            text.value = example.text;
            setPicked(null);
          }}
        >
          <option value="">An example…</option>
          ${EXAMPLES.map(({ name }, index) => html`<option key=${name} value=${index}>${name}</option>`)}
        </select></label>
    </header>
    <div class="field">
      <label for="bench-text">A message, or a conversation</label>
      <textarea id="bench-text" class="textarea bench-text" dir="auto" rows="5" value=${text.value} aria-describedby="bench-hint" spellcheck=${false} placeholder="Where is my parcel?" onInput=${(/** @type {any} */ event) => ((text.value = event.currentTarget.value), setPicked(null))}></textarea>
      <p class="hint" id="bench-hint">Lines as <code>visitor: …</code>, <code>bot: …</code>, and <code>bot!: …</code> where the bot has no answer. Without a name it is the visitor. Nothing of it is stored.</p>
    </div>
    <div class="bench-answer" aria-live="polite" aria-busy=${answers.isBusy ? 'true' : null}>
      ${answers.error
        ? html`<div class="notice bad"><${Icon} shapes=${circleAlert} /> <div><p>${saidOf(answers.error).replace('Nothing was saved; what you typed is still here.', 'What you typed is still here.')}</p><p><button type="button" class="link-button" onClick=${answers.retry}>Try again</button></p></div></div>`
        : answers.live
          ? html`<${Verdicts} answers=${answers} />`
          : html`<p class="bench-empty quiet">${answers.isBusy ? 'Reading…' : 'Write what a visitor might write, and see what the policy makes of it while you type.'}</p>`}
    </div>
    ${answers.live && !answers.error && html`<${Explained} answers=${answers} picked=${picked} onPick=${setPicked} />`}
  </section>`;
}

function Verdicts(/** @type {any} */ { answers }) {
  const liveName = published.value?.live ?? 'live';
  const byWords = (answers.live.analyses ?? []).some((/** @type {any} */ one) => one?.analyzer?.by === 'words');
  const abstained = (answers.live.analyses ?? []).some((/** @type {any} */ one) => one?.abstained === 'language');
  return html`<div class="verdicts">
    ${answers.draft && html`<${Verdict} name="Your draft" answer=${answers.draft} turns=${answers.turns} />`}
    <${Verdict} name=${answers.draft ? `Live, ${liveName}` : `The live policy, ${liveName},`} answer=${answers.live} turns=${answers.turns} />
    ${draft.value && !answers.draft && html`<p class="notice warn"><${Icon} shapes=${triangleAlert} /> <span>Your draft is not tried: ${problems.value.length > 0 ? 'it has problems' : answers.draftFailure ? saidOf(answers.draftFailure) : 'it cannot be read'}.</span></p>`}
    ${byWords && html`<p class="notice warn"><${Icon} shapes=${triangleAlert} /> <span>The word lists analyzed this, because the model is not there.</span></p>`}
    ${abstained && html`<p class="notice info"><${Icon} shapes=${circleAlert} /> <span>One message is in a language the model does not speak. Asking for a person is still found.</span></p>`}
  </div>`;
}

function Verdict(/** @type {any} */ { name, answer, turns: list }) {
  const first = answer.escalations?.[0];
  const at = first ? list.slice(0, first.turn + 1).filter((/** @type {any} */ turn) => turn.speaker === 'visitor').length : 0;
  return html`<p class=${`verdict${first ? ' is-escalated' : ''}`}>
    <span class="verdict-name">${name}</span>${' '}
    ${first
      ? html`<span><strong>calls a person</strong> at message ${at}: ${(first.reasons ?? []).slice(0, 2).map((/** @type {any} */ one) => reason(one.code, one.name)).join(', ') || 'the score'}.</span>`
      : html`<span><strong>leaves it with the bot</strong>. Highest score <span class="tabular">${score(answer.peak_score)}</span>, line <span class="tabular">${score(answer.threshold)}</span>.</span>`}
  </p>`;
}

/** Index of a turn among the visitor's messages. */
const messageAt = (/** @type {any[]} */ list, /** @type {number} */ turn) => list.slice(0, turn + 1).filter((one) => one.speaker === 'visitor').length - 1;

function Explained(/** @type {any} */ { answers, picked, onPick }) {
  const main = answers.draft ?? answers.live;
  const decisions = /** @type {any[]} */ (main.decisions ?? []);
  const series = [
    { name: answers.draft ? 'your draft' : 'live', kind: 'main', scores: main.scores ?? [], line: main.threshold ?? null, leave: main.leave ?? null, escalated: (main.escalations ?? []).map((/** @type {any} */ one) => messageAt(answers.turns, one.turn)) },
    ...(answers.draft ? [{ name: 'live', kind: 'other', scores: answers.live.scores ?? [], line: answers.live.threshold ?? null, leave: null, escalated: (answers.live.escalations ?? []).map((/** @type {any} */ one) => messageAt(answers.turns, one.turn)) }] : []),
  ];
  const firstEscalation = main.escalations?.[0]?.turn;
  const fallback = firstEscalation ?? decisions[decisions.length - 1]?.turn ?? null;
  const turn = picked !== null && decisions.some((one) => one.turn === picked) ? picked : fallback;
  const decision = decisions.find((one) => one.turn === turn);
  const other = answers.draft ? (answers.live.decisions ?? []).find((/** @type {any} */ one) => one.turn === turn) : null;
  return html`<div class="explained">
    <${Chart} series=${series} selected=${turn === null ? null : messageAt(answers.turns, turn)} />
    <ol class="list bench-turns" aria-label="The conversation">
      ${answers.turns.map((/** @type {any} */ one, /** @type {number} */ index) => html`<${TurnRow} key=${index} turn=${one} index=${index} analysis=${answers.live.analyses?.[index]} decision=${decisions.find((/** @type {any} */ each) => each.turn === index)} isPicked=${index === turn} onPick=${onPick} />`)}
    </ol>
    <${OwnFound} answers=${answers} main=${main} turn=${picked} />
    ${decision && html`<${DecisionDetail} decision=${decision} other=${other} threshold=${main.threshold} turns=${answers.turns} words=${main.words} hasDraft=${Boolean(answers.draft)} />`}
  </div>`;
}

function TurnRow(/** @type {any} */ { turn, index, analysis, decision, isPicked, onPick }) {
  const feeling = turn.speaker === 'visitor' ? moodOf(analysis) : null;
  const line = html`
    <span class=${`turn-mood mood ${feeling ?? ''}`}>${feeling && html`<span aria-hidden="true">${mood(feeling).shape}</span><span class="visually-hidden">${feeling}</span>`}</span>
    <span class="turn-who">${turn.speaker}${turn.no_answer ? ', no answer' : ''}</span>
    <span class="turn-text ellipsis" dir="auto">${turn.text || '(no words)'}</span>
    <span class="turn-end tabular">${decision ? score(decision.score) : ''}${decision?.outcome === 'escalate' ? html` <span class="turn-mark" title="escalates">▲<span class="visually-hidden">, escalates</span></span>` : ''}</span>`;
  return html`<li>${decision ? html`<button type="button" class="row turn-row" aria-current=${isPicked ? 'true' : null} onClick=${() => onPick(index)}>${line}</button>` : html`<div class="row turn-row is-said">${line}</div>`}</li>`;
}

/** How probable the site's own intents are, in the message that is picked, else in the last one. */
function OwnFound(/** @type {any} */ { answers, main, turn }) {
  const isVisitors = (/** @type {number | null} */ index) => index !== null && answers.turns[index]?.speaker === 'visitor';
  const last = answers.turns.reduce((/** @type {number | null} */ before, /** @type {any} */ one, /** @type {number} */ index) => (one.speaker === 'visitor' ? index : before), null);
  const at = isVisitors(turn) ? turn : last;
  const list = at === null ? [] : ownFound(main.analyses?.[at]);
  if (list.length === 0) return null;
  const policy = answers.draft ? parsed.value?.values : parse(liveText.value ?? '').values;
  const from = new Map(ownIntents(policy).map((one) => [one.name, one.escalate_at]));
  return html`<section aria-labelledby="own-found">
    <h3 id="own-found">Your own intents, in ${at === last ? 'the last message' : `message ${messageAt(answers.turns, /** @type {number} */ (at)) + 1}`}</h3>
    <ul class="word-list own-found">
      ${list.map(({ name, probability }) => {
        const line = from.get(name);
        const calls = typeof line === 'number' && probability >= line;
        return html`<li key=${name} class=${probability < 0.5 ? 'is-unlikely' : ''}><bdi class="word">${subject(name)}</bdi><span class="bar" aria-hidden="true"><span style=${{ inlineSize: `${probability * 100}%` }}></span></span><span class="tabular small quiet">${score(probability)}${calls ? html` <span class="turn-mark" title="calls a person">▲<span class="visually-hidden">, calls a person</span></span>` : ''}</span></li>`;
      })}
    </ul>
  </section>`;
}

/** Why, at one message: what adds up, which reasons held, what would have changed it, which words counted. */
function DecisionDetail(/** @type {any} */ { decision, other, threshold, turns: list, words, hasDraft }) {
  const said = list[decision.turn];
  return html`<section class="decision-detail" aria-label="Why">
    <h3 class="ellipsis">Why, at ${said.speaker === 'visitor' ? `message ${messageAt(list, decision.turn) + 1}` : 'the missing answer'}</h3>
    ${decision.reasons?.length > 0
      ? html`<ol class="reason-list">${decision.reasons.map((/** @type {any} */ one, /** @type {number} */ index) => html`<li key=${index}>${reason(one.code, one.name)}${typeof one.contribution === 'number' ? html` <span class="tabular quiet">${signed(one.contribution)}</span>` : ''}</li>`)}</ol>`
      : html`<p class="small">No reason held: ${decision.score >= threshold ? 'the score is over the line, but a person was called already, or it is too early.' : html`the score is <span class="tabular">${score(threshold - decision.score)}</span> below the line.`}</p>`}
    <${Contributions} decision=${decision} other=${other} hasDraft=${hasDraft} />
    ${decision.counterfactual && html`<p class="counterfactual"><strong>What would have changed it:</strong> ${counterfactual(decision.counterfactual, list)}</p>`}
    ${words?.words?.length > 0 && words.turn === decision.turn && html`<${Words} words=${words} />`}
  </section>`;
}

export function Contributions(/** @type {any} */ { decision, other = null, hasDraft = false }) {
  const codes = [...new Set([...(decision.contributions ?? []), ...(other?.contributions ?? [])].map(({ code }) => code))];
  const value = (/** @type {any} */ one, /** @type {string} */ code) => one?.contributions?.find((/** @type {any} */ each) => each.code === code)?.value ?? 0;
  const most = Math.max(0.05, ...codes.flatMap((code) => [Math.abs(value(decision, code)), Math.abs(value(other, code))]));
  if (codes.length === 0) return html`<p class="small quiet">Nothing adds to the score: it is <span class="tabular">0.00</span>.</p>`;
  return html`<table class="contributions">
    <caption class="visually-hidden">What the score is made of</caption>
    <thead class=${hasDraft ? '' : 'visually-hidden'}><tr><th scope="col">Adds</th><th scope="col"><span class="visually-hidden">As a bar</span></th><th scope="col" class="number">${hasDraft ? 'Draft' : 'Value'}</th>${hasDraft && html`<th scope="col" class="number">Live</th>`}</tr></thead>
    <tbody>
      ${codes.map((code) => {
        const own = value(decision, code);
        return html`<tr key=${code}>
          <th scope="row">${contribution(code)}</th>
          <td class="signed-cell"><span class=${`signed-bar${own < 0 ? ' is-less' : ''}`} aria-hidden="true"><span style=${{ inlineSize: `${(Math.abs(own) / most) * 50}%` }}></span></span></td>
          <td class="number">${signed(own)}</td>
          ${hasDraft && html`<td class="number quiet">${other ? signed(value(other, code)) : '–'}</td>`}
        </tr>`;
      })}
    </tbody>
    <tfoot><tr><th scope="row">Score</th><td></td><td class="number">${score(decision.score)}</td>${hasDraft && html`<td class="number quiet">${other ? score(other.score) : '–'}</td>`}</tr></tfoot>
  </table>`;
}

/** A recomputed difference as a sentence. */
export function counterfactual(/** @type {any} */ found, /** @type {any[]} */ list) {
  if (found.text) return found.text;
  if (found.kind === 'without_reason') {
    const rest = found.would_stay ? 'the bot would have kept it' : 'a person would have been called all the same';
    return `Without “${reason(found.code, found.name)}” ${rest}, at a score of ${score(found.score)}.`;
  }
  if (found.kind === 'without_message') {
    const index = found.without_turn ?? null;
    const which = index === null ? 'one earlier message' : `“${clip(list[index]?.text ?? '')}”`;
    return `Without ${which} the score would have been ${score(found.score)}, and the bot would have kept it.`;
  }
  if (found.kind === 'with_line') return `With the line at ${score(found.line)} instead, the bot would have kept it.`;
  return '';
}

const clip = (/** @type {string} */ said) => ([...said].length > 60 ? `${[...said].slice(0, 60).join('')}…` : said);

function Words(/** @type {any} */ { words }) {
  const list = words.words.filter((/** @type {any} */ { text: word, weight }) => Math.abs(weight) >= 0.005 && /[\p{L}\p{N}]/u.test(word)).slice(0, 10);
  if (list.length === 0) return null;
  const most = Math.max(...list.map((/** @type {any} */ { weight }) => Math.abs(weight)));
  return html`<section>
    <h3>${words.head === 'human_request' ? 'Words that ask for a person' : 'Words that speak of frustration'}</h3>
    <ul class="word-list">
      ${list.map((/** @type {any} */ { text: word, weight }, /** @type {number} */ index) => html`<li key=${index} class=${weight < 0 ? 'is-less' : ''}><bdi class="word">${word}</bdi><span class="bar" aria-hidden="true"><span style=${{ inlineSize: `${(Math.abs(weight) / most) * 100}%` }}></span></span><span class="tabular small quiet">${signed(weight)}</span></li>`)}
    </ul>
    <p class="small quiet">${plural(list.length, 'word', 'words')} of the last message, by weight.</p>
  </section>`;
}
