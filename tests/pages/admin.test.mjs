// The admin console in Chromium, against the real server with its model: the
// first admin through the one-time link, a queue, knowledge, a widget, an agent,
// and a policy that is tuned, tried, published and contested. Then hostile text,
// the keyboard alone, roles, what is not saved, and how it looks. Screenshots go
// to $SHOTS, or a temporary folder that is named.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axe, BINARY, Caller, HOSTILE, logIn, makeAgent, openChromium, openPage, PASSWORD, startBaton, until, Visitor } from './support.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';
/** The real analyzer, and none of the demonstration's content: every list begins empty. */
const ENVIRONMENT = { BATON_NLP__BACKEND: 'rust-bert', BATON_SERVER__DEMO: 'false' };

/** @typedef {import('playwright-core').Page} Page */

/** @type {Awaited<ReturnType<typeof startBaton>>} */ let baton;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {Awaited<ReturnType<typeof openPage>>} */ let desk;
/** @type {Caller} */ let ada;
/** @type {string} */ let shots;

before(async () => {
  if (skip) return;
  shots = process.env.SHOTS ?? (await mkdtemp(join(tmpdir(), 'baton-shots-')));
  await mkdir(shots, { recursive: true });
  baton = await startBaton({ environment: ENVIRONMENT });
  browser = await openChromium();
  desk = await openPage(browser);
  desk.page.setDefaultTimeout(40_000);
});

after(async () => {
  await browser?.close();
  await baton?.stop();
});

const admin = (/** @type {string} */ hash = '') => `${baton.base}/admin${hash}`;

/** Goes to a page of the console by its address. */
async function visit(/** @type {Page} */ page, /** @type {string} */ hash, /** @type {string | RegExp} */ title) {
  await page.goto(admin(hash));
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
  await until('nothing is loading', () => page.locator('.loading-rows, .page-wait').count().then((n) => n === 0));
}

async function isClean(/** @type {Awaited<ReturnType<typeof openPage>>} */ { page, problems }) {
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).__ran), undefined, 'text ran as code');
  assert.deepEqual(problems, []);
}

const field = (/** @type {Page} */ page, /** @type {string} */ key) => page.locator(`[data-key="${key}"]`);
const bar = (/** @type {Page} */ page) => page.getByRole('status', { name: 'Policy' });
const toasted = (/** @type {Page} */ page, /** @type {string | RegExp} */ text) => page.locator('.toast', { hasText: text }).first().waitFor();

test('the one-time link makes the first admin, who finds every page empty and explained', { skip }, async () => {
  const { page } = desk;
  const link = await until('the setup link is printed', () => /https?:\S+\/setup\?token=[A-Za-z0-9_-]+/.exec(baton.output())?.[0]);
  await page.goto(link);
  await page.getByLabel('Your name').fill('Ada Admin');
  await page.getByLabel('E-mail', { exact: true }).fill('ada@example.com');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create and log in' }).click();
  await until('an account is logged in', () => page.evaluate(() => fetch('/api/v1/me').then((answer) => answer.ok)).catch(() => false));
  ada = new Caller(baton.base);
  await ada.call('POST', '/login', { email: 'ada@example.com', password: PASSWORD });

  await visit(page, '#/live', 'Live');
  await bar(page).getByText('default@1').waitFor();
  await bar(page).getByText('No draft').waitFor();
  await page.getByText('No conversations yet').waitFor();
  await page.screenshot({ path: join(shots, 'admin-empty-live.png') });
  for (const [hash, title, said] of [
    ['#/conversations', 'Conversations', 'No conversations yet'],
    ['#/learning', 'Learning', 'No message is labeled yet'],
    ['#/knowledge', 'Knowledge', 'The bot knows nothing yet'],
    ['#/canned', 'Canned replies', 'No canned replies yet'],
    ['#/widgets', 'Widget', 'No widget yet'],
    ['#/agents', 'Queues & agents', 'So far only you'],
  ]) {
    await visit(page, hash, title);
    await page.getByText(said, { exact: true }).waitFor();
    await page.screenshot({ path: join(shots, `admin-empty-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.png`) });
  }
  await isClean(desk);
});

test('a queue with skills, hours and a holiday', { skip }, async () => {
  const { page } = desk;
  await visit(page, '#/queues/new', 'Queues & agents');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('A queue needs a name.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Delivery');
  await page.getByLabel('Skills an agent needs', { exact: true }).fill('delivery,');
  await page.getByLabel('an order’s status').check();
  await page.getByLabel('At these times').check();
  await page.getByLabel('Time zone', { exact: true }).fill('Europe/Berlin');
  await page.getByLabel('Monday closes', { exact: true }).fill('08:00');
  await page.getByText('It closes before it opens.').waitFor();
  await page.getByLabel('Monday closes', { exact: true }).fill('18:15');
  await page.getByLabel('A day on which it is closed').fill('2026-12-25');
  await page.getByRole('button', { name: 'Add the day' }).click();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await toasted(page, '“Delivery” is saved.');
  const { queues } = await ada.call('GET', '/queues');
  const made = queues.find((/** @type {any} */ queue) => queue.name === 'Delivery');
  assert.deepEqual(made.skills, ['delivery']);
  assert.deepEqual(made.intents, ['order_status']);
  assert.deepEqual(made.hours.days.mon, [['09:00', '18:15']]);
  assert.deepEqual(made.hours.holidays, ['2026-12-25']);
  assert.equal(made.hours.days.sun, undefined);
});

test('knowledge is written, tried, and says how sure it is', { skip }, async () => {
  const { page } = desk;
  await visit(page, '#/knowledge/new', 'Knowledge');
  await page.getByLabel('Title', { exact: true }).fill('Returns');
  await page.getByLabel('Question 1', { exact: true }).fill('How do I return something?');
  await page.getByRole('button', { name: 'Another way to ask' }).click();
  await page.getByLabel('Question 2', { exact: true }).fill('I want to send my order back');
  await page.getByLabel('Answer', { exact: true }).fill('Send it back within 30 days, for free: https://shop.example/returns');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await toasted(page, '“Returns” is saved');
  await page.getByLabel('Try a question', { exact: true }).fill('how do i return something');
  await page.locator('.attempt-answer').getByText('Answers with').waitFor();
  await page.getByLabel('Try a question', { exact: true }).fill('do you sell elephants');
  await page.locator('.attempt-answer', { hasText: /Nothing comes close|Not sure enough/ }).waitFor();
});

test('a canned reply is written, changed and removed', { skip }, async () => {
  const { page } = desk;
  await visit(page, '#/canned/new', 'Canned replies');
  await page.getByLabel('Short word', { exact: true }).fill('/refund');
  await page.getByLabel('Reply', { exact: true }).fill('It is on its way.');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await toasted(page, '/refund is saved');
  await page.getByLabel('Reply', { exact: true }).fill('It takes three days.');
  await page.getByRole('button', { name: 'Save' }).click();
  await until('the new text is stored', async () => (await ada.call('GET', '/canned')).canned[0]?.text === 'It takes three days.');
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('button', { name: 'Remove the reply' }).click();
  await page.getByText('No canned replies yet').waitFor();
});

test('a widget has a key, its sites and a snippet to copy', { skip }, async () => {
  const { page } = desk;
  await visit(page, '#/widgets/new', 'Widget');
  await page.getByLabel('Name', { exact: true }).fill('Fenwick & Daughters');
  await page.getByLabel('Site 1', { exact: true }).fill('https://shop.example/path');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('Only scheme and host: https://shop.example').waitFor();
  await page.getByLabel('Site 1', { exact: true }).fill('https://shop.example');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await toasted(page, 'is saved');
  const snippet = await page.getByLabel('Snippet', { exact: true }).inputValue();
  const { widgets } = await ada.call('GET', '/widgets');
  const made = widgets.find((/** @type {any} */ one) => one.name === 'Fenwick & Daughters');
  assert.match(snippet, new RegExp(`<script async src="${baton.base}/widget.js" data-key="${made.key}"></script>`));
  assert.deepEqual(made.sites, ['https://shop.example']);
  await isClean(desk);
});

test('an invited agent joins with the link that is shown once', { skip }, async () => {
  const { page } = desk;
  await visit(page, '#/agents/new', 'Queues & agents');
  await page.getByLabel('Name', { exact: true }).fill('Ben Agent');
  await page.getByLabel('E-mail', { exact: true }).fill('ben@example.com');
  await page.getByRole('button', { name: 'Make the link' }).click();
  const link = await page.getByLabel('Link to join', { exact: true }).inputValue();
  assert.ok(link.startsWith(`${baton.base}/invite?token=`), link);
  await page.getByLabel('Conversations at once', { exact: true }).fill('5');
  await page.getByLabel('Skills', { exact: true }).fill('delivery');
  await page.getByLabel('Skills', { exact: true }).press('Enter');
  await page.getByRole('button', { name: 'Save' }).click();
  await toasted(page, 'Ben Agent is saved.');
  const ben = await openPage(browser);
  await ben.page.goto(link);
  await ben.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await ben.page.locator('button[type=submit]').click();
  await ben.page.waitForURL('**/agent*');
  // The console of admins is not for agents, and says where theirs is.
  await ben.page.goto(admin());
  await ben.page.getByText('For supervisors and admins').waitFor();
  await ben.context.close();
  const { accounts } = await ada.call('GET', '/accounts');
  const made = accounts.find((/** @type {any} */ one) => one.email === 'ben@example.com');
  assert.deepEqual([made.capacity, made.skills, made.invited], [5, ['delivery'], false]);

  await page.goto(admin('#/live'));
  await visit(page, `#/agents/${made.id}`, 'Queues & agents');
  assert.equal(await page.getByLabel('Link to join', { exact: true }).count(), 0, 'the link is shown again');
  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await toasted(page, 'locked out');
  await assert.rejects(new Caller(baton.base).call('POST', '/login', { email: 'ben@example.com', password: PASSWORD }), /401|403/);
  await page.getByRole('button', { name: 'Let them in again' }).click();
  await page.getByRole('button', { name: 'Let them in', exact: true }).click();
  await toasted(page, 'may log in again');
});

test('the test bench answers with the real analyzer while one types, and its contributions add up', { skip }, async () => {
  const { page } = desk;
  await until('the model analyzes', async () => (await ada.call('GET', '/live')).analyzer.status === 'ready', 60_000);
  await visit(page, '#/tuning', 'Tuning');
  await page.locator('#bench-text').fill('visitor: Where is my parcel?\nbot: It is on its way.\nvisitor: You said that yesterday. This is useless.\nbot!:\nvisitor: I am sick of this, you are the worst. Where is my parcel?');
  await page.locator('.verdict').getByText(/calls a person|leaves it with the bot/).waitFor();
  assert.equal(await page.getByText('The word lists analyzed this').count(), 0, 'words answered, not the model');
  assert.equal(await page.locator('.turn-row').count(), 5);
  await page.locator('.turn-row', { hasText: 'I am sick of this' }).click();
  const figures = (await page.locator('.contributions tbody .number').allInnerTexts()).map((text) => Number(text.replace('−', '-')));
  const sum = Number(await page.locator('.contributions tfoot .number').innerText());
  assert.ok(figures.length > 1, 'no contributions');
  assert.ok(Math.abs(figures.reduce((a, b) => a + b, 0) - sum) <= 0.005 * figures.length + 0.001, `${figures.join(' + ')} is not ${sum}`);

  await page.locator('#bench-text').fill('Can I please talk to a human?');
  await page.locator('.verdict', { hasText: /calls a person at message 1: asked for a person/ }).waitFor();
  await page.locator('.counterfactual').waitFor();
  await isClean(desk);
});

test('numbers in sentences and the text are one policy, tried beside the live one, published with a comment', { skip }, async () => {
  const { page } = desk;
  await visit(page, '#/tuning', 'Tuning');
  await page.locator('#bench-text').fill('visitor: Where is my parcel?\nvisitor: This is useless, I hate it. Where is my parcel?');
  await page.locator('.verdict').first().waitFor();

  await field(page, 'escalate.enter').fill('0,9x');
  await page.getByText('it needs a number from 0 to 1').waitFor();
  await field(page, 'escalate.enter').fill('0.95');
  await bar(page).getByText('1 change').waitFor();
  await page.locator('.verdict', { hasText: 'Your draft' }).waitFor();
  await field(page, 'service.offer_timeout').fill('45');
  await field(page, 'rules.keywords').fill('gas smell');
  await field(page, 'rules.keywords').press('Enter');
  await page.getByLabel('Priority of gas smell').selectOption('urgent');
  await bar(page).getByText('3 changes').waitFor();

  await page.getByRole('link', { name: 'As text' }).click();
  const text = await page.getByLabel('The policy as TOML').inputValue();
  assert.match(text, /enter = 0\.95\n/);
  assert.match(text, /offer_timeout = "45s"/);
  assert.match(text, /\[\[rules\.keywords\]\]\nphrase = "gas smell"\npriority = "urgent"/);
  assert.match(text, /# The score, from 0 to 1, from which a human is called\./);
  await page.getByLabel('The policy as TOML').fill(text.replace('enter = 0.95', 'enter = 0.3'));
  await page.locator('.draft-problems').getByText('must not be above escalate.enter').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Publish…' }).isDisabled(), true);
  await page.locator('.draft-problems').getByRole('button').click();
  await until('the field with the problem has the focus', () => field(page, 'escalate.leave').evaluate((one) => one === document.activeElement).catch(() => false));
  assert.equal(await field(page, 'escalate.leave').getAttribute('aria-invalid'), 'true');
  assert.equal(await field(page, 'escalate.enter').inputValue(), '0.3');

  await field(page, 'escalate.enter').fill('0.7');
  // A reload keeps the draft.
  await page.reload();
  await bar(page).getByText('3 changes').waitFor();
  assert.equal(await field(page, 'escalate.enter').inputValue(), '0.7');
  await until('it may be published', () => page.getByRole('button', { name: 'Publish…' }).isEnabled());
  await page.getByRole('button', { name: 'Publish…' }).click();
  await page.getByRole('dialog').getByRole('row', { name: /Score that escalates 0.62 0.7/ }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByText('Say in a few words why.').waitFor();
  await page.getByRole('dialog').getByLabel('Why', { exact: true }).fill('Fewer early handoffs');
  await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click();
  await bar(page).getByText('default@2').waitFor();
  await bar(page).getByText('Ada Admin').waitFor();
  await bar(page).getByText('No draft').waitFor();
  const live = await ada.call('GET', '/policies/2');
  assert.equal(live.policy.escalate.enter, 0.7);
  assert.equal(live.comment, 'Fewer early handoffs');
});

test('who publishes second loses nothing: the draft stays and comes onto the newer version', { skip }, async () => {
  const { page } = desk;
  await visit(page, '#/tuning', 'Tuning');
  await field(page, 'escalate.enter').fill('0.8');
  await until('it may be published', () => page.getByRole('button', { name: 'Publish…' }).isEnabled());
  await page.getByRole('button', { name: 'Publish…' }).click();
  const { toml } = await ada.call('GET', '/policies/2');
  await ada.call('POST', '/policies', { toml: toml.replace('memory = 0.5', 'memory = 0.6'), comment: 'Meanwhile', based_on: 'default@2' });
  await page.getByRole('dialog').getByLabel('Why', { exact: true }).fill('Mine');
  await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByRole('dialog').getByText('Nothing of yours was published, and your draft is kept.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: /Bring my changes onto default@3/ }).click();
  await page.getByRole('dialog').getByText('How much of the past is kept').waitFor();
  await page.getByRole('button', { name: 'Bring them over' }).click();
  assert.equal(await field(page, 'escalate.enter').inputValue(), '0.8');
  assert.equal(await field(page, 'score.memory').inputValue(), '0.6');
  await until('it may be published', () => page.getByRole('button', { name: 'Publish…' }).isEnabled());
  await page.getByRole('button', { name: 'Publish…' }).click();
  await page.getByRole('dialog').getByLabel('Why', { exact: true }).fill('Mine, on top');
  await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click();
  await bar(page).getByText('default@4').waitFor();

  await page.getByRole('link', { name: 'Versions' }).click();
  await page.getByRole('link', { name: /default@2/ }).click();
  await page.getByRole('region', { name: 'What it changed' }).getByRole('row', { name: /Words that escalate/ }).waitFor();
  await page.getByRole('button', { name: 'Take as draft' }).click();
  await bar(page).getByText('2 changes').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('button', { name: 'Discard the draft' }).click();
  await bar(page).getByText('No draft').waitFor();
  await isClean(desk);
});

test('conversations are found, opened, explained and taken into the test bench', { skip }, async () => {
  const { page } = desk;
  const { widgets } = await ada.call('GET', '/widgets');
  const widget = { key: widgets[0].key, identityKey: widgets[0].identity_key, site: 'https://shop.example' };
  const visitor = await Visitor.connect(baton.base, widget, { identity: { id: 'mara', name: 'Mara Keller' } });
  await visitor.says('Where is my parcel?');
  await visitor.says('This is useless. Get me a human, please.');
  await visitor.next((frame) => frame.type === 'entry' && frame.kind === 'notice', 'the handoff');

  await visit(page, '#/live', 'Live');
  await page.locator('.card-row', { hasText: 'Mara Keller' }).waitFor();
  await page.locator('.bars', { hasText: 'asked for a person' }).waitFor();
  await visit(page, '#/conversations', 'Conversations');
  await page.getByLabel('Search what was said').fill('useless');
  await page.locator('.card-row', { hasText: 'Mara Keller' }).click();
  const opened = page.getByRole('article', { name: /Mara Keller/ });
  await opened.getByText('Where is my parcel?').first().waitFor();
  await opened.getByText('Why a person was called').waitFor();
  await opened.getByText('Called a person').first().click();
  await opened.locator('.contributions').first().waitFor();
  await page.getByRole('button', { name: 'Try it in the test bench' }).click();
  await page.locator('.verdict').first().waitFor();
  assert.match(await page.locator('#bench-text').inputValue(), /visitor: This is useless\. Get me a human, please\./);
  await visit(page, '#/audit', 'Audit');
  await page.locator('.audit-row', { hasText: 'published the policy' }).first().waitFor();
  await isClean(desk);
});

test('hostile text is text on every page', { skip }, async () => {
  const { page } = desk;
  const { widgets } = await ada.call('GET', '/widgets');
  const widget = { key: widgets[0].key, identityKey: widgets[0].identity_key, site: 'https://shop.example' };
  for (const text of HOSTILE) {
    const visitor = await Visitor.connect(baton.base, widget, { identity: { id: `h${Math.random()}`, name: text.slice(0, 60) } });
    await visitor.says(text);
    await visitor.says(`${text} get me a human`);
    await visitor.leaves();
    await ada.call('POST', '/knowledge', { title: text.slice(0, 200), questions: [text], answer: text });
  }
  await ada.call('POST', '/canned', { shortcut: 'hostile', text: HOSTILE.join('\n') });
  await ada.call('POST', '/queues', { name: HOSTILE[0].slice(0, 60), skills: ['<b>'], tier: 1, hours: null, intents: [] });
  await makeAgent(baton, ada, { name: HOSTILE[1].slice(0, 90), email: 'hostile@example.com' });
  const { conversations } = await ada.call('GET', '/conversations?limit=50');
  const { knowledge } = await ada.call('GET', '/knowledge');
  const { queues } = await ada.call('GET', '/queues');
  const { canned } = await ada.call('GET', '/canned');
  const { accounts } = await ada.call('GET', '/accounts');
  for (const [hash, title] of [
    ['#/live', 'Live'],
    ...conversations.map((/** @type {any} */ card) => [`#/conversations/${card.conversation}`, 'Conversations']),
    ...knowledge.map((/** @type {any} */ one) => [`#/knowledge/${one.id}`, 'Knowledge']),
    ...queues.map((/** @type {any} */ one) => [`#/queues/${one.id}`, 'Queues & agents']),
    ...canned.map((/** @type {any} */ one) => [`#/canned/${one.id}`, 'Canned replies']),
    ...accounts.map((/** @type {any} */ one) => [`#/agents/${one.id}`, 'Queues & agents']),
    ['#/audit', 'Audit'],
  ]) {
    await visit(page, hash, title);
    assert.equal(await page.evaluate(() => /** @type {any} */ (window).__ran), undefined, `text ran on ${hash}`);
  }
  await visit(page, '#/tuning', 'Tuning');
  await page.locator('#bench-text').fill(HOSTILE.map((text) => `visitor: ${text}`).join('\n'));
  await page.locator('.turn-row').first().waitFor();
  await field(page, 'rules.keywords').fill(HOSTILE[0]);
  await field(page, 'rules.keywords').press('Enter');
  await page.locator('.keyword-phrase').first().waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('button', { name: 'Discard the draft' }).click();
  await isClean(desk);
});

test('what is not saved is never lost silently', { skip }, async () => {
  const { page } = desk;
  const { knowledge } = await ada.call('GET', '/knowledge');
  const entry = knowledge.find((/** @type {any} */ one) => one.title === 'Returns');
  await visit(page, `#/knowledge/${entry.id}`, 'Knowledge');
  await page.getByLabel('Answer', { exact: true }).fill('Half a sentence');
  await page.getByRole('link', { name: 'Canned replies' }).click();
  await page.getByRole('dialog').getByText('What you changed in “Returns” is not saved.').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.getByLabel('Answer', { exact: true }).inputValue(), 'Half a sentence');
  assert.match(page.url(), new RegExp(`#/knowledge/${entry.id}$`));
  await page.getByRole('link', { name: 'Canned replies' }).click();
  await page.getByRole('button', { name: 'Leave without saving' }).click();
  await page.getByRole('heading', { level: 1, name: 'Canned replies' }).waitFor();
  assert.equal((await ada.call('GET', '/knowledge')).knowledge.find((/** @type {any} */ one) => one.id === entry.id).answer, entry.answer);
});

test('the keyboard alone tunes and publishes', { skip }, async () => {
  const { page } = desk;
  const { versions } = await ada.call('GET', '/policies');
  const before = (await ada.call('GET', `/policies/${versions[0].version}`)).policy.escalate.enter;
  await visit(page, '#/live', 'Live');
  const focused = () => page.evaluate(() => (document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').trim());
  const tabTo = async (/** @type {RegExp} */ name, most = 60) => {
    for (let i = 0; i < most; i += 1) {
      if (name.test(await focused())) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab never came to ${name}, but to ${await focused()}`);
  };
  await tabTo(/^Tuning$/);
  await page.keyboard.press('Enter');
  await until('the page has the focus', async () => (await focused()) === 'Tuning');
  await tabTo(/^Score that escalates$/);
  await page.keyboard.press('ArrowUp');
  await bar(page).getByText('1 change').waitFor();
  assert.equal(await field(page, 'escalate.enter').inputValue(), String(Number((before + 0.01).toFixed(4))));
  await until('it may be published', () => page.getByRole('button', { name: 'Publish…' }).isEnabled());
  await page.keyboard.press('Shift+Tab');
  await until('Publish has the focus', async () => /Publish/.test(await focused()));
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await until('the comment has the focus', () => page.getByRole('dialog').getByLabel('Why', { exact: true }).evaluate((one) => one === document.activeElement));
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await bar(page).getByText(`default@${versions[0].version + 1}`).waitFor();
  await until('the dialog is gone', async () => (await page.getByRole('dialog').count()) === 0);
  await isClean(desk);
});

test('a supervisor is not shown what they may not do', { skip }, async () => {
  await makeAgent(baton, ada, { name: 'Sue Supervisor', email: 'sue@example.com', role: 'supervisor' });
  const sue = await openPage(browser);
  await logIn(sue.page, baton.base, 'sue@example.com', '/admin');
  await sue.page.getByRole('heading', { level: 1, name: 'Live' }).waitFor();
  const names = await sue.page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts();
  assert.deepEqual(names.map((name) => name.trim()), ['Live', 'Conversations', 'Tuning', 'Learning', 'Knowledge', 'Canned replies']);
  await sue.page.goto(admin('#/audit'));
  await sue.page.getByRole('heading', { level: 1, name: 'Live' }).waitFor();
  await isClean(sue);
  await sue.context.close();
});

test('one’s own name and password, and the menu by keyboard', { skip }, async () => {
  await makeAgent(baton, ada, { name: 'Tom', email: 'tom@example.com', role: 'supervisor' });
  const own = await openPage(browser);
  const { page } = own;
  await logIn(page, baton.base, 'tom@example.com', '/admin');
  await page.getByRole('button', { name: 'Tom' }).focus();
  await page.keyboard.press('ArrowDown');
  await page.getByRole('menuitem', { name: 'Agent console' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Your account' });
  await dialog.getByLabel('Name that visitors and colleagues see').fill('Tom Supervisor');
  await dialog.getByLabel('Password now').fill('not this one');
  await dialog.getByLabel('New password, at least 12 characters').fill('another long enough one');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('This is not the password you have now.').waitFor();
  await dialog.getByLabel('Password now').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await toasted(page, 'Your account is saved.');
  await page.getByRole('button', { name: 'Tom Supervisor' }).waitFor();
  await isClean(own);
  await own.context.close();
});

test('a server that is gone is said on the live page, and its figures are marked as old', { skip }, async () => {
  const own = await openPage(browser);
  await logIn(own.page, baton.base, 'ada@example.com', '/admin');
  await own.page.locator('.figure-number').first().waitFor();
  await own.page.route('**/api/v1/live', (route) => route.abort());
  await own.page.getByText('these figures may be old').waitFor();
  await own.page.unroute('**/api/v1/live');
  await until('fresh again', async () => (await own.page.getByText('these figures may be old').count()) === 0);
  await own.context.close();
});

test('full pages have no findings of axe and do not scroll sideways, from 360 to 1440 px, in light and dark', { skip }, async () => {
  const { conversations } = await ada.call('GET', '/conversations?limit=50');
  const { knowledge } = await ada.call('GET', '/knowledge');
  const { queues } = await ada.call('GET', '/queues');
  const { widgets } = await ada.call('GET', '/widgets');
  const { accounts } = await ada.call('GET', '/accounts');
  const escalated = conversations.find((/** @type {any} */ card) => card.visitor.name === 'Mara Keller') ?? conversations[0];
  const hours = queues.find((/** @type {any} */ queue) => queue.hours);
  /** @type {[string, string, string][]} */
  const pages = [
    ['live', '#/live', 'Live'], ['conversations', '#/conversations', 'Conversations'], ['conversation', `#/conversations/${escalated.conversation}`, 'Conversations'],
    ['tuning', '#/tuning', 'Tuning'], ['bench', '#/tuning?view=bench', 'Tuning'], ['text', '#/tuning?view=text', 'Tuning'], ['versions', '#/tuning?view=versions', 'Tuning'], ['version', '#/tuning/2?view=versions', 'Tuning'],
    ['learning', '#/learning', 'Learning'],
    ['knowledge', `#/knowledge/${knowledge[0].id}`, 'Knowledge'], ['canned', '#/canned/new', 'Canned replies'],
    ['queues', '#/queues', 'Queues & agents'], ['queue', `#/queues/${hours.id}`, 'Queues & agents'], ['agents', '#/agents', 'Queues & agents'], ['agent', `#/agents/${accounts[1].id}`, 'Queues & agents'],
    ['widget', `#/widgets/${widgets[0].key}`, 'Widget'], ['audit', '#/audit', 'Audit'],
  ];
  /** @type {string[]} */
  const findings = [];
  for (const [width, scheme] of /** @type {[number, 'light' | 'dark'][]} */ ([[1440, 'light'], [1440, 'dark'], [768, 'light'], [360, 'light'], [360, 'dark']])) {
    const own = await openPage(browser, { viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: 'reduce' });
    await logIn(own.page, baton.base, 'ada@example.com', '/admin');
    for (const [name, hash, title] of pages) {
      await visit(own.page, hash, title);
      if (name === 'tuning' && width === 1440) {
        await field(own.page, 'escalate.enter').fill('0.9');
        await own.page.locator('#bench-text').fill('visitor: Where is my parcel?\nbot: It is on its way.\nvisitor: You said that yesterday.\nbot!: Sorry, I did not get that.\nvisitor: This is the third time I ask. Useless. Where is my parcel?');
        await own.page.locator('.verdict', { hasText: 'Your draft' }).waitFor();
        await own.page.locator('button.primary:enabled', { hasText: 'Publish' }).waitFor();
      }
      if (name === 'bench') {
        await own.page.locator('#bench-text').fill('visitor: Where is my parcel?\nvisitor: Useless. Get me a person.');
        await own.page.locator('.verdict').first().waitFor();
      }
      for (const finding of await axe(own.page)) findings.push(`${name} ${width} ${scheme}: ${finding}`);
      const sideways = await own.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (sideways > 0) findings.push(`${name} ${width} ${scheme}: ${sideways} px wider than the page`);
      await own.page.screenshot({ path: join(shots, `admin-${name}-${width}-${scheme}.png`) });
    }
    await isClean(own);
    await own.context.close();
  }
  assert.deepEqual(findings, []);
  process.stderr.write(`screenshots: ${shots}\n`);
});
