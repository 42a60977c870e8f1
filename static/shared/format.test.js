import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address, ago, badge, characters, clock, dateTime, day, duration, initials, isSameDay, linkParts, minutes, percent, plural, score, signed } from './format.js';

test('a span reads as a running clock and is never negative', () => {
  const cases = /** @type {const} */ ([[0, '0:00'], [7.9, '0:07'], [72, '1:12'], [3599, '59:59'], [3723, '1:02:03'], [90_000, '1 d 1 h'], [-5, '0:00']]);
  for (const [seconds, words] of cases) assert.equal(duration(seconds), words);
});

test('clock time has 24 hours in every locale', () => {
  const at = new Date(2026, 10, 21, 14, 2);
  assert.equal(clock(at, 'en'), '14:02');
  assert.equal(clock(at, 'de'), '14:02');
  assert.equal(clock(new Date(2026, 10, 21, 0, 5), 'en-US'), '00:05');
});

test('days and dates name the year only when it helps', () => {
  const now = new Date(2026, 10, 21, 14, 2).getTime();
  assert.match(day(new Date(2026, 10, 21), 'en-GB', now), /^Saturday,? 21 November$/);
  assert.match(day(new Date(2025, 10, 21), 'en-GB', now), /^Friday,? 21 November 2025$/);
  assert.match(dateTime(new Date(2026, 10, 21, 14, 2), 'en-GB'), /^21 Nov.*14:02$/);
  assert.ok(isSameDay(new Date(2026, 10, 21, 0, 1), new Date(2026, 10, 21, 23, 59)));
  assert.ok(!isSameDay(new Date(2026, 10, 21, 23, 59), new Date(2026, 10, 22, 0, 1)));
});

test('how long ago is never in the future', () => {
  const now = Date.parse('2026-11-21T14:02:00Z');
  assert.equal(ago('2026-11-21T14:00:00Z', now, 'en'), '2 minutes ago');
  assert.equal(ago('2026-11-20T14:00:00Z', now, 'en'), 'yesterday');
  assert.equal(ago('2026-11-21T14:03:00Z', now, 'en'), 'now');
});

test('an estimate is rounded outward, and none stays none', () => {
  assert.deepEqual(minutes({ low_s: 60, high_s: 180, from: 14 }), { low: 1, high: 3 });
  assert.deepEqual(minutes({ low_s: 100, high_s: 181, from: 3 }), { low: 1, high: 4 });
  assert.deepEqual(minutes({ low_s: 0, high_s: 4, from: 3 }), { low: 0, high: 1 });
  assert.equal(minutes(null), null);
});

test('figures keep their form', () => {
  assert.equal(badge(7), '7');
  assert.equal(badge(100), '99+');
  assert.equal(score(0.8149), '0.81');
  assert.equal(score(null), '–');
  assert.equal(signed(0.41), '+0.41');
  assert.equal(signed(-0.125), '−0.13');
  assert.equal(percent(0.718), '72 %');
  assert.equal(plural(1, 'person', 'people'), '1 person');
  assert.equal(plural(3, 'person', 'people'), '3 people');
});

test('initials come from the first and the last word, whatever the script', () => {
  assert.equal(initials('Ana Paula de Souza'), 'AS');
  assert.equal(initials('mara'), 'M');
  assert.equal(initials('李 小龙'), '李小');
  assert.equal(initials(''), '?');
  assert.equal(initials(null), '?');
});

test('characters are counted as the server counts them', () => {
  assert.equal(characters('añ👍'), 3);
});

test('web addresses become links and the sentence around them stays text', () => {
  assert.deepEqual(linkParts('See https://shop.example/a?b=1&c=2. Thanks'), [
    { text: 'See ' },
    { text: 'https://shop.example/a?b=1&c=2', href: 'https://shop.example/a?b=1&c=2' },
    { text: '. Thanks' },
  ]);
  assert.deepEqual(linkParts('(http://a.example/b_(c))'), [
    { text: '(' },
    { text: 'http://a.example/b_(c)', href: 'http://a.example/b_(c)' },
    { text: ')' },
  ]);
  assert.deepEqual(linkParts('no links'), [{ text: 'no links' }]);
  assert.deepEqual(linkParts(''), []);
});

test('nothing but http and https is ever a link', () => {
  const hostile = [
    'javascript:alert(1)', 'JaVaScRiPt:alert(1)//https', 'data:text/html,<script>alert(1)</script>', 'vbscript:x',
    '<a href="javascript:alert(1)">x</a>', '<img src=x onerror=alert(1)>', 'https://', 'http://@/', 'ftp://a.example',
    'https://bank.example@evil.example/', 'https://a:b@evil.example/', 'file:///etc/passwd', '//evil.example',
  ];
  for (const text of hostile) {
    for (const part of linkParts(text)) if (part.href) assert.match(part.href, /^https?:\/\/[^@]+$/, text);
    assert.equal(linkParts(text).map((part) => part.text).join(''), text);
  }
  assert.equal(address('javascript:alert(1)'), null);
  assert.equal(address('https://bank.example@evil.example/'), null);
});

test('a link ends where invisible direction marks or quotes begin', () => {
  const [link, rest] = linkParts('https://a.example/x\u202egnp.exe');
  assert.equal(link.href, 'https://a.example/x');
  assert.equal(rest.text, '\u202egnp.exe');
  assert.equal(linkParts('<https://a.example/"onclick="x">')[1].href, 'https://a.example/');
});
