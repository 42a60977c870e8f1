// The console's state: a pure reducer (state, frame) -> state over the frames of
// the agent's socket, and over a few local ones that begin with "local.".
//
// It touches no clock, no storage and no page. What it is fed with is in
// tests/snapshots/agent_frames.json, shared with the gateway.

/** @typedef {Record<string, any>} Frame a frame of the agent's socket, as in docs/protocol.md */
/** @typedef {Record<string, any>} Card */
/** @typedef {Record<string, any>} Entry */

/**
 * What is known of one conversation that is open or ours.
 * @typedef {{
 *   id: string,
 *   packet: Frame|null,
 *   entries: Entry[],
 *   position: number,
 *   caughtUp: boolean,
 *   typing: Record<string, string>,
 *   readSeq: number,
 *   problem: {code: string}|null,
 * }} Room
 */

/**
 * A command on its way. A message or a note stays until its entry is seen; any other leaves with its ack.
 * @typedef {{ frame: Frame, at: string, status: 'sending'|'held'|'failed', code: string|null, position: number|null }} Pending
 */

/**
 * @typedef {{
 *   link: 'connecting'|'open'|'reconnecting'|'ended',
 *   ended: string|null,
 *   historyId: string|null,
 *   account: {id: string, name: string, role: string}|null,
 *   presence: 'online'|'away'|'offline',
 *   capacity: {max: number, used: number},
 *   threshold: number|null,
 *   dispositions: string[],
 *   overview: Frame|null,
 *   offers: Record<string, Frame>,
 *   rooms: Record<string, Room>,
 *   pending: Record<string, Pending>,
 *   open: string|null,
 *   news: {id: string, code: string, name?: string, command?: string}[],
 * }} State
 */

/** @returns {State} */
export function initial() {
  return {
    link: 'connecting',
    ended: null,
    historyId: null,
    account: null,
    presence: 'offline',
    capacity: { max: 0, used: 0 },
    threshold: null,
    dispositions: [],
    overview: null,
    offers: {},
    rooms: {},
    pending: {},
    open: null,
    news: [],
  };
}

/**
 * @param {State} state
 * @param {Frame} frame
 * @returns {State}
 */
export function reduce(state, frame) {
  const step = Object.hasOwn(STEPS, frame.type) ? STEPS[frame.type] : null;
  return step ? step(state, frame) : state;
}

/** @type {Record<string, (state: State, frame: Frame) => State>} */
const STEPS = {
  hello(state, frame) {
    const isSameStore = state.historyId === null || state.historyId === frame.history_id;
    return {
      ...state,
      link: 'open',
      ended: null,
      historyId: frame.history_id,
      account: frame.account,
      presence: frame.presence,
      capacity: frame.capacity,
      threshold: frame.threshold ?? null,
      dispositions: frame.dispositions ?? [],
      // Offers are told again after a reconnect; an old one may be long gone.
      offers: {},
      rooms: isSameStore ? mapValues(state.rooms, (room) => ({ ...room, caughtUp: false, typing: {}, problem: null })) : {},
    };
  },

  overview(state, frame) {
    const next = { ...state, overview: frame, presence: frame.presence, capacity: frame.capacity };
    // An offer that the list no longer knows is over, whatever else was lost on the way.
    const listed = [...frame.waiting, ...frame.mine];
    const offered = new Set(listed.filter((card) => isOfferTo(card, state.account)).map((card) => card.offer.id));
    const kept = Object.entries(state.offers).filter(([id, offer]) => offered.has(offer.offer) || !listed.some((card) => card.conversation === id && card.state !== 'offered'));
    if (kept.length !== Object.keys(state.offers).length) next.offers = Object.fromEntries(kept);
    const cards = new Map([...frame.waiting, ...frame.mine, ...frame.left].map((/** @type {Card} */ card) => [card.conversation, card]));
    for (const [id, room] of Object.entries(state.rooms)) {
      if (!room.packet) continue;
      const card = cards.get(id) ?? (hasMovedOn(state, id) ? { ...room.packet.card, state: 'elsewhere', offer: null } : room.packet.card);
      if (card !== room.packet.card) next.rooms = { ...next.rooms, [id]: { ...room, packet: { ...room.packet, card } } };
    }
    return next;
  },

  offer(state, frame) {
    return { ...state, offers: { ...state.offers, [frame.conversation]: frame } };
  },

  'offer.gone'(state, frame) {
    const offer = state.offers[frame.conversation];
    if (!offer || offer.offer !== frame.offer) return state;
    const next = { ...state, offers: without(state.offers, frame.conversation) };
    if (frame.why === 'expired' || frame.why === 'withdrawn') {
      return say(next, { id: `${frame.offer}:${frame.why}`, code: `offer_${frame.why}`, name: offer.card?.visitor?.name });
    }
    return next;
  },

  packet(state, frame) {
    return inRoom(state, frame.conversation, (room) => ({ ...room, packet: frame, problem: null }));
  },

  entry(state, frame) {
    const next = inRoom(state, frame.conversation, (room) => withEntry(room, frame));
    // The entry is the proof that it is stored, whichever of it and its ack comes first.
    const own = Object.entries(next.pending).find(
      ([id, pending]) => id === frame.client_id || (pending.position !== null && pending.position === frame.position && pending.frame.conversation === frame.conversation),
    );
    return own ? { ...next, pending: without(next.pending, own[0]) } : next;
  },

  analysis(state, frame) {
    return inRoom(state, frame.conversation, (room) => ({
      ...room,
      entries: room.entries.map((entry) => (entry.position === frame.position ? { ...entry, analysis: frame.analysis } : entry)),
    }));
  },

  caught_up(state, frame) {
    return inRoom(state, frame.conversation, (room) => ({ ...room, caughtUp: true, position: Math.max(room.position, frame.position ?? 0) }));
  },

  ack(state, frame) {
    const pending = state.pending[frame.client_id];
    if (!pending) return state;
    const { conversation, type } = pending.frame;
    if (isText(pending.frame)) {
      const isSeen = state.rooms[conversation]?.entries.some((entry) => entry.position === frame.position);
      const rest = isSeen ? without(state.pending, frame.client_id) : { ...state.pending, [frame.client_id]: { ...pending, position: frame.position ?? null } };
      return { ...state, pending: rest };
    }
    const next = { ...state, pending: without(state.pending, frame.client_id) };
    if (type === 'offer.accept' || type === 'offer.decline') next.offers = without(state.offers, conversation);
    return type === 'offer.accept' || type === 'conversation.take' ? ours(next, conversation) : next;
  },

  error(state, frame) {
    const pending = frame.client_id ? state.pending[frame.client_id] : null;
    if (pending && isText(pending.frame)) {
      return { ...state, pending: { ...state.pending, [frame.client_id]: { ...pending, status: 'failed', code: frame.code } } };
    }
    if (pending) {
      const { conversation, type } = pending.frame;
      const name = cardOf(state, conversation)?.visitor?.name;
      const next = { ...state, pending: without(state.pending, frame.client_id) };
      // Somebody was faster, or it ran out: the row must not invite a second try.
      if (type === 'offer.accept' || type === 'offer.decline') next.offers = without(state.offers, conversation);
      return say(next, { id: frame.client_id, code: frame.code, name, command: type });
    }
    if (frame.conversation && state.rooms[frame.conversation]) {
      return inRoom(state, frame.conversation, (room) => ({ ...room, problem: { code: frame.code } }));
    }
    // A command without a client id was refused: watching is the only one whose silence would leave a page empty.
    const open = state.open ? state.rooms[state.open] : null;
    if (open && !open.packet && ['not_found', 'not_allowed', 'forbidden', 'rejected'].includes(frame.code)) {
      return inRoom(state, open.id, (room) => ({ ...room, problem: { code: frame.code } }));
    }
    // What else goes without a client id is typing and reading: worth nothing later, and nobody's news.
    const isNews = ['rate_limited', 'store_unavailable', 'unknown_type'].includes(frame.code);
    return isNews ? say(state, { id: `error:${frame.code}`, code: frame.code }) : state;
  },

  typing(state, frame) {
    return inRoom(state, frame.conversation, (room) => {
      const key = frame.who === 'agent' ? `agent:${frame.name ?? ''}` : frame.who;
      return { ...room, typing: frame.typing ? { ...room.typing, [key]: frame.name ?? '' } : without(room.typing, key) };
    });
  },

  read(state, frame) {
    if (frame.by !== 'visitor') return state;
    return inRoom(state, frame.conversation, (room) => ({ ...room, readSeq: Math.max(room.readSeq, frame.seq) }));
  },

  'local.link'(state, frame) {
    return { ...state, link: frame.link, ended: frame.ended ?? null };
  },

  'local.open'(state, frame) {
    if (!frame.conversation) return { ...state, open: null };
    const next = inRoom(state, frame.conversation, (room) => ({ ...room, problem: null }));
    return { ...next, open: frame.conversation };
  },

  /** A conversation that is neither open nor ours is forgotten: what is watched is what is kept. */
  'local.forget'(state, frame) {
    // What was acknowledged is stored, and will be there when the conversation is opened again.
    const pending = Object.fromEntries(Object.entries(state.pending).filter(([, own]) => own.position === null || own.frame.conversation !== frame.conversation));
    return { ...state, rooms: without(state.rooms, frame.conversation), pending };
  },

  'local.command'(state, frame) {
    const { command, at } = frame;
    const pending = { frame: command, at, status: /** @type {const} */ ('sending'), code: null, position: null };
    return { ...state, pending: { ...state.pending, [command.client_id]: pending } };
  },

  'local.retry'(state, frame) {
    const pending = state.pending[frame.client_id];
    if (!pending) return state;
    return { ...state, pending: { ...state.pending, [frame.client_id]: { ...pending, status: 'sending', code: null } } };
  },

  /** It could not be stored yet, and is sent again by itself. */
  'local.held'(state, frame) {
    const pending = state.pending[frame.client_id];
    return pending ? { ...state, pending: { ...state.pending, [frame.client_id]: { ...pending, status: 'held', code: null } } } : state;
  },

  'local.discard'(state, frame) {
    return { ...state, pending: without(state.pending, frame.client_id) };
  },

  /** Texts that an earlier page of this browser sent and never saw stored: shown as not sent, never sent by themselves. */
  'local.restore'(state, frame) {
    const restored = Object.fromEntries(
      frame.commands.map((/** @type {{frame: Frame, at: string}} */ command) => [
        command.frame.client_id,
        { frame: command.frame, at: command.at, status: 'failed', code: 'unknown', position: null },
      ]),
    );
    return { ...state, pending: { ...restored, ...state.pending } };
  },

  'local.account'(state, frame) {
    return { ...state, account: state.account && { ...state.account, name: frame.name } };
  },

  'local.say'(state, frame) {
    return say(state, frame.news);
  },

  'local.dismiss'(state, frame) {
    return { ...state, news: state.news.filter(({ id }) => id !== frame.id) };
  },
};

/** Whether a command carries text of the agent, which must never be lost. */
export function isText(/** @type {Frame} */ frame) {
  return frame.type === 'message.send' || frame.type === 'note.add';
}

/** True for a conversation that stood in a list until now as waiting or ours: where it went, nobody tells us. */
function hasMovedOn(/** @type {State} */ state, /** @type {string} */ id) {
  const { overview, account, rooms } = state;
  const card = rooms[id]?.packet?.card;
  if (!overview || !card || underway(state, id, 'offer.accept', 'conversation.take')) return false;
  const wasListed = [...overview.waiting, ...overview.mine, ...overview.left].some((one) => one.conversation === id);
  return wasListed && (['waiting', 'offered', 'left_message'].includes(card.state) || card.agent?.id === account?.id);
}

function isOfferTo(/** @type {Card} */ card, /** @type {State['account']} */ account) {
  return card.state === 'offered' && card.offer && account && (card.offer.agent?.id ?? card.offer.agent) === account.id;
}

/**
 * @param {State} state
 * @param {string} id
 * @param {(room: Room) => Room} change
 * @returns {State}
 */
function inRoom(state, id, change) {
  const room = state.rooms[id] ?? { id, packet: null, entries: [], position: 0, caughtUp: false, typing: {}, readSeq: 0, problem: null };
  return { ...state, rooms: { ...state.rooms, [id]: change(room) } };
}

/** The ack of an accept is the commit: the conversation is ours before the next overview says so. */
function ours(/** @type {State} */ state, /** @type {string} */ id) {
  const known = cardOf(state, id);
  if (!known || known.state === 'agent') return state;
  const card = { ...known, state: 'agent', agent: state.account && { id: state.account.id, name: state.account.name }, offer: null };
  const { overview } = state;
  const other = (/** @type {Card} */ one) => one.conversation !== id;
  const moved = overview && {
    ...overview,
    waiting: overview.waiting.filter(other),
    waiting_total: Math.max(0, overview.waiting_total - (overview.waiting.every(other) ? 0 : 1)),
    left: overview.left.filter(other),
    mine: [...overview.mine.filter(other), card],
  };
  const room = state.rooms[id];
  const rooms = room?.packet ? { ...state.rooms, [id]: { ...room, packet: { ...room.packet, card } } } : state.rooms;
  return { ...state, overview: moved, rooms };
}

/** Entries come in order; a repeated one changes nothing, a late one goes to its place. */
function withEntry(/** @type {Room} */ room, /** @type {Entry} */ entry) {
  const last = room.entries.at(-1);
  let entries;
  if (!last || last.position < entry.position) {
    entries = [...room.entries, entry];
  } else {
    const at = room.entries.findIndex((known) => known.position >= entry.position);
    if (room.entries[at].position === entry.position) return room;
    entries = room.entries.toSpliced(at, 0, entry);
  }
  // Who has written is not typing any more.
  const typing = entry.kind === 'message' ? without(room.typing, entry.author.kind === 'agent' ? `agent:${entry.author.name ?? ''}` : entry.author.kind) : room.typing;
  return { ...room, entries, typing, position: Math.max(room.position, entry.position) };
}

function say(/** @type {State} */ state, /** @type {State['news'][number]} */ news) {
  return { ...state, news: [...state.news.filter(({ id }) => id !== news.id), news].slice(-3) };
}

/**
 * @template T
 * @param {Record<string, T>} record
 * @param {string} key
 */
function without(record, key) {
  if (!Object.hasOwn(record, key)) return record;
  const { [key]: _gone, ...rest } = record;
  return rest;
}

/**
 * @template T
 * @param {Record<string, T>} record
 * @param {(value: T) => T} change
 */
function mapValues(record, change) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

// What the pages ask of a state.

/** The newest card of a conversation, from wherever it is known. */
export function cardOf(/** @type {State} */ state, /** @type {string|null|undefined} */ id) {
  if (!id) return null;
  const { overview } = state;
  for (const list of overview ? [overview.mine, overview.waiting, overview.left] : []) {
    const card = list.find((/** @type {Card} */ known) => known.conversation === id);
    if (card) return card;
  }
  return state.rooms[id]?.packet?.card ?? state.offers[id]?.card ?? null;
}

/**
 * The list from top to bottom, as it is drawn and as J and K walk it. Everyone
 * else's order is the server's; a row never moves for a reason of ours.
 * @returns {{offers: {card: Card, offer: Frame}[], waiting: Card[], more: number, mine: Card[], left: Card[], done: number}}
 */
export function lists(/** @type {State} */ state) {
  const { overview, account } = state;
  /** @type {Record<string, Frame>} */
  const offers = { ...state.offers };
  // A conversation offered to us may stand among those that wait or among ours: here it is an offer, once.
  const listed = [...(overview?.waiting ?? []), ...(overview?.mine ?? [])];
  for (const card of listed) {
    if (isOfferTo(card, account) && !offers[card.conversation]) {
      offers[card.conversation] = { type: 'offer', conversation: card.conversation, offer: card.offer.id, expires_at: card.offer.expires_at, card };
    }
  }
  const rows = Object.values(offers)
    .map((offer) => ({ offer, card: listed.find((card) => card.conversation === offer.conversation) ?? offer.card }))
    .filter(({ card }) => card)
    .sort((a, b) => (a.offer.expires_at < b.offer.expires_at ? -1 : 1));
  const waiting = (overview?.waiting ?? []).filter((/** @type {Card} */ card) => !offers[card.conversation]);
  const shown = overview?.waiting.length ?? 0;
  return {
    offers: rows,
    waiting,
    more: Math.max(0, (overview?.waiting_total ?? shown) - shown),
    mine: (overview?.mine ?? []).filter((/** @type {Card} */ card) => !offers[card.conversation]),
    left: overview?.left ?? [],
    done: overview?.done_today ?? 0,
  };
}

/** Ids of the rows in the order they are drawn. */
export function rowIds(/** @type {State} */ state) {
  const { offers, waiting, mine, left } = lists(state);
  return [...offers.map(({ card }) => card), ...waiting, ...mine, ...left].map((card) => card.conversation);
}

/** The entries of a room and after them the texts that are on their way or were not sent. */
export function transcript(/** @type {State} */ state, /** @type {string} */ id) {
  const entries = state.rooms[id]?.entries ?? [];
  const sent = Object.values(state.pending)
    .filter(({ frame }) => isText(frame) && frame.conversation === id)
    .map((pending) => ({ pending }));
  return { entries, sent };
}

/** The command of this type that is on its way for this conversation, if any. */
export function underway(/** @type {State} */ state, /** @type {string} */ conversation, /** @type {string[]} */ ...types) {
  return Object.values(state.pending).find(({ frame, status }) => status === 'sending' && frame.conversation === conversation && types.includes(frame.type)) ?? null;
}

/** What this agent may do with a conversation now. */
export function abilities(/** @type {State} */ state, /** @type {string|null} */ id) {
  const none = { accept: false, take: false, reply: false, note: false, transfer: false, handBack: false, resolve: false, wrapUp: false };
  const card = id ? cardOf(state, id) : null;
  if (!card || !id) return none;
  const isOffered = lists(state).offers.some(({ offer }) => offer.conversation === id);
  const isMine = card.agent?.id === state.account?.id && Boolean(state.account);
  const isHeld = isMine && card.state === 'agent';
  return {
    accept: isOffered,
    take: !isOffered && (card.state === 'waiting' || card.state === 'left_message'),
    reply: isHeld,
    note: isHeld || (isMine && card.state === 'wrap_up'),
    transfer: isHeld,
    handBack: isHeld,
    resolve: isHeld,
    wrapUp: isMine && card.state === 'wrap_up',
  };
}

/** Conversations whose news must reach this page: the open one and our own. */
export function wanted(/** @type {State} */ state) {
  const ids = new Set((state.overview?.mine ?? []).map((/** @type {Card} */ card) => card.conversation));
  if (state.open) ids.add(state.open);
  return ids;
}

/** The highest position and visitor sequence that are on the page. */
export function seenUpTo(/** @type {State} */ state, /** @type {string} */ id) {
  const entries = state.rooms[id]?.entries ?? [];
  return entries.at(-1)?.position ?? 0;
}
