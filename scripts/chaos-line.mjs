// One line of JSON for a part of `make chaos`, from the lines that its tests printed; with
// `summary`, the table of all lines.

import { readFileSync } from 'node:fs';

const lines = readFileSync(0, 'utf8').split('\n').filter((line) => line.startsWith('{'));
/** @param {string} line */
const parse = (line) => {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
};
const found = lines.map(parse).filter((line) => line !== null);

if (process.argv[2] === 'summary') {
  /** @type {Map<string, any>} */
  const parts = new Map();
  for (const { chaos, ok, n, seconds, figures } of found) {
    const part = parts.get(chaos) ?? { runs: 0, failed: 0, n: 0, seconds: 0, sums: {} };
    part.runs += 1;
    part.failed += ok ? 0 : 1;
    part.n += ok ? n : 0;
    part.seconds += seconds;
    // A part that failed counts for nothing.
    for (const [name, value] of Object.entries(ok ? figures : {})) {
      if (typeof value !== 'number' || name === 'seconds' || name === 'seed') continue;
      const isCount = Number.isInteger(value) && !/_(s|ms|kb|pct)\b/.test(name);
      part.sums[name] = isCount ? (part.sums[name] ?? 0) + value : Math.max(part.sums[name] ?? -Infinity, value);
    }
    parts.set(chaos, part);
  }
  console.log('| part | done | runs | failed | seconds | figures (counts summed, measures at their highest) |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const [name, part] of parts) {
    const figures = Object.entries(part.sums).map(([key, value]) => `${key} ${value.toLocaleString('en')}`).join(', ');
    console.log(`| ${name} | ${part.n} | ${part.runs} | ${part.failed} | ${part.seconds} | ${figures} |`);
  }
} else {
  const { CHAOS_PART, CHAOS_FROM, CHAOS_N, CHAOS_OK, CHAOS_COMMIT, CHAOS_SECONDS, CHAOS_DATE } = process.env;
  const figures = Object.assign({}, ...found.map(({ part: _part, ...rest }) => rest));
  console.log(JSON.stringify({
    chaos: CHAOS_PART, from: Number(CHAOS_FROM), n: Number(CHAOS_N), ok: CHAOS_OK === 'true',
    seed: figures.seed ?? null, seconds: Number(CHAOS_SECONDS), date: CHAOS_DATE, commit: CHAOS_COMMIT, figures,
  }));
}
