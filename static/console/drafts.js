// What was typed and not yet stored by the server, kept in this browser: one
// draft per conversation, and texts that were sent but not seen stored. Where
// storage is refused it lives as long as the page.

/** @typedef {{ text: string, mode: 'reply'|'note', at: number }} Draft */
/** @typedef {{ frame: Record<string, any>, at: string }} Sent */

const KEPT_DAYS = 30;

/** @type {Draft} */
const EMPTY = Object.freeze({ text: '', mode: 'reply', at: 0 });

/**
 * @param {Pick<Storage, 'getItem'|'setItem'|'removeItem'|'key'|'length'>|null} storage
 * @param {string} account whose drafts these are; another agent on this computer never sees them
 */
export function openDrafts(storage, account, now = Date.now()) {
  const prefix = `baton.draft.${account}.`;
  const outbox = `baton.sent.${account}`;
  /** @type {Map<string, Draft>} */
  const drafts = new Map();

  for (const key of keysOf(storage)) {
    if (!key.startsWith(prefix)) continue;
    const draft = parse(storage, key);
    if (draft && typeof draft.text === 'string' && now - draft.at < KEPT_DAYS * 86_400_000) drafts.set(key.slice(prefix.length), draft);
    else attempt(() => storage?.removeItem(key));
  }

  return {
    /** @returns {Draft} */
    get: (/** @type {string} */ conversation) => drafts.get(conversation) ?? EMPTY,

    set(/** @type {string} */ conversation, /** @type {string} */ text, /** @type {Draft['mode']} */ mode) {
      if (text === '' && mode === 'reply') {
        drafts.delete(conversation);
        attempt(() => storage?.removeItem(prefix + conversation));
        return;
      }
      const draft = { text, mode, at: Date.now() };
      drafts.set(conversation, draft);
      attempt(() => storage?.setItem(prefix + conversation, JSON.stringify(draft)));
    },

    /** Texts an earlier page sent and never saw stored. @returns {Sent[]} */
    sent() {
      const list = parse(storage, outbox);
      return Array.isArray(list) ? list.filter((sent) => typeof sent?.frame?.client_id === 'string') : [];
    },

    setSent(/** @type {Sent[]} */ sent) {
      if (sent.length === 0) attempt(() => storage?.removeItem(outbox));
      else attempt(() => storage?.setItem(outbox, JSON.stringify(sent)));
    },
  };
}

function keysOf(/** @type {Pick<Storage, 'key'|'length'>|null} */ storage) {
  return Array.from({ length: attempt(() => storage?.length) ?? 0 }, (_none, index) => attempt(() => storage?.key(index)) ?? '');
}

function parse(/** @type {Pick<Storage, 'getItem'>|null} */ storage, /** @type {string} */ key) {
  return attempt(() => JSON.parse(storage?.getItem(key) ?? 'null')) ?? null;
}

/**
 * Storage may be refused or full at any call; then the page's memory has to do.
 * @template T
 * @param {() => T} action
 * @returns {T|undefined}
 */
function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
