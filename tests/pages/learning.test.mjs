// The page Learning in Chromium, against the real server with its model: what is
// missing, what agents say at wrap-up with one key, which models are there, and
// adopting, refusing, rolling back and falling back. The models learned here are
// copies of the one that comes with Baton under other versions: what training
// writes, without the minutes it takes. Screenshots go to $SHOTS, or a temporary
// folder that is named.

import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { axe, BINARY, firstAdmin, logIn, makeAgent, makeWidget, openChromium, openPage, startBaton, until, Visitor } from './support.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';
const ENVIRONMENT = { BATON_NLP__BACKEND: 'rust-bert', BATON_SERVER__DEMO: 'false' };
const SHIPPED = fileURLToPath(new URL('../../models/baton-en', import.meta.url));

/** @typedef {import('playwright-core').Page} Page */

/** @type {Awaited<ReturnType<typeof startBaton>>} */ let baton;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof openPage>>} */ let desk;
/** @type {Awaited<ReturnType<typeof firstAdmin>>} */ let ada;
/** @type {Awaited<ReturnType<typeof makeWidget>>} */ let widget;
/** @type {string} */ let shots;
/** @type {string} */ let shipped;

before(async () => {
  if (skip) return;
  shots = process.env.SHOTS ?? (await mkdtemp(join(tmpdir(), 'baton-shots-')));
  await mkdir(shots, { recursive: true });
  shipped = /^version = "(.*)"$/m.exec(await readFile(join(SHIPPED, 'manifest.toml'), 'utf8'))?.[1] ?? '';
  baton = await startBaton({ environment: ENVIRONMENT });
  ada = await firstAdmin(baton);
  widget = await makeWidget(ada);
  await modelAnswers(shipped);
  browser = await openChromium();
  desk = await openPage(browser);
  desk.page.setDefaultTimeout(40_000);
  await logIn(desk.page, baton.base, 'ada@example.com', '/admin');
});

after(async () => {
  await browser?.close();
  await baton?.stop();
});

/** Waits until this version of the model answers. */
const modelAnswers = (/** @type {string} */ version) => until(`model ${version} answers`, async () => (await ada.call('GET', '/live')).analyzer.version === version, 60_000);

/** Opens the page anew. */
async function open(/** @type {Page} */ page) {
  await page.goto(`${baton.base}/admin#/learning`);
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Learning' }).waitFor();
  await until('nothing is loading', () => page.locator('.loading-rows, .page-wait').count().then((n) => n === 0));
}

const folderOf = (/** @type {number} */ number) => join(baton.folder, 'models', `baton-en-${shipped}+site.${number}`);
const row = (/** @type {Page} */ page, /** @type {string} */ version) => page.locator('.model', { has: page.getByText(version, { exact: true }) });
const dialog = (/** @type {Page} */ page) => page.getByRole('dialog');

/** A model as training on site leaves it. */
async function learned(/** @type {number} */ number, /** @type {unknown} */ figures = null) {
  const folder = folderOf(number);
  await cp(SHIPPED, folder, { recursive: true });
  const manifest = join(folder, 'manifest.toml');
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace(/^version = .*$/m, `version = "${shipped}+site.${number}"`));
  if (figures) await writeFile(join(folder, 'figures.json'), JSON.stringify(figures));
  return `${shipped}+site.${number}`;
}

const damage = (/** @type {number} */ number) => writeFile(join(folderOf(number), 'heads.safetensors'), 'not a model');

test('an empty installation is told how to begin, and which model answers', { skip }, async () => {
  const { page } = desk;
  await open(page);
  await page.getByText('No message is labeled yet').waitFor();
  await page.getByText('40 labeled messages are enough to begin').waitFor();
  await page.getByText('40 labels short').waitFor();
  await page.getByText('None was learned here yet.').waitFor();
  await page.getByText('Nothing was adopted yet').waitFor();
  await row(page, shipped).getByText('live', { exact: true }).waitFor();
  assert.match(await page.getByLabel('Command', { exact: true }).inputValue(), /^baton train --from-labels/);
  assert.equal(await page.getByRole('button', { name: 'Roll back…' }).count(), 0);
  await page.screenshot({ path: join(shots, 'learning-empty.png'), fullPage: true });
  await page.getByRole('link', { name: 'Label conversations' }).click();
  await page.getByRole('heading', { level: 1, name: 'Conversations' }).waitFor();
  assert.equal(await page.getByLabel('Labels', { exact: true }).inputValue(), 'false');
});

test('one key at wrap-up says whether the handoff was right, and it is counted here with the labels', { skip }, async () => {
  await makeAgent(baton, ada, { name: 'Ben Agent', email: 'ben@example.com' });
  const at = await openPage(browser);
  await logIn(at.page, baton.base, 'ben@example.com');
  await at.page.locator('.presence-button').click();
  await at.page.getByRole('menuitemradio', { name: /Online/ }).click();
  const visitor = await Visitor.connect(baton.base, widget, { identity: { id: 'mara', name: 'Mara Keller' } });
  await visitor.says('Where is my parcel?');
  await visitor.asksForPerson();
  await at.page.locator('.item-offer', { hasText: 'Mara Keller' }).getByRole('button', { name: /Accept/ }).click();
  await at.page.getByRole('button', { name: 'Resolve' }).click();
  await at.page.getByRole('dialog', { name: /Resolve/ }).getByRole('button', { name: 'Resolve' }).click();
  const wrapUp = at.page.getByRole('form', { name: 'Wrap up' });
  await wrapUp.waitFor();
  // The keys stand on the choices they are for.
  assert.deepEqual(await wrapUp.locator('.choice kbd').allInnerTexts(), ['1', '2', '3', '4']);
  await at.page.keyboard.press('3');
  await until('the label is chosen', () => wrapUp.getByRole('radio', { name: /Too late/ }).isChecked());
  await wrapUp.getByRole('radio', { name: 'Solved', exact: true }).check();
  await wrapUp.getByRole('button', { name: 'Close conversation' }).click();
  await wrapUp.waitFor({ state: 'detached' });
  assert.deepEqual(at.problems, []);
  await at.context.close();

  const { conversations } = await ada.call('GET', '/conversations');
  const { entries } = await ada.call('GET', `/conversations/${conversations[0].conversation}`);
  const said = entries.find((/** @type {any} */ one) => one.kind === 'message' && one.author.kind === 'visitor');
  await ada.call('PUT', `/conversations/${conversations[0].conversation}/labels/${said.position}`, { frustration: 0, sentiment: 'neutral' });
  const { page } = desk;
  await open(page);
  await page.getByText('0 % at the right moment of 1 handoff').waitFor();
  await page.locator('.bars > li', { hasText: 'Too late' }).getByText('1', { exact: true }).waitFor();
  await page.getByText('39 more messages before anything can be learned').waitFor();
  const table = page.getByRole('region', { name: 'Labels by question' });
  await table.getByRole('row', { name: /Frustrated 1 no · 0 yes no “yes” yet/ }).waitFor();
  await table.getByRole('row', { name: /Offensive – nothing said yet/ }).waitFor();
});

test('a model that was learned appears with its figures, and is adopted with a comment', { skip }, async () => {
  const { page } = desk;
  await open(page);
  const change = (/** @type {number} */ old, /** @type {number} */ fresh, /** @type {number} */ n) => ({ old, new: fresh, n });
  const version = await learned(1, {
    messages: 132, held_back: 26, hints: 4,
    site: { all: { right: change(0.71, 0.86, 104), loss: change(0.6, 0.4, 104) }, frustration: { right: change(0.6, 0.8, 26) }, human_request: { right: change(0.9, 0.9, 26) } },
    dev: { frustration: { F1: change(0.831, 0.829, 4300), AUC: change(0.97, 0.97, 4300) }, sentiment: { recall: change(0.7, 0.7, 5000) } },
  });
  // Whoever comes back to the page sees it without loading it again.
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  const model = row(page, version);
  await model.getByRole('row', { name: /Frustrated 60 % → 80 % better, of 26 0.831 → 0.829 F1, lower, of 4,300/ }).waitFor();
  await model.getByText('from 132 labeled messages, 26 of them kept aside').waitFor();
  await model.getByRole('button', { name: 'Adopt…' }).click();
  await dialog(page).getByText('is loaded beside').waitFor();
  await dialog(page).getByRole('button', { name: 'Adopt', exact: true }).click();
  await dialog(page).getByText('Say in a few words why.').waitFor();
  await dialog(page).getByLabel('Why', { exact: true }).fill('Knows our words');
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: join(shots, 'learning-adopt.png') });
  await dialog(page).getByRole('button', { name: 'Adopt', exact: true }).click();
  await dialog(page).waitFor({ state: 'detached', timeout: 60_000 });
  await page.locator('.toast', { hasText: `${version} is live.` }).waitFor();
  await model.getByText('live', { exact: true }).waitFor();
  assert.equal(await row(page, shipped).getByText('live', { exact: true }).count(), 0);
  const history = page.getByRole('list', { name: 'Adoptions, newest first' });
  await history.getByText('Knows our words').waitFor();
  await history.getByText('Ada Admin').waitFor();
  await modelAnswers(version);
});

test('a damaged model is refused with why, and the one that was live goes on', { skip }, async () => {
  const { page } = desk;
  const version = await learned(2);
  await damage(2);
  await open(page);
  await row(page, version).getByText('It has no figures').waitFor();
  await row(page, version).getByRole('button', { name: 'Adopt…' }).click();
  await dialog(page).getByLabel('Why', { exact: true }).fill('Newer');
  await dialog(page).getByRole('button', { name: 'Adopt', exact: true }).click();
  await dialog(page).getByRole('alert').getByText(`Nothing was changed: ${shipped}+site.1 goes on.`).waitFor({ timeout: 60_000 });
  assert.equal(await dialog(page).getByLabel('Why', { exact: true }).inputValue(), 'Newer');
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
  assert.equal((await ada.call('GET', '/models')).live.version, `${shipped}+site.1`);
});

test('a supervisor sees everything here and changes nothing', { skip }, async () => {
  await makeAgent(baton, ada, { name: 'Sue Supervisor', email: 'sue@example.com', role: 'supervisor' });
  const own = await openPage(browser);
  await logIn(own.page, baton.base, 'sue@example.com', '/admin');
  await open(own.page);
  await row(own.page, `${shipped}+site.1`).getByText('live', { exact: true }).waitFor();
  assert.equal(await own.page.getByRole('button', { name: /Adopt…|Roll back…/ }).count(), 0);
  assert.deepEqual(own.problems, []);
  await own.context.close();
});

test('an adopted model that is broken at the start is said everywhere, and rolling back mends it', { skip }, async () => {
  await damage(1);
  await baton.restart('SIGTERM');
  await modelAnswers(shipped);
  const { page } = desk;
  await open(page);
  await page.getByText(`The adopted model ${shipped}+site.1 cannot be used, the one that came with Baton answers`).waitFor();
  await row(page, shipped).getByText('live', { exact: true }).waitFor();
  await page.screenshot({ path: join(shots, 'learning-degraded.png'), fullPage: true });
  await page.goto(`${baton.base}/admin#/live`);
  await page.locator('.live-status').getByText('cannot be used').waitFor();
  await page.getByRole('link', { name: 'Look under Learning' }).click();
  await page.getByRole('button', { name: 'Roll back…' }).click();
  await dialog(page).getByText(`Roll back to ${shipped}?`).waitFor();
  await dialog(page).getByLabel('Why', { exact: true }).fill('It is broken');
  await dialog(page).getByRole('button', { name: 'Roll back', exact: true }).click();
  await dialog(page).waitFor({ state: 'detached', timeout: 60_000 });
  await page.getByRole('list', { name: 'Adoptions, newest first' }).getByText('rolled back to').waitFor();
  await until('the notice is gone', async () => (await page.getByText('cannot be used').count()) === 0);
  assert.equal(await page.getByRole('button', { name: 'Roll back…' }).count(), 0);
  assert.deepEqual(desk.problems, []);
});

test('a page that cannot be loaded has a way back', { skip }, async () => {
  const own = await openPage(browser);
  await logIn(own.page, baton.base, 'ada@example.com', '/admin');
  await own.page.route('**/api/v1/models', (route) => route.abort());
  await own.page.route('**/api/v1/labels', (route) => route.abort());
  await own.page.goto(`${baton.base}/admin#/learning`);
  await own.page.getByText('The models could not be loaded').waitFor();
  await own.page.getByText('The labels could not be loaded').waitFor();
  await own.page.unroute('**/api/v1/models');
  await own.page.unroute('**/api/v1/labels');
  for (const name of ['Models', 'Labels']) await own.page.getByRole('region', { name, exact: true }).getByRole('button', { name: 'Try again' }).click();
  await row(own.page, shipped).waitFor();
  await own.page.getByText('39 more messages').waitFor();
  await own.context.close();
});

test('the page has no findings of axe and does not scroll sideways, from 360 to 1440 px, in light and dark', { skip }, async () => {
  /** @type {string[]} */
  const findings = [];
  for (const [width, colorScheme] of /** @type {[number, 'light' | 'dark'][]} */ ([[1440, 'light'], [1440, 'dark'], [768, 'light'], [360, 'light'], [360, 'dark']])) {
    const own = await openPage(browser, { viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' });
    await logIn(own.page, baton.base, 'ada@example.com', '/admin');
    await open(own.page);
    for (const finding of await axe(own.page)) findings.push(`${width} ${colorScheme}: ${finding}`);
    const sideways = await own.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (sideways > 0) findings.push(`${width} ${colorScheme}: ${sideways} px wider than the page`);
    await own.page.screenshot({ path: join(shots, `learning-${width}-${colorScheme}.png`), fullPage: true });
    assert.deepEqual(own.problems, []);
    await own.context.close();
  }
  assert.deepEqual(findings, []);
  process.stderr.write(`screenshots: ${shots}\n`);
});
