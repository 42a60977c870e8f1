// A server that cannot store anything for a while, as people at their screens live
// through it: what they wrote says that it is not sent yet, goes out by itself or when
// they press, once and in order. Real binary, real refusals: its files may not grow.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axe, BINARY, bothSides, openChromium, startBaton, until } from './support.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';

/** @type {Awaited<ReturnType<typeof startBaton>>} */ let baton;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {string} */ let shots;

before(async () => {
  if (skip) return;
  shots = process.env.SHOTS ?? (await mkdtemp(join(tmpdir(), 'baton-shots-')));
  await mkdir(shots, { recursive: true });
  baton = await startBaton({ demo: true });
  browser = await openChromium();
});

after(async () => {
  await browser?.close();
  await baton?.stop();
});

test('what could not be stored says so, goes out by itself or at a press, once and in order', { skip }, async () => {
  const { admin, agent, log, visitor, widget } = await bothSides(baton, browser);
  const write = async (/** @type {string} */ text) => {
    await widget.locator('textarea').fill(text);
    await widget.locator('textarea').press('Enter');
  };
  const answer = async (/** @type {string} */ text) => {
    await agent.page.locator('[data-composer]').fill(text);
    await agent.page.keyboard.press('Enter');
  };
  const message = (/** @type {string} */ text) => widget.locator('.message.visitor', { has: widget.getByText(text, { exact: true }) });
  const isStored = (/** @type {string} */ text) => until(`"${text}" is stored`, () => message(text).getByText(/^(Sent|Seen)$/).count(), 60_000);
  await write('I want to talk to a person, please.');
  await isStored('I want to talk to a person, please.');
  await agent.page.locator('.item-offer').first().waitFor();
  await until('the offer has the focus', () => agent.page.evaluate(() => /** @type {HTMLElement|null} */ (document.activeElement)?.dataset.kind === 'offer'));
  await agent.page.keyboard.press('Enter');
  await log.getByText('I want to talk to a person, please.').waitFor();

  await baton.mayWrite(false);
  await write('The first of two.');
  await message('The first of two.').getByText(/Not sent yet/).waitFor();
  await write('The second of two.');
  await answer('An answer of mine.');
  await log.getByText(/Not sent yet/).waitFor();
  for (const [name, page] of /** @type {[string, any][]} */ ([['widget', visitor.page], ['console', agent.page]])) {
    assert.deepEqual(await axe(page), []);
    await page.screenshot({ path: join(shots, `refused-${name}.png`) });
  }
  // Pressed while it is still refused: it says so again, and nothing is lost.
  await message('The first of two.').getByRole('button', { name: 'Try now' }).click();
  await message('The first of two.').getByText(/Not sent yet/).waitFor();
  await baton.mayWrite(true);
  // Nobody presses anything.
  await isStored('The first of two.');
  await isStored('The second of two.');
  await widget.getByText('An answer of mine.', { exact: true }).waitFor({ timeout: 60_000 });
  await until('nothing of the agent’s waits', async () => (await log.getByText(/Not sent yet|sending…/).count()) === 0, 60_000);

  await baton.mayWrite(false);
  await write('The third.');
  await message('The third.').getByText(/Not sent yet/).waitFor();
  await answer('Another answer.');
  await log.getByText(/Not sent yet/).waitFor();
  await baton.mayWrite(true);
  await message('The third.').getByRole('button', { name: 'Try now' }).click();
  await isStored('The third.');
  await log.getByRole('button', { name: 'Try now' }).click().catch(() => {});
  await widget.getByText('Another answer.', { exact: true }).waitFor({ timeout: 60_000 });

  const { conversations } = await admin.call('GET', '/conversations');
  const { entries } = await admin.call('GET', `/conversations/${conversations[0].conversation}`);
  const said = (/** @type {string} */ kind) => entries.filter((/** @type {any} */ entry) => entry.kind === 'message' && entry.author.kind === kind).map((/** @type {any} */ entry) => entry.text);
  assert.deepEqual(said('visitor'), ['I want to talk to a person, please.', 'The first of two.', 'The second of two.', 'The third.'], 'once and in order');
  assert.deepEqual(said('agent'), ['An answer of mine.', 'Another answer.']);
  for (const { problems } of [agent, visitor]) assert.deepEqual(problems, []);
});
