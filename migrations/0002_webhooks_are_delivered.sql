-- Webhooks are called: endpoints with their lanes, the outbox, and when a calendar's next reminder is due.

alter table calendars
  add column fired_through timestamptz not null default now(),
  add column next_fire_at timestamptz;
create index calendars_by_next_fire on calendars (next_fire_at) where next_fire_at < 'infinity';

alter table occurrences add column moment timestamptz;
create index occurrences_by_moment on occurrences (calendar_id, moment) where moment is not null;

-- An id as app.ids makes them, for rows that a statement makes. Of the 72 bits of its characters six are the same in
-- every UUID.
create function new_id(prefix text) returns text language sql volatile as $$
  select prefix || '_' || substr(translate(encode(uuid_send(gen_random_uuid()), 'base64'), '+/=', ''), 1, 12)
$$;

-- Where webhooks go. Each calendar's own address is one of them, with calendar_id; it keeps its secret while it has no
-- url.
create table endpoints (
  id              text primary key,
  agent_id        text not null references agents on delete cascade,
  calendar_id     text unique references calendars on delete cascade,
  url             text check (length(url) <= 2048),
  -- The types and the calendars it wants; null for all.
  types           text[] check (types <> '{}'),
  calendars       text[] check (calendars <> '{}'),
  secret_sealed   bytea,
  -- The secret before the last rotation signs too until then.
  previous_sealed bytea,
  previous_until  timestamptz,
  active          boolean not null default true,
  disabled_reason text,
  -- Since when nothing but failures came back.
  failing_since   timestamptz,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  check (calendar_id is null or calendars is null),
  check (url is not null or calendar_id is not null),
  check (url is null or secret_sealed is not null),
  check (active = (disabled_reason is null))
);
create index endpoints_by_agent on endpoints (agent_id, created_at, id) where url is not null;
create index endpoints_of_agent on endpoints (agent_id) where calendar_id is null;

-- The active endpoints that are told of this calendar; which types each of them wants is for the caller to ask.
create function endpoints_for(agent text, calendar text) returns setof endpoints language sql stable as $$
  select * from endpoints where calendar_id = calendar and active and url is not null
  union all
  select * from endpoints
  where agent_id = agent and calendar_id is null and active and (calendars is null or calendar = any(calendars))
$$;

-- The same by the present instead of the statement's snapshot, for statements that may have waited for the calendar's
-- lock: endpoints change under it.
create function endpoints_now(agent text, calendar text) returns setof endpoints language plpgsql volatile as $$
begin
  return query select * from endpoints_for(agent, calendar);
end
$$;

-- The deliveries to one destination: an endpoint's, by its id, or an agent's mail. A process holds a lane while it
-- sends, so that first attempts go in order; what a process holds that is gone counts as free. Taking a lane and letting
-- it go touches no index.
create table lanes (
  id       text primary key,
  kind     text not null check (kind in ('webhook', 'mail')),
  agent_id text not null references agents on delete cascade,
  holder   text
);
create index lanes_by_agent on lanes (agent_id);

-- Processes that send, and when they were last seen alive, by the database's clock. A crash of the database must not
-- lose it: whoever lives would count as dead, and what it is sending be sent by another too.
create table dispatchers (
  id      text primary key,
  seen_at timestamptz not null
);

-- The outbox: one message owed to one destination, and its attempts. What it says stands in the log of changes (seq),
-- or here. No foreign key to agents, whose row a write must not lock after its calendar's.
create table deliveries (
  position    bigint generated always as identity primary key,
  id          text not null unique default new_id('dlv'),
  lane        text not null,
  agent_id    text not null,
  calendar_id text references calendars on delete cascade,
  type        text not null,
  event_id    text,
  seq         bigint,
  -- Of a reminder: its offset as written, its moment, and the event's text as it was then.
  offset_text text,
  fires_at    timestamptz,
  event       text,
  state       text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  -- Why it failed, or was not tried.
  reason      text,
  -- Attempts of the present round, and when the next is due.
  attempts    integer not null default 0 check (attempts >= 0),
  due_at      timestamptz not null,
  created_at  timestamptz not null,
  -- When it was delivered or given up.
  ended_at    timestamptz,
  -- Every attempt, as JSON text.
  log         text[] not null default '{}',
  check ((reason is not null) = (state = 'failed')),
  check ((ended_at is null) = (state = 'pending'))
);
-- What waits in a lane, by when it is due: walked from lane to lane, one look-up each.
create index deliveries_waiting on deliveries (lane, due_at, position) where state = 'pending';
-- No second copy, whoever runs: of a change, of a reminder.
create unique index deliveries_by_change on deliveries (lane, calendar_id, seq) where seq is not null;
create unique index deliveries_by_moment on deliveries (lane, event_id, fires_at, offset_text) where fires_at is not null;
create index deliveries_by_calendar on deliveries (calendar_id, position);
create index deliveries_by_agent on deliveries (agent_id) where calendar_id is null;
create index deliveries_by_age on deliveries (created_at);

-- When a change is due that is owed: long ago, so that what is new goes before what is tried again, and in the order of
-- the log, also where some of it is owed anew.
create function due_by(seq bigint) returns timestamptz language sql immutable as $$
  select to_timestamp(seq::double precision / 1000000)
$$;

-- A reminder's offset such as -5m, as app.core.times reads it.
create function offset_of(written text) returns interval language sql immutable as $$
  select case when written = '0' then interval '0'
    else (left(written, 1) || substr(written, 2, length(written) - 2))::bigint * case right(written, 1)
      when 's' then interval '1 second' when 'm' then interval '1 minute' when 'h' then interval '1 hour'
      else interval '24 hours' end end
$$;

-- The next moment after `since` at which a reminder of the calendar may be due: two look-ups an offset. It may name a
-- date that is cancelled; firing finds nothing then, and looks further.
create function next_fire(calendar text, offsets text[], since timestamptz) returns timestamptz
language plpgsql stable as $$
begin
  return coalesce((
    select min(found.moment + f.shift)
    from (select offset_of(written) as shift from unnest(offsets) written) f
    cross join lateral (
      (select o.start_at as moment from occurrences o
       where o.calendar_id = calendar and o.start_at > since - f.shift and o.moment is null
       order by o.start_at limit 1)
      union all
      (select o.moment from occurrences o
       where o.calendar_id = calendar and o.moment > since - f.shift order by o.moment limit 1)
    ) found
  ), 'infinity');
end
$$;

-- next_fire where anybody wants reminders of the calendar, else null.
create function armed(agent text, calendar text, offsets text[], since timestamptz) returns timestamptz
language plpgsql stable as $$
begin
  if exists (select from endpoints_for(agent, calendar) where types is null or 'event.upcoming' = any(types)) then
    return next_fire(calendar, offsets, since);
  end if;
  return null;
end
$$;

-- Put into the outbox what fell due in (fired_through, until] in these calendars, and look for the next moment.
-- Returns the number of deliveries. The caller holds the calendars' locks. What is an hour late or more is recorded
-- as missed; what is a month late is forgotten. With asked_at and written_after: what fell due in (asked_at, until] of
-- what has a later version than that.
create function fire_reminders(
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
      ended_at
    )
    select e.id, m.agent_id, m.calendar_id, 'event.upcoming',
      m.event_id || case when m.key = '' then '' else '_' || m.key end, m.written, m.fires_at, m.event,
      case when l.late then 'failed' else 'pending' end, case when l.late then 'missed' end, m.fires_at, until,
      case when l.late then until end
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

-- What calendars said of their own address moves to an endpoint of theirs. Nothing falls due before now.
insert into endpoints (
  id, agent_id, calendar_id, url, secret_sealed, previous_sealed, previous_until, created_at, updated_at
)
select new_id('whe'), agent_id, id, case when webhook_secret_sealed is not null then webhook_url end,
  webhook_secret_sealed, webhook_previous_sealed, webhook_previous_until, created_at, updated_at
from calendars;
insert into lanes (id, kind, agent_id) select id, 'webhook', agent_id from endpoints;
alter table calendars
  drop column webhook_url, drop column webhook_secret_sealed, drop column webhook_previous_sealed,
  drop column webhook_previous_until;
update calendars set next_fire_at = armed(agent_id, id, webhook_offsets, now());
