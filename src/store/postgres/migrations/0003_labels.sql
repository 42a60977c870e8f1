-- What supervisors say that messages and conversations really were. The last word wins.

create table message_labels (
    conversation  text collate "C" not null references conversations (id),
    position      bigint not null,
    label         text collate "C" not null,
    by_agent      text collate "C",
    at            bigint not null,
    primary key (conversation, position)
);

create table conversation_labels (
    conversation  text collate "C" primary key references conversations (id),
    label         text collate "C" not null,
    position      bigint,
    by_agent      text collate "C",
    at            bigint not null,
    constraint conversation_label check (label in ('right', 'early', 'late', 'needless', 'missed'))
);
