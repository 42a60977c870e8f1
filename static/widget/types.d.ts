// The types of the widget, apart from it so that no visitor downloads them.

export type { Frame } from '../shared/socket-types.d.ts';

/** A line of the log, as the server stored it. */
export type Line = {
  key: string;
  conversation: string;
  seq: number;
  at: string;
  kind: 'message' | 'notice';
  author: { kind: 'visitor' | 'bot' | 'agent' | 'system'; name?: string };
  text?: string;
  code?: string;
  params?: Record<string, any>;
  /** Only on what the visitor wrote. */
  client_id?: string;
};

/** A message written here that is not in the log yet. */
export type Outgoing = { client_id: string; text: string; at: string; status: 'sending' | 'held' | 'sent' | 'failed'; code: string | null };

export type Status = {
  state: 'none' | 'bot' | 'waiting' | 'agent' | 'left_message' | 'closed';
  position: number | null;
  /** Null is "we can't tell yet"; `from` is how many measured waits stand behind it. */
  estimate: { low_s: number; high_s: number; from: number } | null;
  agent: string | null;
  people: 'available' | 'nobody' | 'closed';
  opens_at: string | null;
  may_rate: boolean;
};

export type State = {
  connection: { phase: string; reason: string | null };
  has_been_live: boolean;
  /** The history is here: what comes now is new. */
  is_caught_up: boolean;
  /** The visitor sees the panel. */
  is_open: boolean;
  widget: { name: string; greeting: string; accent: string; locale: string } | null;
  message_chars: number;
  conversation: string | null;
  lines: Line[];
  outgoing: Outgoing[];
  status: Status;
  typing: 'bot' | 'agent' | null;
  /** An agent has seen everything up to here. */
  seen_by_agent: number;
  /** The visitor has seen everything up to here. */
  read: number;
  /** The client id of the request for a person that is under way. */
  asking: string | null;
  /** What did not work, to be said beside its button. */
  failed: 'talk' | 'email' | 'rate' | 'end' | 'bot' | null;
  rating: 'open' | 'sent' | 'skipped';
  /** The form for an e-mail address is open. */
  is_leaving: boolean;
};

export type Actions = {
  send: (text: string) => void;
  retry: (client_id: string) => void;
  /** What could not be stored yet is tried now. */
  sendNow: (client_id: string) => void;
  remove: (client_id: string) => void;
  talk: () => void;
  goOn: () => void;
  leaving: (is_leaving: boolean) => void;
  leave: (email: string) => void;
  end: () => void;
  rate: (score: number, comment: string) => void;
  skipRating: () => void;
  typing: (is_typing: boolean) => void;
  draft: (draft: string) => void;
  close: () => void;
  tryNow: () => void;
  useHere: () => void;
  /** The log moved: what is on the screen may have been read. */
  looked: () => void;
};
