-- name: create_calendar
insert into calendars (
  id, agent_id, name, timezone, feed_hash, feed_sealed, inbound_hash, inbound_sealed, agentmail_key_sealed,
  webhook_offsets, changed_at, tzdata, created_at, updated_at, fired_through
) values (
  %(id)s, %(agent_id)s, %(name)s, %(timezone)s, %(feed_hash)s, %(feed_sealed)s, %(inbound_hash)s,
  %(inbound_sealed)s, %(agentmail_key_sealed)s, %(webhook_offsets)s, %(now)s, %(tzdata)s, %(now)s, %(now)s, %(now)s
);

-- name: count_calendars
select count(*) from calendars where agent_id = %(agent_id)s;

-- name: list_calendars
-- One row with nulls for a key without calendars, so that a dead key (no row) differs from an empty agent.
select k.id, k.agent_id, k.scope,
  c.id, c.name, c.timezone, c.feed_sealed, c.inbound_sealed, e.url, c.webhook_offsets, e.secret_sealed is not null,
  c.created_at, c.updated_at, c.version
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.agent_id = k.agent_id
left join endpoints e on e.calendar_id = c.id
order by c.created_at, c.id;

-- name: get_calendar
select k.id, k.agent_id, k.scope,
  c.id, c.name, c.timezone, c.feed_sealed, c.inbound_sealed, e.url, c.webhook_offsets, e.secret_sealed is not null,
  c.created_at, c.updated_at, c.version
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.agent_id = k.agent_id and c.id = %(calendar_id)s
left join endpoints e on e.calendar_id = c.id;

-- name: lock_calendar
-- The one lock of every write: whoever holds this row orders the calendar's changes. Nothing else is locked after
-- it, so writes cannot wait for each other in a ring.
select k.id, k.agent_id, k.scope,
  c.id, c.name, c.timezone, c.seq, c.stored_from, c.stored_through, c.longest_seconds, c.tzdata,
  c.next_fire_at <= %(now)s as is_behind, exists (select from endpoints_now(k.agent_id, c.id)) as is_watched,
  c.fired_through > %(now)s as is_overtaken,
  s.events, s.occurrences
from caller(%(key_hash)s, %(now)s) k
left join lateral (
  select * from calendars where id = %(calendar_id)s and agent_id = k.agent_id for update
) c on true
cross join lateral (
  select coalesce(sum(events), 0) as events, coalesce(sum(occurrences), 0) as occurrences
  from calendars where agent_id = k.agent_id
) s;

-- name: look_at_calendar
-- What lock_calendar finds, without the lock.
select k.id, k.agent_id, k.scope,
  c.id, c.name, c.timezone, c.seq, c.stored_from, c.stored_through, c.longest_seconds, c.tzdata,
  c.next_fire_at <= %(now)s as is_behind, exists (select from endpoints_for(k.agent_id, c.id)) as is_watched,
  c.fired_through > %(now)s as is_overtaken,
  s.events, s.occurrences
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.id = %(calendar_id)s and c.agent_id = k.agent_id
cross join lateral (
  select coalesce(sum(events), 0) as events, coalesce(sum(occurrences), 0) as occurrences
  from calendars where agent_id = k.agent_id
) s;

-- name: lock_calendar_for_upkeep
-- The service's own writes have no caller; a calendar another process works on is left to it.
select null, c.agent_id, null,
  c.id, c.name, c.timezone, c.seq, c.stored_from, c.stored_through, c.longest_seconds, c.tzdata,
  c.next_fire_at <= %(now)s as is_behind, exists (select from endpoints_now(c.agent_id, c.id)) as is_watched,
  c.fired_through > %(now)s as is_overtaken,
  0, 0
from calendars c where id = %(calendar_id)s for update skip locked;

-- name: lock_calendar_for_arrival
-- What others send has no caller; it waits for the lock as any write does. The key is left free, so that further mail
-- can be stored (its foreign key looks at this row) while a large one is interpreted.
select null, c.agent_id, null,
  c.id, c.name, c.timezone, c.seq, c.stored_from, c.stored_through, c.longest_seconds, c.tzdata,
  c.next_fire_at <= %(now)s as is_behind, exists (select from endpoints_now(c.agent_id, c.id)) as is_watched,
  c.fired_through > %(now)s as is_overtaken,
  s.events, s.occurrences
from (select * from calendars where id = %(calendar_id)s for no key update) c
cross join lateral (
  select coalesce(sum(events), 0) as events, coalesce(sum(occurrences), 0) as occurrences
  from calendars where agent_id = c.agent_id
) s;

-- name: begin_part
savepoint part;

-- name: undo_part
rollback to savepoint part;

-- name: end_part
release savepoint part;

-- name: update_calendar
update calendars set
  name = %(name)s, timezone = %(timezone)s, webhook_offsets = %(webhook_offsets)s,
  agentmail_key_sealed = case when %(set_agentmail)s then %(agentmail_key_sealed)s else agentmail_key_sealed end,
  version = %(version)s, updated_at = %(now)s
where id = %(calendar_id)s;

-- name: delete_calendar
-- With its lane, which hangs on the agent.
with lane as (
  delete from lanes where id = (select id from endpoints where calendar_id = %(calendar_id)s)
)
delete from calendars where id = %(calendar_id)s;

-- name: rotate
-- Only what was asked for changes.
update calendars set
  feed_hash = coalesce(%(feed_hash)s, feed_hash), feed_sealed = coalesce(%(feed_sealed)s, feed_sealed),
  inbound_hash = coalesce(%(inbound_hash)s, inbound_hash),
  inbound_sealed = coalesce(%(inbound_sealed)s, inbound_sealed),
  version = %(version)s, updated_at = %(now)s
where id = %(calendar_id)s;

-- name: record_changes
-- Many changes at once, each array one text: see put_occurrences in events. An empty element is null.
insert into changes (calendar_id, seq, type, event_id, at, by, before, after)
select %(calendar_id)s, %(first_seq)s::bigint + c.place - 1, c.type, c.event_id, %(now)s, %(by)s, c.before, c.after
from unnest(
  string_to_array(%(types)s, ','), string_to_array(%(event_ids)s, ',', ''),
  string_to_array(%(befores)s, E'\x1e', ''), string_to_array(%(afters)s, E'\x1e', '')
) with ordinality as c(type, event_id, before, after, place);

-- name: record_change
-- The common case of one change, without arrays.
insert into changes (calendar_id, seq, type, event_id, at, by, before, after)
values (%(calendar_id)s, %(seq)s, %(type)s, %(event_id)s, %(now)s, %(by)s, %(before)s, %(after)s);

-- name: fire_behind
-- A write comes upon reminders that fell due before it and are not in the outbox yet: they go first, as things stood.
select fire_reminders(array[%(calendar_id)s], %(now)s);

-- name: fire_overtaken
-- While the write waited for the lock, or its clock was behind, reminders fell due up to a later moment: what it wrote
-- reminds of moments before that, too.
select fire_reminders(array[id], fired_through, %(now)s, %(seq)s) from calendars where id = %(calendar_id)s;

-- name: close_write
-- Nothing written now reaches behind now; when the next reminder is due follows from what was written.
update calendars set
  seq = %(seq)s, changed_at = %(held_at)s, stored_from = %(stored_from)s, stored_through = %(stored_through)s,
  longest_seconds = %(longest_seconds)s, tzdata = %(tzdata)s, fired_through = greatest(fired_through, %(now)s),
  next_fire_at = case
    when exists (select from endpoints_for(agent_id, id) where types is null or 'event.upcoming' = any(types))
    then next_fire(id, webhook_offsets, greatest(fired_through, %(now)s)) end
where id = %(calendar_id)s;

-- name: list_changes
-- since lies before the oldest change kept when the one after it is missing though the log has gone further.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id, seq from calendars where id = %(calendar_id)s and agent_id = (select agent_id from k)
), page as (
  select seq, '{"seq":' || seq || ',"type":"' || type || '","event_id":'
      || coalesce('"' || event_id || '"', 'null')
      || ',"at":"' || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
      || '","by":"' || by
      || '","' || case when type = 'calendar.updated' then 'calendar' else 'event' end || '":'
      || coalesce(after, 'null') || '}' as text
  from changes
  where calendar_id = (select id from c) and seq > %(since)s
  order by seq limit %(limit)s
)
select k.id, k.agent_id, k.scope, c.id, c.seq,
  %(since)s::bigint < c.seq and not exists (
    select from changes where calendar_id = c.id and seq = %(since)s::bigint + 1),
  (select string_agg(text, ',' order by seq) from page)
from k left join c on true;

-- name: forget_changes
-- Of those that lie in no month of their own, in small bites: a purge never holds a lock for long.
delete from changes_default where ctid = any(array(
  select ctid from changes_default where at < %(before)s order by at limit %(limit)s));

-- name: sealed_secrets
select id, feed_sealed, inbound_sealed, agentmail_key_sealed
from calendars where id > %(after)s order by id limit %(limit)s;

-- name: reseal
update calendars set
  feed_sealed = %(feed)s, inbound_sealed = %(inbound)s, agentmail_key_sealed = %(agentmail)s
where id = %(id)s and feed_sealed = %(was_feed)s and inbound_sealed = %(was_inbound)s;
