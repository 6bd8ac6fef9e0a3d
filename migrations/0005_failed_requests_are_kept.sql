-- Requests of agents that failed, for them to look up.

create table failures (
  agent_id   text not null references agents on delete cascade,
  at         timestamptz not null,
  position   bigint generated always as identity,
  request_id text not null,
  method     text not null,
  route      text,
  path       text not null,
  status     integer not null check (status between 400 and 599),
  code       text not null,
  error      text not null,
  hint       text,
  field      text,
  primary key (agent_id, at, position)
);
create index failures_by_age on failures (at);
