// Labels in the admin console, in Chromium against the real server: what a
// message really was by one key each, what a whole conversation was, the way
// back, what happens when it cannot be saved, and that nobody is trapped.
// Screenshots go to $SHOTS, or a temporary folder that is named.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axe, BINARY, firstAdmin, logIn, makeAgent, makeWidget, openChromium, openPage, startBaton, until, Visitor } from './support.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';

/** @typedef {import('playwright-core').Page} Page */

/** @type {Awaited<ReturnType<typeof startBaton>>} */ let baton;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof openPage>>} */ let desk;
/** @type {Awaited<ReturnType<typeof firstAdmin>>} */ let ada;
/** @type {string} */ let id;
/** @type {any[]} */ let messages;
/** @type {string} */ let shots;

const SAID = ['Where is my parcel?', 'You said that yesterday. This is the third time I ask, and I want my money back.', 'مرحبا، أين طلبي؟', 'This is useless. Get me a human, please.'];

before(async () => {
  if (skip) return;
  shots = process.env.SHOTS ?? (await mkdtemp(join(tmpdir(), 'baton-shots-')));
  await mkdir(shots, { recursive: true });
  baton = await startBaton();
  ada = await firstAdmin(baton);
  await makeAgent(baton, ada, { name: 'Sue Supervisor', email: 'sue@example.com', role: 'supervisor' });
  const widget = await makeWidget(ada);
  const quiet = await Visitor.connect(baton.base, widget, { identity: { id: 'tom', name: 'Tom Reyes' } });
  await quiet.says('How long does delivery take?');
  const visitor = await Visitor.connect(baton.base, widget, { identity: { id: 'mara', name: 'Mara Keller' } });
  for (const text of SAID) await visitor.says(text);
  await visitor.next((frame) => frame.type === 'entry' && frame.kind === 'notice', 'the handoff');
  id = (await ada.call('GET', '/conversations?q=yesterday')).conversations[0].conversation;
  messages = (await ada.call('GET', `/conversations/${id}`)).entries.filter((/** @type {any} */ one) => one.kind === 'message' && one.author.kind === 'visitor');
  browser = await openChromium();
  desk = await openPage(browser);
  desk.page.setDefaultTimeout(40_000);
  await logIn(desk.page, baton.base, 'sue@example.com', '/admin');
});

after(async () => {
  await browser?.close();
  await baton?.stop();
});

/**
 * Waits until the page has heard that its labels are saved. The server has a label a moment before the page knows, and
 * a page that is left in that moment asks whether it may be: rightly, but nobody answers here.
 */
const settled = (/** @type {Page} */ page) => page.getByText('Saving…').first().waitFor({ state: 'detached' });

async function open(/** @type {Page} */ page, conversation = id) {
  await settled(page);
  await page.goto(`${baton.base}/admin#/conversations/${conversation}`);
  await page.reload();
  await page.locator('.transcript').waitFor();
}

const line = (/** @type {Page} */ page, /** @type {number} */ index) => page.locator(`.line[data-position="${messages[index].position}"]`);
const focusedLine = (/** @type {Page} */ page) => page.evaluate(() => Number(/** @type {any} */ (document.activeElement?.closest('.line'))?.dataset.position ?? -1));

async function stored() {
  const { entries, label } = await ada.call('GET', `/conversations/${id}`);
  return { whole: label, labels: messages.map(({ position }) => entries.find((/** @type {any} */ one) => one.position === position).label) };
}

/** Waits until the server has what is meant. */
async function isStored(/** @type {number} */ index, /** @type {any} */ label) {
  await until(`message ${index} is ${JSON.stringify(label)}`, async () => {
    const found = (await stored()).labels[index];
    return JSON.stringify(found) === JSON.stringify(label);
  });
}

test('the keyboard alone labels every message, sees what Baton thought, and takes back', { skip }, async () => {
  const { page } = desk;
  await open(page);
  await page.getByText('0 of 4 messages labeled').waitFor();
  // A letter means nothing where no row has the focus.
  await page.keyboard.press('f');
  await page.getByRole('button', { name: 'Label messages' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await focusedLine(page), messages[0].position);
  const thought = messages[0].analysis.frustration >= 0.5;
  await page.keyboard.press('f');
  await isStored(0, { frustration: thought ? 0 : 1 });
  await line(page, 0).getByText('Saved').waitFor();
  await page.keyboard.press('f');
  await isStored(0, { frustration: thought ? 1 : 0 });
  await page.keyboard.press('o');
  await page.keyboard.press('1');
  await isStored(0, { frustration: thought ? 1 : 0, offensive: 1, sentiment: 'negative' });
  await page.keyboard.press('u');
  await isStored(0, { frustration: thought ? 1 : 0, offensive: 1 });
  await line(page, 0).getByText('Undone').waitFor();

  await page.keyboard.press('ArrowDown');
  assert.equal(await focusedLine(page), messages[1].position);
  await page.keyboard.press('a');
  await until('agreed', async () => Object.keys((await stored()).labels[1] ?? {}).length === 5);
  const { analysis } = messages[1];
  assert.equal((await stored()).labels[1].human_request, analysis.human_request >= 0.5 ? 1 : 0);
  await page.keyboard.press('h');
  await until('against it', async () => (await stored()).labels[1].human_request === undefined);

  // No opinion: the first press says yes.
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('h');
  await isStored(2, { human_request: 1 });
  await page.keyboard.press('Backspace');
  await isStored(2, null);
  await page.keyboard.press('Control+z');
  await isStored(2, { human_request: 1 });

  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focusedLine(page), messages[3].position, 'the last message is the last');
  await page.keyboard.press('p');
  await until('the place is stored', async () => (await stored()).whole?.position === messages[3].position);
  await line(page, 3).getByText('A person should have come here').first().waitFor();
  await page.getByText('3 of 4 messages labeled').waitFor();

  // Out again, in both directions.
  await page.keyboard.press('Tab');
  assert.notEqual(await focusedLine(page), messages[3].position, 'Tab does not leave the row');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  assert.notEqual(await focusedLine(page), messages[3].position, 'Shift+Tab does not leave the row');
  assert.deepEqual(desk.problems, []);
});

test('intents are ticked in a list that the keyboard opens and closes', { skip }, async () => {
  const { page } = desk;
  await open(page);
  await line(page, 0).getByText('Where is my parcel?').click();
  await page.keyboard.press('i');
  const list = line(page, 0).getByRole('group', { name: 'What it is about, all that fits' });
  await until('the list has the focus', () => list.getByRole('checkbox').first().evaluate((one) => one === document.activeElement).catch(() => false));
  // A letter in the list is no command.
  const before = (await stored()).labels[0];
  await page.keyboard.press('o');
  await list.getByRole('checkbox', { name: 'something urgent' }).check();
  await until('the intent is stored', async () => (await stored()).labels[0].intents?.includes('urgent'));
  assert.equal((await stored()).labels[0].offensive, before.offensive);
  await list.getByRole('button', { name: 'None of these' }).click();
  await until('none is stored', async () => (await stored()).labels[0].intents?.length === 0);
  await page.keyboard.press('Escape');
  await list.waitFor({ state: 'detached' });
  await until('the button has the focus again', () => line(page, 0).getByRole('button', { name: /^Intents/ }).evaluate((one) => one === document.activeElement));
});

test('the whole conversation is labeled and taken back with the mouse; only what fits is offered', { skip }, async () => {
  const { page } = desk;
  await ada.call('DELETE', `/conversations/${id}/label`);
  await open(page);
  const whole = page.getByRole('group', { name: 'Was a person called at the right moment?' });
  assert.deepEqual(await whole.getByRole('button').allInnerTexts(), ['Right moment', 'Too early', 'Too late', 'Not needed']);
  await whole.getByRole('button', { name: 'Not needed' }).click();
  await until('it is stored', async () => (await stored()).whole?.label === 'needless');
  await line(page, 1).hover();
  await line(page, 1).getByRole('button', { name: 'A person should have come here' }).click();
  await until('it came late', async () => JSON.stringify((await stored()).whole) === JSON.stringify({ label: 'late', position: messages[1].position }));
  await whole.getByRole('button', { name: 'Too late', pressed: true }).waitFor();
  const section = page.getByRole('region', { name: 'Was a person called at the right moment?' });
  await section.getByRole('button', { name: 'Undo' }).click();
  await until('it is as before', async () => JSON.stringify((await stored()).whole) === JSON.stringify({ label: 'needless', position: null }));
  await whole.getByRole('button', { name: 'Not needed' }).click();
  await until('nothing is said', async () => (await stored()).whole === null);

  const quiet = (await ada.call('GET', '/conversations?q=delivery')).conversations[0].conversation;
  await open(page, quiet);
  const kept = page.getByRole('group', { name: 'No person was called. Was that right?' });
  assert.deepEqual(await kept.getByRole('button').allInnerTexts(), ['Right, nobody was needed', 'Missed']);
  await kept.getByRole('button', { name: 'Missed' }).click();
  await until('it is stored', async () => (await ada.call('GET', `/conversations/${quiet}`)).label?.label === 'missed');
});

test('what cannot be saved says so in place, stays as it was wanted, and is not left silently', { skip }, async () => {
  const own = await openPage(browser);
  const { page } = own;
  await logIn(page, baton.base, 'sue@example.com', '/admin');
  await ada.call('DELETE', `/conversations/${id}/labels/${messages[3].position}`);
  await open(page);
  await page.route('**/labels/*', (route) => route.abort());
  await line(page, 3).getByText('Get me a human').click();
  await page.keyboard.press('3');
  const alert = line(page, 3).getByRole('alert');
  await alert.getByText('Not saved. The server did not answer. Your label is still here.').waitFor();
  await line(page, 3).getByRole('button', { name: /positive mood/, pressed: true }).waitFor();
  await page.getByRole('link', { name: 'Knowledge' }).click();
  await page.getByRole('dialog').getByText('A label is not saved.').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.unroute('**/labels/*');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await isStored(3, { sentiment: 'positive' });
  await until('the notice is gone', async () => (await alert.innerText()) === '');

  await page.route('**/labels/*', (route) => route.fulfill({ status: 503, json: { code: 'store_unavailable', title: 'unavailable' } }));
  await line(page, 3).getByRole('button', { name: /positive mood/ }).focus();
  await page.keyboard.press('Backspace');
  await alert.getByText('The server cannot save right now.').waitFor();
  await alert.getByRole('button', { name: 'Leave it as it was' }).click();
  await line(page, 3).getByRole('button', { name: /positive mood/, pressed: true }).waitFor();
  await page.getByRole('link', { name: 'Knowledge' }).click();
  await page.getByRole('heading', { level: 1, name: 'Knowledge' }).waitFor();
  assert.deepEqual(own.problems, []);
  await own.context.close();
});

test('conversations without labels are found, and nothing moves when a row opens', { skip }, async () => {
  const { page } = desk;
  await ada.call('DELETE', `/conversations/${(await ada.call('GET', '/conversations?q=delivery')).conversations[0].conversation}/label`);
  await settled(page);
  await page.goto(`${baton.base}/admin#/conversations`);
  await page.reload();
  await page.locator('.card-row', { hasText: 'Mara Keller' }).waitFor();
  await page.getByLabel('Labels', { exact: true }).selectOption('false');
  await page.locator('.card-row', { hasText: 'Mara Keller' }).waitFor({ state: 'detached' });
  await page.locator('.card-row', { hasText: 'Tom Reyes' }).waitFor();
  await page.getByLabel('Labels', { exact: true }).selectOption('true');
  await page.locator('.card-row', { hasText: 'Tom Reyes' }).waitFor({ state: 'detached' });
  await page.locator('.card-row', { hasText: 'Mara Keller' }).click();
  await page.locator('.transcript').waitFor();
  const top = () => line(page, 3).evaluate((one) => Math.round(one.getBoundingClientRect().top + scrollY));
  const before = await top();
  await line(page, 1).hover();
  assert.equal(await top(), before, 'the page jumps under the pointer');
});

test('labels have no findings of axe and do not scroll sideways, from 360 to 1440 px, in light and dark', { skip }, async () => {
  await ada.call('PUT', `/conversations/${id}/label`, { label: 'late', position: messages[1].position });
  await ada.call('PUT', `/conversations/${id}/labels/${messages[0].position}`, { frustration: 0, sentiment: 'neutral', intents: ['order_status'] });
  /** @type {string[]} */
  const findings = [];
  for (const [width, colorScheme] of /** @type {[number, 'light' | 'dark'][]} */ ([[1440, 'light'], [1440, 'dark'], [768, 'light'], [360, 'light'], [360, 'dark']])) {
    const own = await openPage(browser, { viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' });
    await logIn(own.page, baton.base, 'ada@example.com', '/admin');
    await open(own.page);
    for (const state of ['idle', 'open']) {
      if (state === 'open') {
        await line(own.page, 1).getByText('You said that yesterday').click();
        await own.page.keyboard.press('i');
        await own.page.getByRole('checkbox', { name: 'small talk' }).waitFor();
        // What lies half below the bar at the top would count as too small.
        await line(own.page, 1).evaluate((one) => one.scrollIntoView({ block: 'start' }));
      }
      for (const finding of await axe(own.page)) findings.push(`${state} ${width} ${colorScheme}: ${finding}`);
      const sideways = await own.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (sideways > 0) findings.push(`${state} ${width} ${colorScheme}: ${sideways} px wider than the page`);
      await own.page.screenshot({ path: join(shots, `labels-${state}-${width}-${colorScheme}.png`) });
    }
    assert.deepEqual(own.problems, []);
    await own.context.close();
  }
  assert.deepEqual(findings, []);
  process.stderr.write(`screenshots: ${shots}\n`);
});
