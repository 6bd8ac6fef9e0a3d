-- name: list_events
-- One page of what happens, in order. The bounds default to always and for ever; the keyset starts behind the
-- cursor. `beyond` says that the window reaches past what is stored, `stale` that a text needs rendering anew.
-- The calendar is a scalar subquery, and the event a lateral look-up with LIMIT, so that the planner walks
-- occurrences_by_start in order and stops at the page's end however it values the tables. A feed's token opens its own
-- calendar as a key of scope read would.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
  union all
  select 'feed', agent_id, 'read' from calendars
  where %(feed_hash)s::bytea is not null and id = %(calendar_id)s and feed_hash = %(feed_hash)s
), c as materialized (
  select id, timezone, stored_from, stored_through, longest_seconds
  from calendars where id = %(calendar_id)s and agent_id = (select agent_id from k)
), page as (
  select o.start_at, o.event_id, o.key, e.renderer, occurrence_text(
    o.event_id, o.key, o.own_json, e.shared_json,
    o.cancelled, o.is_exception, e.status, e.renderer, greatest(e.version, o.version)) as text
  from occurrences o
  cross join lateral (
    select * from events
    where calendar_id = o.calendar_id and id = o.event_id
      and key = case when o.is_exception then o.key else '' end
    limit 1
  ) e
  where o.calendar_id = (select id from c)
    and (o.start_at, o.event_id, o.key) > (%(cursor_at)s, %(cursor_event)s, %(cursor_key)s)
    and o.start_at >= %(from)s::timestamptz - interval '2 days'
      - (case when %(overlapping)s then (select longest_seconds from c) else 0 end) * interval '1 second'
    and o.start_at <= %(to)s
    and (coalesce(o.first_day_end > %(from)s, o.start_at >= %(from)s)
      or (%(overlapping)s and o.end_at > %(from)s))
    and not o.orphaned
    and (%(to_given)s or e.stored_through is null or o.start_at < e.stored_through)
    and (%(status)s::text is null or (case when o.cancelled then 'cancelled' else e.status end) = %(status)s)
    and (%(updated_since)s::timestamptz is null or e.updated_at >= %(updated_since)s)
    and (%(words)s::text[] is null or
      lower(e.title || ' ' || coalesce(e.description, '') || ' ' || coalesce(e.location, '')) like all (%(words)s))
  order by o.start_at, o.event_id, o.key
  limit %(limit)s offset %(offset)s
)
select k.id, k.agent_id, k.scope, c.id, c.timezone,
  %(from_given)s and %(from)s::timestamptz - interval '2 days'
      - (case when %(overlapping)s then c.longest_seconds else 0 end) * interval '1 second' < c.stored_from
    or %(to_given)s and %(to)s >= c.stored_through as beyond,
  p.texts, p.stale, p.last_at, p.last_event, p.last_key
from k left join c on true
cross join lateral (
  select string_agg(text, ',' order by start_at, event_id, key) as texts, bool_or(renderer <> %(renderer)s) as stale,
    case when count(*) = %(limit)s then max(start_at) end as last_at,
    (array_agg(event_id order by start_at, event_id, key))[count(*)] as last_event,
    (array_agg(key order by start_at, event_id, key))[count(*)] as last_key
  from page
) p;

-- name: upcoming
-- The next occurrences that are not cancelled; with include_current also those under way.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id, name, timezone, longest_seconds from calendars
  where id = %(calendar_id)s and agent_id = (select agent_id from k)
), page as (
  select o.start_at, o.event_id, o.key, e.renderer, occurrence_text(
    o.event_id, o.key, o.own_json, e.shared_json,
    o.cancelled, o.is_exception, e.status, e.renderer, greatest(e.version, o.version)) as text
  from occurrences o
  cross join lateral (
    select * from events
    where calendar_id = o.calendar_id and id = o.event_id
      and key = case when o.is_exception then o.key else '' end
    limit 1
  ) e
  where o.calendar_id = (select id from c)
    and o.start_at >= %(now)s::timestamptz
      - (case when %(include_current)s then (select longest_seconds from c) else 0 end) * interval '1 second'
    and (o.start_at >= %(now)s or o.end_at > %(now)s)
    and not o.orphaned and not o.cancelled and e.status <> 'cancelled'
    and (e.stored_through is null or o.start_at < e.stored_through)
  order by o.start_at, o.event_id, o.key
  limit %(limit)s
)
select k.id, k.agent_id, k.scope, c.id, c.timezone, p.texts, p.stale, p.next_at
from k left join c on true
cross join lateral (
  select string_agg(text, ',' order by start_at, event_id, key) as texts, bool_or(renderer <> %(renderer)s) as stale,
    min(start_at) filter (where start_at >= %(now)s) as next_at
  from page
) p;

-- name: view
-- What `upcoming` finds, as columns for a view of plain text.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id, name, timezone, longest_seconds from calendars
  where id = %(calendar_id)s and agent_id = (select agent_id from k)
), page as (
  select o.start_at, o.event_id, o.key, o.own_json, e.title, e.location, e.status, e.source
  from occurrences o
  cross join lateral (
    select * from events
    where calendar_id = o.calendar_id and id = o.event_id
      and key = case when o.is_exception then o.key else '' end
    limit 1
  ) e
  where o.calendar_id = (select id from c)
    and o.start_at >= %(now)s::timestamptz
      - (case when %(include_current)s then (select longest_seconds from c) else 0 end) * interval '1 second'
    and (o.start_at >= %(now)s or o.end_at > %(now)s)
    and not o.orphaned and not o.cancelled and e.status <> 'cancelled'
    and (e.stored_through is null or o.start_at < e.stored_through)
  order by o.start_at, o.event_id, o.key
  limit %(limit)s
)
select k.id, k.agent_id, k.scope, c.id, c.name, c.timezone, p.rows
from k left join c on true
cross join lateral (
  select json_agg(json_build_array(own_json, title, location, status, source) order by start_at, event_id, key)::text as rows
  from page
) p;

-- name: list_written
-- expand=false: single events and series as written, by the instant of their DTSTART.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id, timezone from calendars where id = %(calendar_id)s and agent_id = (select agent_id from k)
), page as (
  select e.start_at, e.id, e.renderer, case when e.series_json is null
      then occurrence_text(e.id, '', o.own_json, e.shared_json, false, false, e.status, e.renderer, e.version)
      else series_text(e.series_json, e.shared_json, e.status, e.renderer, e.version) end as text
  from events e
  left join occurrences o
    on o.calendar_id = e.calendar_id and o.event_id = e.id and o.key = '' and e.series_json is null
  where e.calendar_id = (select id from c) and e.key = ''
    and (e.start_at, e.id) > (%(cursor_at)s, %(cursor_event)s)
    and e.start_at <= %(to)s
    and case when e.series_json is null
      then coalesce(o.first_day_end > %(from)s, o.start_at >= %(from)s) or %(overlapping)s and o.end_at > %(from)s
      else e.last_at is null or e.last_at >= %(from)s end
    and (%(status)s::text is null or e.status = %(status)s)
    and (%(updated_since)s::timestamptz is null or e.updated_at >= %(updated_since)s)
    and (%(words)s::text[] is null or
      lower(e.title || ' ' || coalesce(e.description, '') || ' ' || coalesce(e.location, '')) like all (%(words)s))
  order by e.start_at, e.id
  limit %(limit)s offset %(offset)s
)
select k.id, k.agent_id, k.scope, c.id, c.timezone, false as beyond,
  p.texts, p.stale, p.last_at, p.last_event, ''
from k left join c on true
cross join lateral (
  select string_agg(text, ',' order by start_at, id) as texts, bool_or(renderer <> %(renderer)s) as stale,
    case when count(*) = %(limit)s then max(start_at) end as last_at,
    (array_agg(id order by start_at, id))[count(*)] as last_event
  from page
) p;

-- name: get_event
-- A single event, a series or a stored occurrence by its wire id, or nothing. A date of a series that is not stored
-- comes back as its series (`written`), for the caller to expand.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id, timezone from calendars where id = %(calendar_id)s and agent_id = (select agent_id from k)
)
select k.id, k.agent_id, k.scope, c.id, c.timezone, e.id is not null as written, coalesce(e.renderer, w.renderer),
  case when %(key)s = '' and e.series_json is not null
      then series_text(e.series_json, e.shared_json, e.status, e.renderer, e.version)
    when o.event_id is not null and not o.orphaned
      then occurrence_text(o.event_id, o.key, o.own_json, w.shared_json,
        o.cancelled, o.is_exception, w.status, w.renderer, greatest(w.version, o.version)) end as text,
  coalesce(o.orphaned, false)
from k left join c on true
left join events e on e.calendar_id = c.id and e.id = %(event_id)s and e.key = ''
left join occurrences o on o.calendar_id = c.id and o.event_id = %(event_id)s and o.key = %(key)s
left join events w on w.calendar_id = c.id and w.id = o.event_id
  and w.key = case when o.is_exception then o.key else '' end;

-- name: read_event
-- The row itself, for writing and for expanding.
select * from event_rows where calendar_id = %(calendar_id)s and id = %(event_id)s and key = %(key)s;

-- name: open_event
-- All that changing an event as a whole needs, in one look: the row, its text before, the keys of its EXDATEs.
select r.*,
  case when e.series_json is not null then series_text(e.series_json, e.shared_json, e.status, e.renderer, e.version)
    else (select occurrence_text(o.event_id, o.key, o.own_json, e.shared_json, o.cancelled, o.is_exception, e.status,
        e.renderer, greatest(e.version, o.version))
      from occurrences o where o.calendar_id = e.calendar_id and o.event_id = e.id and o.key = '') end,
  case when e.series_json is not null then array(
    select o.key from occurrences o
    left join events w on w.calendar_id = o.calendar_id and w.id = o.event_id and w.key = o.key and o.is_exception
    where o.calendar_id = e.calendar_id and o.event_id = e.id and not o.orphaned
      and (o.cancelled or w.status = 'cancelled')
    order by o.key) end
from event_rows r
join events e on e.calendar_id = r.calendar_id and e.id = r.id and e.key = r.key
where r.calendar_id = %(calendar_id)s and r.id = %(event_id)s and r.key = '';

-- name: read_by_uids
-- All that the calendar has under some UIDs: events and series, their overrides, and dates that have no series here.
-- One look-up by index for each, written out (OFFSET 0): left to itself the planner, which knows nothing yet of what the
-- same transaction has stored, walks the whole calendar.
select r.* from unnest(string_to_array(%(uids)s, E'\x1e')) u(uid)
cross join lateral (
  select id from events where calendar_id = %(calendar_id)s and key = '' and uid = u.uid offset 0
) f
cross join lateral (select * from event_rows where calendar_id = %(calendar_id)s and id = f.id offset 0) r
order by r.id, r.key;

-- name: read_overrides
select * from event_rows
where calendar_id = %(calendar_id)s and id = %(event_id)s and key <> '' order by key;

-- name: read_specials
-- The dates of a series with a life of their own: cancelled, or overridden.
select o.key, o.cancelled, o.is_exception, o.start_at, o.orphaned, coalesce(e.status = 'cancelled', false)
from occurrences o
left join events e on e.calendar_id = o.calendar_id and e.id = o.event_id and e.key = o.key
where o.calendar_id = %(calendar_id)s and o.event_id = %(event_id)s and (o.cancelled or o.is_exception)
order by o.key;

-- name: read_text
-- The present text of an occurrence or a single event: the before-image of a change.
select occurrence_text(o.event_id, o.key, o.own_json, e.shared_json,
  o.cancelled, o.is_exception, e.status, e.renderer, greatest(e.version, o.version)),
  o.cancelled, o.is_exception, o.orphaned, o.start_at, o.end_at
from occurrences o
join events e on e.calendar_id = o.calendar_id and e.id = o.event_id
  and e.key = case when o.is_exception then o.key else '' end
where o.calendar_id = %(calendar_id)s and o.event_id = %(event_id)s and o.key = %(key)s;

-- name: stored_dates
-- The dates of some events, cancelled ones marked, with the times that an answer shows of each.
select o.key, o.start_at, o.end_at, o.cancelled or e.status = 'cancelled', o.own_json
from occurrences o
join events e on e.calendar_id = o.calendar_id and e.id = o.event_id
  and e.key = case when o.is_exception then o.key else '' end
where o.calendar_id = %(calendar_id)s and o.event_id = any(%(event_ids)s) and not o.orphaned;

-- name: read_series_text
select series_text(series_json, shared_json, status, renderer, version) from events
where calendar_id = %(calendar_id)s and id = %(event_id)s and key = '' and series_json is not null;

-- name: insert_event
with e as (insert into events (
  calendar_id, id, key, title, description, location, metadata, status, transparency, all_day, start_wall,
  second_pass, zone, zone_given, instant_given, length_days, length_seconds, rule, rdates, start_counts, last_wall,
  last_second_pass, start_at, last_at, uid, client_id, sequence, exclusions, excluded_at, organiser_email, response, source, attendees, successor_id, successor_key,
  stored_from, stored_through, version, created_at, updated_at, shared_json, series_json, vevent, renderer,
  organiser_name, extra, sender_check, asked_sequence, recurrence_id, withdrawn
) values (
  %(calendar_id)s, %(id)s, %(key)s, %(title)s, %(description)s, %(location)s, %(metadata)s, %(status)s,
  %(transparency)s, %(all_day)s, %(start_wall)s, %(second_pass)s, %(zone)s, %(zone_given)s, %(instant_given)s,
  %(length_days)s, %(length_seconds)s, %(rule)s, %(rdates)s, %(start_counts)s, %(last_wall)s, %(last_second_pass)s, %(start_at)s,
  %(last_at)s, %(uid)s, %(client_id)s, %(sequence)s, %(exclusions)s, %(excluded_at)s, %(organiser_email)s, %(response)s, %(source)s, %(attendees)s,
  %(successor_id)s, %(successor_key)s, %(stored_from)s, %(stored_through)s, %(version)s, %(created_at)s,
  %(updated_at)s, %(shared_json)s, %(series_json)s, %(vevent)s, %(renderer)s, %(organiser_name)s, %(extra)s,
  %(sender_check)s, %(asked_sequence)s, %(recurrence_id)s, %(withdrawn)s
))
update calendars set events = events + 1 where id = %(calendar_id)s and %(key)s = '';

-- name: update_event
update events set
  title = %(title)s, description = %(description)s, location = %(location)s, metadata = %(metadata)s,
  status = %(status)s, transparency = %(transparency)s, all_day = %(all_day)s, start_wall = %(start_wall)s,
  second_pass = %(second_pass)s, zone = %(zone)s, zone_given = %(zone_given)s, instant_given = %(instant_given)s,
  length_days = %(length_days)s, length_seconds = %(length_seconds)s, rule = %(rule)s, rdates = %(rdates)s,
  start_counts = %(start_counts)s, last_wall = %(last_wall)s,
  last_second_pass = %(last_second_pass)s, start_at = %(start_at)s, last_at = %(last_at)s,
  uid = %(uid)s, client_id = %(client_id)s, sequence = %(sequence)s, exclusions = %(exclusions)s,
  excluded_at = %(excluded_at)s, organiser_email = %(organiser_email)s, response = %(response)s,
  source = %(source)s, attendees = %(attendees)s, successor_id = %(successor_id)s,
  successor_key = %(successor_key)s, stored_from = %(stored_from)s, stored_through = %(stored_through)s,
  version = %(version)s, created_at = %(created_at)s, updated_at = %(updated_at)s,
  shared_json = %(shared_json)s, series_json = %(series_json)s, vevent = %(vevent)s, renderer = %(renderer)s,
  organiser_name = %(organiser_name)s, extra = %(extra)s, sender_check = %(sender_check)s,
  asked_sequence = %(asked_sequence)s, withdrawn = %(withdrawn)s
where calendar_id = %(calendar_id)s and id = %(id)s and key = %(key)s;

-- name: delete_event
-- Its overrides are rows of the same id; its occurrences go by trigger.
delete from events where calendar_id = %(calendar_id)s and id = %(event_id)s;

-- name: delete_overrides
delete from events where calendar_id = %(calendar_id)s and id = %(event_id)s and key = any(%(keys)s);

-- name: delete_all_overrides
delete from events where calendar_id = %(calendar_id)s and id = %(event_id)s and key <> '';

-- name: put_occurrence
-- One date as it is now, whether or not it was stored.
with put as (
insert into occurrences (
  calendar_id, event_id, key, start_at, end_at, first_day_end, cancelled, is_exception, orphaned, version, own_json,
  moment
) values (
  %(calendar_id)s, %(event_id)s, %(key)s, %(start_at)s, %(end_at)s, %(first_day_end)s, %(cancelled)s,
  %(is_exception)s, %(orphaned)s, %(version)s, %(own_json)s, %(moment)s
) on conflict (calendar_id, event_id, key) do update set
  start_at = excluded.start_at, end_at = excluded.end_at, first_day_end = excluded.first_day_end,
  moment = excluded.moment, cancelled = excluded.cancelled, is_exception = excluded.is_exception, orphaned = excluded.orphaned,
  version = case when excluded.cancelled then greatest(occurrences.version, excluded.version) end, own_json = excluded.own_json
  returning xmax = 0 as is_new
)
update calendars set occurrences = occurrences + (select count(*) from put where is_new)
where id = %(calendar_id)s;

-- name: put_occurrences
-- Many dates at once, each array one text (joined by a character JSON never holds bare), which costs the driver a
-- fraction of what arrays do. What is stored under the same keys stays as it is.
with put as (
insert into occurrences (calendar_id, event_id, key, start_at, end_at, first_day_end, own_json, moment)
select %(calendar_id)s, %(event_id)s, d.key, to_timestamp(d.start_at), to_timestamp(d.end_at),
  to_timestamp(d.first_day_end), d.own_json, to_timestamp(d.moment)
from unnest(
  string_to_array(%(keys)s, ','), string_to_array(%(starts)s, ',')::bigint[], string_to_array(%(ends)s, ',')::bigint[],
  string_to_array(%(first_day_ends)s, ',', '')::bigint[], string_to_array(%(moments)s, ',', '')::bigint[],
  string_to_array(%(own_jsons)s, E'\x1e')
) as d(key, start_at, end_at, first_day_end, moment, own_json)
on conflict (calendar_id, event_id, key) do nothing
  returning xmax = 0 as is_new
)
update calendars set occurrences = occurrences + (select count(*) from put where is_new)
where id = %(calendar_id)s;

-- name: put_cancelled_occurrences
-- The same for dates that are cancelled, stored or not.
with put as (
insert into occurrences
  (calendar_id, event_id, key, start_at, end_at, first_day_end, cancelled, version, own_json, moment)
select %(calendar_id)s, %(event_id)s, d.key, to_timestamp(d.start_at), to_timestamp(d.end_at),
  to_timestamp(d.first_day_end), true, %(version)s, d.own_json, to_timestamp(d.moment)
from unnest(
  string_to_array(%(keys)s, ','), string_to_array(%(starts)s, ',')::bigint[], string_to_array(%(ends)s, ',')::bigint[],
  string_to_array(%(first_day_ends)s, ',', '')::bigint[], string_to_array(%(moments)s, ',', '')::bigint[],
  string_to_array(%(own_jsons)s, E'\x1e')
) as d(key, start_at, end_at, first_day_end, moment, own_json)
on conflict (calendar_id, event_id, key) do update set
  start_at = excluded.start_at, end_at = excluded.end_at, first_day_end = excluded.first_day_end,
  moment = excluded.moment, cancelled = true, orphaned = false, version = excluded.version, own_json = excluded.own_json
  returning xmax = 0 as is_new
)
update calendars set occurrences = occurrences + (select count(*) from put where is_new)
where id = %(calendar_id)s;

-- name: delete_plain_occurrences
-- The dates that follow their series in everything: what re-expansion makes anew.
delete from occurrences
where calendar_id = %(calendar_id)s and event_id = %(event_id)s and not cancelled and not is_exception;

-- name: delete_occurrences
delete from occurrences where calendar_id = %(calendar_id)s and event_id = %(event_id)s and key = any(%(keys)s);

-- name: update_exclusions
-- One date was cancelled or came back: only what the feed shows of the series changes.
update events set vevent = %(vevent)s, exclusions = %(exclusions)s, excluded_at = %(excluded_at)s
where calendar_id = %(calendar_id)s and id = %(event_id)s and key = '';

-- name: update_vevent
-- The RECURRENCE-ID of an override follows its series' time and zone.
update events set vevent = %(vevent)s where calendar_id = %(calendar_id)s and id = %(event_id)s and key = %(key)s;

-- name: orphan_occurrence
update occurrences set orphaned = %(orphaned)s
where calendar_id = %(calendar_id)s and event_id = %(event_id)s and key = %(key)s;

-- name: delete_plain_occurrences_from
delete from occurrences
where calendar_id = %(calendar_id)s and event_id = %(event_id)s and start_at >= %(start_at)s
  and not cancelled and not is_exception;

-- name: delete_all_occurrences
delete from occurrences where calendar_id = %(calendar_id)s and event_id = %(event_id)s;

-- name: has_live
-- Whether a series has a date stored that is still to come and not cancelled.
select exists (
  select from occurrences o
  join events e on e.calendar_id = o.calendar_id and e.id = o.event_id
    and e.key = case when o.is_exception then o.key else '' end
  where o.calendar_id = %(calendar_id)s and o.event_id = %(event_id)s
    and o.start_at > %(after)s and o.start_at < %(through)s
    and not o.cancelled and not o.orphaned and not (o.is_exception and e.status = 'cancelled'));

-- name: extend_stored
-- Overrides carry their series' window too: a date moved beyond it is not listed before its siblings are.
update events set stored_from = %(stored_from)s, stored_through = %(stored_through)s
where calendar_id = %(calendar_id)s and id = %(event_id)s;

-- name: calendars_short
-- Calendars whose series are not stored as far as they should be; the index finds them without reading others.
select id from calendars where stored_through < %(before)s order by stored_through limit %(limit)s;

-- name: series_short
select * from event_rows
where calendar_id = %(calendar_id)s and key = '' and stored_through < %(before)s
order by stored_through limit %(limit)s;

-- name: stored_window
select max(stored_from), min(stored_through) from events
where calendar_id = %(calendar_id)s and key = '' and stored_through is not null;

-- name: close_upkeep
-- What was extended may remind earlier than what was in sight.
update calendars set stored_from = %(stored_from)s, stored_through = %(stored_through)s,
  longest_seconds = %(longest_seconds)s, tzdata = %(tzdata)s,
  next_fire_at = case when next_fire_at is not null then next_fire(id, webhook_offsets, fired_through) end
where id = %(calendar_id)s;

-- name: calendars_of_other_tzdata
select id from calendars where tzdata <> %(tzdata)s limit %(limit)s;

-- name: all_rows
select * from event_rows where calendar_id = %(calendar_id)s order by id, key;

-- name: all_specials
select o.event_id, o.key, o.cancelled, o.is_exception, o.start_at, o.orphaned, coalesce(e.status = 'cancelled', false)
from occurrences o
left join events e on e.calendar_id = o.calendar_id and e.id = o.event_id and e.key = o.key
where o.calendar_id = %(calendar_id)s and (o.cancelled or o.is_exception)
order by o.event_id, o.key;

-- name: series_beyond
-- The series that have dates in a window outside what is stored of them.
select * from event_rows
where calendar_id = %(calendar_id)s and key = '' and stored_through is not null
  and (%(to_given)s and stored_through <= %(to)s
    or %(from_given)s and stored_from
      > %(from)s::timestamptz - interval '2 days' - %(longest_seconds)s * interval '1 second');

-- name: page_rows
-- A page as rows, for merging with dates that are not stored.
select o.start_at, o.event_id, o.key, occurrence_text(
  o.event_id, o.key, o.own_json, e.shared_json,
  o.cancelled, o.is_exception, e.status, e.renderer, greatest(e.version, o.version))
from occurrences o
join events e on e.calendar_id = o.calendar_id and e.id = o.event_id
  and e.key = case when o.is_exception then o.key else '' end
where o.calendar_id = %(calendar_id)s
  and (o.start_at, o.event_id, o.key) > (%(cursor_at)s, %(cursor_event)s, %(cursor_key)s)
  and o.start_at >= %(from)s::timestamptz - interval '2 days' - %(longest_seconds)s * interval '1 second'
  and o.start_at <= %(to)s
  and (coalesce(o.first_day_end > %(from)s, o.start_at >= %(from)s) or (%(overlapping)s and o.end_at > %(from)s))
  and not o.orphaned
  and (%(to_given)s or e.stored_through is null or o.start_at < e.stored_through)
  and (%(status)s::text is null or (case when o.cancelled then 'cancelled' else e.status end) = %(status)s)
  and (%(updated_since)s::timestamptz is null or e.updated_at >= %(updated_since)s)
  and (%(words)s::text[] is null or
    lower(e.title || ' ' || coalesce(e.description, '') || ' ' || coalesce(e.location, '')) like all (%(words)s))
order by o.start_at, o.event_id, o.key
limit %(limit)s;

-- name: specials_of
-- Which dates of some series are stored with a life of their own, so that expanding does not bring them twice.
select o.event_id, o.key, o.cancelled, o.is_exception, o.start_at, o.orphaned, false
from occurrences o
where o.calendar_id = %(calendar_id)s and o.event_id = any(%(event_ids)s) and (o.cancelled or o.is_exception);

-- name: stored_times
select key, start_at, end_at, is_exception from occurrences
where calendar_id = %(calendar_id)s and event_id = %(event_id)s and not orphaned;

-- name: zone_of
select k.id, k.agent_id, k.scope, c.timezone
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.agent_id = k.agent_id and c.id = %(calendar_id)s;

-- name: longest_seconds
select longest_seconds from calendars where id = %(calendar_id)s;

-- name: lock_for_rendering
select timezone from calendars where id = %(calendar_id)s for update;

-- name: rerender_event
update events set shared_json = %(shared_json)s, series_json = %(series_json)s, vevent = %(vevent)s,
  renderer = %(renderer)s
where calendar_id = %(calendar_id)s and id = %(id)s and key = %(key)s;

-- name: rerender_occurrences
update occurrences o set own_json = d.own_json
from unnest(%(keys)s::text[], %(own_jsons)s::text[]) as d(key, own_json)
where o.calendar_id = %(calendar_id)s and o.event_id = %(id)s and o.key = d.key;

-- name: find_client_id
-- The event that was made under a caller's own name for it.
select id from events where calendar_id = %(calendar_id)s and client_id = %(client_id)s and key = '';

-- name: known_client_ids
select client_id from events
where calendar_id = %(calendar_id)s and client_id = any(%(client_ids)s) and key = '';

-- name: create_at_once
-- A new event, its dates, its change and the calendar's seq, in one statement that is a transaction of its own: most
-- writes are creates, and each round trip under the calendar's lock costs all who wait for it. The guards are what was
-- read before: the key still lives, the calendar is still the agent's and in the same zone, no reminder has fallen due
-- that is not in the outbox, and none of the event's own while this waited. No row, no write.
with c as (
  update calendars set
    -- Changed once it is held: what this waits for the row may be long enough for somebody to have read it as it was.
    seq = seq + 1, changed_at = %(sent_at)s + (clock_timestamp() - statement_timestamp()),
    longest_seconds = greatest(longest_seconds, %(longest_seconds)s),
    stored_from = greatest(stored_from, %(stored_from)s), stored_through = least(stored_through, %(stored_through)s),
    events = events + 1, occurrences = occurrences + %(count)s, fired_through = greatest(fired_through, %(now)s),
    next_fire_at = case when next_fire_at is not null then least(next_fire_at, (
      select min(f.fires_at)
      from unnest(string_to_array(%(starts)s, ',')::bigint[], string_to_array(%(moments)s, ',', '')::bigint[])
        d(start_at, moment)
      cross join unnest(webhook_offsets) o
      cross join lateral (select to_timestamp(coalesce(d.moment, d.start_at)) + offset_of(o) as fires_at) f
      where f.fires_at > greatest(fired_through, %(now)s))) end
  where id = %(calendar_id)s and timezone = %(calendar_zone)s and (next_fire_at is null or next_fire_at > %(now)s)
    and agent_id = (select agent_id from caller(%(key_hash)s, %(now)s) where scope = 'full')
    and (next_fire_at is null or fired_through <= %(now)s or not exists (
      select from
        unnest(string_to_array(%(starts)s, ',')::bigint[], string_to_array(%(moments)s, ',', '')::bigint[])
          d(start_at, moment)
        cross join unnest(webhook_offsets) o
        cross join lateral (select to_timestamp(coalesce(d.moment, d.start_at)) + offset_of(o) as fires_at) f
      where f.fires_at > %(now)s and f.fires_at <= fired_through))
  returning id, seq, next_fire_at, agent_id
), e as (
  insert into events (
    calendar_id, id, title, description, location, metadata, status, transparency, all_day, start_wall, second_pass,
    zone, zone_given, instant_given, length_days, length_seconds, rule, rdates, start_counts, last_wall,
    last_second_pass, start_at, last_at, uid, client_id, source, attendees, stored_from, stored_through, version,
    created_at, updated_at, shared_json, series_json, vevent, renderer
  )
  select c.id, %(id)s, %(title)s, %(description)s, %(location)s, %(metadata)s::json, %(status)s, %(transparency)s,
    %(all_day)s, %(start_wall)s, %(second_pass)s, %(zone)s, %(zone_given)s, %(instant_given)s, %(length_days)s,
    %(length_seconds)s, %(rule)s, %(rdates)s::text[], %(start_counts)s, %(last_wall)s::timestamp, %(last_second_pass)s,
    %(start_at)s, %(last_at)s::timestamptz, %(uid)s, %(client_id)s, %(source)s, %(attendees)s::json,
    case when %(series_json)s::text is not null then %(stored_from)s end,
    case when %(series_json)s::text is not null then %(stored_through)s end,
    c.seq, %(now)s, %(now)s, %(shared_json)s, %(series_json)s, %(vevent)s, %(renderer)s
  from c
), o as (
  insert into occurrences (calendar_id, event_id, key, start_at, end_at, first_day_end, own_json, moment)
  select c.id, %(id)s, d.key, to_timestamp(d.start_at), to_timestamp(d.end_at), to_timestamp(d.first_day_end), d.own_json,
    to_timestamp(d.moment)
  from c cross join unnest(
    case when %(keys)s = '' then array[''] else string_to_array(%(keys)s, ',') end,
    string_to_array(%(starts)s, ',')::bigint[], string_to_array(%(ends)s, ',')::bigint[],
    string_to_array(%(first_day_ends)s, ',', '')::bigint[], string_to_array(%(moments)s, ',', '')::bigint[],
    string_to_array(%(own_jsons)s, E'\x1e')
  ) as d(key, start_at, end_at, first_day_end, moment, own_json)
), t as (
  select c.id, c.seq, case when %(series_json)s::text is null
      then occurrence_text(%(id)s, '', %(own_jsons)s, %(shared_json)s, false, false, %(status)s, %(renderer)s, c.seq)
      else series_text(%(series_json)s, %(shared_json)s, %(status)s, %(renderer)s, c.seq) end as text
  from c
), h as (
  insert into changes (calendar_id, seq, type, event_id, at, by, before, after)
  select id, seq, 'event.created', %(id)s, %(now)s, %(by)s, null, text from t
), d as (
  insert into deliveries (lane, agent_id, calendar_id, type, event_id, seq, due_at, created_at, owed_at)
  select w.id, c.agent_id, c.id, 'event.created', %(id)s, c.seq, due_by(c.seq), %(now)s, %(now)s
  from c cross join lateral endpoints_now(c.agent_id, c.id) w
  where w.types is null or 'event.created' = any(w.types)
  order by w.id
  returning 1
)
select t.text, c.next_fire_at is not null or exists (select from d) from t cross join c;

-- name: outlook
-- How many dates of a series were cancelled and edited, and its next ones.
with dates as (
  select o.start_at, o.end_at, o.cancelled or (o.is_exception and e.status = 'cancelled') as is_cancelled, o.is_exception
  from occurrences o
  join events e on e.calendar_id = o.calendar_id and e.id = o.event_id
    and e.key = case when o.is_exception then o.key else '' end
  where o.calendar_id = %(calendar_id)s and o.event_id = %(event_id)s and not o.orphaned
), next as (
  select start_at, end_at from dates where not is_cancelled and start_at >= %(now)s order by start_at limit %(limit)s
)
select (select count(*) from dates where is_cancelled), (select count(*) from dates where is_exception and not is_cancelled),
  (select array_agg(start_at order by start_at) from next), (select array_agg(end_at order by start_at) from next);

-- name: stored_ids
-- Which of some UIDs the calendar has, and under which ids.
select f.uid, f.recurrence_id, f.id from unnest(string_to_array(%(uids)s, E'\x1e')) u(uid)
cross join lateral (
  select uid, recurrence_id, id from events
  where calendar_id = %(calendar_id)s and key = '' and uid = u.uid offset 0
) f;

-- name: client_ids
-- Which of some client_ids are taken, and by what.
select client_id, uid, recurrence_id from events
where calendar_id = %(calendar_id)s and key = '' and client_id = any(%(client_ids)s);

-- name: stored_texts
-- The present texts of some events as wholes, and of their dates with a life of their own; null for what is orphaned.
-- The key of a whole is said so that no index on wholes alone fits: the planner would walk it for each.
select e.id, '', case when e.series_json is not null
    then series_text(e.series_json, e.shared_json, e.status, e.renderer, e.version)
    else (select occurrence_text(o.event_id, o.key, o.own_json, e.shared_json, o.cancelled, o.is_exception, e.status,
        e.renderer, greatest(e.version, o.version))
      from occurrences o where o.calendar_id = %(calendar_id)s and o.event_id = e.id and o.key = '') end,
  false, false, null, false, false,
  (select count(*) from occurrences o where o.calendar_id = %(calendar_id)s and o.event_id = e.id)
from unnest(%(ids)s::text[]) i(id)
cross join lateral (
  select * from events where calendar_id = %(calendar_id)s and id = i.id and key = left(i.id, 0) offset 0
) e
union all
select o.event_id, o.key, case when not o.orphaned then occurrence_text(
    o.event_id, o.key, o.own_json, e.shared_json, o.cancelled, o.is_exception, e.status, e.renderer,
    greatest(e.version, o.version)) end,
  o.cancelled, o.is_exception, o.start_at, o.orphaned, o.is_exception and e.status = 'cancelled', 0
from unnest(%(ids)s::text[]) i(id)
cross join lateral (
  select * from occurrences
  where calendar_id = %(calendar_id)s and event_id = i.id and key <> '' and (cancelled or is_exception) offset 0
) o
cross join lateral (
  select * from events
  where calendar_id = %(calendar_id)s and id = i.id and key = case when o.is_exception then o.key else '' end offset 0
) e;

-- name: delete_events
-- Some events with all that hangs on them, before they are stored anew.
delete from events where calendar_id = %(calendar_id)s and id = any(%(ids)s);

-- name: insert_events
-- Many rows at once, as one JSON text: a statement each costs ten times as much.
insert into events select * from json_populate_recordset(null::events, %(rows)s::json);

-- name: insert_dates
-- Many dates of many events, none of which is stored yet; each array one text, see put_occurrences. A key has a letter
-- before it, so that an empty one is an element too; flags are cancelled, is_exception and orphaned.
insert into occurrences (
  calendar_id, event_id, key, start_at, end_at, first_day_end, moment, cancelled, is_exception, orphaned, version, own_json)
select %(calendar_id)s, d.event_id, substr(d.key, 2), to_timestamp(d.start_at), to_timestamp(d.end_at),
  to_timestamp(d.first_day_end), to_timestamp(d.moment), substr(d.flags, 1, 1) = 'c', substr(d.flags, 2, 1) = 'x',
  substr(d.flags, 3, 1) = 'o', d.version, d.own_json
from unnest(
  string_to_array(%(event_ids)s, ','), string_to_array(%(keys)s, ','),
  string_to_array(%(starts)s, ',')::bigint[], string_to_array(%(ends)s, ',')::bigint[],
  string_to_array(%(first_day_ends)s, ',', '')::bigint[], string_to_array(%(moments)s, ',', '')::bigint[],
  string_to_array(%(flags)s, ','), string_to_array(%(versions)s, ',', '')::bigint[],
  string_to_array(%(own_jsons)s, E'\x1e')
) as d(event_id, key, start_at, end_at, first_day_end, moment, flags, version, own_json);

-- name: count_stored
-- What insert_events and insert_dates stored.
update calendars set events = events + %(events)s, occurrences = occurrences + %(occurrences)s
where id = %(calendar_id)s;
