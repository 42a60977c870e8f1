// The widget in a browser, on a site of another origin with a strict policy,
// against the real binary.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as run } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BINARY, Caller, HOSTILE, PASSWORD, axe, firstAdmin, makeAgent, openChromium, openPage, startBaton, until } from './support.mjs';
import { openSocket } from './websocket.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';
const test = (/** @type {string} */ name, /** @type {(t: import('node:test').TestContext) => Promise<void>} */ body) => run(name, { skip }, body);

/** @type {any} */ let baton;
/** @type {any} */ let admin;
/** @type {any} */ let browser;
/** @type {any} */ let listed;
/** @type {any} */ let unlisted;
let key = '';
let shots = '';

const hostPage = (/** @type {string} */ url) => {
  const query = new URL(url, 'http://site').searchParams;
  return {
    html: `<!doctype html><html lang="${query.get('lang') ?? 'en'}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A site</title>
      <h1>A site of somebody else</h1><p><a id="first" href="#here">A link of the site</a></p><p>${'Words of the site. '.repeat(60)}</p>
      <script async src="${baton.base}/widget.js" data-key="${query.get('key') ?? key}" ${query.has('theme') ? `data-theme="${query.get('theme')}"` : ''}></script></html>`,
    // A site that allows us exactly what we need, and nothing inline.
    headers: { 'content-security-policy': `default-src 'none'; script-src ${baton.base}; connect-src ${baton.base}; frame-src ${baton.base}` },
  };
};

/** A site of somebody else, on another port. */
async function startSite() {
  const server = createServer((request, response) => {
    const { html, headers } = hostPage(request.url ?? '/');
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers });
    response.end(html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

before(async () => {
  if (skip) return;
  shots = process.env.SHOTS ?? (await mkdtemp(join(tmpdir(), 'baton-shots-')));
  await mkdir(shots, { recursive: true });
  baton = await startBaton({ demo: true });
  [listed, unlisted] = await Promise.all([startSite(), startSite()]);
  admin = await firstAdmin(baton);
  const made = await admin.call('POST', '/widgets', { name: 'A site', sites: [listed.origin], greeting: 'Hello. What can we help you with?', accent: '#0b6e4f', locale: 'en' });
  key = made.key;
  browser = await openChromium();
});

after(async () => {
  await browser?.close();
  await Promise.all([listed?.stop(), unlisted?.stop()]);
  await baton?.stop();
});

/** Opens the site in a browser of its own, and gives its page and what is inside the widget. */
async function visit(/** @type {any} */ t, { site = listed, size = { width: 1280, height: 900 }, path = '/', context = {}, allowed = /^$/ } = {}) {
  const { context: own, page, problems } = await openPage(browser, { viewport: size, ...context });
  t.after(async () => {
    await own.close();
    assert.deepEqual(problems.filter((problem) => !allowed.test(problem)), []);
  });
  await page.goto(site.origin + path);
  const launcher = page.locator('baton-widget button');
  await launcher.waitFor();
  return { own, page, launcher, inside: page.frameLocator('baton-widget iframe') };
}

async function opened(/** @type {any} */ t, /** @type {any} */ options = {}) {
  const all = await visit(t, options);
  await all.launcher.click();
  await all.inside.locator('.disclosure').waitFor();
  const say = async (/** @type {string} */ text) => {
    await all.inside.locator('#message').fill(text);
    await all.inside.locator('#message').press('Enter');
  };
  return { ...all, say, log: all.inside.locator('.log') };
}

test('a listed site shows the widget, and it says that a bot answers', async (t) => {
  const { inside } = await opened(t);
  await inside.getByText('What can we help you with?').waitFor();
  assert.match(await inside.locator('.disclosure').innerText(), /bot/i);
  assert.ok(await inside.getByRole('button', { name: 'Talk to a person' }).isVisible());
});

test('a site that is not on the list is refused, by the call and by the frame', async () => {
  const answer = await fetch(`${baton.base}/api/v1/widget/boot`, { method: 'POST', headers: { 'content-type': 'application/json', origin: unlisted.origin }, body: JSON.stringify({ key }) });
  assert.equal(answer.status, 403);
  assert.equal(answer.headers.get('access-control-allow-origin'), null);

  const { context, page } = await openPage(browser);
  await page.goto(unlisted.origin);
  await page.locator('baton-widget button').click();
  await page.getByText('Not set up for this site yet.').waitFor();
  assert.equal(await page.locator('baton-widget iframe').count(), 0);
  await context.close();
});

test('the launcher moves nothing on the site and loads no frame before it is needed', async (t) => {
  const { page, launcher } = await visit(t);
  assert.equal(await page.locator('baton-widget iframe').count(), 0);
  const shift = await page.evaluate(
    () =>
      new Promise((done) => {
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((/** @type {any} */ entry) => (sum += entry.value))).observe({ type: 'layout-shift', buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
      }),
  );
  assert.equal(shift, 0);
  // It opens in the same breath: nothing is waited for.
  const visibility = await page.evaluate(() => {
    const root = /** @type {any} */ (document.querySelector('baton-widget')).shadowRoot;
    root.querySelector('button').click();
    return getComputedStyle(root.querySelector('div div')).visibility;
  });
  assert.equal(visibility, 'visible');
  assert.equal(await launcher.getAttribute('aria-expanded'), 'true');
});

test('a message is stored, marked as sent, and answered by the bot', async (t) => {
  const { inside, say } = await opened(t);
  await say('How long does delivery take?');
  await inside.locator('.message.visitor .foot').getByText('Sent').waitFor();
  await inside.locator('.message.bot').first().waitFor();
  assert.match(await inside.locator('.message.bot .author').first().innerText(), /bot/i);
});

test('asking for a person shows the place in line and an honest wait', async (t) => {
  const { inside, say } = await opened(t);
  await say('I would like to know something');
  await inside.getByRole('button', { name: 'Talk to a person' }).click();
  await inside.locator('.card').waitFor();
  // Nobody is online: that is said, and an address may be left.
  await inside.getByRole('button', { name: 'Leave an e-mail' }).click();
  await inside.getByLabel('Your e-mail address').fill('not an address');
  await inside.getByLabel('Your e-mail address').press('Enter');
  await inside.getByText('That does not look like an e-mail address').waitFor();
  await inside.getByRole('button', { name: 'Cancel' }).click();
  await inside.getByRole('button', { name: 'Go on with the bot' }).click();
  await inside.getByRole('button', { name: 'Talk to a person' }).waitFor();
  await inside.getByText('The bot answers again.').waitFor();
});

test('what people write stays text, in both directions of time', async (t) => {
  const { page, inside, say } = await opened(t);
  for (const text of HOSTILE) {
    await say(text);
    await inside.locator('.message.visitor .bubble').getByText(text.trim().slice(0, 10), { exact: false }).last().waitFor();
  }
  await until('all sent', async () => (await inside.locator('.message.visitor.sending').count()) === 0);
  const check = async () => {
    assert.equal(await inside.locator('.log script, .log img, .log svg[onload], .log [onerror], .log [onmouseover], .log iframe').count(), 0);
    for (const href of await inside.locator('.log a').evaluateAll((/** @type {any[]} */ links) => links.map((link) => link.href))) assert.match(href, /^https?:\/\/[^@]+$/);
    for (const rel of await inside.locator('.log a').evaluateAll((/** @type {any[]} */ links) => links.map((link) => link.rel))) assert.match(rel, /noopener/);
    assert.equal(await page.evaluate(() => /** @type {any} */ (window).__ran), undefined);
    assert.equal(await page.frames()[1].evaluate(() => /** @type {any} */ (window).__ran), undefined);
  };
  await check();
  await page.reload();
  await page.locator('baton-widget button').click();
  await inside.locator('.message.visitor').nth(HOSTILE.length - 1).waitFor();
  await check();
});

test('a reload keeps the history, the draft and the color', async (t) => {
  const { page, inside, say } = await opened(t);
  await say('How long does delivery take?');
  await inside.locator('.message.bot').first().waitFor();
  await inside.locator('#message').fill('half a sentence');
  await page.reload();
  await page.locator('baton-widget iframe').waitFor({ state: 'attached' });
  await page.locator('baton-widget button').click();
  await inside.locator('.message.visitor').getByText('How long does delivery take?').waitFor();
  await inside.locator('.message.bot').first().waitFor();
  assert.equal(await inside.locator('.message.visitor').count(), 1);
  await until('the draft is there', async () => (await inside.locator('#message').inputValue()) === 'half a sentence');
});

test('a message written while the line is down is kept, sent once, and the banner says so', async (t) => {
  const { own, inside, say } = await opened(t);
  await say('before');
  await inside.locator('.message.visitor .foot').getByText('Sent').waitFor();
  await own.setOffline(true);
  await say('while away');
  await inside.getByText('What you write is kept').waitFor();
  await inside.locator('.message.sending').getByText('while away').waitFor();
  await own.setOffline(false);
  await until('sent after all', async () => (await inside.locator('.message.sending').count()) === 0);
  assert.equal(await inside.locator('.message.visitor').getByText('while away').count(), 1);
  await inside.locator('.banner:empty').waitFor({ state: 'attached' });
});

test('the keyboard alone is enough', async (t) => {
  const { page, inside, launcher } = await visit(t);
  await page.locator('#first').focus();
  await page.keyboard.press('Tab');
  assert.ok(await launcher.evaluate((/** @type {any} */ button) => button.getRootNode().activeElement === button), 'the launcher is next after the site');
  await page.keyboard.press('Enter');
  await inside.locator('.disclosure').waitFor();
  await until('the box has the focus', () => inside.locator('#message').evaluate((/** @type {any} */ box) => document.activeElement === box));
  await page.keyboard.type('first line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  await page.keyboard.press('Enter');
  assert.equal(await inside.locator('.message.visitor .bubble').first().innerText(), 'first line\nsecond line');
  await inside.locator('.message.bot').first().waitFor();

  const focused = () => inside.locator(':focus').evaluate((/** @type {any} */ element) => (element.getAttribute('aria-label') || element.textContent).trim());
  const hasFocus = (/** @type {string} */ name, why = '') => until(`"${name}" has the focus ${why}`, async () => (await focused()) === name);
  await page.keyboard.press('Shift+Tab');
  await hasFocus('End conversation');
  await page.keyboard.press('Enter');
  await inside.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await inside.getByRole('dialog').waitFor({ state: 'hidden' });
  await hasFocus('End conversation', 'again: a dialog gives it back');
  await page.keyboard.press('Shift+Tab');
  await hasFocus('Talk to a person');
  await page.keyboard.press('Escape');
  await until('Escape gives the focus back to the launcher', () => launcher.evaluate((/** @type {any} */ button) => button.getRootNode().activeElement === button));
  await until('the window is closed', async () => (await launcher.getAttribute('aria-expanded')) === 'false');
});

test('a conversation ends by being asked twice, and can be rated once', async (t) => {
  const { inside, say } = await opened(t);
  await say('How long does delivery take?');
  await inside.locator('.message.bot').first().waitFor();
  await inside.getByRole('button', { name: 'End conversation' }).click();
  await inside.getByRole('button', { name: 'End it' }).click();
  await inside.getByRole('group', { name: 'How was this conversation?' }).waitFor();
  await inside.getByRole('radio', { name: 'Good', exact: true }).check();
  await inside.getByLabel('Anything to add?').fill('Quick. Thank you.');
  await inside.getByRole('button', { name: 'Send rating' }).click();
  await inside.locator('.card').getByText('Thank you').waitFor();
});

test('a person answers: joined with a name, typing, seen', async (t) => {
  await makeAgent(baton, admin, { name: 'Ana', email: 'ana@example.com', change: { capacity: 20 } });
  const { inside, say } = await opened(t);
  await say('Get me a human please');
  await inside.locator('.card.waiting').waitFor();
  await inside.getByText('Nobody is here right now.').first().waitFor();

  const agent = await connectAgent('ana@example.com');
  t.after(() => agent.close());
  await inside.locator('.card.waiting h2').getByText(/You are next|You are number \d+ in line/).waitFor();
  await inside.locator('.card.waiting').getByText(/We can’t tell yet|measured over the last \d+ wait/).waitFor();
  // Visitors of other tests may be in line as well, and come first.
  /** @type {any} */ let offer;
  while (offer?.card.last?.text !== 'Get me a human please') {
    offer = await agent.next('offer');
    agent.send({ type: 'offer.accept', client_id: offer.offer, conversation: offer.conversation, offer: offer.offer });
    await agent.next('ack', (frame) => frame.client_id === offer.offer);
  }
  await inside.getByText('Ana is here.').waitFor();
  agent.send({ type: 'conversation.watch', conversation: offer.conversation, after: 0 });
  agent.send({ type: 'typing.set', conversation: offer.conversation, typing: true });
  await inside.getByText('Ana is typing').waitFor();
  agent.send({ type: 'message.send', client_id: 'm1', conversation: offer.conversation, text: 'I have read everything. <b>One</b> moment.' });
  await inside.locator('.message.agent .bubble').getByText('<b>One</b> moment.').waitFor();

  assert.equal(await inside.locator('.message.visitor .foot').getByText('Seen').count(), 0, 'nothing is seen before somebody has seen it');
  const mine = await agent.next('entry', (/** @type {any} */ frame) => frame.author?.kind === 'visitor');
  agent.send({ type: 'read.mark', conversation: offer.conversation, position: mine.position });
  await inside.locator('.message.visitor .foot').getByText('Seen').waitFor();
});

test('news while the window is closed are counted on the launcher', async (t) => {
  const { page, inside, launcher } = await opened(t);
  // Sent and closed in one breath, so that the answer comes to a closed window.
  await inside.locator('#message').evaluate((/** @type {any} */ box) => {
    box.value = 'How long does delivery take?';
    box.dispatchEvent(new Event('input', { bubbles: true }));
    for (const key of ['Enter', 'Escape']) box.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  });
  const label = async () => (await launcher.getAttribute('aria-label')) ?? '';
  await until('the answer is counted', async () => /unread/.test(await label()));
  assert.equal(await launcher.getAttribute('aria-expanded'), 'false');
  await launcher.click();
  await inside.locator('.message.bot').first().waitFor();
  await until('nothing is counted any more', async () => !/unread/.test(await label()));
  assert.equal(await page.locator('baton-widget iframe').count(), 1);
});

for (const [name, context] of /** @type {const} */ ([['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }]])) {
  test(`axe finds nothing in a full widget, ${name}`, async (t) => {
    const { page, inside, say } = await opened(t, { context });
    await say('How long does delivery take? See https://shop.example/delivery');
    await inside.locator('.message.bot').first().waitFor();
    await check('with the bot');
    await inside.getByRole('button', { name: 'Talk to a person' }).click();
    await inside.locator('.card.waiting').waitFor();
    await check('in line');
    await inside.getByRole('button', { name: 'Leave an e-mail' }).click();
    await inside.getByLabel('Your e-mail address').fill('x');
    await inside.getByLabel('Your e-mail address').press('Enter');
    await check('leaving an address');
    await inside.getByRole('button', { name: 'Cancel' }).click();
    await inside.getByRole('button', { name: 'End conversation' }).click();
    await check('asked whether to end');
    await inside.getByRole('button', { name: 'End it' }).click();
    await inside.getByRole('radio').first().waitFor();
    await check('rating');

    async function check(/** @type {string} */ where) {
      await page.screenshot({ path: join(shots, `widget-${name}-${where.replaceAll(' ', '-')}.png`) });
      assert.deepEqual(await axe(/** @type {any} */ (page.frames()[1])), [], where);
    }
  });
}

for (const width of [360, 320]) {
  test(`at ${width} px it fills the screen, nothing sticks out, and nothing is lost at 200 % zoom`, async (t) => {
    const { page, inside, say } = await opened(t, { size: { width, height: 640 }, path: '/?lang=de' });
    await say('x'.repeat(300));
    await inside.locator('.message.bot').first().waitFor();
    const box = await page.locator('baton-widget iframe').boundingBox();
    assert.deepEqual([box?.x, box?.width, box?.height], [0, width, 640]);
    const wide = await page.frames()[1].evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${wide} px of content on ${width}`);
    for (const size of [{ width, height: 320 }, { width: 720, height: 450 }]) {
      await page.setViewportSize(size);
      await inside.locator('.strip-button').waitFor();
      await inside.locator('#message').scrollIntoViewIfNeeded();
      await until('the box to write in is on the screen', async () => {
        const place = await inside.locator('#message').boundingBox();
        return place && place.y + place.height <= size.height;
      });
    }
  });
}

test('German where the site is German', async (t) => {
  const { inside } = await opened(t, { path: '/?lang=de-AT' });
  await inside.getByRole('button', { name: 'Mit einem Menschen sprechen' }).waitFor();
  assert.equal(await inside.locator('html').getAttribute('lang'), 'de-AT');
});

test('where the browser keeps nothing, the conversation still works', async (t) => {
  const { context, page, problems } = await openPage(browser);
  t.after(() => context.close());
  await context.addInitScript(() => Object.defineProperty(window, 'localStorage', { get: () => { throw new DOMException('refused', 'SecurityError'); } }));
  await page.goto(listed.origin);
  await page.locator('baton-widget button').click();
  const inside = page.frameLocator('baton-widget iframe');
  await inside.locator('#message').fill('Hello there');
  await inside.locator('#message').press('Enter');
  await inside.locator('.message.visitor .foot').getByText('Sent').waitFor();
  assert.deepEqual(problems, []);
});

test('the server is killed and starts again: nothing is lost, nothing twice, in both windows', async (t) => {
  const { own, page, inside, say } = await opened(t);
  await say('before the fall');
  await inside.locator('.message.visitor .foot').getByText('Sent').waitFor();
  const other = await own.newPage();
  await other.goto(listed.origin);
  await other.locator('baton-widget button').click();
  const there = other.frameLocator('baton-widget iframe');
  await there.locator('.message.visitor').getByText('before the fall').waitFor();
  const restarted = baton.restart('SIGKILL');
  for (const text of ['one', 'two', 'three']) await say(text);
  await restarted;
  await until('all three are stored', async () => (await inside.locator('.message.visitor:not(.sending)').count()) === 4, 40_000);
  await until('and seen in the other window', async () => (await there.locator('.message.visitor').count()) === 4, 40_000);
  const said = (/** @type {any} */ frame) => frame.locator('.message .bubble').allInnerTexts();
  await until('both windows show the same', async () => JSON.stringify(await said(inside)) === JSON.stringify(await said(there)), 40_000);
  assert.deepEqual((await said(inside)).filter((/** @type {string} */ text) => ['before the fall', 'one', 'two', 'three'].includes(text)), ['before the fall', 'one', 'two', 'three']);
  await page.reload();
  await page.locator('baton-widget button').click();
  await until('and after a reload', async () => (await inside.locator('.message.visitor').count()) === 4);
});

test('a visitor’s secret opens that visitor’s conversations and no others', async () => {
  const boot = async () => (await fetch(`${baton.base}/api/v1/widget/boot`, { method: 'POST', headers: { 'content-type': 'application/json', origin: listed.origin }, body: JSON.stringify({ key }) })).json();
  const [one, two] = [await boot(), await boot()];
  assert.notEqual(one.visitor, two.visitor);
  const stranger = await fetch(`${baton.base}/api/v1/widget/ticket`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ key, visitor: 'not a secret' }) });
  assert.equal((await stranger.json()).code, 'unknown_visitor');
});

test('the loader is under 8 kB and the whole widget under 26 kB compressed', async () => {
  const text = async (/** @type {string} */ path) => {
    const response = await fetch(baton.base + path);
    assert.equal(response.status, 200, path);
    return response.text();
  };
  const loader = await text('/widget.js');
  assert.ok(Buffer.byteLength(loader) < 8_000, `the loader is ${Buffer.byteLength(loader)} bytes`);
  // Everything that the page and its modules name, one language, and the loader.
  const page = await text(`/widget?key=${key}`);
  /** @type {Map<string, number>} */
  const sizes = new Map([['/widget.js', gzipSync(loader).length], ['/widget', gzipSync(page).length]]);
  const waiting = [...page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
  while (waiting.length > 0) {
    const path = /** @type {string} */ (waiting.pop());
    if (sizes.has(path)) continue;
    const source = await text(path);
    sizes.set(path, gzipSync(source).length);
    for (const [, to] of source.matchAll(/(?:from|import)\s*['"](\.[^'"]+)['"]/g)) waiting.push(new URL(to, `http://x${path}`).pathname);
    if (path.endsWith('widget/widget.js')) waiting.push(new URL('./locales/de.js', `http://x${path}`).pathname);
  }
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  assert.ok(sizes.size >= 10, [...sizes.keys()].join(' '));
  assert.ok(all < 26_000, `${all} bytes: ${JSON.stringify([...sizes])}`);
});

test('no page of the widget has script or style inline', async () => {
  const page = await (await fetch(`${baton.base}/widget?key=${key}`)).text();
  assert.doesNotMatch(page, /<style|style=|<script(?![^>]*\bsrc=)|\son[a-z]+=/i);
});

/** An agent at a real socket. */
async function connectAgent(/** @type {string} */ email) {
  const caller = new Caller(baton.base);
  await caller.call('POST', '/login', { email, password: PASSWORD });
  const { ticket } = await caller.call('POST', '/tickets', {});
  /** @type {any[]} */
  const frames = [];
  const socket = await openSocket(`${baton.base}/ws/agent?ticket=${ticket}`, { origin: baton.base }, (/** @type {string} */ text) => frames.push(JSON.parse(text)));
  const next = (/** @type {string} */ type, /** @type {(frame: any) => boolean} */ fits = () => true) =>
    until(`${type} for ${email}`, () => {
      const at = frames.findIndex((frame) => frame.type === type && fits(frame));
      return at >= 0 ? frames.splice(at, 1)[0] : undefined;
    });
  const send = (/** @type {any} */ frame) => socket.send(JSON.stringify(frame));
  await next('hello');
  send({ type: 'presence.set', client_id: 'p1', presence: 'online' });
  await next('ack');
  return { send, next, close: () => socket.close() };
}
