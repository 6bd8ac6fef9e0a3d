-- The whole truth about the database. migrations/ lead an older database here; a test proves that both end equal.
-- Every table of a calendar's contents carries calendar_id first in its key, so that the same schema can be
-- distributed or partitioned by it. Zones are never converted in SQL: instants and texts arrive ready.

create table agents (
  id          text primary key,
  name        text check (length(name) <= 255),
  description text check (length(description) <= 1024),
  created_at  timestamptz not null,
  updated_at  timestamptz not null
);

-- A bearer credential. Only its SHA-256 is kept; prefix is what a person may see of it again.
create table keys (
  id           text primary key,
  agent_id     text not null references agents on delete cascade,
  hash         bytea not null unique check (length(hash) = 32),
  prefix       text not null,
  name         text check (length(name) <= 255),
  scope        text not null check (scope in ('read', 'book', 'full')),
  created_at   timestamptz not null,
  expires_at   timestamptz,
  last_used_at timestamptz
);
create index keys_by_agent on keys (agent_id);

-- The living key behind a secret's hash, or nothing. Every hot statement starts here, so that authentication
-- costs no round trip of its own; the planner inlines it.
create function caller(key_hash bytea, at timestamptz) returns setof keys language sql stable as $$
  select * from keys where hash = key_hash and (expires_at is null or expires_at > at)
$$;

create table calendars (
  id                     text primary key,
  agent_id               text not null references agents on delete cascade,
  name                   text not null check (length(name) between 1 and 255),
  timezone               text not null,
  feed_hash              bytea not null unique check (length(feed_hash) = 32),
  feed_sealed            bytea not null,
  inbound_hash           bytea not null unique check (length(inbound_hash) = 32),
  inbound_sealed         bytea not null,
  agentmail_key_sealed   bytea,
  webhook_offsets        text[] not null default '{-5m}',
  -- The number of the calendar's last change; the row lock taken to raise it orders all writes of a calendar.
  seq                    bigint not null default 0 check (seq >= 0),
  -- When anything a feed shows last changed, and the seq of it.
  changed_at             timestamptz not null,
  -- All dates of all series between these two are stored; both err towards a narrower window. The defaults stand
  -- for always and for ever.
  stored_from            timestamptz not null default '0001-01-02Z',
  stored_through         timestamptz not null default '9999-01-01Z',
  -- No occurrence here lasts longer: how far before a window an overlapping one may start.
  longest_seconds        bigint not null default 0 check (longest_seconds >= 0),
  -- What is stored here, counted under the lock that every write holds, for the agent's quotas.
  events                 integer not null default 0 check (events >= 0),
  occurrences            integer not null default 0 check (occurrences >= 0),
  -- Zone rules that the stored instants were computed with.
  tzdata                 text not null,
  version                bigint not null default 0,
  created_at             timestamptz not null,
  updated_at             timestamptz not null,
  -- Reminders up to here are in the outbox, or were none; whatever is written later never reaches behind it.
  fired_through          timestamptz not null default now(),
  -- The next moment at which a reminder may be due; infinity where none is in sight, null where nobody wants any.
  next_fire_at           timestamptz
);
create index calendars_by_next_fire on calendars (next_fire_at) where next_fire_at < 'infinity';
create index calendars_by_agent on calendars (agent_id, created_at, id);
create index calendars_by_horizon on calendars (stored_through);
create index calendars_by_tzdata on calendars (tzdata);
-- Mail addresses are written in any case.
create index calendars_by_address on calendars (lower(id));

-- What was written: a single event, a series, or (key <> '') what one occurrence changes against its series,
-- as a full copy. One row is one VEVENT.
create table events (
  calendar_id     text not null references calendars on delete cascade,
  -- Ordered by bytes, as dates expanded in memory are, whatever the database's locale.
  id              text collate "C" not null,
  key             text collate "C" not null default '' check (key = '' or key ~ '^\d{8}(T\d{4}(\d{2})?b?)?$'),
  title           text not null check (length(title) <= 500),
  description     text check (octet_length(description) <= 65536),
  location        text check (length(location) <= 500),
  metadata        json,
  status          text not null check (status in ('confirmed', 'tentative', 'cancelled')),
  transparency    text not null check (transparency in ('opaque', 'transparent')),
  all_day         boolean not null,
  -- Wall-clock start in zone; second_pass tells the later of the two in a fold.
  start_wall      timestamp not null,
  second_pass     boolean not null default false,
  zone            text not null,
  -- False: an all-day event that follows the calendar's zone.
  zone_given      boolean not null,
  -- True: written as an instant; when zone rules change, the wall time gives way instead of the instant.
  instant_given   boolean not null,
  -- RFC 5545 3.8.5.3: nominal days, then exact seconds.
  length_days     integer not null check (length_days >= 0),
  length_seconds  bigint not null check (length_seconds >= 0),
  rule            text,
  rdates          text[] not null default '{}',
  -- DTSTART is a date of the series whether or not the rule makes it (mail and import).
  start_counts    boolean not null default false,
  -- The last date of a finite series, so that COUNT is walked once.
  last_wall       timestamp,
  last_second_pass boolean not null default false,
  -- The instants of the first date and of the last, RDATEs included; null where it goes on for ever.
  start_at        timestamptz not null,
  last_at         timestamptz,
  uid             text not null,
  -- The caller's own name for the event: the same again returns the first.
  client_id       text check (length(client_id) between 1 and 255),
  sequence        integer not null default 0 check (sequence >= 0),
  -- How often, and when last, the set of cancelled dates changed: what a feed's SEQUENCE and DTSTAMP need beyond the
  -- event's own.
  exclusions      integer not null default 0 check (exclusions >= 0),
  excluded_at     timestamptz,
  organiser_email text,
  response        text check (response in ('accepted', 'declined', 'tentative')),
  source          text not null check (source in ('api', 'inbound_email', 'import')),
  attendees       json not null default '[]',
  -- Where a split sent the dates from successor_key on.
  successor_id    text,
  successor_key   text,
  -- Series and their overrides: between these two all dates are stored as occurrences.
  stored_from     timestamptz,
  stored_through  timestamptz,
  -- The seq of the last change of this row: what its ETag is made of.
  version         bigint not null,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  -- Caches, rendered when written: members shared by all occurrences, members of the series itself, the VEVENT.
  shared_json     text not null,
  series_json     text,
  vevent          text not null,
  renderer        integer not null,
  -- Of what came by mail or import: the organiser's name, properties that are not modelled (unfolded lines), and what the
  -- provider said of the sender, as JSON text.
  organiser_name  text,
  extra           text,
  sender_check    text,
  -- The SEQUENCE of the last change that asked attendees anew: an answer to an earlier one is stale.
  asked_sequence  integer not null default 0,
  -- A date that was invited without its series is an event of its own until the series comes; this is its RECURRENCE-ID.
  recurrence_id   text,
  -- The organiser cancelled it: no answer brings it back.
  withdrawn       boolean not null default false,
  primary key (calendar_id, id, key),
  check ((series_json is not null) = (key = '' and (rule is not null or rdates <> '{}'))),
  check (key = '' or (rule is null and rdates = '{}')),
  check ((stored_through is null) = (key = '' and series_json is null)),
  check (not all_day or (length_days > 0 and length_seconds = 0)),
  check ((successor_id is null) = (successor_key is null))
);
create unique index events_by_uid on events (calendar_id, uid, coalesce(recurrence_id, '')) where key = '';
create unique index events_by_client_id on events (calendar_id, client_id) where key = '' and client_id is not null;
create index events_by_horizon on events (calendar_id, stored_through) where key = '' and stored_through is not null;

-- The columns that app/events/model.py reads, in its order.
create view event_rows as
select calendar_id, id, key, title, description, location, metadata::text as metadata, status, transparency,
  all_day, start_wall, second_pass, zone, zone_given, instant_given, length_days, length_seconds, rule, rdates,
  start_counts, last_wall, last_second_pass, uid, client_id, sequence, exclusions, excluded_at, organiser_email, response, source, attendees::text as attendees,
  successor_id, successor_key, stored_from, stored_through, version, created_at, updated_at, organiser_name, extra,
  sender_check, asked_sequence, recurrence_id, withdrawn
from events;

-- When it happens. Identity is (event, key); key is the original local date, '' for a single event.
-- Rows of a series exist for the stored window, and beyond it where a date is cancelled or overridden.
-- No foreign key to events: checking one per row costs more than storing the row. The trigger below takes the
-- occurrences along with their event, also when a calendar or an agent goes.
create table occurrences (
  calendar_id   text not null,
  event_id      text collate "C" not null,
  key           text collate "C" not null,
  start_at      timestamptz not null,
  end_at        timestamptz not null check (end_at >= start_at),
  -- All-day: where its first local day ends, in the calendar's zone; filters by date compare with it.
  first_day_end timestamptz,
  cancelled     boolean not null default false,
  is_exception  boolean not null default false,
  -- The series no longer makes this date; kept so that it comes back as it was.
  orphaned      boolean not null default false,
  -- The seq of the change that cancelled this date.
  version       bigint,
  -- Cache: members of the answer that differ per occurrence.
  own_json      text not null,
  -- All-day in a zone other than the calendar's: its midnight there, which reminders count from.
  moment        timestamptz,
  primary key (calendar_id, event_id, key)
);
create index occurrences_by_moment on occurrences (calendar_id, moment) where moment is not null;
-- What an agent has is counted on its calendars, under the lock that every write holds anyway: statements that insert
-- add what they inserted (an insert trigger would update the row twice for each new event), and triggers subtract what
-- is deleted, however it goes.
create function events_are_gone() returns trigger language plpgsql as $$
begin
  update calendars c set events = c.events - d.count
  from (select calendar_id, count(*) as count from gone where key = '' group by calendar_id) d
  where c.id = d.calendar_id;
  return null;
end
$$;
create trigger events_are_gone after delete on events
  referencing old table as gone for each statement execute function events_are_gone();

create function occurrences_are_gone() returns trigger language plpgsql as $$
begin
  update calendars c set occurrences = c.occurrences - d.count
  from (select calendar_id, count(*) as count from gone group by calendar_id) d
  where c.id = d.calendar_id;
  return null;
end
$$;
create trigger occurrences_are_gone after delete on occurrences
  referencing old table as gone for each statement execute function occurrences_are_gone();

create function events_take_their_occurrences() returns trigger language plpgsql as $$
begin
  delete from occurrences o using gone g
  where g.key = '' and o.calendar_id = g.calendar_id and o.event_id = g.id;
  return null;
end
$$;
create trigger events_take_their_occurrences after delete on events
  referencing old table as gone for each statement execute function events_take_their_occurrences();
create index occurrences_by_start on occurrences (calendar_id, start_at, event_id, key);

-- What happened is kept by month: what is over goes as a whole, without a row being touched. Months ahead of need are
-- made by a daily job; what lies in none of them is in the default partition, and as good there.
create function make_month(parent text, month date) returns void language plpgsql as $$
begin
  execute format('create table if not exists %I partition of %I for values from (%L) to (%L)',
    parent || to_char(month, '_YYYY_MM'), parent,
    to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
end
$$;

-- Drop the months of a table that were over by `before`, but for those in which something made later is kept. Waits for
-- half a second at most, since all that want the table wait behind. Returns how many went.
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

-- The log: dense per calendar, written in the write's own transaction. before and after are the wire's own text.
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
  -- That no seq comes twice is held by the calendar's lock; a key must name what it is partitioned by.
  primary key (calendar_id, seq, at)
) partition by range (at);
create index changes_by_age on changes (at);

-- The answer's text of one occurrence: its own members, those it shares with its event, and what only state tells.
create function occurrence_text(
  event_id text, key text, own_json text, shared_json text,
  cancelled boolean, is_exception boolean, status text, renderer integer, version bigint
) returns text language sql immutable parallel safe as $$
  select '{' || own_json || ',' || shared_json
    || case when key = '' then '' else ',"parent_event_id":"' || event_id
         || case when is_exception then '","is_exception":true' else '"' end end
    || ',"status":"' || case when cancelled then 'cancelled' else status end
    || '","etag":"' || renderer || '.' || version || '"}'
$$;

-- The answer's text of a series as written.
create function series_text(series_json text, shared_json text, status text, renderer integer, version bigint)
returns text language sql immutable parallel safe as $$
  select '{' || series_json || ',' || shared_json
    || ',"status":"recurring","series_status":"' || status
    || '","etag":"' || renderer || '.' || version || '"}'
$$;

-- The answer first given under an Idempotency-Key, committed with the write it answers. key_hash is that of the API
-- key, request_hash of method, path and Idempotency-Key. Sealed where the answer holds a secret.
create table idempotency (
  key_hash     bytea not null check (length(key_hash) = 32),
  request_hash bytea not null check (length(request_hash) = 32),
  body_hash    bytea not null check (length(body_hash) = 32),
  status       integer,
  answer       bytea,
  sealed       boolean not null default false,
  created_at   timestamptz not null,
  primary key (key_hash, request_hash)
);
create index idempotency_by_age on idempotency (created_at);

-- How much of a limit's window was leased to processes. Unlogged: a crash forgets a minute's counting, no more.
create unlogged table allowances (
  subject      bytea not null,
  window_start timestamptz not null,
  leased       integer not null,
  primary key (subject, window_start)
);

-- When a calendar's feed was last fetched, and at which seq: written at most once a second, never on a fetch's path.
create table feed_fetches (
  calendar_id text primary key references calendars on delete cascade,
  fetched_at  timestamptz not null,
  seq         bigint not null
);

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
  -- Of a mail: what is to be sent, as JSON text (app.mail.message).
  mail        text,
  -- What it is partitioned by, and so part of each key: the moment of what is told, which is the same whenever that is
  -- owed again. Of a change when it was logged, of a reminder fires_at, else created_at.
  owed_at     timestamptz not null default now(),
  primary key (position, owed_at),
  unique (id, owed_at),
  check ((reason is not null) = (state = 'failed')),
  check ((ended_at is null) = (state = 'pending'))
) partition by range (owed_at);
-- What waits in a lane, by when it is due: walked from lane to lane, one look-up each.
create index deliveries_waiting on deliveries (lane, due_at, position) where state = 'pending';
-- No second copy, whoever runs: of a change, of a reminder.
create unique index deliveries_by_change on deliveries (lane, calendar_id, seq, owed_at) where seq is not null;
create unique index deliveries_by_moment on deliveries (lane, event_id, fires_at, offset_text, owed_at)
  where fires_at is not null;
create index deliveries_by_calendar on deliveries (calendar_id, position);
create index deliveries_by_agent on deliveries (agent_id) where calendar_id is null;
-- The log of mails, which a calendar with webhooks has few of.
create index deliveries_of_mail on deliveries (calendar_id, position) where mail is not null;
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

-- All that is known of one UID in one calendar by mail, as JSON text (app.core.itip). Kept also where nothing matches yet.
create table threads (
  calendar_id text not null references calendars on delete cascade,
  uid         text not null,
  thread      text not null,
  -- The Message-ID of the mail that brought the newest invitation, for answers to refer to.
  message_id  text,
  updated_at  timestamptz not null,
  primary key (calendar_id, uid)
);
create index threads_by_age on threads (updated_at);

-- Mail that came in: stored before it is interpreted, kept 30 days. One that waits is interpreted again when it is due.
create table mails (
  id          text not null,
  calendar_id text not null references calendars on delete cascade,
  provider    text not null check (provider in ('postmark', 'agentmail')),
  -- The provider's name for it: the same again gets the first answer again.
  message_id  text not null,
  received_at timestamptz not null,
  sender      text,
  subject     text,
  -- What its provider said of the sender, and whether that is the organiser, as JSON text.
  sender_check text not null,
  -- What was sent, reduced to what may be needed, and deflated (app.inbound.mail).
  content     bytea not null,
  state       text not null check (state in ('waiting', 'done', 'failed')),
  attempts    integer not null default 0,
  due_at      timestamptz,
  -- What was answered, as JSON text.
  answer      text,
  -- The first day of the month it came in (UTC), which it is partitioned by.
  month       date not null,
  primary key (id, month),
  unique (calendar_id, message_id, month),
  check ((due_at is not null) = (state = 'waiting'))
) partition by range (month);
alter table mails alter content set storage external;
create index mails_by_calendar on mails (calendar_id, received_at, id);
create index mails_waiting on mails (due_at) where state = 'waiting';
create index mails_by_age on mails (received_at);

-- An agent's own mail server.
create table agent_smtp (
  agent_id        text primary key references agents on delete cascade,
  host            text not null,
  port            integer not null check (port between 1 and 65535),
  username        text not null,
  password_sealed bytea not null,
  sender          text not null,
  secure          boolean not null,
  updated_at      timestamptz not null
);

-- What an agent mailed over the deployment's transport, by day (UTC), and to whom ever.
create table mail_counts (
  agent_id       text not null references agents on delete cascade,
  day            date not null,
  mails          integer not null default 0,
  new_recipients integer not null default 0,
  primary key (agent_id, day)
);
create table mail_recipients (
  agent_id text not null references agents on delete cascade,
  address  text not null,
  first_at timestamptz not null,
  primary key (agent_id, address)
);

-- Requests that failed, for the agent whose key they came with: a week's, and the newest of many. Written at most once a
-- second, never on a request's path. route is the template it reached, null where it reached none.
create table failures (
  agent_id   text not null references agents on delete cascade,
  at         timestamptz not null,
  -- Orders what failed in one instant.
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

create table changes_default partition of changes default;
create table deliveries_default partition of deliveries default;
create table mails_default partition of mails default;
select make_month(parent, (date_trunc('month', now() at time zone 'UTC') + ahead * interval '1 month')::date)
from unnest(array['changes', 'deliveries', 'mails']) parent cross join generate_series(0, 1) ahead;
