-- What supervisors say that messages and conversations really were. The last word wins.

create table message_labels (
    conversation  text not null references conversations (id),
    position      integer not null,
    label         text not null,
    by_agent      text,
    at            integer not null,
    primary key (conversation, position)
) strict, without rowid;

create table conversation_labels (
    conversation  text primary key references conversations (id),
    label         text not null,
    position      integer,
    by_agent      text,
    at            integer not null,
    constraint conversation_label check (label in ('right', 'early', 'late', 'needless', 'missed'))
) strict, without rowid;
