// The parts of the admin console that need no browser: the policy's text and its
// form, merging, transcripts, hours, addresses.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import * as hours from './hours.js';
import { changes, keyOf, merge, put, saidOf } from './policy/merge.js';
import * as own from './policy/own_intents.js';
import { asSpan, FIELDS, said, seconds, valueOf, wrong } from './policy/schema.js';
import { append, flatten, get, parse, remove, set, write } from './policy/toml.js';
import * as routes from './routes.js';
import { asText, EXAMPLES, turns } from './transcript.js';

const DEFAULT = readFileSync(new URL('../../src/config/policy/default.toml', import.meta.url), 'utf8');

test('the default policy is read without problems, and every key has a place in the form with the same default', () => {
  const { values, problems } = parse(DEFAULT);
  assert.deepEqual(problems, []);
  const flat = flatten(values);
  for (const [path, value] of flat) {
    if (path === 'schema') continue;
    assert.ok(FIELDS.has(path), `${path} has no place in the form`);
    assert.deepEqual(FIELDS.get(path)?.fallback, value, path);
  }
  for (const path of FIELDS.keys()) assert.ok(flat.has(path) || path === 'rules.keywords' || path === 'intents', `${path} is no key of the policy`);
});

test('setting a value changes that value and no other character', () => {
  const text = set(DEFAULT, 'escalate.enter', 0.7);
  assert.equal(text, DEFAULT.replace('enter = 0.62', 'enter = 0.7'));
  assert.equal(set(text, 'escalate.enter', 0.62), DEFAULT.replace('0.40', '0.40'));
  assert.equal(get(parse(set(DEFAULT, 'service.answer.high', '3m')).values, 'service.answer.high'), '3m');
});

test('every key can be set from the form and is read back, from the whole file and from an empty one', () => {
  for (const start of [DEFAULT, '', 'schema = 1', '# only a comment\n', '[score]\n']) {
    let text = start;
    const wanted = new Map();
    for (const [path, field] of FIELDS) {
      const value = { share: 0.33, count: 7, span: '90s', text: 'night shift', intents: ['refund'], keywords: [{ phrase: 'gas "smell" \\ ]', priority: 'urgent' }], own: [{ name: 'pills', examples: ['a "b"', 'c\\d', 'e', 'f', 'g'.repeat(120)], escalate_at: 0.7 }, { name: 'plots', examples: [] }], name: 'pills', fixed: 1 }[field.kind];
      text = put(text, path, value);
      wanted.set(path, value);
    }
    const { values, problems } = parse(text);
    assert.deepEqual(problems, [], text);
    for (const [path, value] of wanted) assert.deepEqual(get(values, path), value, `${path} in\n${text}`);
  }
});

test('a key goes to the end of its section, a section to the end of the file', () => {
  assert.equal(set('[escalate]\nenter = 0.5 # line\n\n[rules]\nsame_question = 2\n', 'escalate.leave', 0.3), '[escalate]\nenter = 0.5 # line\nleave = 0.3\n\n[rules]\nsame_question = 2\n');
  assert.equal(set('schema = 1', 'escalate.leave', 0.3), 'schema = 1\n\n[escalate]\nleave = 0.3\n');
  assert.equal(set('[service]\nanswer = { low = "1h" }\n', 'service.answer.high', '2m'), '[service]\nanswer = { low = "1h", high = "2m" }\n');
});

test('keywords are added behind their section and taken away one by one', () => {
  const one = append(DEFAULT, 'rules.keywords', { phrase: 'gas smell', priority: 'urgent' });
  const two = append(one, 'rules.keywords', { phrase: 'lawsuit' });
  assert.deepEqual(get(parse(two).values, 'rules.keywords'), [{ phrase: 'gas smell', priority: 'urgent' }, { phrase: 'lawsuit' }]);
  assert.equal(get(parse(two).values, 'service.offer_timeout'), '30s');
  assert.equal(get(parse(two).values, 'rules.immediate.at'), 0.7);
  assert.deepEqual(get(parse(remove(two, 'rules.keywords', 0)).values, 'rules.keywords'), [{ phrase: 'lawsuit' }]);
  assert.equal(remove(one, 'rules.keywords', 0), DEFAULT);
  assert.equal(get(parse(set(two, 'rules.keywords.1.phrase', 'court')).values, 'rules.keywords')[1].phrase, 'court');
  const inline = '[rules]\nkeywords = [{ phrase = "a b" }]\n';
  assert.deepEqual(get(parse(append(inline, 'rules.keywords', { phrase: 'c' })).values, 'rules.keywords'), [{ phrase: 'a b' }, { phrase: 'c' }]);
});

test('intents of one’s own are added, changed and taken away, and nothing else of the text changes', () => {
  const five = ['renew it', 'my pills ran out', 'another pack', 'refill please', 'a repeat of what I had in spring, if that is possible at all'];
  let text = own.added(DEFAULT, 'pills');
  assert.deepEqual(own.ownIntents(parse(text).values), [{ name: 'pills', examples: [] }]);
  assert.ok(text.startsWith(DEFAULT.trimEnd()), 'it stands at the end');
  text = own.changed(own.changed(text, 0, 'examples', five), 0, 'escalate_at', 0.7);
  text = own.changed(own.added(text, 'plots'), 1, 'name', 'garden_plots');
  assert.deepEqual(own.ownIntents(parse(text).values), [{ name: 'pills', examples: five, escalate_at: 0.7 }, { name: 'garden_plots', examples: [] }]);
  assert.match(text, /examples = \[\n {2}"renew it",\n/, 'one below the other');
  const commented = text.replace('\nescalate_at = 0.7', '\n# from here on\nescalate_at = 0.7 # said by Ana');
  assert.equal(own.changed(commented, 0, 'escalate_at', 0.8), commented.replace('\nescalate_at = 0.7 #', '\nescalate_at = 0.8 #'));
  assert.ok(own.changed(commented, 0, 'escalate_at', undefined).includes('# from here on'));
  assert.equal(own.ownIntents(parse(own.changed(commented, 0, 'escalate_at', undefined)).values)[0].escalate_at, undefined);
  assert.deepEqual(own.namesIn(own.without(text, 0)), ['garden_plots']);
  assert.equal(own.without(own.added(DEFAULT, 'pills'), 0), DEFAULT);
  const inline = 'intents = [{ name = "a", examples = ["x"], escalate_at = 0.5 }]\n';
  assert.deepEqual(own.ownIntents(parse(own.changed(inline, 0, 'escalate_at', undefined)).values), [{ name: 'a', examples: ['x'] }]);
  assert.deepEqual(changes(inline, 'intents = [{ name = "a", examples = ["x"], priority = "normal", escalate_at = 0.5 }]'), []);
});

test('intents of one’s own are named, counted and found', () => {
  assert.equal(own.asName('  Prescription renewal! '), 'prescription_renewal');
  assert.equal(own.asName('2. Überweisung'), 'uberweisung');
  assert.equal(own.wrongName('pills', [], ['refund']), null);
  for (const name of ['', 'Pills', 'two__lines', 'refund', 'plots']) assert.ok(own.wrongName(name, [{ name: 'plots' }], ['refund']), name);
  assert.deepEqual(own.lines(' a \n\n b\n'), ['a', 'b']);
  assert.deepEqual([4, 7, 21].map((n) => own.count(n)).map(({ text, rest }) => `${text} ${rest}`.trim()), ['4 of 5 to 20 1 more needed', '7 of 5 to 20', '21 of 5 to 20 1 too many']);
  assert.deepEqual(own.found({ own_intents: { plots: 0.1, pills: 0.9 } }).map(({ name }) => name), ['pills', 'plots']);
  assert.deepEqual(own.found({}), []);
  assert.equal(own.placeOf('intents.2.examples'), 1);
  assert.equal(own.placeOf('intents'), null);
  assert.equal(keyOf({ field: 'intents.2.examples', message: 'intents.2.examples: must be 5 to 20' }), 'intents');
  assert.equal(saidOf({ message: 'intents.2.examples: must be 5 to 20' }), 'must be 5 to 20');
});

test('a mistake is named with its line, and the rest is still read', () => {
  const { values, problems } = parse('schema = 1\n[escalate]\nenter = high\nleave = 0.4\nleave = 0.5\n[rules\nbot_failures = 1\n');
  assert.deepEqual(problems.map(({ line }) => line), [3, 5, 6]);
  assert.equal(values.escalate.leave, 0.4);
  assert.equal(parse('a = "open').problems[0].line, 1);
  assert.deepEqual(parse('a = [1,\n 2, # two\n]\nb = \'c:\\d\'\nc = """x\ny"""\n').values, { a: [1, 2], b: 'c:\\d', c: 'x\ny' });
  assert.equal(parse('__proto__ = 1').problems.length, 1);
});

test('texts are written so that they are read back', () => {
  for (const text of ['', 'a"b\\c', 'line\nbreak\u0001', 'Wo ist mein Paket? 📦', '</script>']) assert.equal(parse(`a = ${write(text)}`).values.a, text);
});

test('spans are read and written in their unit', () => {
  assert.equal(seconds('1h 30m'), 5400);
  assert.equal(seconds('5 minutes'), 300);
  assert.equal(seconds('soon'), null);
  assert.deepEqual(asSpan('24h'), { number: 24, unit: 'h' });
  assert.deepEqual(asSpan('1h 30m'), { number: 90, unit: 'm' });
  assert.equal(said('service.reopen_window', '1h'), '1 hour');
  assert.equal(said('rules.bot_failures', 0), 'never');
});

test('what is typed is checked at once', () => {
  const field = (/** @type {string} */ path) => /** @type {any} */ (FIELDS.get(path));
  assert.equal(wrong(field('escalate.enter'), '0,7'), null);
  assert.equal(valueOf(field('escalate.enter'), '0,7'), 0.7);
  assert.equal(wrong(field('escalate.enter'), ''), 'a number from 0 to 1');
  assert.equal(wrong(field('escalate.enter'), '2'), 'a number from 0 to 1');
  assert.equal(wrong(field('escalate.min_messages'), '0'), 'a whole number from 1');
  assert.equal(valueOf(field('service.offer_timeout'), '45', 'm'), '45m');
});

test('changes made on an older version come onto a newer one', () => {
  const draft = set(set(DEFAULT, 'escalate.enter', 0.7), 'service.offer_timeout', '45s');
  const live = set(set(append(DEFAULT, 'rules.keywords', { phrase: 'lawyer' }), 'escalate.enter', 0.5), 'score.memory', 0.6);
  const { text, mine, theirs, clashes } = merge({ base: DEFAULT, draft, live });
  assert.deepEqual(mine.map(({ path }) => path), ['escalate.enter', 'service.offer_timeout']);
  assert.deepEqual(theirs.map(({ path }) => path), ['escalate.enter', 'rules.keywords', 'score.memory']);
  assert.deepEqual(clashes, ['escalate.enter']);
  const { values } = parse(text);
  assert.equal(get(values, 'escalate.enter'), 0.7);
  assert.equal(get(values, 'score.memory'), 0.6);
  assert.deepEqual(get(values, 'rules.keywords'), [{ phrase: 'lawyer' }]);
  assert.deepEqual(changes(DEFAULT, DEFAULT.replace('"1h"', '"60m"')), []);
});

test('a problem of the server finds its field', () => {
  assert.equal(keyOf({ message: 'escalate.leave: must not be above escalate.enter' }), 'escalate.leave');
  assert.equal(saidOf({ message: 'escalate.leave: must not be above escalate.enter' }), 'must not be above escalate.enter');
  assert.equal(keyOf({ field: 'rules.keywords', message: 'at most 200' }), 'rules.keywords');
  assert.equal(keyOf({ line: 3, message: 'line 3: expected a value' }), null);
});

test('a pasted conversation becomes turns', () => {
  assert.deepEqual(turns('Hello\n\n Where is it? '), [{ speaker: 'visitor', text: 'Hello' }, { speaker: 'visitor', text: 'Where is it?' }]);
  assert.deepEqual(turns('Visitor: one\ntwo\nBOT!:\nbot: yes\nagent: hi'), [
    { speaker: 'visitor', text: 'one\ntwo' },
    { speaker: 'bot', text: '', no_answer: true },
    { speaker: 'bot', text: 'yes' },
    { speaker: 'agent', text: 'hi' },
  ]);
  assert.deepEqual(turns('  \n'), []);
  for (const { text } of EXAMPLES) assert.equal(asText(turns(text)), text);
});

test('opening hours are checked and told in few words', () => {
  const week = hours.officeHours('Europe/Berlin');
  assert.equal(hours.summary(week), 'Mon–Fri 09:00–17:30');
  assert.equal(hours.summary(null), 'Always open');
  assert.deepEqual(hours.problems(week), {});
  const wrongWeek = { timezone: 'Mars/Base', days: { mon: /** @type {[string, string][]} */ ([['09:00', '08:00'], ['9', '10:00']]), tue: /** @type {[string, string][]} */ ([['09:00', '12:00'], ['11:00', '24:00']]) }, holidays: ['2026-02-30'] };
  assert.deepEqual(Object.keys(hours.problems(wrongWeek)).sort(), ['holidays.0', 'mon.0', 'mon.1', 'timezone', 'tue.1']);
  assert.equal(hours.isOpen(week, Date.parse('2026-11-23T08:30:00Z')), true);
  assert.equal(hours.isOpen(week, Date.parse('2026-11-23T07:30:00Z')), false);
  assert.equal(hours.isOpen({ ...week, holidays: ['2026-11-23'] }, Date.parse('2026-11-23T08:30:00Z')), false);
});

test('addresses say what is shown, and nobody lands where they may not be', () => {
  const route = routes.read('#/conversations/cnv_1?state=agent&q=a%26b');
  assert.deepEqual(route, { page: 'conversations', id: 'cnv_1', query: { state: 'agent', q: 'a&b' } });
  assert.equal(routes.write(route), '#/conversations/cnv_1?state=agent&q=a%26b');
  assert.deepEqual(routes.read('#/%E0%A4%A'), { page: 'live', id: null, query: {} });
  assert.equal(routes.allowed(routes.read('#/audit'), 'supervisor').page, 'live');
  assert.equal(routes.allowed(routes.read('#/audit'), 'admin').page, 'audit');
  assert.deepEqual(routes.navigation('supervisor').map(({ page }) => page), ['live', 'conversations', 'tuning', 'learning', 'knowledge', 'canned']);
});
