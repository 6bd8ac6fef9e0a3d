-- What happened is kept by month, so that what is over goes as a whole. What there is becomes one partition, up to the end
-- of the present month: nothing is copied, but the keys that must name what is partitioned by are built anew. Until that
-- is done, writes wait. Whoever still runs the code of before goes on: it owes deliveries under the moment it does so.
create function make_month(parent text, month date) returns void language plpgsql as $$
begin
  execute format('create table if not exists %I partition of %I for values from (%L) to (%L)',
    parent || to_char(month, '_YYYY_MM'), parent,
    to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
end
$$;

create function drop_months(parent text, before timestamptz) returns integer language plpgsql as $$
declare
  month record;
  is_needed boolean;
  dropped integer := 0;
begin
  perform set_config('lock_timeout', '500', true);
  for month in
    select c.oid::regclass as name
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = parent::regclass
      and substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \('([^']+)'\)$re$)::timestamptz <= before
  loop
    is_needed := false;
    if parent = 'deliveries' then
      execute format('select exists (select from %s where created_at > $1) or exists (select from %s where state = %L)',
        month.name, month.name, 'pending') into is_needed using before;
    end if;
    if not is_needed then
      execute format('drop table %s', month.name);
      dropped := dropped + 1;
    end if;
  end loop;
  return dropped;
end
$$;

-- Names of constraints are given away once in a schema: those of the tables of before make room for the new ones.
do $$
declare
  old record;
begin
  for old in
    select c.conrelid::regclass as tab, c.conname from pg_constraint c
    where c.conrelid in ('changes'::regclass, 'deliveries'::regclass, 'mails'::regclass) and c.contype in ('c', 'f', 'n')
  loop
    execute format('alter table %s rename constraint %I to %I', old.tab, old.conname, old.conname || '_before');
  end loop;
end
$$;

alter table changes rename to changes_before;
alter table changes_before drop constraint changes_pkey;
drop index changes_by_age;
create index changes_before_by_seq on changes_before (calendar_id, seq);
create table changes (
  calendar_id text not null references calendars on delete cascade,
  seq         bigint not null,
  type        text not null check (type in (
    'event.created', 'event.updated', 'event.deleted', 'event.responded', 'invite.received', 'invite.updated',
    'invite.cancelled', 'attendee.replied', 'calendar.updated')),
  event_id    text,
  at          timestamptz not null,
  by          text not null,
  before      text,
  after       text,
  primary key (calendar_id, seq, at)
) partition by range (at);
create index changes_by_age on changes (at);

alter table deliveries rename to deliveries_before;
alter table deliveries_before drop constraint deliveries_pkey, drop constraint deliveries_id_key;
drop index deliveries_waiting, deliveries_by_change, deliveries_by_moment, deliveries_by_calendar, deliveries_by_agent,
  deliveries_of_mail, deliveries_by_age;
alter table deliveries_before alter position drop identity;
create sequence deliveries_position;
create table deliveries (
  position    bigint not null default nextval('deliveries_position'),
  id          text not null default new_id('dlv'),
  lane        text not null,
  agent_id    text not null,
  calendar_id text references calendars on delete cascade,
  type        text not null,
  event_id    text,
  seq         bigint,
  offset_text text,
  fires_at    timestamptz,
  event       text,
  state       text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  reason      text,
  attempts    integer not null default 0 check (attempts >= 0),
  due_at      timestamptz not null,
  created_at  timestamptz not null,
  ended_at    timestamptz,
  log         text[] not null default '{}',
  mail        text,
  owed_at     timestamptz not null default now(),
  primary key (position, owed_at),
  unique (id, owed_at),
  check ((reason is not null) = (state = 'failed')),
  check ((ended_at is null) = (state = 'pending'))
) partition by range (owed_at);
create index deliveries_waiting on deliveries (lane, due_at, position) where state = 'pending';
create unique index deliveries_by_change on deliveries (lane, calendar_id, seq, owed_at) where seq is not null;
create unique index deliveries_by_moment on deliveries (lane, event_id, fires_at, offset_text, owed_at)
  where fires_at is not null;
create index deliveries_by_calendar on deliveries (calendar_id, position);
create index deliveries_by_agent on deliveries (agent_id) where calendar_id is null;
create index deliveries_of_mail on deliveries (calendar_id, position) where mail is not null;
create index deliveries_by_age on deliveries (created_at);

alter table mails rename to mails_before;
alter table mails_before drop constraint mails_pkey, drop constraint mails_calendar_id_message_id_key;
drop index mails_by_calendar, mails_waiting, mails_by_age;
create table mails (
  id          text not null,
  calendar_id text not null references calendars on delete cascade,
  provider    text not null check (provider in ('postmark', 'agentmail')),
  message_id  text not null,
  received_at timestamptz not null,
  sender      text,
  subject     text,
  sender_check text not null,
  content     bytea not null,
  state       text not null check (state in ('waiting', 'done', 'failed')),
  attempts    integer not null default 0,
  due_at      timestamptz,
  answer      text,
  month       date not null,
  primary key (id, month),
  unique (calendar_id, message_id, month),
  check ((due_at is not null) = (state = 'waiting'))
) partition by range (month);
alter table mails alter content set storage external;
create index mails_by_calendar on mails (calendar_id, received_at, id);
create index mails_waiting on mails (due_at) where state = 'waiting';
create index mails_by_age on mails (received_at);

create table changes_default partition of changes default;
create table deliveries_default partition of deliveries default;
create table mails_default partition of mails default;

select setval('deliveries_position', coalesce(max(position), 0) + 1, false) from deliveries_before;
alter table deliveries_before add column owed_at timestamptz;
update deliveries_before d set owed_at = coalesce(
  d.fires_at, (select at from changes_before c where d.seq is not null and c.calendar_id = d.calendar_id and c.seq = d.seq),
  d.created_at);
alter table deliveries_before alter owed_at set not null;
drop index if exists changes_before_by_seq;
alter table mails_before add column month date;
update mails_before set month = date_trunc('month', received_at at time zone 'UTC')::date;
alter table mails_before alter month set not null;

do $$
declare
  parent text;
  is_empty boolean;
  old record;
begin
  foreach parent in array array['changes', 'deliveries', 'mails'] loop
    execute format('select not exists (select from %I)', parent || '_before') into is_empty;
    if is_empty then
      execute format('drop table %I', parent || '_before');
    else
      for old in
        select conname from pg_constraint where conrelid = (parent || '_before')::regclass and contype = 'c'
      loop
        execute format('alter table %I rename constraint %I to %I', parent || '_before', old.conname,
          regexp_replace(old.conname, '_before$', ''));
      end loop;
      execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', parent, parent || '_before',
        to_char(date_trunc('month', now() at time zone 'UTC') + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
    end if;
    if is_empty then
      perform make_month(parent, date_trunc('month', now() at time zone 'UTC')::date);
    end if;
    perform make_month(parent, (date_trunc('month', now() at time zone 'UTC') + interval '1 month')::date);
  end loop;
end
$$;

create or replace function fire_reminders(
  ids text[], until timestamptz, asked_at timestamptz default null, written_after bigint default null
) returns bigint language plpgsql volatile as $$
declare
  total bigint;
begin
  with due as (
    select id, agent_id, webhook_offsets,
      coalesce(asked_at, greatest(fired_through, until - interval '30 days')) as since
    from calendars where id = any(ids)
  ), moments as (
    select d.id as calendar_id, d.agent_id, f.written, o.at + f.shift as fires_at, o.event_id, o.key,
      occurrence_text(o.event_id, o.key, o.own_json, e.shared_json, false, o.is_exception, e.status, e.renderer,
        greatest(e.version, o.version)) as event
    from due d
    cross join lateral (select written, offset_of(written) as shift from unnest(d.webhook_offsets) written) f
    cross join lateral (
      select *, start_at as at from occurrences
      where calendar_id = d.id and start_at > d.since - f.shift and start_at <= until - f.shift and moment is null
      union all
      select *, moment as at from occurrences
      where calendar_id = d.id and moment > d.since - f.shift and moment <= until - f.shift
    ) o
    cross join lateral (
      select * from events
      where calendar_id = d.id and id = o.event_id and key = case when o.is_exception then o.key else '' end
      limit 1
    ) e
    where not o.cancelled and not o.orphaned and e.status <> 'cancelled'
      and (written_after is null or greatest(e.version, o.version) > written_after)
  ), fired as (
    insert into deliveries (
      lane, agent_id, calendar_id, type, event_id, offset_text, fires_at, event, state, reason, due_at, created_at,
      ended_at, owed_at
    )
    select e.id, m.agent_id, m.calendar_id, 'event.upcoming',
      m.event_id || case when m.key = '' then '' else '_' || m.key end, m.written, m.fires_at, m.event,
      case when l.late then 'failed' else 'pending' end, case when l.late then 'missed' end, m.fires_at, until,
      case when l.late then until end, m.fires_at
    from moments m
    cross join lateral (select m.fires_at <= until - interval '1 hour' as late) l
    cross join lateral endpoints_for(m.agent_id, m.calendar_id) e
    where e.types is null or 'event.upcoming' = any(e.types)
    order by m.fires_at, m.event_id, m.key, e.id
    on conflict do nothing
    returning 1
  )
  select count(*) into total from fired;
  update calendars c set fired_through = greatest(c.fired_through, until),
    next_fire_at = armed(c.agent_id, c.id, c.webhook_offsets, greatest(c.fired_through, until))
  where c.id = any(ids);
  return total;
end
$$;
