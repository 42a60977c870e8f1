// Intents of a site's own in the admin console, in Chromium against the real
// server with its model: written as a draft, counted, mended, seen at once in the
// test bench, published, listed by a queue; by keyboard, and on a phone.
// Screenshots go to $SHOTS, or a temporary folder that is named.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axe, BINARY, firstAdmin, logIn, openChromium, openPage, startBaton, until } from './support.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';

/** @typedef {import('playwright-core').Page} Page */

/** @type {Awaited<ReturnType<typeof startBaton>>} */ let baton;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof openPage>>} */ let desk;
/** @type {Awaited<ReturnType<typeof firstAdmin>>} */ let ada;
/** @type {string} */ let shots;

const PRESCRIPTION = ['I need to renew my prescription', 'my tablets have run out', 'can I get a repeat of my inhaler', 'who do I ask for another month of these pills', 'the pharmacy says you have not sent my refill'];

before(async () => {
  if (skip) return;
  shots = process.env.SHOTS ?? (await mkdtemp(join(tmpdir(), 'baton-shots-')));
  await mkdir(shots, { recursive: true });
  baton = await startBaton({ environment: { BATON_NLP__BACKEND: 'rust-bert', BATON_SERVER__DEMO: 'false' } });
  ada = await firstAdmin(baton);
  await until('the model analyzes', async () => (await ada.call('GET', '/live')).analyzer.status === 'ready', 60_000);
  browser = await openChromium();
  desk = await openPage(browser);
  desk.page.setDefaultTimeout(40_000);
  await logIn(desk.page, baton.base, 'ada@example.com', '/admin');
});

after(async () => {
  await browser?.close();
  await baton?.stop();
});

async function tuning(/** @type {Page} */ page) {
  await page.goto(`${baton.base}/admin#/tuning`);
  // What was just said in a corner is gone.
  await page.reload();
  await page.getByRole('heading', { level: 2, name: 'Your own intents' }).waitFor();
}

const examples = (/** @type {Page} */ page, /** @type {number} */ index) => page.locator(`[data-key="intents.${index}.examples"]`);
const count = (/** @type {Page} */ page, /** @type {number} */ index) => page.locator(`#own-examples-intents-${index}-count`);

test('an intent is written as a draft, and works in the bench with its fifth message', { skip }, async () => {
  const { page, problems } = desk;
  await tuning(page);
  await page.locator('#bench-text').fill('please renew my prescription, the tablets have run out');
  await page.locator('.verdict').first().waitFor();
  assert.equal(await page.locator('.own-found').count(), 0, 'nobody has any yet');

  const name = page.getByLabel('Name of a new intent');
  await name.fill('Refund');
  await page.getByText('is one of Baton’s own').waitFor();
  await name.fill('Prescription renewal');
  // By keyboard: Enter adds, and the focus is where the messages are written.
  await name.press('Enter');
  await until('the messages have the focus', () => examples(page, 0).evaluate((one) => one === document.activeElement));
  await page.keyboard.type(PRESCRIPTION.slice(0, 4).join('\n'));
  await page.keyboard.press('Enter');
  await until('four are counted', async () => (await count(page, 0).innerText()) === '4 of 5 to 20: 1 more needed');
  await page.locator('.own-intent .problem', { hasText: 'must be 5 to 20 messages, and there are 4' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Publish…' }).isDisabled(), true);
  await page.keyboard.type(PRESCRIPTION[4]);
  await until('five are counted', async () => (await count(page, 0).innerText()) === '5 of 5 to 20');

  await page.locator('.own-found li', { hasText: 'prescription renewal' }).waitFor();
  await page.locator('.verdict', { hasText: /Your draft\s*leaves it with the bot/ }).waitFor();
  await page.getByLabel('Calls a person at once').check();
  await page.getByLabel('Probability from which prescription renewal calls a person').fill('0.5');
  await page.locator('.own-intent select').selectOption('high');
  await page.locator('.verdict', { hasText: 'calls a person at message 1: about “prescription renewal”' }).waitFor();
  await page.locator('.own-found', { hasText: 'calls a person' }).waitFor();
  await page.screenshot({ path: join(shots, 'own-intents-1440.png'), fullPage: true });
  // Another message is left alone, by the same draft.
  await page.locator('#bench-text').fill('where is my parcel');
  await page.locator('.verdict', { hasText: /Your draft\s*leaves it with the bot/ }).waitFor();
  assert.deepEqual(problems, []);
});

test('what is wrong is said where it is, and the text and the form are one', { skip }, async () => {
  const { page } = desk;
  await page.getByRole('link', { name: 'As text' }).click();
  const text = await page.getByLabel('The policy as TOML').inputValue();
  assert.match(text, /\[\[intents\]\]\nname = "prescription_renewal"\nexamples = \[\n {2}"I need to renew my prescription",\n/);
  assert.match(text, /escalate_at = 0\.5\npriority = "high"\n/);
  await page.getByLabel('The policy as TOML').fill(text.replace('\n  "my tablets have run out"', '\n  "i need to RENEW my prescription"'));
  await page.locator('.draft-problems').getByText('is there twice').waitFor();
  await page.locator('.draft-problems').getByRole('button').click();
  await page.locator('.own-intent.has-problem').waitFor();
  await page.locator('.own-intent summary').click();
  await page.locator('.own-intent .problem', { hasText: 'is there twice' }).waitFor();
  assert.equal(await examples(page, 0).getAttribute('aria-invalid'), 'true');
  await examples(page, 0).fill(PRESCRIPTION.join('\n'));
  await until('it may be published', () => page.getByRole('button', { name: 'Publish…' }).isEnabled());
});

test('it is published, and a queue can list it', { skip }, async () => {
  const { page, problems } = desk;
  await page.getByRole('button', { name: 'Publish…' }).click();
  await page.getByRole('dialog').getByLabel('Why', { exact: true }).fill('Prescriptions go to the pharmacy');
  await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByRole('status', { name: 'Policy' }).getByText('default@2').waitFor();
  const live = await ada.call('GET', '/policies/2');
  assert.equal(live.policy.intents[0].name, 'prescription_renewal');
  const queues = (await ada.call('GET', '/queues')).queues;
  await page.goto(`${baton.base}/admin#/queues/${queues[0]?.id ?? 'new'}`);
  await page.getByText('prescription renewal').first().waitFor();
  assert.deepEqual(problems, []);
});

test('it is taken away again, and nothing of the rest changes', { skip }, async () => {
  const { page } = desk;
  await tuning(page);
  const before = (await ada.call('GET', '/policies/2')).toml;
  await page.locator('.own-intent summary').click();
  await page.locator('.own-intent').getByRole('button', { name: /^Take away/ }).click();
  await until('there is none', () => page.locator('.own-intent').count().then((n) => n === 0));
  await until('the focus is on the next thing', () => page.getByLabel('Name of a new intent').evaluate((one) => one === document.activeElement));
  await page.getByRole('link', { name: 'As text' }).click();
  const text = await page.getByLabel('The policy as TOML').inputValue();
  assert.ok(before.startsWith(text.trimEnd()), text);
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard the draft' }).click();
});

test('no findings of axe and no scrolling sideways, from 360 to 1440 px, in light and dark', { skip }, async () => {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    const { page } = desk;
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      await tuning(page);
      if (!(await page.locator('.own-intent details').evaluate((one) => /** @type {HTMLDetailsElement} */ (one).open))) await page.locator('.own-intent summary').click();
      await examples(page, 0).scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(shots, `own-intents-${width}-${colorScheme}.png`) });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} px scrolls sideways`);
      assert.deepEqual(await axe(page), []);
    }
  }
});
