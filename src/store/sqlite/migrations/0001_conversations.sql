-- Conversations, their logs, handoffs, and whether agents are there.
-- Times are milliseconds since 1970 in UTC.

create table meta (
  key   text primary key,
  value text not null
) without rowid;

create table conversations (
  id                    text primary key,
  visitor               text not null,
  widget                text,
  state                 text not null,
  state_data            text not null,
  version               integer not null,
  epoch                 integer not null,
  queue                 text,
  tier                  integer not null,
  priority              text not null,
  is_front              integer not null,
  excluded              text not null,
  wanted_agent          text,
  last_agent            text,
  email                 text,
  previous              text,
  opened_at             integer not null,
  visitor_seen_at       integer not null,
  answer_due_at         integer,
  score                 real,
  decided_position      integer not null,
  last_position         integer not null,
  last_visitor_seq      integer not null,
  last_visitor_position integer not null,
  visitor_read          integer not null default 0,
  agent_read            integer not null default 0,
  -- Repeated from state_data, so that indexes see them.
  agent                 text,
  due_at                integer,
  ended_at              integer
) without rowid;

create unique index one_open_conversation_per_visitor on conversations (visitor)
  where state not in ('wrap_up', 'closed');
create index conversations_by_visitor on conversations (visitor, opened_at);
create index conversations_by_opening on conversations (opened_at, id);
create index conversations_waiting on conversations (state) where state in ('queued', 'offered', 'left_message');
create index conversations_by_agent on conversations (agent) where agent is not null;
create index conversations_by_last_agent on conversations (last_agent, opened_at) where last_agent is not null;
create index conversations_due on conversations (due_at) where due_at is not null;
create index conversations_undecided on conversations (visitor_seen_at) where last_visitor_position > decided_position;
create index conversations_unattended on conversations (visitor_seen_at) where state in ('with_bot', 'queued', 'offered');
create index conversations_wrap_up on conversations (ended_at) where state = 'wrap_up';

create table entries (
  conversation text not null references conversations (id),
  position     integer not null,
  visitor_seq  integer,
  kind         text not null,
  author       text not null,
  agent        text,
  agent_name   text,
  body         text,
  data         text,
  at           integer not null,
  client_id    text,
  primary key (conversation, position)
) without rowid;

create unique index entries_visitor_sequence on entries (conversation, visitor_seq) where visitor_seq is not null;

create table commands (
  actor        text not null,
  client_id    text not null,
  digest       blob not null,
  conversation text not null,
  position     integer,
  visitor_seq  integer,
  at           integer not null,
  primary key (actor, client_id)
) without rowid;

create table analyses (
  conversation text not null,
  position     integer not null,
  data         text not null,
  primary key (conversation, position)
) without rowid;

create table handoffs (
  id             text primary key,
  conversation   text not null references conversations (id),
  kind           text not null,
  reason         text not null,
  status         text not null,
  outcome        text,
  queue          text not null,
  tier           integer not null,
  priority       text not null,
  policy         text not null,
  score          real not null,
  place_at_start integer not null,
  at             integer not null,
  answer_due_at  integer,
  from_agent     text,
  agent          text,
  accepted_at    integer,
  ended_at       integer,
  data           text not null
) without rowid;

create unique index one_open_handoff_per_conversation on handoffs (conversation)
  where status in ('initiated', 'accepted');
create index handoffs_by_conversation on handoffs (conversation, at);
create index handoffs_by_queue on handoffs (queue, accepted_at) where accepted_at is not null;
create index handoffs_by_time on handoffs (at);

create table judgements (
  conversation text primary key,
  disposition  text,
  label        text,
  note         text,
  by_agent     text,
  csat         integer,
  comment      text,
  rated_at     integer
) without rowid;

create table attendance (
  agent         text primary key,
  presence      text not null,
  lost_at       integer,
  is_known      integer not null,
  last_offer_at integer
) without rowid;
