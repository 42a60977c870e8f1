-- What is said, found in it and answered goes to the end of its table, in the order of time, and is found by an index.
-- Ordered by conversation, each row had its own place in the middle, whole rows stood in the nodes above them too, and
-- making room moved some of its neighbours: six pages of the log for a message, and four and a half so (decision 24).
-- A table ordered by its key would stay so: it is written anew.

create table entries_in_order (
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
);
insert into entries_in_order
  (conversation, position, visitor_seq, kind, author, agent, agent_name, body, data, at, client_id)
  select conversation, position, visitor_seq, kind, author, agent, agent_name, body, data, at, client_id from entries;
drop table entries;
alter table entries_in_order rename to entries;

create table analyses_in_order (
  conversation text not null,
  position     integer not null,
  data         text not null,
  primary key (conversation, position)
);
insert into analyses_in_order (conversation, position, data) select conversation, position, data from analyses;
drop table analyses;
alter table analyses_in_order rename to analyses;

create table commands_in_order (
  actor        text not null,
  client_id    text not null,
  digest       blob not null,
  conversation text not null,
  position     integer,
  visitor_seq  integer,
  at           integer not null,
  primary key (actor, client_id)
);
insert into commands_in_order (actor, client_id, digest, conversation, position, visitor_seq, at)
  select actor, client_id, digest, conversation, position, visitor_seq, at from commands;
drop table commands;
alter table commands_in_order rename to commands;
