-- Which model answered from when on. The newest row is live; none, or no folder: the one that came with Baton.

create table model_versions (
    number       bigint primary key,
    version      text collate "C" not null,
    folder       text collate "C" not null,
    author       text collate "C",
    at           bigint not null,
    comment      text collate "C" not null,
    is_rollback  bigint not null
);
