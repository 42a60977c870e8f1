-- The processes that work on this store, and who is connected to which. An expansion only: a program that does not
-- know these tables works on beside one that does.

create table nodes (
  id         text collate "C" primary key,
  -- Grows with every taking of a place, whoever takes it.
  fence      bigint not null,
  renewed_at bigint not null,
  expires_at bigint not null
);

create unique index fences_are_given_once on nodes (fence);

insert into meta (key, value) values ('fence', '0') on conflict do nothing;

create table connections (
  agent text collate "C" not null,
  node  text collate "C" not null,
  fence bigint not null,
  primary key (agent, node)
);

create index connections_by_node on connections (node);

-- One-use tickets for sockets, where one node may give what another takes.
create table tickets (
  hash       text collate "C" primary key,
  kind       text collate "C" not null,
  holder     text collate "C" not null,
  detail     text collate "C" not null,
  expires_at bigint not null
);

create index tickets_by_end on tickets (expires_at);
