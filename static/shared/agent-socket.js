// The connection of an agent to the server: many conversations at once. How a
// connection is lost and found again is in socket.js.

import { ResumingSocket } from './socket.js';

/** @import { Frame, SocketOptions } from './socket-types.d.ts' */

/** An agent's connection. It follows every conversation that is watched, by its internal position. */
export class AgentSocket extends ResumingSocket {
  /** @type {Map<string, number>} */ #watched = new Map();

  constructor(/** @type {SocketOptions} */ options) {
    super('/ws/agent', options);
  }

  /** Asks for a conversation's entries, from the beginning, and then for each new one. */
  watch(/** @type {string} */ conversation) {
    if (this.#watched.has(conversation)) return;
    this.#watched.set(conversation, 0);
    this.signal({ type: 'conversation.watch', conversation, after: 0 });
  }

  unwatch(/** @type {string} */ conversation) {
    if (this.#watched.delete(conversation)) this.signal({ type: 'conversation.unwatch', conversation });
  }

  resumption() {
    return [...this.#watched].map(([conversation, after]) => ({ type: 'conversation.watch', conversation, after }));
  }

  /** @param {Frame} frame */
  accept(frame) {
    if (frame.type !== 'entry') return true;
    const seen = this.#watched.get(frame.conversation);
    if (seen === undefined || frame.position <= seen) return false;
    this.#watched.set(frame.conversation, frame.position);
    return true;
  }

  forget() {
    for (const conversation of this.#watched.keys()) this.#watched.set(conversation, 0);
  }
}
