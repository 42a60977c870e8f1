import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, keeps, lasts } from './storage.js';

test('sizes are short', () => {
  assert.equal(bytes(0), '0 bytes');
  assert.equal(bytes(999), '999 bytes');
  assert.equal(bytes(1000), '1.0 kB');
  assert.equal(bytes(1_234_567), '1.2 MB');
  assert.equal(bytes(999_600), '1.0 MB');
  assert.equal(bytes(345_600_000_000), '346 GB');
  assert.equal(bytes(-2_500), '−2.5 kB');
});

test('what is not known is not guessed', () => {
  const storage = { free_bytes: 50_000_000_000, growth_bytes_per_day: null, days_left: null };
  assert.match(lasts(storage), /not measured yet/);
  assert.match(lasts({ ...storage, growth_bytes_per_day: 1_000_000, days_left: 50_000 }), /more than ten years/);
  assert.match(lasts({ ...storage, growth_bytes_per_day: 25_000_000_000, days_left: 2 }), /25\.0 GB a day: room for 2 days/);
  assert.match(lasts({ ...storage, growth_bytes_per_day: -5, days_left: null }), /does not grow/);
  assert.match(lasts({ ...storage, free_bytes: null }), /another machine/);
});

test('how long conversations are kept', () => {
  assert.match(keeps({ keep_closed_s: null, removed: { conversations: 0 } }), /for ever/);
  assert.equal(keeps({ keep_closed_s: 400 * 86_400, removed: { conversations: 0 } }), 'Closed conversations are kept for 400 days.');
  assert.match(keeps({ keep_closed_s: 86_400, removed: { conversations: 7 } }), /a day\. 7 were removed; their numbers stay/);
});
