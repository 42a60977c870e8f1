-- Which model answered from when on. The newest row is live; none, or no folder: the one that came with Baton.

create table model_versions (
    number       integer primary key,
    version      text not null,
    folder       text not null,
    author       text,
    at           integer not null,
    comment      text not null,
    is_rollback  integer not null
) strict;
