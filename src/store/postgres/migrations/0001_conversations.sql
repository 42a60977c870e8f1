-- Conversations, their logs, handoffs, and whether agents are there.
-- Times are milliseconds since 1970 in UTC. Text is compared byte by byte, as SQLite does, whatever the database's
-- language is.

create table if not exists meta (
  key   text collate "C" primary key,
  value text collate "C" not null
);

create table conversations (
  id                    text collate "C" primary key,
  visitor               text collate "C" not null,
  widget                text collate "C",
  state                 text collate "C" not null,
  state_data            text collate "C" not null,
  version               bigint not null,
  epoch                 bigint not null,
  queue                 text collate "C",
  tier                  bigint not null,
  priority              text collate "C" not null,
  is_front              bigint not null,
  excluded              text collate "C" not null,
  wanted_agent          text collate "C",
  last_agent            text collate "C",
  email                 text collate "C",
  previous              text collate "C",
  opened_at             bigint not null,
  visitor_seen_at       bigint not null,
  answer_due_at         bigint,
  score                 double precision,
  decided_position      bigint not null,
  last_position         bigint not null,
  last_visitor_seq      bigint not null,
  last_visitor_position bigint not null,
  visitor_read          bigint not null default 0,
  agent_read            bigint not null default 0,
  -- Repeated from state_data, so that indexes see them.
  agent                 text collate "C",
  due_at                bigint,
  ended_at              bigint
) with (fillfactor = 80);

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
  conversation text collate "C" not null references conversations (id),
  position     bigint not null,
  visitor_seq  bigint,
  kind         text collate "C" not null,
  author       text collate "C" not null,
  agent        text collate "C",
  agent_name   text collate "C",
  body         text collate "C",
  data         text collate "C",
  at           bigint not null,
  client_id    text collate "C",
  primary key (conversation, position)
);

create unique index entries_visitor_sequence on entries (conversation, visitor_seq) where visitor_seq is not null;

create table commands (
  actor        text collate "C" not null,
  client_id    text collate "C" not null,
  digest       bytea not null,
  conversation text collate "C" not null,
  position     bigint,
  visitor_seq  bigint,
  at           bigint not null,
  constraint one_answer_per_command primary key (actor, client_id)
);

create table analyses (
  conversation text collate "C" not null,
  position     bigint not null,
  data         text collate "C" not null,
  primary key (conversation, position)
);

create table handoffs (
  id             text collate "C" primary key,
  conversation   text collate "C" not null references conversations (id),
  kind           text collate "C" not null,
  reason         text collate "C" not null,
  status         text collate "C" not null,
  outcome        text collate "C",
  queue          text collate "C" not null,
  tier           bigint not null,
  priority       text collate "C" not null,
  policy         text collate "C" not null,
  score          double precision not null,
  place_at_start bigint not null,
  at             bigint not null,
  answer_due_at  bigint,
  from_agent     text collate "C",
  agent          text collate "C",
  accepted_at    bigint,
  ended_at       bigint,
  data           text collate "C" not null
);

create unique index one_open_handoff_per_conversation on handoffs (conversation)
  where status in ('initiated', 'accepted');
create index handoffs_by_conversation on handoffs (conversation, at);
create index handoffs_by_queue on handoffs (queue, accepted_at) where accepted_at is not null;
create index handoffs_by_time on handoffs (at);

create table judgements (
  conversation text collate "C" primary key,
  disposition  text collate "C",
  label        text collate "C",
  note         text collate "C",
  by_agent     text collate "C",
  csat         bigint,
  comment      text collate "C",
  rated_at     bigint
);

create table attendance (
  agent         text collate "C" primary key,
  presence      text collate "C" not null,
  lost_at       bigint,
  is_known      bigint not null,
  last_offer_at bigint
);
