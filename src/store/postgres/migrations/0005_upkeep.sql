-- What remains of what is old: numbers. And how large the database was.

create index conversations_closed on conversations (ended_at, id) where state = 'closed';

create table kept_counts (
    day               text collate "C" not null,
    queue             text collate "C" not null,
    reason            text collate "C" not null,
    label             text collate "C" not null,
    policy            text collate "C" not null,
    conversations     bigint not null,
    visitor_messages  bigint not null,
    bot_messages      bigint not null,
    agent_messages    bigint not null,
    handoffs          bigint not null,
    answered          bigint not null,
    abandoned         bigint not null,
    waited_ms         bigint not null,
    rated             bigint not null,
    rating_sum        bigint not null,
    primary key (day, queue, reason, label, policy)
);

create table store_bytes (
    at     bigint primary key,
    bytes  bigint not null
);
