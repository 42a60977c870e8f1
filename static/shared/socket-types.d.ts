// The types of socket.js, apart from it so that no visitor downloads them.

export type Frame = { type: string; [field: string]: any };

/**
 * What the page shows of the connection. `retry_at` is when the next try
 * begins, `reason` the close code's name or the code of the refused ticket.
 */
export type SocketState = {
  phase: 'idle' | 'connecting' | 'live' | 'waiting' | 'stopped';
  attempt: number;
  retry_at: number | null;
  reason: string | null;
};

/** A command that is not answered yet. `again_at` is when it is sent again because it could not be stored. */
export type Pending = {
  frame: Frame;
  sent_at: number | null;
  tries: number;
  again_at: number | null;
  answer: PromiseWithResolvers<Frame> | null;
};

/** What the socket needs of the world; tests bring their own. */
export type Environment = {
  WebSocket: new (url: string) => WebSocket;
  setTimeout: (run: () => void, ms: number) => any;
  clearTimeout: (timer: any) => void;
  now: () => number;
  random: () => number;
  location: { href: string };
  addEventListener?: (type: string, listener: () => void) => void;
};

export type SocketOptions = {
  /**
   * Brings a fresh one-use ticket. An error with a `status` of 400 to 499 (but
   * 408, 425, 429) stops the socket with its `code`; any other is tried again.
   */
  ticket: () => Promise<string>;
  /** Every frame once and in order, `hello`, `ack` and `error` included. */
  onFrame: (frame: Frame) => void;
  onState?: (state: SocketState) => void;
  /** The server's history is another one: forget everything shown. */
  onRestart?: () => void;
  /** Commands from before a reload, sent again under their ids. */
  pending?: Frame[];
  /** The commands not yet answered, whenever that changes. */
  onPending?: (commands: Frame[]) => void;
  /** This text could not be stored. It is sent again by itself, or with `sendAgain`; given up, it comes as an error. */
  onHeld?: (command: Frame) => void;
  environment?: Environment;
};
