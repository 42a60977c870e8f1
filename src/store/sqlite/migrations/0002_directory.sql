-- Who may come in, and what admins have set.

create table account (
    id             text primary key,
    email          text not null,
    name           text not null,
    role           text not null,
    password       text,
    tier           integer not null default 1,
    capacity       integer not null default 3,
    skills         text not null default '[]',
    queues         text not null default '[]',
    is_disabled    integer not null default 0,
    created_at     integer not null,
    last_login_at  integer,
    constraint account_role check (role in ('agent', 'supervisor', 'admin')),
    constraint account_tier check (tier between 1 and 3),
    constraint account_capacity check (capacity between 0 and 100)
) strict;
create unique index one_account_per_email on account (email);

create table login (
    token       text primary key,
    account     text not null references account (id) on delete cascade,
    created_at  integer not null,
    seen_at     integer not null,
    expires_at  integer not null
) strict, without rowid;
create index login_of_account on login (account);

create table link (
    token       text primary key,
    purpose     text not null,
    account     text references account (id) on delete cascade,
    expires_at  integer not null
) strict, without rowid;

create table queue (
    number      integer primary key autoincrement,
    id          text not null unique,
    name        text not null,
    skills      text not null default '[]',
    tier        integer not null default 1,
    hours       text,
    intents     text not null default '[]',
    is_default  integer not null default 0
) strict;
create unique index one_queue_per_name on queue (name);

create table knowledge (
    number     integer primary key autoincrement,
    id         text not null unique,
    title      text not null,
    questions  text not null,
    answer     text not null
) strict;

create table canned (
    id        text primary key,
    shortcut  text not null,
    text      text not null
) strict;
create unique index one_canned_per_shortcut on canned (shortcut);

create table widget (
    number        integer primary key autoincrement,
    key           text not null unique,
    name          text not null,
    sites         text not null,
    greeting      text not null,
    accent        text not null,
    locale        text not null,
    identity_key  text not null,
    created_at    integer not null
) strict;

create table visitor (
    id          text primary key,
    widget      text not null,
    profile     text not null,
    created_at  integer not null
) strict, without rowid;

create table visitor_secret (
    hash     text primary key,
    visitor  text not null references visitor (id) on delete cascade
) strict, without rowid;

create table policy (
    version  integer primary key,
    name     text not null,
    author   text,
    at       integer not null,
    comment  text not null,
    toml     text not null
) strict;

create table audit (
    number   integer primary key autoincrement,
    at       integer not null,
    account  text,
    action   text not null,
    target   text not null,
    detail   text not null
) strict;

-- A number that grows with every change of what others keep in memory.
create table revision (
    what    text primary key,
    number  integer not null
) strict, without rowid;
insert into revision (what, number) values ('knowledge', 1);
