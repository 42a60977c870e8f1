// Pure pieces of the composer: what `/` and `@` mean while somebody types.

/** @typedef {{ id?: string, shortcut: string, text: string }} Canned */

/**
 * The canned-reply search under the caret: a `/` at the start of a line or after
 * a space, and what follows it up to the caret. Null when there is none.
 * @param {string} text
 * @param {number} caret
 * @returns {{ from: number, query: string } | null}
 */
export function cannedAt(text, caret) {
  const match = /(?:^|\s)\/([\p{L}\p{N}_-]*)$/u.exec(text.slice(0, caret));
  return match ? { from: caret - match[1].length - 1, query: match[1] } : null;
}

/**
 * Canned replies for a search: shortcuts that begin with it first, then those
 * that contain it, then texts that do.
 * @param {Canned[]} canned
 * @param {string} query
 * @returns {Canned[]}
 */
export function cannedFor(canned, query, most = 8) {
  const wanted = query.toLocaleLowerCase();
  const rank = (/** @type {Canned} */ { shortcut, text }) => {
    const name = bare(shortcut).toLocaleLowerCase();
    if (name.startsWith(wanted)) return 0;
    if (name.includes(wanted)) return 1;
    return text.toLocaleLowerCase().includes(wanted) ? 2 : 3;
  };
  return canned
    .map((reply) => ({ reply, rank: rank(reply) }))
    .filter(({ rank: value }) => value < 3)
    .sort((a, b) => a.rank - b.rank || a.reply.shortcut.localeCompare(b.reply.shortcut))
    .slice(0, most)
    .map(({ reply }) => reply);
}

/** A shortcut without its leading slash, however it was written. */
export const bare = (/** @type {string} */ shortcut) => shortcut.replace(/^\/+/, '');

/**
 * Puts a canned reply where its search stood. Answers the new text and where the caret goes.
 * @param {string} text
 * @param {number} caret
 * @param {{ from: number }} at
 * @param {string} reply
 */
export function insertCanned(text, caret, at, reply) {
  const before = text.slice(0, at.from) + reply;
  return { text: before + text.slice(caret), caret: before.length };
}

/** True when the first thing typed asks for a note: an `@` in an empty reply. */
export function asksForNote(/** @type {string} */ before, /** @type {string} */ after) {
  return before === '' && after === '@';
}
