// What is said about the size of the database: pure words over the answer of
// /api/v1/storage. Not how it looks.

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** 1_234_567 → "1.2 MB". */
export function bytes(/** @type {number} */ n) {
  let value = Math.abs(n);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = unit === 0 || value >= 99.5 ? String(Math.round(value)) : value.toFixed(1);
  return `${n < 0 ? '−' : ''}${text} ${UNITS[unit]}`;
}

/** How long the disk lasts, as far as anybody can say. */
export function lasts(/** @type {any} */ storage) {
  if (storage.free_bytes === null) return 'The database is on another machine; look there for its room.';
  const growth = storage.growth_bytes_per_day;
  if (growth === null) return 'How fast it grows is not measured yet; that takes a day.';
  if (growth <= 0) return 'It does not grow at present.';
  const days = storage.days_left;
  const left = days > 3650 ? 'more than ten years' : days < 1 ? 'less than a day' : days === 1 ? 'a day' : `${days} days`;
  return `It grows by ${bytes(growth)} a day: room for ${left}.`;
}

/** How long closed conversations are kept. */
export function keeps(/** @type {any} */ storage) {
  if (storage.keep_closed_s === null) return 'Closed conversations are kept for ever.';
  const days = Math.floor(storage.keep_closed_s / 86_400);
  const gone = storage.removed.conversations;
  const until = `Closed conversations are kept for ${days === 1 ? 'a day' : `${days} days`}.`;
  return gone > 0 ? `${until} ${gone} were removed; their numbers stay.` : until;
}
