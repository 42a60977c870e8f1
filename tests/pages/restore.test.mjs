// A restore as people at their screens live through it: the widget and the agent's
// console stay open, notice another history, forget what the backup does not hold, and
// go on. Real binary, real backup.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BINARY, bothSides, openChromium, startBaton, until } from './support.mjs';

const skip = BINARY ? false : 'set BATON_BIN to the binary to test';

/** @type {Awaited<ReturnType<typeof startBaton>>} */ let baton;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {string} */ let shelf;

before(async () => {
  if (skip) return;
  shelf = await mkdtemp(join(tmpdir(), 'baton-backup-'));
  baton = await startBaton({ demo: true });
  browser = await openChromium();
});

after(async () => {
  await browser?.close();
  await baton?.stop();
  if (shelf) await rm(shelf, { recursive: true, force: true });
});

/** Runs a command and reads the JSON it answers with. */
async function run(/** @type {string[]} */ ...arguments_) {
  const { stdout } = await promisify(execFile)(BINARY, arguments_);
  return JSON.parse(stdout);
}

test('widget and console start over after a restore, and nothing of before stands beside it', { skip }, async () => {
  const { agent, log, widget } = await bothSides(baton, browser);
  const say = async (/** @type {string} */ text) => {
    await widget.locator('textarea').fill(text);
    await widget.locator('textarea').press('Enter');
    await until(`"${text}" is stored`, async () => (await widget.locator('.message.visitor.sending').count()) === 0 && (await widget.getByText(text, { exact: true }).count()) > 0);
  };
  const told = async (/** @type {string} */ text) => {
    await agent.page.locator('[data-composer]').fill(text);
    await agent.page.keyboard.press('Enter');
    await widget.getByText(text, { exact: true }).waitFor();
  };
  await say('I want to talk to a person, please.');
  const offer = agent.page.locator('.item-offer').first();
  await offer.waitFor();
  await until('the offer has the focus', () => agent.page.evaluate(() => /** @type {HTMLElement|null} */ (document.activeElement)?.dataset.kind === 'offer'));
  await agent.page.keyboard.press('Enter');
  await log.getByText('I want to talk to a person, please.').waitFor();
  await told('I am looking for it.');

  const folder = join(shelf, 'monday');
  const made = await run('backup', '--data', baton.folder, '--to', folder);
  await say('This comes after the backup.');
  await told('So does this.');
  await log.getByText('This comes after the backup.').waitFor();

  await baton.restart('SIGTERM', async () => {
    const restored = await run('restore', '--from', folder, '--data', baton.folder, '--replace');
    assert.notEqual(restored.history_id, made.history_id);
  });
  // Nobody reloads: both pages come back by themselves and show what the backup holds.
  for (const [who, frame] of /** @type {[string, any][]} */ ([['the visitor', widget], ['the agent', log]])) {
    await until(`${who} sees the restored store`, async () => (await frame.getByText('So does this.', { exact: true }).count()) === 0 && (await frame.getByText('I am looking for it.', { exact: true }).count()) === 1, 40_000);
    assert.equal(await frame.getByText('This comes after the backup.', { exact: true }).count(), 0, who);
  }
  await say('Are you still there?');
  await log.getByText('Are you still there?').waitFor();
  assert.deepEqual(agent.problems.filter((/** @type {string} */ problem) => !/WebSocket|Failed to (load|fetch)|ERR_/.test(problem)), []);
});
