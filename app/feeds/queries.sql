-- name: open_feed
-- Who may read which state of which calendar: small enough to run on every fetch, before anything is rendered.
select seq, changed_at from calendars
where feed_hash = %(token)s and id = %(calendar_id)s;

-- name: feed_events
-- Everything a feed shows, at the seq it is shown at, in one statement and so in one snapshot. Cancelled events are
-- absent; an override shows while its own date is not cancelled, whatever became of its series, whose zone its
-- RECURRENCE-ID still names.
select c.name, c.timezone, c.seq, coalesce(f.stale, false), f.zones, f.since, f.vevents
from calendars c
cross join lateral (
  select bool_or(e.renderer <> %(renderer)s) as stale,
    array_agg(distinct e.zone) filter (where not e.all_day) as zones,
    min(e.start_at) as since,
    string_agg(e.vevent, '' order by e.start_at, e.id, e.key) filter (where e.status <> 'cancelled'
      and (e.key = '' or not o.cancelled and not o.orphaned)) as vevents
  from events e
  left join occurrences o
    on o.calendar_id = e.calendar_id and o.event_id = e.id and o.key = e.key and e.key <> ''
  where e.calendar_id = c.id
) f
where c.id = %(calendar_id)s;

-- name: store_fetches
insert into feed_fetches (calendar_id, fetched_at, seq)
select c.id, f.fetched_at, f.seq
from unnest(%(calendar_ids)s::text[], %(times)s::timestamptz[], %(seqs)s::bigint[]) as f(id, fetched_at, seq)
join calendars c on c.id = f.id
on conflict (calendar_id) do update set
  fetched_at = greatest(feed_fetches.fetched_at, excluded.fetched_at), seq = greatest(feed_fetches.seq, excluded.seq);

-- name: get_insight
select k.id, k.agent_id, k.scope, c.id, c.seq, f.fetched_at, f.seq
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.agent_id = k.agent_id and c.id = %(calendar_id)s
left join feed_fetches f on f.calendar_id = c.id;
