// The policy as sentences with numbers inside them: every key once, with what it
// means, what it may be, and its default. A test compares the keys and defaults
// with the server's own file, so that none is forgotten here. Pure.

/**
 * @typedef {'share' | 'count' | 'span' | 'text' | 'intents' | 'keywords' | 'own' | 'name' | 'fixed'} Kind
 * @typedef {{ path: string, kind: Kind, label: string, fallback: any, min?: number, max?: number, never?: boolean, one?: string, many?: string }} Field
 * @typedef {{ parts: (string | Field)[], hint?: string }} Sentence
 * @typedef {{ id: string, title: string, intro?: string, sentences: Sentence[], isClosed?: boolean }} Group
 */

/** @returns {Field} */
const share = (/** @type {string} */ path, /** @type {string} */ label, /** @type {number} */ fallback) => ({ path, kind: 'share', label, fallback, min: 0, max: 1 });
/** @returns {Field} */
const count = (/** @type {string} */ path, /** @type {string} */ label, /** @type {number} */ fallback, /** @type {Partial<Field>} */ more = {}) => ({ path, kind: 'count', label, fallback, min: 0, ...more });
/** @returns {Field} */
const span = (/** @type {string} */ path, /** @type {string} */ label, /** @type {string} */ fallback) => ({ path, kind: 'span', label, fallback });

/** @type {Group[]} */
export const GROUPS = [
  {
    id: 'line',
    title: 'When the score calls a person',
    intro: 'The score says, from 0 to 1, how angry a visitor is at the service.',
    sentences: [
      { parts: ['Escalate when the score passes', share('escalate.enter', 'Score that escalates', 0.62), 'after at least', count('escalate.min_messages', 'Messages before the score escalates', 2, { min: 1, one: 'message', many: 'messages' }), '.'] },
      { parts: ['Count the visitor as calm again below', share('escalate.leave', 'Score that counts as calm again', 0.4), '.'], hint: 'Between the two lines nothing changes, so a score near the line does not call twice.' },
      { parts: ['After a handoff, let', span('escalate.cooldown', 'Pause after a handoff', '5m'), 'pass before the score alone calls again.'] },
    ],
  },
  {
    id: 'rules',
    title: 'What calls a person by itself',
    intro: 'Whatever the score says.',
    sentences: [
      { parts: ['Hand over at once when it is', share('rules.human_request_at', 'Certainty that a message asks for a person', 0.5), 'certain that a message asks for a person.'] },
      { parts: ['Hand over at once when it is', share('rules.immediate.at', 'Certainty of a subject that escalates', 0.7), 'certain that a message is about', { path: 'rules.immediate.intents', kind: 'intents', label: 'Subjects that escalate', fallback: ['legal_threat', 'safety'] }] },
      { parts: ['Hand over when the bot has no answer', count('rules.bot_failures', 'Times the bot has no answer', 2, { never: true, one: 'time', many: 'times' }), 'in a row.'] },
      { parts: ['Hand over when the same question is asked', count('rules.same_question', 'Times the same question is asked', 3, { never: true, one: 'time', many: 'times' }), '.'] },
      { parts: ['Hand over at once when a message contains', { path: 'rules.keywords', kind: 'keywords', label: 'Words that escalate', fallback: [] }] },
    ],
  },
  {
    id: 'own',
    title: 'Your own intents',
    intro: 'What messages to you are about that Baton does not know by itself. Write a few as your visitors would, each in other words; a message is then compared with them. The test bench shows at once what is found.',
    sentences: [{ parts: [{ path: 'intents', kind: 'own', label: 'Your own intents', fallback: [] }], hint: 'From 0.5 on, a conversation is about it: a queue may list it like any other subject.' }],
  },
  {
    id: 'score',
    title: 'What the score is made of',
    intro: 'How much each sign adds. The test bench shows what they add up to.',
    sentences: [
      { parts: ['Frustration at the service adds up to', share('score.frustration', 'Frustration', 0.62), ', newest message first.'] },
      { parts: ['A message keeps', share('score.memory', 'How much of the past is kept', 0.5), 'of what was before.'], hint: '0 forgets at once; near 1 remembers long.' },
      { parts: ['Negative mood adds up to', share('score.negative_sentiment', 'Negative mood', 0.1), '.'] },
      { parts: ['Each further frustrated message in a row adds', share('score.streak', 'Several in a row', 0.06), ', three at most.'] },
      { parts: ['Frustration that rises over four messages adds up to', share('score.slope', 'Getting worse', 0.12), '.'] },
      { parts: ['The same question again adds', share('score.repeated_question', 'Same question again', 0.14), ', two at most.'] },
      { parts: ['Each time the bot has no answer adds', share('score.bot_failures', 'Bot without answer', 0.1), ', three at most; it fades.'] },
      { parts: ['Each message after six that brought nothing adds', share('score.no_progress', 'No progress', 0.02), '.'] },
      { parts: ['Capitals in anger add', share('score.shouting', 'Shouting', 0.06), '.'] },
      { parts: ['Insults and threats add up to', share('score.abuse', 'Abusive words', 0.12), '.'] },
      { parts: ['A visitor who is satisfied again takes off up to', share('score.recovery', 'Calming down', 0.25), '.'] },
    ],
  },
  {
    id: 'offers',
    title: 'Waiting and offers',
    sentences: [
      { parts: ['An offer to an agent stands for', span('service.offer_timeout', 'How long an offer stands', '30s'), '; who lets it pass is left out for', span('service.pass_over', 'How long an agent is passed over', '2m'), '.'] },
      { parts: ['Each', span('service.priority_step', 'Wait that raises the priority', '10m'), 'of waiting raises a conversation by one class of priority.'] },
      {
        parts: [
          'A person should answer within', span('service.answer.urgent', 'Answer within, urgent', '1m'), 'when it is urgent,', span('service.answer.high', 'Answer within, high', '2m'), 'when it is high,',
          span('service.answer.normal', 'Answer within, normal', '5m'), 'when it is normal and', span('service.answer.low', 'Answer within, low', '30m'), 'when it is low.',
        ],
      },
      { parts: ['Somebody takes a left message within', span('service.left_message_due', 'Left messages are due', '24h'), '.'] },
      { parts: ['A waiting visitor may be gone for', span('service.gone_timeout', 'How long a waiting visitor may be gone', '10m'), '.'] },
    ],
  },
  {
    id: 'end',
    title: 'The end of a conversation',
    sentences: [
      { parts: ['An agent has', span('service.wrap_up_timeout', 'Time to wrap up', '5m'), 'to wrap up before it closes by itself.'] },
      { parts: ['A visitor who writes within', span('service.reopen_window', 'Window to reopen', '24h'), 'reopens a conversation that a person had.'] },
      { parts: ['A conversation with the bot closes after', span('service.idle_timeout', 'Silence that closes', '1h'), 'of silence.'] },
    ],
  },
  {
    id: 'name',
    title: 'Its name',
    sentences: [
      { parts: ['This policy is called', { path: 'name', kind: 'text', label: 'Name of the policy', fallback: 'default' }, '.'], hint: 'Decisions carry it with the version, as default@1.' },
    ],
  },
];

/** Every field by its path. */
export const FIELDS = new Map(GROUPS.flatMap(({ sentences }) => sentences.flatMap(({ parts }) => parts.filter((part) => typeof part !== 'string').map((field) => [/** @type {Field} */ (field).path, /** @type {Field} */ (field)]))));

export const INTENTS = Object.freeze([
  'complaint', 'cancel', 'refund', 'billing', 'order_status', 'technical_problem', 'account_access', 'legal_threat', 'safety',
  'churn_threat', 'urgent', 'feedback', 'greeting', 'thanks', 'goodbye', 'bot_challenge', 'chitchat', 'other',
]);

export const PRIORITIES = Object.freeze(['low', 'normal', 'high', 'urgent']);

/** @type {Record<string, string>} */
const INTENT_WORDS = {
  complaint: 'a complaint', cancel: 'canceling', refund: 'a refund', billing: 'a bill', order_status: 'an order’s status', technical_problem: 'a technical problem',
  account_access: 'getting into an account', legal_threat: 'legal steps', safety: 'danger to somebody', churn_threat: 'leaving for somebody else', urgent: 'something urgent',
  feedback: 'praise or advice', greeting: 'a greeting', thanks: 'thanks', goodbye: 'a good-bye', bot_challenge: 'whether it is a bot', chitchat: 'small talk', other: 'anything else',
};

export const intentWord = (/** @type {string} */ code) => (Object.hasOwn(INTENT_WORDS, code) ? INTENT_WORDS[code] : code.replaceAll('_', ' '));

/** Whether this can be the name of an intent of one's own: lower case words with underscores between them. */
export const isPlainName = (/** @type {string} */ name) => name.length <= 40 && /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name);

/** Units of a span, largest first, as the file writes them. */
export const UNITS = Object.freeze([
  { unit: 'd', seconds: 86_400, one: 'day', many: 'days' },
  { unit: 'h', seconds: 3600, one: 'hour', many: 'hours' },
  { unit: 'm', seconds: 60, one: 'minute', many: 'minutes' },
  { unit: 's', seconds: 1, one: 'second', many: 'seconds' },
]);

/** @type {Record<string, number>} */
const WORDS_OF_TIME = {
  ms: 0.001, msec: 0.001, millis: 0.001, s: 1, sec: 1, secs: 1, second: 1, seconds: 1, m: 60, min: 60, mins: 60, minute: 60, minutes: 60,
  h: 3600, hr: 3600, hrs: 3600, hour: 3600, hours: 3600, d: 86_400, day: 86_400, days: 86_400, w: 604_800, week: 604_800, weeks: 604_800,
};

/** Seconds of a span such as `5m` or `1h 30m`; null when it is none. */
export function seconds(/** @type {unknown} */ text) {
  if (typeof text !== 'string' || text.trim() === '') return null;
  let total = 0;
  const rest = text.replace(/(\d+)\s*([a-z]+)\s*/gi, (_all, digits, word) => {
    const size = Object.hasOwn(WORDS_OF_TIME, word) ? WORDS_OF_TIME[word] : NaN;
    total += Number(digits) * size;
    return '';
  });
  return rest.trim() === '' && Number.isFinite(total) ? total : null;
}

/** A span as a number and its largest whole unit: `90s` stays 90 seconds, `24h` is 24 hours. */
export function asSpan(/** @type {unknown} */ text) {
  const total = seconds(text);
  if (total === null) return null;
  const single = /^\s*(\d+)\s*(s|m|h|d)\s*$/.exec(String(text));
  if (single) return { number: Number(single[1]), unit: single[2] };
  const fits = UNITS.find((one) => total >= one.seconds && total % one.seconds === 0);
  return fits ? { number: total / fits.seconds, unit: fits.unit } : { number: total, unit: 's' };
}

/**
 * What is wrong with what was typed into a field, null when nothing is.
 * The server has the last word; this one is quicker.
 * @param {Field} field
 * @param {string} typed
 * @returns {string | null}
 */
export function wrong(field, typed) {
  const text = typed.trim().replace(',', '.');
  if (field.kind === 'share') {
    const value = Number(text);
    return text !== '' && value >= 0 && value <= 1 ? null : 'a number from 0 to 1';
  }
  if (field.kind === 'count') {
    if (!/^\d{1,6}$/.test(text) || Number(text) < (field.min ?? 0)) return field.min ? `a whole number from ${field.min}` : 'a whole number';
    return null;
  }
  if (field.kind === 'span') return /^\d{1,7}$/.test(text) ? null : 'a whole number';
  if (field.kind === 'text') return text === '' ? 'a name' : null;
  if (field.kind === 'name') return isPlainName(typed.trim()) ? null : 'lower case words with underscores, as prescription_renewal';
  return null;
}

/** What was typed, as the value that goes into the file. */
export function valueOf(/** @type {Field} */ field, /** @type {string} */ typed, /** @type {string} */ unit = 's') {
  const text = typed.trim().replace(',', '.');
  if (field.kind === 'span') return `${Number(text)}${unit}`;
  return field.kind === 'text' || field.kind === 'name' ? typed.trim() : Number(text);
}

/**
 * A value in words, for lists of changes.
 * @param {string} path
 * @param {any} value
 * @returns {string}
 */
export function said(path, value) {
  const field = FIELDS.get(path);
  if (value === undefined) return field ? said(path, field.fallback) : '(not set)';
  if (field?.kind === 'count' && field.never && value === 0) return 'never';
  if (field?.kind === 'count' && field.one) return `${value} ${value === 1 ? field.one : field.many}`;
  if (field?.kind === 'span') {
    const span = asSpan(value);
    const unit = UNITS.find((one) => one.unit === span?.unit);
    return span && unit ? `${span.number} ${span.number === 1 ? unit.one : unit.many}` : String(value);
  }
  if (field?.kind === 'intents' && Array.isArray(value)) return value.length ? value.map((one) => intentWord(String(one))).join(', ') : 'none';
  if (field?.kind === 'keywords' && Array.isArray(value)) return value.length ? value.map((one) => `“${one?.phrase ?? ''}” (${one?.priority ?? 'normal'})`).join(', ') : 'none';
  if (field?.kind === 'own' && Array.isArray(value)) return value.length ? value.map((one) => `${one?.name ?? '?'} (${Array.isArray(one?.examples) ? one.examples.length : 0} messages${typeof one?.escalate_at === 'number' ? `, from ${one.escalate_at}, ${one.priority ?? 'normal'}` : ''})`).join(', ') : 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The name of a key in lists of changes and problems. */
export const label = (/** @type {string} */ path) => FIELDS.get(path)?.label ?? path;
