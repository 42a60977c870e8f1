-- What remains of what is old: numbers. And how large the database was.

create index conversations_closed on conversations (ended_at, id) where state = 'closed';

create table kept_counts (
    day               text not null,
    queue             text not null,
    reason            text not null,
    label             text not null,
    policy            text not null,
    conversations     integer not null,
    visitor_messages  integer not null,
    bot_messages      integer not null,
    agent_messages    integer not null,
    handoffs          integer not null,
    answered          integer not null,
    abandoned         integer not null,
    waited_ms         integer not null,
    rated             integer not null,
    rating_sum        integer not null,
    primary key (day, queue, reason, label, policy)
) strict, without rowid;

create table store_bytes (
    at     integer primary key,
    bytes  integer not null
) strict;
