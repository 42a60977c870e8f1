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
  environment?: Environment;
};
