// What the browser tests share: the real binary ($BATON_BIN) on a free port with
// an empty folder, accounts made through the API as people make them, visitors
// over real sockets, and Chromium. Nothing is mocked and nothing written into
// the database.

import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { openSocket } from './websocket.mjs';

export const PASSWORD = 'correct horse battery staple';

/** Strings that would run, or break a page, if text were ever anything but text. */
export const HOSTILE = [
  '<img src=x onerror="window.__ran=1">',
  '"><script>window.__ran=1</script>',
  '<svg/onload=window.__ran=1>',
  '</textarea><script>window.__ran=1</script>',
  "javascript:window.__ran=1//'\"",
  '{{constructor.constructor("window.__ran=1")()}}',
  '${window.__ran=1}',
  '__proto__',
  '\u202Egnp.exe\u202C \u200B\uFEFF',
  'W'.repeat(300),
];

/**
 * A port that is this file's alone, also while its server is away: below those that the system gives to clients, and
 * with a socket of the other kind on the same number, which says to others that it is taken.
 */
async function claimPort() {
  const listens = (/** @type {import('node:net').Server} */ server, /** @type {number} */ port) =>
    new Promise((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)));
  for (let n = 0, port = 0; n < 4_000; n += 1) {
    port = 11_000 + ((process.pid + n) % 4_000);
    const claim = createSocket('udp4').unref();
    const isClaimed = await new Promise((resolve) => claim.once('error', () => resolve(false)).bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true)));
    const server = createServer();
    if (isClaimed && (await listens(server, port))) {
      await new Promise((resolve) => server.close(resolve));
      return port;
    }
    if (isClaimed) claim.close();
  }
  throw new Error('no port is free');
}

/** The binary under test; a test that needs it says so when it is not named. */
export const BINARY = process.env.BATON_BIN ?? '';

/**
 * Starts Baton. The word lists analyze: these tests are about pages.
 * @param {{ environment?: Record<string, string>, demo?: boolean }} [options]
 */
export async function startBaton({ environment = {}, demo = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'baton-pages-'));
  const port = await claimPort();
  const base = `http://127.0.0.1:${port}`;
  let output = '';
  /** @type {import('node:child_process').ChildProcess} */ let child;

  const start = async () => {
    const from = output.length;
    child = spawn(BINARY, ['serve', ...(demo ? ['--demo'] : []), '--listen', `127.0.0.1:${port}`, '--data', folder], {
      env: { ...process.env, BATON_NLP__BACKEND: 'lexicon', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
    await until('the server answers', async () => {
      if (child.exitCode !== null) throw new Error(`baton ended with ${child.exitCode}:\n${output.slice(from)}`);
      return fetch(`${base}/healthz`).then((answer) => answer.ok, () => false);
    }, 60_000);
  };
  await start();

  const stop = async (/** @type {NodeJS.Signals} */ signal = 'SIGTERM') => {
    if (child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  };
  return {
    base,
    folder,
    output: () => output,
    /** Whether its files may grow: a full disk without one, from one moment to the next. */
    mayWrite: async (/** @type {boolean} */ may) => {
      await promisify(execFile)('prlimit', ['--pid', String(child.pid), `--fsize=${may ? 'unlimited' : '0'}:unlimited`]);
    },
    restart: async (/** @type {NodeJS.Signals} */ signal = 'SIGKILL', meanwhile = async () => {}) => {
      await stop(signal);
      await meanwhile();
      await start();
    },
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until something is so, on a machine that may do much else. @param {() => any} check */
export async function until(/** @type {string} */ what, check, within = 40_000) {
  const end = Date.now() + within;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not in ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Calls of one account, with its cookie. */
export class Caller {
  #base;
  #cookie = '';

  constructor(/** @type {string} */ base) {
    this.#base = base;
  }

  /** @returns {Promise<any>} */
  async call(/** @type {string} */ method, /** @type {string} */ path, /** @type {unknown} */ body = undefined) {
    const answer = await fetch(`${this.#base}/api/v1${path}`, {
      method,
      headers: { origin: this.#base, 'x-baton-csrf': '1', 'content-type': 'application/json', ...(this.#cookie ? { cookie: this.#cookie } : {}) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const cookie = answer.headers.get('set-cookie');
    if (cookie) this.#cookie = cookie.split(';')[0];
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }
}

/** The first admin, made with the one-time link that the server prints. */
export async function firstAdmin(/** @type {Awaited<ReturnType<typeof startBaton>>} */ baton) {
  const token = await until('the setup link is printed', () => /\/setup\?token=([A-Za-z0-9_-]+)/.exec(baton.output())?.[1]);
  const admin = new Caller(baton.base);
  await admin.call('POST', '/setup', { token, name: 'Ada Admin', email: 'ada@example.com', password: PASSWORD });
  return admin;
}

/**
 * An agent who was invited and has a password.
 * @param {Awaited<ReturnType<typeof startBaton>>} baton
 * @param {Caller} admin
 * @param {{ name: string, email: string, role?: string, change?: Record<string, unknown> }} who
 */
export async function makeAgent(baton, admin, { name, email, role = 'agent', change = {} }) {
  const { account, invite_url: url } = await admin.call('POST', '/accounts', { name, email, role });
  await admin.call('PATCH', `/accounts/${account.id}`, { capacity: 3, ...change });
  const token = new URL(url).searchParams.get('token');
  await new Caller(baton.base).call('POST', '/invites/accept', { token, password: PASSWORD });
  return { id: account.id, name, email };
}

/** A widget key of a shop. */
export async function makeWidget(/** @type {Caller} */ admin, site = 'https://shop.example') {
  const { widget } = await admin.call('POST', '/widgets', { name: 'Fenwick & Daughters', sites: [site], greeting: 'Hello', accent: '#0b6e4f', locale: 'en' }).then((answer) => (answer.widget ? answer : { widget: answer }));
  return { key: widget.key, identityKey: widget.identity_key, site };
}

/** A signed identity, as a site makes it. */
export function signIdentity(/** @type {string} */ key, /** @type {Record<string, unknown>} */ claims) {
  const payload = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })).toString('base64url');
  return `${payload}.${createHmac('sha256', key).update(payload).digest('base64url')}`;
}

/** A visitor on a real socket: boots from the shop's origin, remembers every frame. */
export class Visitor {
  /** @type {any[]} */ frames = [];
  #count = 0;
  /** @type {Awaited<ReturnType<typeof openSocket>>|null} */ #socket = null;

  /**
   * @param {string} base
   * @param {{ key: string, site: string, identityKey?: string }} widget
   * @param {{ identity?: Record<string, unknown>, page?: string, attributes?: Record<string, string> }} [who]
   */
  static async connect(base, widget, who = {}) {
    const visitor = new Visitor();
    const answer = await fetch(`${base}/api/v1/widget/boot`, {
      method: 'POST',
      headers: { origin: widget.site, 'content-type': 'application/json' },
      body: JSON.stringify({
        key: widget.key,
        ...(who.identity ? { identity: signIdentity(widget.identityKey ?? '', who.identity) } : {}),
        ...(who.page ? { page: who.page } : {}),
        ...(who.attributes ? { attributes: who.attributes } : {}),
      }),
    });
    if (!answer.ok) throw new Error(`boot: ${answer.status} ${await answer.text()}`);
    const { ticket } = await answer.json();
    visitor.#socket = await openSocket(`${base}/ws/visitor?ticket=${ticket}`, { origin: base }, (text) => visitor.frames.push(JSON.parse(text)));
    await visitor.next((frame) => frame.type === 'hello');
    visitor.send({ type: 'resume', conversation: null, after: 0 });
    return visitor;
  }

  send(/** @type {Record<string, unknown>} */ frame) {
    this.#socket?.send(JSON.stringify(frame));
  }

  /** Waits for a frame, among those that came already too. @param {(frame: any) => boolean} wanted */
  next(wanted, what = 'a frame') {
    return until(what, () => this.frames.find(wanted));
  }

  /** Says something and waits until it is stored. */
  async says(/** @type {string} */ text) {
    const client_id = `v${(this.#count += 1)}`;
    this.send({ type: 'message.send', client_id, text });
    const answer = await this.next((frame) => frame.client_id === client_id && (frame.type === 'ack' || frame.type === 'error'), `the answer to "${text.slice(0, 40)}"`);
    if (answer.type === 'error') throw new Error(`refused: ${answer.code}`);
    return answer;
  }

  /** Presses "talk to a person". */
  async asksForPerson() {
    const client_id = `v${(this.#count += 1)}`;
    this.send({ type: 'human.request', client_id });
    return this.next((frame) => frame.client_id === client_id && frame.type === 'ack', 'the answer to asking for a person');
  }

  /** Everything the visitor can read, as one text. */
  get seen() {
    return this.frames.filter(({ type }) => type === 'entry').map(({ text, params }) => `${text ?? ''} ${JSON.stringify(params ?? {})}`).join('\n');
  }

  /** Leaves an address instead of waiting. */
  async leavesAddress(/** @type {string} */ email) {
    const client_id = `v${(this.#count += 1)}`;
    this.send({ type: 'contact.leave', client_id, email });
    return this.next((frame) => frame.client_id === client_id && frame.type === 'ack', 'the answer to leaving an address');
  }

  /** Goes away without a word. */
  leaves() {
    this.#socket?.close();
  }

  /** Ends the conversation, and goes. */
  async ends() {
    const client_id = `v${(this.#count += 1)}`;
    this.send({ type: 'conversation.end', client_id });
    await this.next((frame) => frame.client_id === client_id, 'the answer to ending');
    this.leaves();
  }
}

/** Chromium, one for a file of tests. */
export function openChromium() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
}

/**
 * A page that reports what must never happen: errors, refused inline code, text that ran.
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(text)) problems.push(`console: ${text}`);
  });
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  return { context, page, problems };
}

/** Logs in through the form. */
export async function logIn(/** @type {import('playwright-core').Page} */ page, /** @type {string} */ base, /** @type {string} */ email, path = '/agent') {
  await page.goto(`${base}/login?next=${encodeURIComponent(path)}`);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**${path}*`);
}

/**
 * Both sides of a talk: Ana is online at her console, and a visitor has opened the widget on the demonstration's page.
 *
 * @param {Awaited<ReturnType<typeof startBaton>>} baton
 * @param {import('playwright-core').Browser} browser
 */
export async function bothSides(baton, browser) {
  const admin = await firstAdmin(baton);
  const ana = await makeAgent(baton, admin, { name: 'Ana', email: 'ana@example.com' });
  const agent = await openPage(browser);
  await logIn(agent.page, baton.base, ana.email);
  await agent.page.locator('.presence-button').click();
  await agent.page.getByRole('menuitemradio', { name: /Online/ }).click();
  const visitor = await openPage(browser);
  await visitor.page.goto(`${baton.base}/demo`);
  await visitor.page.locator('baton-widget button').click();
  const widget = visitor.page.frameLocator('baton-widget iframe');
  return { admin, agent, log: agent.page.getByRole('log'), visitor, widget };
}

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds on the page as it is now, as lines. Everything WCAG 2.2 AA and best practice. */
export async function axe(/** @type {import('playwright-core').Page} */ page) {
  // The page's policy refuses inline script, as it should: axe goes in through the debugger.
  await page.evaluate(axeSource);
  // A color that has just changed is on its way for a frame, even without motion.
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return violations.flatMap((/** @type {any} */ { id, help, nodes }) => nodes.map((/** @type {any} */ node) => `${id} (${help}): ${node.html.slice(0, 160)}`));
}
