// The agent's side of the story in Chromium, against the real server: a visitor
// asks for a person, an agent takes over by keyboard and sees all of it, replies,
// notes, transfers, resolves, wraps up. Then hostile text, lost connections, and
// how it looks. Screenshots go to $SHOTS, or a temporary folder that is named.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axe, BINARY, firstAdmin, HOSTILE, logIn, makeAgent, makeWidget, openChromium, openPage, PASSWORD, startBaton, until, Visitor } from './support.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';

/** @type {Awaited<ReturnType<typeof startBaton>>} */ let baton;
/** @type {Awaited<ReturnType<typeof firstAdmin>>} */ let admin;
/** @type {Awaited<ReturnType<typeof makeWidget>>} */ let widget;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {string} */ let shots;
/** @type {any} */ let billing;

before(async () => {
  if (skip) return;
  shots = process.env.SHOTS ?? (await mkdtemp(join(tmpdir(), 'baton-shots-')));
  await mkdir(shots, { recursive: true });
  baton = await startBaton();
  admin = await firstAdmin(baton);
  widget = await makeWidget(admin);
  const made = await admin.call('POST', '/queues', { name: 'Billing and refunds', skills: ['billing'], tier: 1, hours: null, intents: ['billing'] });
  billing = made.queue ?? made;
  await admin.call('POST', '/canned', { shortcut: 'read-it', text: 'Hello, I have read everything you wrote so far.' });
  browser = await openChromium();
});

after(async () => {
  await browser?.close();
  await baton?.stop();
});

let agents = 0;

/** A fresh agent with the console open and online. */
async function agentAtWork(options = {}, change = {}) {
  agents += 1;
  const agent = await makeAgent(baton, admin, { name: `Agent ${agents}`, email: `agent${agents}@example.com`, change });
  const { context, page, problems } = await openPage(browser, options);
  await logIn(page, baton.base, agent.email);
  await page.locator('.presence-button').waitFor();
  await goOnline(page);
  return { agent, context, page, problems };
}

async function goOnline(/** @type {import('playwright-core').Page} */ page) {
  await until('the list is there', () => page.locator('.part-waiting .skeleton').count().then((n) => n === 0));
  if ((await page.locator('.presence-button').innerText()).trim() === 'Online') return;
  await page.locator('.presence-button').click();
  await page.getByRole('menuitemradio', { name: /Online/ }).click();
  await until('online', async () => (await page.locator('.presence-button').innerText()).trim() === 'Online');
}

const composer = (/** @type {import('playwright-core').Page} */ page) => page.locator('[data-composer]');
const offerRow = (/** @type {import('playwright-core').Page} */ page, /** @type {string} */ name) => page.locator('.item-offer', { hasText: name });
const log = (/** @type {import('playwright-core').Page} */ page) => page.getByRole('log');

/** A visitor with a name, who said something and asked for a person. */
async function visitorWaits(/** @type {string} */ name, said = ['Where is my parcel?', 'You said that yesterday.'], more = {}) {
  const visitor = await Visitor.connect(baton.base, widget, { identity: { id: `id-${name}-${Math.random()}`, name, ...more }, page: 'https://shop.example/orders/1042' });
  for (const text of said) await visitor.says(text);
  await visitor.asksForPerson();
  return visitor;
}

async function resolve(/** @type {import('playwright-core').Page} */ page) {
  await page.getByRole('button', { name: 'Resolve' }).click();
  await page.getByRole('dialog', { name: /Resolve/ }).getByRole('button', { name: 'Resolve' }).click();
}

async function finish(/** @type {Awaited<ReturnType<typeof agentAtWork>>} */ { page, context, problems }) {
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).__ran), undefined, 'text ran as code');
  assert.deepEqual(problems, []);
  await page.locator('.presence-button').click();
  await page.getByRole('menuitemradio', { name: /Offline/ }).click();
  await until('offline', async () => (await page.locator('.presence-button').innerText()).trim() === 'Offline');
  await context.close();
}

test('an agent takes over by keyboard, sees everything said before, answers, notes, resolves and wraps up', { skip }, async () => {
  const at = await agentAtWork();
  const { page } = at;
  const visitor = await visitorWaits('Mara Keller');

  await offerRow(page, 'Mara Keller').waitFor();
  assert.match(await page.title(), /Mara Keller/);
  await until('the offer has the focus', () => page.evaluate(() => /** @type {HTMLElement|null} */ (document.activeElement)?.dataset.kind === 'offer'));
  await page.keyboard.press('Enter');
  await until('the place to write has the focus', () => composer(page).evaluate((field) => field === document.activeElement).catch(() => false));
  for (const said of ['Where is my parcel?', 'You said that yesterday.']) await log(page).getByText(said).waitFor();
  const why = page.getByRole('region', { name: 'Why you are here' });
  await why.getByText(/asked for a person/i).first().waitFor();
  await why.getByText('shop.example/orders/1042').waitFor();
  await visitor.next((frame) => frame.type === 'entry' && frame.code === 'agent_joined', 'the visitor is told who joined');

  await page.keyboard.type('Hello Mara, it is at the depot.');
  await visitor.next((frame) => frame.type === 'typing' && frame.who === 'agent' && frame.typing, 'typing');
  await page.keyboard.press('Enter');
  await visitor.next((frame) => frame.type === 'entry' && frame.text === 'Hello Mara, it is at the depot.', 'the reply');
  await log(page).getByText('Hello Mara, it is at the depot.').waitFor();
  await until('not "sending" any more', async () => !(await log(page).innerText()).includes('sending…'));
  visitor.send({ type: 'read.mark', seq: (await visitor.next((frame) => frame.text === 'Hello Mara, it is at the depot.')).seq });
  await log(page).getByText('seen').waitFor();

  await page.keyboard.type('/read');
  await page.getByRole('option', { name: /read-it/ }).waitFor();
  await page.keyboard.press('Enter');
  await until('the reply is in place', async () => (await composer(page).inputValue()) === 'Hello, I have read everything you wrote so far.');
  await composer(page).fill('');

  await page.keyboard.type('@');
  await page.keyboard.type('Secret: the depot is closed');
  await page.keyboard.press('Enter');
  await log(page).locator('.said-note', { hasText: 'Secret: the depot is closed' }).waitFor();
  await visitor.says('Thank you, that helps.');
  await log(page).getByText('Thank you, that helps.').waitFor();
  assert.ok(!visitor.seen.includes('Secret'), 'a note reached the visitor');

  await page.keyboard.press('Escape');
  await until('the list has the focus', () => page.evaluate(() => Boolean(/** @type {HTMLElement|null} */ (document.activeElement)?.dataset.row)));
  await page.keyboard.press('r');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Enter');
  const wrapUp = page.getByRole('form', { name: 'Wrap up' });
  await wrapUp.waitFor();
  await visitor.next((frame) => frame.type === 'entry' && frame.code === 'resolved', 'the visitor is told');
  await page.keyboard.press('1');
  await until('the label is chosen', () => wrapUp.getByRole('radio', { name: /Right moment/ }).isChecked());
  await wrapUp.getByRole('radio', { name: 'Solved', exact: true }).check();
  await wrapUp.getByRole('button', { name: 'Close conversation' }).click();
  await until('the conversation has left the list', () => page.locator('.item-mine', { hasText: 'Mara Keller' }).count().then((n) => n === 0));
  await page.getByText('Mara Keller: closed.').waitFor();

  await page.getByRole('button', { name: /Done today/ }).click();
  await page.locator('.item-done', { hasText: 'Mara Keller' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('parcel');
  await page.getByRole('option', { name: /Mara Keller/ }).waitFor();
  await page.keyboard.press('Enter');
  await log(page).getByText('Hello Mara, it is at the depot.').waitFor();
  await page.getByText('This conversation is closed.').waitFor();
  await finish(at);
});

test('a declined offer goes back to the queue, and may be taken out of turn', { skip }, async () => {
  const at = await agentAtWork();
  const { page } = at;
  const visitor = await visitorWaits('Deniz Declined');
  await offerRow(page, 'Deniz Declined').getByRole('button', { name: 'Decline', exact: true }).click();
  const waiting = page.locator('.item-waiting', { hasText: 'Deniz Declined' });
  await waiting.locator('.item-main').click();
  await log(page).getByText('Where is my parcel?').waitFor();
  await page.getByRole('button', { name: 'Take it' }).click();
  await until('it is ours', () => composer(page).evaluate((field) => field === document.activeElement).catch(() => false));
  await page.keyboard.type('I am here.');
  await page.keyboard.press('Enter');
  await visitor.next((frame) => frame.text === 'I am here.', 'the reply');

  await page.getByRole('button', { name: 'Hand back' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Hand back' }).click();
  await visitor.next((frame) => frame.code === 'back_to_bot', 'the visitor is told');
  await page.getByText('Deniz Declined is back with the bot.').waitFor();
  await until('it has left the list', () => page.locator('.item-mine', { hasText: 'Deniz' }).count().then((n) => n === 0));
  await visitor.ends();
  await finish(at);
});

test('a message that was left is seen with its address, and taken', { skip }, async () => {
  const visitor = await visitorWaits('Lena Left', ['Where is my parcel?']);
  await visitor.leavesAddress('lena@example.com');
  const at = await agentAtWork();
  const { page } = at;
  const row = page.locator('.item-left, .item-offer', { hasText: 'Lena Left' });
  await row.first().waitFor();
  const isOffered = (await page.locator('.item-offer', { hasText: 'Lena Left' }).count()) > 0;
  if (isOffered) await offerRow(page, 'Lena Left').getByRole('button', { name: /^Accept/ }).click();
  else {
    assert.match(await row.innerText(), /lena@example\.com/);
    await row.locator('.item-main').click();
    await page.getByRole('button', { name: 'Take it' }).click();
  }
  await composer(page).waitFor();
  await log(page).getByText('Left an e-mail address for an answer').waitFor();
  await resolve(page);
  const wrapUp = page.getByRole('form', { name: 'Wrap up' });
  await wrapUp.getByRole('radio', { name: 'Other' }).check();
  await wrapUp.getByRole('button', { name: 'Close conversation' }).click();
  await wrapUp.waitFor({ state: 'detached' });
  await finish(at);
});

test('a draft survives a reload, and a conversation is open again where it was', { skip }, async () => {
  const at = await agentAtWork();
  const { page } = at;
  const visitor = await visitorWaits('Drafty Doe');
  await offerRow(page, 'Drafty Doe').getByRole('button', { name: /^Accept/ }).click();
  await composer(page).waitFor();
  await page.keyboard.type('Not sent ye');
  await page.reload();
  await composer(page).waitFor();
  await until('the draft is there', async () => (await composer(page).inputValue()) === 'Not sent ye');
  await log(page).getByText('Where is my parcel?').waitFor();
  await page.locator('.head-who h2', { hasText: 'Drafty Doe' }).waitFor();
  await visitor.ends();
  await finish(at);
});

test('a transfer takes the conversation to another agent with its note and everything said', { skip }, async () => {
  const first = await agentAtWork();
  const visitor = await visitorWaits('Tamar Transfer');
  await offerRow(first.page, 'Tamar Transfer').getByRole('button', { name: /^Accept/ }).click();
  await composer(first.page).waitFor();
  const second = await agentAtWork({}, { skills: ['billing'], queues: [billing.id] });
  await log(first.page).click();
  await first.page.keyboard.press('t');
  const dialog = first.page.getByRole('dialog', { name: 'Transfer' });
  await dialog.getByRole('radio', { name: new RegExp(second.agent.name) }).check();
  await dialog.getByLabel('Note for who takes over').fill('Wants the money back, was promised it twice.');
  await dialog.getByRole('button', { name: 'Transfer' }).click();
  await until('it has left the first agent', () => first.page.locator('.item-mine', { hasText: 'Tamar Transfer' }).count().then((n) => n === 0));
  await offerRow(second.page, 'Tamar Transfer').getByRole('button', { name: /^Accept/ }).click();
  await log(second.page).getByText('Wants the money back, was promised it twice.').waitFor();
  await log(second.page).getByText('Where is my parcel?').waitFor();
  assert.ok(!visitor.seen.includes('promised it twice'));
  await visitor.ends();
  await finish(first);
  await finish(second);
});

test('escalating up a tier takes it to somebody of the next tier, by keyboard', { skip }, async () => {
  const first = await agentAtWork();
  const visitor = await visitorWaits('Ulla Up');
  await offerRow(first.page, 'Ulla Up').getByRole('button', { name: /^Accept/ }).click();
  await composer(first.page).waitFor();
  const second = await agentAtWork({}, { tier: 2 });
  await log(first.page).click();
  await first.page.keyboard.press('e');
  const dialog = first.page.getByRole('dialog', { name: 'Transfer' });
  await until('up is chosen', () => dialog.getByRole('radio', { name: /Up a tier/ }).isChecked());
  await first.page.keyboard.press('Enter');
  await first.page.getByText('Ulla Up is on the way to somebody else.').waitFor();
  await offerRow(second.page, 'Ulla Up').getByRole('button', { name: /^Accept/ }).click();
  await log(second.page).getByText('Where is my parcel?').waitFor();
  await visitor.ends();
  await finish(first);
  await finish(second);
});

test('one agent in two windows: accepted in one, it is theirs in both', { skip }, async () => {
  const at = await agentAtWork();
  const other = await at.context.newPage();
  await other.goto(`${baton.base}/agent`);
  const visitor = await visitorWaits('Wanda Window');
  await offerRow(other, 'Wanda Window').waitFor();
  await offerRow(at.page, 'Wanda Window').getByRole('button', { name: /^Accept/ }).click();
  await composer(at.page).waitFor();
  await until('it is in the other list, and no offer any more', async () => (await other.locator('.item-mine', { hasText: 'Wanda Window' }).count()) === 1 && (await other.locator('.item-offer').count()) === 0);
  await other.locator('.item-mine .item-main', { hasText: 'Wanda Window' }).click();
  await composer(other).fill('From the other window.');
  await other.keyboard.press('Enter');
  await visitor.next((frame) => frame.text === 'From the other window.', 'the reply');
  await log(at.page).getByText('From the other window.').waitFor();
  await other.close();
  await visitor.ends();
  await finish(at);
});

test('what was typed while the server was away goes out once when it is back', { skip }, async () => {
  const at = await agentAtWork();
  const { page, problems } = at;
  const visitor = await visitorWaits('Renata Restart');
  await offerRow(page, 'Renata Restart').getByRole('button', { name: /^Accept/ }).click();
  await composer(page).waitFor();
  await baton.restart('SIGKILL', async () => {
    await page.getByText('Reconnecting…').waitFor();
    await composer(page).click();
    await page.keyboard.type('Still here.');
    await page.keyboard.press('Enter');
    await log(page).getByText('sending…').waitFor();
  });
  await until('it is stored', async () => !(await log(page).innerText()).includes('sending…'));
  assert.equal(await log(page).getByText('Still here.').count(), 1);
  await page.getByText('Reconnecting…').waitFor({ state: 'detached' });
  visitor.leaves();
  await resolve(page);
  const wrapUp = page.getByRole('form', { name: 'Wrap up' });
  await wrapUp.getByRole('radio', { name: 'Other' }).check();
  await wrapUp.getByRole('button', { name: 'Close conversation' }).click();
  await wrapUp.waitFor({ state: 'detached' });
  problems.length = 0; // The browser reports the refused connections of the outage.
  await finish(at);
});

test('hostile text is text in every place where text is shown', { skip }, async () => {
  await admin.call('POST', '/canned', { shortcut: 'bad', text: HOSTILE.slice(0, 4).join(' ') });
  const made = await admin.call('POST', '/queues', { name: HOSTILE[0], skills: [], tier: 1, hours: null, intents: [] });
  const at = await agentAtWork();
  const { page } = at;
  for (const [index, text] of HOSTILE.entries()) {
    const name = text.slice(0, 190);
    const visitor = await Visitor.connect(baton.base, widget, {
      identity: { id: `hostile-${index}`, name, email: `${index}@example.com`, attributes: { [text.slice(0, 60)]: text, plan: text } },
      page: index === 4 ? 'javascript:window.__ran=1' : `https://shop.example/${encodeURIComponent(text.slice(0, 40))}`,
    });
    await visitor.says(text);
    await visitor.says(`get me a human ${text}`.slice(0, 3900));
    await visitor.asksForPerson();
    const row = page.locator('.item-offer').first();
    await row.getByRole('button', { name: /^Accept/ }).click();
    await composer(page).waitFor();
    await log(page).locator('.said-visitor').first().waitFor();
    assert.ok((await log(page).locator('.said-visitor').first().innerText()).includes(text.trim().slice(0, 12).trim()) || index === 8, `message ${index} is shown as it was written`);
    await composer(page).fill(text);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Note', exact: true }).click();
    await composer(page).fill(text);
    await page.keyboard.press('Enter');
    await log(page).locator('.said-note').first().waitFor();
    await page.getByRole('button', { name: 'Reply', exact: true }).click();
    await composer(page).fill('/bad');
    await page.getByRole('option').first().waitFor();
    await composer(page).fill('');
    for (const unsafe of await page.locator('a[href]').evaluateAll((links) => links.map((link) => /** @type {HTMLAnchorElement} */ (link).protocol))) assert.match(unsafe, /^https?:$/);
    for (const summary of await page.locator('.decision summary').all()) await summary.click();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overflow <= 0, `text ${index} makes the page ${overflow}px too wide`);
    assert.equal(await page.evaluate(() => /** @type {any} */ (window).__ran), undefined, `text ${index} ran`);
    if (index === 0) await page.screenshot({ path: join(shots, 'console-hostile-1440.png') });
    await page.getByRole('button', { name: 'Transfer' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await resolve(page);
    const wrapUp = page.getByRole('form', { name: 'Wrap up' });
    await wrapUp.getByRole('radio', { name: 'Spam' }).check();
    await wrapUp.getByRole('button', { name: 'Close conversation' }).click();
    await wrapUp.waitFor({ state: 'detached' });
    visitor.leaves();
  }
  await finish(at);
  await admin.call('DELETE', `/queues/${(made.queue ?? made).id}`);
});

test('axe finds nothing on full pages, and they look right in every size', { skip }, async () => {
  const sizes = /** @type {const} */ ([[1440, 900], [768, 1024], [360, 740]]);
  const at = await agentAtWork();
  const { page } = at;
  const visitors = [await visitorWaits('Mara Keller', ['Where is my parcel? I ordered it two weeks ago.', 'You said that yesterday.', 'This is useless. You are useless.'])];
  await offerRow(page, 'Mara Keller').getByRole('button', { name: /^Accept/ }).click();
  await composer(page).waitFor();
  await page.keyboard.type('I am looking at order 1042 now.');
  await page.keyboard.press('Enter');
  await page.keyboard.type('@Carrier lost it on the 14th, sending a new one.');
  await page.keyboard.press('Enter');
  await log(page).locator('.said-note').waitFor();
  visitors.push(await visitorWaits('ليلى منصور', ['مرحبا، أين طلبي رقم 1042؟']));
  visitors.push(await visitorWaits('Maximiliana-Theodora von und zu Hohenlohe-Schillingsfürst-Breitenbach', [`${'A very long message that goes on and on. '.repeat(48)}`]));
  await page.locator('.item-offer').first().waitFor();

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height });
      await page.locator('[data-row]:visible, .head-back:visible').first().waitFor();
      const found = await axe(page);
      assert.deepEqual(found, [], `conversation at ${width} in ${colorScheme}`);
      await page.screenshot({ path: join(shots, `console-conversation-${width}-${colorScheme}.png`) });
      if (width < 1100) {
        await page.getByRole('button', { name: 'Why you are here' }).click();
        assert.deepEqual(await axe(page), [], `reasons at ${width} in ${colorScheme}`);
        await page.screenshot({ path: join(shots, `console-why-${width}-${colorScheme}.png`) });
        await page.getByRole('button', { name: 'Back to the conversation' }).click();
      }
      if (width === 360) {
        await page.getByRole('button', { name: 'Back to the list' }).click();
        assert.deepEqual(await axe(page), [], `list at ${width} in ${colorScheme}`);
        await page.screenshot({ path: join(shots, `console-list-${width}-${colorScheme}.png`) });
        await page.locator('.item-mine .item-main').first().click();
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 0, `${overflow}px too wide at ${width}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    for (const [name, open] of /** @type {[string, () => Promise<unknown>][]} */ ([
      ['transfer', () => page.getByRole('button', { name: 'Transfer' }).click()],
      ['palette', () => page.keyboard.press('Control+k')],
    ])) {
      await open();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await axe(page), [], `${name} in ${colorScheme}`);
      await page.screenshot({ path: join(shots, `console-${name}-1440-${colorScheme}.png`) });
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
  }
  await resolve(page);
  await page.getByRole('form', { name: 'Wrap up' }).waitFor();
  assert.deepEqual(await axe(page), [], 'wrap-up');
  await page.screenshot({ path: join(shots, 'console-wrap-up-1440-dark.png') });
  for (const visitor of visitors) await visitor.ends();
  await finish(at);
});

test('login, first admin and invitation are reachable, named and without findings', { skip }, async () => {
  const { context, page, problems } = await openPage(browser);
  for (const [path, heading] of [['/login', 'Log in'], ['/setup?token=spent', 'Create the first admin'], ['/invite?token=spent', 'Choose your password']]) {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.goto(baton.base + path);
      await page.getByRole('heading', { name: heading }).waitFor();
      assert.deepEqual(await axe(page), [], `${path} in ${colorScheme}`);
      await page.screenshot({ path: join(shots, `${path.slice(1).split('?')[0]}-1440-${colorScheme}.png`) });
    }
  }
  await page.getByLabel('Password', { exact: true }).fill('another long enough one');
  await page.keyboard.press('Enter');
  await page.getByText('This link was used already or has expired.').waitFor();

  await page.goto(`${baton.base}/login`);
  await page.getByLabel('E-mail').fill('nobody@example.com');
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('E-mail address and password do not fit together.').waitFor();
  assert.equal(await page.getByLabel('E-mail').inputValue(), 'nobody@example.com');

  const agent = await makeAgent(baton, admin, { name: 'Lou Login', email: 'lou@example.com' });
  await logIn(page, baton.base, agent.email);
  await page.locator('.presence-button').click();
  await page.getByRole('menuitem', { name: 'Your account' }).click();
  await page.getByLabel('Name that visitors and colleagues see').fill('Lou <b>Login</b>');
  await page.getByLabel('Password now').fill('not this one');
  await page.getByLabel(/New password/).fill('a new one that is long');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('This is not the password you have now.').waitFor();
  assert.deepEqual(await axe(page), [], 'account');
  await page.getByLabel('Password now').fill(PASSWORD);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Your account is saved.').waitFor();
  await page.locator('.presence-button').click();
  await page.getByText('Lou <b>Login</b>').waitFor();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.waitForURL('**/login');

  await page.goto(`${baton.base}/agent#cnv_somewhere`);
  await page.waitForURL('**/login?next=*');
  assert.equal(new URL(page.url()).searchParams.get('next'), '/agent#cnv_somewhere');
  assert.deepEqual(problems, []);
  await context.close();
});
