// Persons in the admin console, in Chromium against the real server: found by what is
// known of them, shown in numbers, saved as a file, and erased while they talk. Then
// errors, the keyboard alone, who may, and how it looks. Screenshots go to $SHOTS, or a
// temporary folder that is named.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axe, BINARY, firstAdmin, HOSTILE, logIn, makeAgent, makeWidget, openChromium, openPage, startBaton, until, Visitor } from './support.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';

/** @typedef {import('playwright-core').Page} Page */

/** @type {Awaited<ReturnType<typeof startBaton>>} */ let baton;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof openPage>>} */ let desk;
/** @type {Awaited<ReturnType<typeof firstAdmin>>} */ let ada;
/** @type {Awaited<ReturnType<typeof makeWidget>>} */ let widget;
/** @type {string} */ let shots;

const LONG = 'Wolfeschlegelsteinhausenbergerdorff '.repeat(3).trim();

before(async () => {
  if (skip) return;
  shots = process.env.SHOTS ?? (await mkdtemp(join(tmpdir(), 'baton-shots-')));
  await mkdir(shots, { recursive: true });
  baton = await startBaton({ environment: { BATON_SERVER__DEMO: 'false' } });
  ada = await firstAdmin(baton);
  widget = await makeWidget(ada);
  browser = await openChromium();
  desk = await openPage(browser, { acceptDownloads: true });
  desk.page.setDefaultTimeout(15_000);
  await logIn(desk.page, baton.base, 'ada@example.com', '/admin');
});

after(async () => {
  await browser?.close();
  await baton?.stop();
});

/** Somebody whom the site knows. */
const known = (/** @type {string} */ id, /** @type {string} */ name, /** @type {string} */ email, more = {}) => Visitor.connect(baton.base, widget, { identity: { id, name, email, ...more } });

async function visit(/** @type {Page} */ page, hash = '#/persons') {
  await page.goto(`${baton.base}/admin${hash}`);
  await page.getByRole('heading', { level: 1, name: 'Persons' }).waitFor();
}

async function find(/** @type {Page} */ page, /** @type {string} */ text) {
  await page.getByRole('searchbox').fill(text);
  await page.keyboard.press('Enter');
}

async function isClean(/** @type {Awaited<ReturnType<typeof openPage>>} */ { page, problems }) {
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).__ran), undefined, 'text ran as code');
  assert.deepEqual(problems, []);
}

const figure = (/** @type {Page} */ page, /** @type {string} */ name) => page.locator('.figure', { has: page.getByText(name, { exact: true }) }).locator('.figure-number');

test('the page explains itself, refuses too little, and says when nobody fits', { skip }, async () => {
  const { page } = desk;
  await visit(page);
  await page.getByRole('heading', { name: 'Look for somebody' }).waitFor();
  await find(page, ' k ');
  await page.getByText('Write two letters or more.').waitFor();
  assert.equal(await page.getByRole('searchbox').getAttribute('aria-invalid'), 'true');
  await find(page, 'nobody of this name');
  await page.getByRole('heading', { name: 'Nobody fits' }).waitFor();
  assert.ok(!page.url().includes('nobody'), 'what was typed stays out of the address');
  await isClean(desk);
});

test('a person is found by name, address, signed id and what the site told, and saved as a file', { skip }, async () => {
  const { page } = desk;
  const kim = await known('shop-4711', 'Kim Quill', 'kim@mail.example', { attributes: { plan: 'gold' } });
  await kim.says('Where is my parcel?');
  await kim.ends();
  for (const text of ['quill', 'KIM@mail', 'shop-4711', 'gold']) {
    await visit(page);
    await find(page, text);
    await page.getByRole('list', { name: 'Visitors found' }).getByRole('link', { name: /Kim Quill/ }).waitFor();
  }
  await page.getByRole('link', { name: /Kim Quill/ }).click();
  await page.getByRole('heading', { level: 2, name: 'Kim Quill' }).waitFor();
  assert.equal(await figure(page, 'Conversations').innerText(), '1');
  assert.equal(await figure(page, 'Messages').innerText(), '1');
  await page.getByText('gold', { exact: true }).waitFor();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export as a file' }).click();
  const file = await saved;
  assert.match(file.suggestedFilename(), /^baton-vis_[a-z0-9]+-\d{4}-\d\d-\d\d\.json$/);
  const { persons } = JSON.parse(await readFile(/** @type {string} */ (await file.path()), 'utf8'));
  assert.equal(persons.length, 1);
  assert.ok(JSON.stringify(persons[0].held.entries).includes('Where is my parcel?'));
  await page.locator('.toast', { hasText: 'Saved as baton-vis_' }).waitFor();
  await isClean(desk);
});

test('erasing says in numbers what goes and what stays, ends what is open, and says what became of it', { skip }, async () => {
  const { page } = desk;
  const kim = await known('shop-4711', 'Kim Quill', 'kim@mail.example');
  kim.send({ type: 'message.send', client_id: 'once-more', text: 'One more thing' });
  await kim.next((frame) => frame.type === 'ack' && frame.client_id === 'once-more', 'it is stored');
  await visit(page);
  await find(page, 'quill');
  await page.getByRole('link', { name: /Kim Quill/ }).click();
  await page.getByRole('button', { name: 'Erase this person…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Erase Kim Quill?' });
  await dialog.getByText('1 conversation is not over. It ends now').waitFor();
  await dialog.getByText('the words of 2 messages of theirs').waitFor();
  await dialog.getByText('2 conversations of nobody').waitFor();
  await page.screenshot({ path: join(shots, 'persons-question-1440-light.png') });
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press('Enter');
  await until('the question is gone', async () => (await dialog.count()) === 0);
  assert.equal((await ada.call('POST', '/persons/find', { text: 'quill' })).persons.length, 1, 'Cancel has the focus first');
  await page.getByRole('button', { name: 'Erase this person…' }).click();
  await dialog.getByRole('button', { name: 'Erase for ever' }).click();
  const result = page.getByRole('heading', { name: 'Kim Quill is erased' });
  await result.waitFor();
  await until('the result has the focus', () => result.evaluate((one) => one === document.activeElement));
  await page.getByText('1 conversation was ended for it').waitFor();
  await page.getByText('no byte is left in its files').waitFor();
  await page.screenshot({ path: join(shots, 'persons-result-1440-light.png') });
  await page.getByRole('heading', { name: 'Nobody fits' }).waitFor();
  await kim.next((frame) => frame.type === 'entry' && frame.code === 'ended' && frame.params.reason === 'erased', 'the visitor sees the end');
  assert.deepEqual((await ada.call('POST', '/persons/find', { text: 'quill' })).persons, []);
  const { entries } = await ada.call('GET', '/audit');
  assert.equal(entries[0].action, 'person.erase');
  await page.reload();
  await page.getByRole('heading', { name: 'Nothing is stored about this visitor' }).waitFor();
  await isClean(desk);
});

test('everybody with one address is shown, saved and erased together', { skip }, async () => {
  const { page } = desk;
  for (const id of ['a', 'b']) await (await known(`twin-${id}`, `Robin ${id.toUpperCase()}`, 'robin@mail.example')).says(`I am ${id}`);
  await visit(page);
  await find(page, 'robin@');
  await page.getByRole('link', { name: /Robin A/ }).click();
  assert.equal(await figure(page, 'Messages').innerText(), '1');
  await page.getByLabel('All 2 visitors with robin@mail.example').check();
  await until('both are counted', async () => (await figure(page, 'Messages').innerText()) === '2');
  await page.getByRole('button', { name: 'Erase this person…' }).click();
  await page.getByRole('dialog', { name: 'Erase 2 visitors?' }).getByRole('button', { name: 'Erase for ever' }).click();
  await page.getByRole('heading', { name: '2 visitors are erased' }).waitFor();
  assert.deepEqual((await ada.call('POST', '/persons/find', { text: 'robin' })).persons, []);
  await isClean(desk);
});

test('what fails says so, keeps what is there, and can be tried again', { skip }, async () => {
  const { page } = desk;
  await (await known('fails', 'Pat Fails', 'pat@mail.example')).says('Hello');
  await visit(page);
  await page.route('**/api/v1/persons/find', (route) => route.abort());
  await find(page, 'fails');
  await page.getByRole('heading', { name: 'The persons could not be loaded' }).waitFor();
  await page.unroute('**/api/v1/persons/find');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('link', { name: /Pat Fails/ }).click();
  await page.getByRole('heading', { level: 2, name: 'Pat Fails' }).waitFor();
  await page.route('**/api/v1/persons/erase', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ code: 'store_unavailable', detail: 'the store is not available' }) }));
  await page.getByRole('button', { name: 'Erase this person…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Erase for ever' }).click();
  await page.getByRole('dialog').getByRole('alert').getByText(/cannot save right now/).waitFor();
  await page.unroute('**/api/v1/persons/erase');
  await page.keyboard.press('Escape');
  await page.route('**/api/v1/persons/export', (route) => route.abort());
  await page.getByRole('button', { name: 'Export as a file' }).click();
  await page.locator('.notice.bad', { hasText: 'did not answer' }).waitFor();
  await page.unroute('**/api/v1/persons/export');
  await isClean(desk);
});

test('the keyboard alone finds and erases', { skip }, async () => {
  const { page } = desk;
  await (await known('keys', 'Kay Keys', 'kay@mail.example')).says('Hello');
  await visit(page);
  const focused = () => page.evaluate(() => (document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').trim());
  const tabTo = async (/** @type {RegExp} */ name, most = 60) => {
    for (let i = 0; i < most; i += 1) {
      if (name.test(await focused())) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab never came to ${name}, but to ${await focused()}`);
  };
  await page.getByRole('searchbox').focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('kay keys');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: /Kay Keys/ }).waitFor();
  await tabTo(/^Kay Keys/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 2, name: 'Kay Keys' }).waitFor();
  await tabTo(/^Erase this person/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await until('Cancel has the focus', async () => (await focused()) === 'Cancel');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Kay Keys is erased' }).waitFor();
  await isClean(desk);
});

test('hostile text is text', { skip }, async () => {
  const { page } = desk;
  const attributes = Object.fromEntries(HOSTILE.slice(0, 8).map((text, index) => [`k${index} ${text}`, text]));
  await (await known('hostile', HOSTILE[0], 'hostile@mail.example', { attributes })).says(HOSTILE[1]);
  await visit(page);
  await find(page, 'hostile@');
  await page.getByRole('list', { name: 'Visitors found' }).getByRole('link').click();
  await page.getByRole('heading', { level: 2, name: HOSTILE[0] }).waitFor();
  await page.getByRole('button', { name: 'Erase this person…' }).click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await find(page, '<b onclick="window.__ran=1">nobody</b>');
  await page.getByRole('heading', { name: 'Nobody fits' }).waitFor();
  await isClean(desk);
});

test('supervisors are not shown the page', { skip }, async () => {
  await makeAgent(baton, ada, { name: 'Sue Supervisor', email: 'sue@example.com', role: 'supervisor' });
  const sue = await openPage(browser);
  await logIn(sue.page, baton.base, 'sue@example.com', '/admin');
  await sue.page.getByRole('heading', { level: 1, name: 'Live' }).waitFor();
  assert.equal(await sue.page.getByRole('link', { name: 'Persons' }).count(), 0);
  await sue.page.goto(`${baton.base}/admin#/persons`);
  await sue.page.getByRole('heading', { level: 1, name: 'Live' }).waitFor();
  await isClean(sue);
  await sue.context.close();
});

test('full pages have no findings of axe and do not scroll sideways, from 360 to 1440 px, in light and dark', { skip }, async () => {
  const attributes = { plan: 'gold', 'page they were on': `https://shop.example/${'long/'.repeat(30)}`, 'مدينة': 'القاهرة' };
  const long = await known('long', LONG, `${'very.'.repeat(9)}long@mail.example`, { attributes });
  for (let n = 0; n < 6; n += 1) await long.says(`Message ${n}`);
  await (await known('arabic', 'ليلى المصري', 'layla@mail.example')).says('مرحبا');
  for (let n = 0; n < 12; n += 1) await Visitor.connect(baton.base, widget, { attributes: { basket: `full ${n}` } });
  /** @type {string[]} */
  const findings = [];
  for (const [width, scheme] of /** @type {[number, 'light' | 'dark'][]} */ ([[1440, 'light'], [1440, 'dark'], [768, 'light'], [360, 'light'], [360, 'dark']])) {
    const own = await openPage(browser, { viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: 'reduce' });
    const { page } = own;
    await logIn(page, baton.base, 'ada@example.com', '/admin');
    const look = async (/** @type {string} */ name) => {
      for (const finding of await axe(page)) findings.push(`${name} ${width} ${scheme}: ${finding}`);
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (sideways > 0) findings.push(`${name} ${width} ${scheme}: ${sideways} px wider than the page`);
      await page.screenshot({ path: join(shots, `persons-${name}-${width}-${scheme}.png`), fullPage: true });
    };
    await visit(page);
    await look('empty');
    await find(page, 'vis_');
    await page.getByRole('list', { name: 'Visitors found' }).waitFor();
    await look('list');
    await page.getByRole('link', { name: /Wolfe/ }).click();
    await page.getByRole('heading', { level: 2, name: /Wolfe/ }).waitFor();
    await look('person');
    await page.getByRole('button', { name: 'Erase this person…' }).click();
    await page.getByRole('dialog').waitFor();
    await look('question');
    await page.keyboard.press('Escape');
    await isClean(own);
    await own.context.close();
  }
  assert.deepEqual(findings, []);
  process.stderr.write(`screenshots: ${shots}\n`);
});
