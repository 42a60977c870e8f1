// Opening hours as a week that one can edit, and what is wrong with them. Pure.

export const DAYS = Object.freeze([
  ['mon', 'Monday'], ['tue', 'Tuesday'], ['wed', 'Wednesday'], ['thu', 'Thursday'], ['fri', 'Friday'], ['sat', 'Saturday'], ['sun', 'Sunday'],
]);

/** @typedef {{ timezone: string, days: Record<string, [string, string][]>, holidays: string[] }} Hours */

/** @returns {Hours} */
export function officeHours(/** @type {string} */ timezone) {
  return { timezone, days: Object.fromEntries(['mon', 'tue', 'wed', 'thu', 'fri'].map((day) => [day, [['09:00', '17:30']]])), holidays: [] };
}

/** Minutes since midnight; null when it is no time of day. `24:00` is the end of the day. */
export function minutes(/** @type {string} */ text) {
  const found = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (!found) return null;
  const total = Number(found[1]) * 60 + Number(found[2]);
  return Number(found[2]) < 60 && total <= 1440 ? total : null;
}

/**
 * What is wrong, by `day.index`, `timezone` and `holidays.index`.
 * @param {Hours} hours
 * @returns {Record<string, string>}
 */
export function problems(hours) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const [day] of DAYS) {
    const spans = hours.days[day] ?? [];
    spans.forEach(([from, to], index) => {
      const [start, end] = [minutes(from), minutes(to)];
      if (start === null || end === null) found[`${day}.${index}`] = 'Write times as 09:00.';
      else if (start >= end) found[`${day}.${index}`] = 'It closes before it opens.';
      else if (spans.some(([from2, to2], other) => other < index && start < (minutes(to2) ?? 0) && (minutes(from2) ?? 0) < end)) found[`${day}.${index}`] = 'Two spans overlap.';
    });
  }
  if (!isZone(hours.timezone)) found.timezone = 'This time zone is not known.';
  hours.holidays.forEach((date, index) => {
    if (!isDate(date)) found[`holidays.${index}`] = 'Write the date as 2026-12-25.';
  });
  return found;
}

export function isDate(/** @type {string} */ text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

export function isZone(/** @type {string} */ name) {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name !== '';
  } catch {
    return false;
  }
}

/** The week in few words: `Mon–Fri 09:00–17:30, Sat closed`. */
export function summary(/** @type {Hours | null} */ hours) {
  if (!hours) return 'Always open';
  const short = DAYS.map(([day, name]) => ({ name: name.slice(0, 3), said: (hours.days[day] ?? []).map(([from, to]) => `${from}–${to}`).join(' and ') }));
  /** @type {{ from: string, to: string, said: string }[]} */
  const runs = [];
  for (const { name, said } of short) {
    const last = runs[runs.length - 1];
    if (last && last.said === said) last.to = name;
    else runs.push({ from: name, to: name, said });
  }
  const open = runs.filter(({ said }) => said !== '');
  if (open.length === 0) return 'Never open';
  return open.map(({ from, to, said }) => `${from === to ? from : `${from}–${to}`} ${said}`).join(', ');
}

/** Whether it is open now, by the queue's own clock. */
export function isOpen(/** @type {Hours | null} */ hours, /** @type {number} */ now = Date.now()) {
  if (!hours || !isZone(hours.timezone)) return !hours;
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: hours.timezone, weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).formatToParts(new Date(now));
  const part = (/** @type {string} */ type) => parts.find((one) => one.type === type)?.value ?? '';
  if (hours.holidays.includes(`${part('year')}-${part('month')}-${part('day')}`)) return false;
  const minute = Number(part('hour')) * 60 + Number(part('minute'));
  return (hours.days[part('weekday').toLowerCase()] ?? []).some(([from, to]) => minute >= (minutes(from) ?? 0) && minute < (minutes(to) ?? 0));
}
