// The live policy as the server knows it, and the draft as this browser keeps
// it: its text is the one truth, the form is a view of it. A draft survives
// reloads, other people's publications and refused ones; only the person who
// made it can discard it.

import { api, ApiError } from '../../shared/api.js';
import { storage } from '../../shared/dom.js';
import { computed, effect, signal } from '../../shared/html.js';
import { changes, fullKeyOf, keyOf, merge, put, saidOf } from './merge.js';
import { get, parse } from './toml.js';
import { FIELDS } from './schema.js';

/** @typedef {{ version: number, name: string, author: any, at: string, comment: string }} Version */
/** @typedef {{ text: string, base: string, basedOn: string, at: string }} Draft */

const POLL_MS = 10_000;
const CHECK_AFTER_MS = 300;

const local = storage();
let place = '';

/** What the server says: the live label, and every version, newest first. */
export const published = signal(/** @type {{ live: string, versions: Version[] } | null} */ (null));

/** The text of the live policy; null until it is known. */
export const liveText = signal(/** @type {string | null} */ (null));

/** Why the policy could not be read, if so. */
export const failure = signal(/** @type {any} */ (null));

export const draft = signal(/** @type {Draft | null} */ (null));

/** Problems of the draft: what the server found, or what cannot be read at all. */
const checked = signal(/** @type {{ text: string, problems: { line?: number, field?: string, message: string }[] } | null} */ (null));

/** Fields in which something is typed that is no value yet, by path. */
export const typing = signal(/** @type {Record<string, string>} */ ({}));

export const liveVersion = computed(() => published.value?.versions.find((one) => `${one.name}@${one.version}` === published.value?.live) ?? null);

/** The text that the form shows. */
export const text = computed(() => draft.value?.text ?? liveText.value);

export const parsed = computed(() => (text.value === null ? null : parse(text.value)));

/** What the draft changes of the version that it began from. */
export const draftChanges = computed(() => (draft.value ? changes(draft.value.base, draft.value.text) : []));

/** Somebody published while this draft was being made. */
export const isOutdated = computed(() => Boolean(draft.value && published.value && draft.value.basedOn !== published.value.live));

/** @type {import('../../vendor/signals.js').ReadonlySignal<{ key: string | null, at?: string | null, line: number | null, message: string }[]>} */
export const problems = computed(() => {
  if (!draft.value || !parsed.value) return [];
  const unread = parsed.value.problems.map(({ line, message }) => ({ key: null, line, message }));
  if (unread.length > 0) return unread;
  if (checked.value?.text !== draft.value.text) return [];
  return checked.value.problems.map((problem) => {
    const key = keyOf(problem);
    return { key, at: fullKeyOf(problem), line: problem.line ?? parsed.value?.spans.get(key ?? '')?.line ?? null, message: saidOf(problem) };
  });
});

/** True while the server has not yet said anything about the newest text. */
export const isChecking = computed(() => Boolean(draft.value && parsed.value?.problems.length === 0 && checked.value?.text !== draft.value.text));

export const mayPublish = computed(() => draftChanges.value.length > 0 && problems.value.length === 0 && !isChecking.value && Object.values(typing.value).every((problem) => !problem));

/** The value of a field in the form: from the text, else the default. */
export function valueAt(/** @type {string} */ path) {
  const value = parsed.value ? get(parsed.value.values, path) : undefined;
  return value === undefined ? FIELDS.get(path)?.fallback : value;
}

const baseValues = computed(() => parse(draft.value?.base ?? liveText.value ?? '').values);

/** The same of the version that the draft began from, to show what was. */
export function liveValueAt(/** @type {string} */ path) {
  const value = get(baseValues.value, path);
  return value === undefined ? FIELDS.get(path)?.fallback : value;
}

function keep(/** @type {Draft | null} */ next) {
  draft.value = next;
  local.set(place, next ? JSON.stringify(next) : null);
}

/** Replaces the draft's text. The text of the live policy is no draft. */
export function setText(/** @type {string} */ next) {
  const before = draft.value;
  const base = before?.base ?? liveText.value;
  if (base === null || !published.value) return;
  if (next === base) keep(null);
  else keep({ text: next, base, basedOn: before?.basedOn ?? published.value.live, at: new Date().toISOString() });
}

export function setValue(/** @type {string} */ path, /** @type {any} */ value) {
  if (text.value !== null) setText(put(text.value, path, value));
}

export function discard() {
  typing.value = {};
  keep(null);
}

/** Puts the text of an old version into the draft, on top of what is live. */
export function takeAsDraft(/** @type {string} */ old) {
  if (liveText.value === null || !published.value) return;
  typing.value = {};
  keep(old === liveText.value ? null : { text: old, base: liveText.value, basedOn: published.value.live, at: new Date().toISOString() });
}

/** What bringing the draft onto the newest version would do. */
export const rebased = computed(() => (draft.value && liveText.value !== null ? merge({ base: draft.value.base, draft: draft.value.text, live: liveText.value }) : null));

export function bringOntoLive() {
  if (!rebased.value || liveText.value === null || !published.value) return;
  const next = rebased.value.text;
  keep(next === liveText.value ? null : { text: next, base: liveText.value, basedOn: published.value.live, at: new Date().toISOString() });
}

/** Publishes the draft. On a conflict the newest version is fetched and the draft stays as it is. */
export async function publish(/** @type {string} */ comment) {
  if (!draft.value) return null;
  const sent = draft.value;
  try {
    const answer = await api.post('/policies', { toml: sent.text, comment, based_on: sent.basedOn });
    if (draft.value === sent) keep(null);
    liveText.value = sent.text;
    await refresh();
    return answer;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'conflict') await refresh();
    throw error;
  }
}

let asked = 0;

/** Asks what is live. Fetches the text when it is another one. */
export async function refresh() {
  asked += 1;
  const mine = asked;
  try {
    const answer = await api.get('/policies');
    const versions = [...answer.versions].sort((a, b) => b.version - a.version);
    const isNew = answer.live !== published.value?.live || liveText.value === null;
    const version = versions.find((one) => `${one.name}@${one.version}` === answer.live) ?? versions[0];
    const whole = isNew && version ? await api.get(`/policies/${version.version}`) : null;
    if (mine !== asked) return;
    // Without any version every key has its default.
    if (isNew) liveText.value = whole?.toml ?? '';
    published.value = { live: answer.live, versions };
    failure.value = null;
  } catch (error) {
    if (mine === asked) failure.value = error;
  }
}

/** Begins: the draft of this account out of the browser, the live policy from the server, both kept fresh. */
export function startDraft(/** @type {string} */ account) {
  place = `baton.admin.draft.${account}`;
  const read = () => {
    try {
      const kept = JSON.parse(local.get(place) ?? 'null');
      draft.value = kept && typeof kept.text === 'string' && typeof kept.base === 'string' ? kept : null;
    } catch {
      draft.value = null;
    }
  };
  read();
  // Another tab of the same person.
  window.addEventListener('storage', (event) => event.key === place && read());
  refresh();
  setInterval(() => !document.hidden && refresh(), POLL_MS);
  document.addEventListener('visibilitychange', () => !document.hidden && refresh());

  /** @type {any} */ let timer;
  effect(() => {
    const wanted = draft.value?.text;
    clearTimeout(timer);
    if (wanted === undefined || parse(wanted).problems.length > 0) return;
    timer = setTimeout(() => check(wanted), CHECK_AFTER_MS);
  });
}

async function check(/** @type {string} */ wanted) {
  try {
    const answer = await api.post('/policies/check', { toml: wanted });
    if (draft.value?.text === wanted) checked.value = { text: wanted, problems: answer.problems ?? [] };
  } catch (error) {
    // Without an answer nothing is wrong and nothing is right: publishing waits for the next change.
    if (error instanceof ApiError && error.problems.length > 0 && draft.value?.text === wanted) checked.value = { text: wanted, problems: error.problems };
    else setTimeout(() => draft.value?.text === wanted && check(wanted), 3000);
  }
}
