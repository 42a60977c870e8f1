// Holds tokens.css to its promises: light and dark complete, the two dark
// blocks equal, and every pair of colors that pages put together at WCAG AA.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const css = await readFile(new URL('./tokens.css', import.meta.url), 'utf8');

/** The custom properties of the block that follows `selector`. */
function block(/** @type {string} */ selector) {
  const start = css.indexOf('{', css.indexOf(selector)) + 1;
  const body = css.slice(start, css.indexOf('}', start));
  return new Map([...body.matchAll(/(--[a-z0-9-]+|color-scheme):\s*([^;]+);/g)].map(([, name, value]) => [name, value]));
}

const light = block(':root {');
const system = block(':root:not([data-theme="light"])');
const dark = block(':root[data-theme="dark"]');

function luminance(/** @type {string} */ hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(/** @type {string} */ a, /** @type {string} */ b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ['--ground', '--surface', '--raised', '--sunken'];
const ROWS = [...GROUNDS, '--hover', '--selected'];
const ON_ROWS = [
  '--ink', '--ink-2', '--ink-3', '--accent', '--good', '--warn', '--bad', '--info',
  '--mood-calm', '--mood-uneasy', '--mood-annoyed', '--mood-furious',
  '--sla-met', '--sla-at-risk', '--sla-breached', '--presence-online', '--presence-away', '--presence-offline',
];
/** @type {[string, string, number][]} */
const PAIRS = [
  ...ON_ROWS.flatMap((ink) => ROWS.map((ground) => /** @type {[string, string, number]} */ ([ink, ground, 4.5]))),
  ['--on-accent', '--accent', 4.5],
  ['--on-accent', '--accent-hover', 4.5],
  ['--accent', '--accent-soft', 4.5],
  ['--ink', '--accent-soft', 4.5],
  ...['good', 'warn', 'bad', 'info'].flatMap((name) => [
    /** @type {[string, string, number]} */ ([`--${name}`, `--${name}-soft`, 4.5]),
    /** @type {[string, string, number]} */ (['--ink', `--${name}-soft`, 4.5]),
  ]),
  ['--on-bubble-visitor', '--bubble-visitor', 4.5],
  ...['bot', 'agent', 'note'].flatMap((who) => ['--ink', '--ink-2', '--ink-3'].map((ink) => /** @type {[string, string, number]} */ ([ink, `--bubble-${who}`, 4.5]))),
  ...GROUNDS.map((ground) => /** @type {[string, string, number]} */ (['--line-strong', ground, 3])),
  ...GROUNDS.map((ground) => /** @type {[string, string, number]} */ (['--focus', ground, 3])),
];

test('the two dark blocks say the same', () => {
  assert.deepEqual([...system], [...dark]);
});

test('dark names only what light names, and every color', () => {
  const colors = [...light].filter(([, value]) => /^#|^rgb/.test(value)).map(([name]) => name);
  assert.deepEqual(colors.filter((name) => !dark.has(name)), []);
  assert.deepEqual([...dark.keys()].filter((name) => !light.has(name)), []);
});

for (const [theme, tokens] of /** @type {const} */ ([['light', light], ['dark', dark]])) {
  test(`every pair is readable in ${theme}`, () => {
    const low = PAIRS.map(([ink, ground, wanted]) => ({ ink, ground, wanted, is: contrast(tokens.get(ink) ?? '', tokens.get(ground) ?? '') }))
      .filter(({ is, wanted }) => !(is >= wanted))
      .map(({ ink, ground, wanted, is }) => `${ink} on ${ground}: ${is.toFixed(2)}, wanted ${wanted}`);
    assert.deepEqual(low, []);
  });
}
