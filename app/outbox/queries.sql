-- name: add_endpoint
-- With its lane, which lives as long.
with lane as (
  insert into lanes (id, kind, agent_id) values (%(id)s, 'webhook', %(agent_id)s)
)
insert into endpoints (
  id, agent_id, calendar_id, url, types, calendars, secret_sealed, active, disabled_reason, created_at, updated_at
) values (
  %(id)s, %(agent_id)s, %(calendar_id)s, %(url)s, %(types)s, %(calendars)s, %(secret_sealed)s, %(active)s,
  %(disabled_reason)s, %(now)s, %(now)s
);

-- name: endpoint_of_calendar
select id, agent_id, calendar_id, url, types, calendars, secret_sealed, active, disabled_reason, created_at, updated_at
from endpoints where calendar_id = %(calendar_id)s;

-- name: list_endpoints
select k.id, k.agent_id, k.scope,
  e.id, e.agent_id, e.calendar_id, e.url, e.types, e.calendars, e.secret_sealed, e.active, e.disabled_reason,
  e.created_at, e.updated_at
from caller(%(key_hash)s, %(now)s) k
left join endpoints e on e.agent_id = k.agent_id and e.url is not null
order by e.created_at, e.id;

-- name: get_endpoint
select k.id, k.agent_id, k.scope,
  e.id, e.agent_id, e.calendar_id, e.url, e.types, e.calendars, e.secret_sealed, e.active, e.disabled_reason,
  e.created_at, e.updated_at
from caller(%(key_hash)s, %(now)s) k
left join endpoints e on e.agent_id = k.agent_id and e.id = %(endpoint_id)s and e.url is not null;

-- name: count_endpoints
select count(*) from endpoints where agent_id = %(agent_id)s and calendar_id is null;

-- name: unknown_calendars
-- Which of these calendars the agent does not have.
select coalesce(array_agg(wanted order by place), '{}') from unnest(%(calendars)s::text[]) with ordinality w(wanted, place)
where not exists (select from calendars c where c.id = wanted and c.agent_id = %(agent_id)s);

-- name: update_endpoint
update endpoints set
  url = %(url)s, types = %(types)s, calendars = %(calendars)s, active = %(active)s,
  disabled_reason = %(disabled_reason)s, secret_sealed = %(secret_sealed)s, updated_at = %(now)s,
  failing_since = case when %(starts_anew)s then null else failing_since end
where id = %(id)s;

-- name: rotate_secret
-- The secret of before keeps signing until previous_until.
update endpoints set
  previous_sealed = secret_sealed, previous_until = %(previous_until)s, secret_sealed = %(secret_sealed)s,
  updated_at = %(now)s
where id = %(id)s;

-- name: delete_endpoint
-- What was delivered stays in the log; its lane goes, so that nothing more is sent.
with lane as (
  delete from lanes where id = %(id)s
)
delete from endpoints where id = %(id)s;

-- name: abandon
-- What still waits in a lane is given up.
update deliveries set state = 'failed', reason = %(reason)s, ended_at = %(now)s
where lane = %(lane)s and state = 'pending';

-- name: lock_calendars_of
-- In order, so that two who lock several never wait for each other in a ring; a write locks one.
select id from calendars
where agent_id = %(agent_id)s and (%(calendars)s::text[] is null or id = any(%(calendars)s))
order by id for update;

-- name: arm
-- Who wants reminders has changed. What fell due before goes to those who wanted them; nothing reaches behind now.
select fire_reminders(%(calendars)s::text[], %(now)s);

-- name: sealed_endpoints
select id, coalesce(calendar_id, id), secret_sealed, previous_sealed from endpoints
where id > %(after)s and secret_sealed is not null order by id limit %(limit)s;

-- name: reseal_endpoint
update endpoints set secret_sealed = %(secret)s, previous_sealed = %(previous)s
where id = %(id)s and secret_sealed = %(was)s;

-- name: owe_changes
-- Owe the changes of a write to all who want them, in its own transaction. A change is due at once, and before what was
-- logged after it, however clocks differ: so its moment is long ago, and in the order of the log.
insert into deliveries (lane, agent_id, calendar_id, type, event_id, seq, due_at, created_at, owed_at)
select e.id, %(agent_id)s, c.calendar_id, c.type, c.event_id, c.seq, due_by(c.seq), %(now)s, c.at
from changes c cross join endpoints_for(%(agent_id)s, %(calendar_id)s) e
where c.calendar_id = %(calendar_id)s and c.seq >= %(first_seq)s and c.type <> 'calendar.updated'
  and (e.types is null or c.type = any(e.types))
order by c.seq, e.id;

-- name: owe_again
-- A replay: what is owed already is owed anew under its own id, so that whoever has it can tell; the rest is added.
with again as (
  insert into deliveries (lane, agent_id, calendar_id, type, event_id, seq, due_at, created_at, owed_at)
  select e.id, %(agent_id)s, c.calendar_id, c.type, c.event_id, c.seq, due_by(c.seq), %(now)s, c.at
  from changes c cross join endpoints_for(%(agent_id)s, %(calendar_id)s) e
  where c.calendar_id = %(calendar_id)s and c.seq > %(since)s and c.seq <= %(through)s and c.type <> 'calendar.updated'
    and (e.types is null or c.type = any(e.types))
  order by c.seq, e.id
  on conflict (lane, calendar_id, seq, owed_at) where seq is not null do update set
    state = 'pending', reason = null, ended_at = null, attempts = 0, due_at = excluded.due_at
  returning 1
)
select count(*) from again;

-- name: endpoint_to_call
-- Whom a test calls: a calendar's own endpoint, or any of the agent's.
select k.id, k.agent_id, k.scope, c.id, e.id, e.calendar_id, e.url, e.secret_sealed, e.previous_sealed, e.previous_until
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.agent_id = k.agent_id and c.id = %(calendar_id)s
left join endpoints e on e.agent_id = k.agent_id
  and case when %(endpoint_id)s::text is null then e.calendar_id = c.id else e.id = %(endpoint_id)s end;

-- name: record_test
insert into deliveries (
  id, lane, agent_id, calendar_id, type, state, reason, attempts, due_at, created_at, owed_at, ended_at, log
) values (
  %(id)s, %(lane)s, %(agent_id)s, %(calendar_id)s, 'test', %(state)s, %(reason)s, 1, %(now)s, %(now)s, %(now)s, %(now)s,
  array[%(log)s]);

-- name: owe_once_more
-- By hand: a new round of attempts, beginning now.
update deliveries d set state = 'pending', reason = null, ended_at = null, attempts = 0, due_at = %(now)s
from lanes l
where d.id = %(id)s and d.calendar_id = %(calendar_id)s and d.agent_id = %(agent_id)s and l.id = d.lane
returning d.id;

-- name: lane_of_delivery
select d.lane, d.state, l.id is not null, coalesce(e.active, true), d.fires_at, d.mail is not null
from deliveries d left join lanes l on l.id = d.lane left join endpoints e on e.id = d.lane
where d.id = %(id)s and d.calendar_id = %(calendar_id)s and d.agent_id = %(agent_id)s;

-- name: list_deliveries
-- The newest first.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id from calendars where id = %(calendar_id)s and agent_id = (select agent_id from k)
), page as (
  select d.position, d.id, d.lane, d.type, d.event_id, d.seq, d.offset_text, d.fires_at, d.state, d.reason, d.attempts,
    d.due_at, d.created_at, d.ended_at, d.log
  from deliveries d
  where d.calendar_id = (select id from c) and d.mail is null and d.position < %(before)s
    and (%(state)s::text is null or d.state = %(state)s)
  order by d.position desc limit %(limit)s
)
select k.id, k.agent_id, k.scope, c.id, p.position, p.id, p.lane, p.type, p.event_id, p.seq, p.offset_text, p.fires_at,
  p.state, p.reason, p.attempts, greatest(p.due_at, p.created_at), p.created_at, p.ended_at, p.log
from k left join c on true left join page p on true
order by p.position desc;

-- name: get_delivery
select position, id, lane, type, event_id, seq, offset_text, fires_at, state, reason, attempts,
  greatest(due_at, created_at), created_at, ended_at, log
from deliveries where id = %(id)s and agent_id = %(agent_id)s;

-- name: claim_lanes
-- Walk from lane to lane behind `after`, one index look-up each, and hold those that have something due and are free.
-- Which deliveries those are is asked in a statement of its own: this one's snapshot may be older than what the last
-- holder of a lane has settled. Lanes of endpoints that fail are taken only as far as there is room set aside for them.
with recursive waiting as (
  (select lane, due_at from deliveries where state = 'pending' and lane > %(after)s order by lane, due_at limit 1)
  union all
  select n.lane, n.due_at from waiting w
  cross join lateral (
    select lane, due_at from deliveries where state = 'pending' and lane > w.lane order by lane, due_at limit 1
  ) n
), walked as materialized (
  select * from waiting limit %(walk)s
), due as (
  select l.id, w.due_at, e.failing_since is not null as fails
  from walked w join lanes l on l.id = w.lane left join endpoints e on e.id = w.lane
  where w.due_at <= %(now)s and coalesce(e.active, true)
    and (l.holder is null  -- else held lanes fill the room, and free ones behind them wait; asked again under the lock
      or not exists (
        select from dispatchers p where p.id = l.holder
          and p.seen_at > clock_timestamp() - %(dead_after)s * interval '1 second'))
), free as (
  select l.id from lanes l join (
    (select id, due_at from due where not fails order by due_at limit %(room)s)
    union all
    (select id, due_at from due where fails order by due_at limit %(room_for_failing)s)
  ) d on d.id = l.id
  where l.holder is null
    or not exists (
      select from dispatchers p where p.id = l.holder
        and p.seen_at > clock_timestamp() - %(dead_after)s * interval '1 second')
  order by d.due_at
  for no key update of l skip locked
), held as (
  update lanes l set holder = %(holder)s from free f where l.id = f.id returning l.id
)
select (select array_agg(id) from held), (select count(*) from walked), (select max(lane) from walked),
  (select min(due_at) from walked where due_at > %(now)s);

-- name: read_due
-- The first of what is due in lanes that are held, with all it takes to send it.
select l.kind, d.lane, d.position, d.id, d.agent_id, d.calendar_id, d.type, d.event_id, d.seq, d.offset_text, d.fires_at,
  d.event, d.attempts, d.created_at, c.at, c.before, c.after,
  d.fires_at is null or exists (
    select from occurrences o
    join events w on w.calendar_id = o.calendar_id and w.id = o.event_id
      and w.key = case when o.is_exception then o.key else '' end
    where o.calendar_id = d.calendar_id and o.event_id = 'evt_' || split_part(d.event_id, '_', 2)
      and o.key = split_part(d.event_id, '_', 3)
      and coalesce(o.moment, o.start_at) + offset_of(d.offset_text) = d.fires_at
      and not o.cancelled and not o.orphaned and w.status <> 'cancelled'),
  e.url, coalesce(e.calendar_id, e.id), e.secret_sealed, e.previous_sealed, e.previous_until, e.failing_since is not null,
  d.mail, d.owed_at
from unnest(%(lanes)s::text[]) held(id)
join lanes l on l.id = held.id
cross join lateral (
  select * from deliveries where lane = held.id and state = 'pending' and due_at <= %(now)s
  order by due_at, position limit %(batch)s
) d
left join changes c on c.calendar_id = d.calendar_id and c.seq = d.seq
left join endpoints e on e.id = d.lane
order by d.lane, d.due_at, d.position;

-- name: settle
-- What became of attempts, and lanes let go, in one statement. That a delivery is pending is told by ended_at: by state,
-- the planner would read all that waits, since of that there is next to nothing whenever it counts.
with outcome as (
  select * from unnest(
    %(positions)s::bigint[], %(owed_ats)s::timestamptz[], %(states)s::text[], %(reasons)s::text[],
    %(attempts)s::integer[], %(due_ats)s::timestamptz[], %(logs)s::text[]
  ) as o(position, owed_at, state, reason, attempts, due_at, log)
), settled as (
  update deliveries d set state = o.state, reason = o.reason, attempts = o.attempts,
    due_at = coalesce(o.due_at, d.due_at), ended_at = case when o.state <> 'pending' then %(now)s::timestamptz end,
    log = case when o.log = '' then d.log else d.log[cardinality(d.log) - %(log_most)s + 2:] || o.log end
  from outcome o where d.position = o.position and d.owed_at = o.owed_at and d.ended_at is null
)
update lanes l set holder = null
from unnest(%(released)s::text[], %(holders)s::text[]) as r(id, holder) where l.id = r.id and l.holder = r.holder;

-- name: note_health
-- Endpoints that answered are well again; of those that failed, since when is kept.
update endpoints e set failing_since = case when h.well then null else coalesce(e.failing_since, %(now)s) end
from unnest(%(endpoints)s::text[], %(well)s::boolean[]) as h(id, well)
where e.id = h.id and (e.failing_since is null) <> h.well;

-- name: scope_of_endpoint
select agent_id, case when calendar_id is null then calendars else array[calendar_id] end
from endpoints where id = %(id)s and active;

-- name: disable_endpoint
update endpoints set active = false, disabled_reason = %(reason)s, updated_at = %(now)s
where id = %(id)s and active;

-- name: long_failing
select id from endpoints where id = any(%(endpoints)s) and active and failing_since <= %(before)s;

-- name: report_alive
insert into dispatchers (id, seen_at) values (%(id)s, clock_timestamp())
on conflict (id) do update set seen_at = excluded.seen_at;

-- name: report_gone
-- At a stop, so that nobody waits for what was held: a lane whose holder is not here is free.
delete from dispatchers where id = %(id)s or seen_at < clock_timestamp() - interval '1 day';

-- name: forget_deliveries
-- Of those that lie in no month of their own, in small bites: a purge never holds a lock for long.
delete from deliveries_default where ctid = any(array(
  select ctid from deliveries_default
  where created_at < %(before)s and state <> 'pending' order by created_at limit %(limit)s));

-- name: give_up_waiting
-- After a restore: what waits in the backup may have been sent since.
update deliveries set state = 'failed', reason = 'restored', ended_at = %(now)s where position = any(array(
  select position from deliveries where state = 'pending' order by lane, due_at, position limit %(limit)s));

-- name: pass_moments
-- After a restore: what fell due since the backup was made was told by those who ran then.
with bite as (
  select id from calendars where id > %(after)s and next_fire_at is not null order by id limit %(limit)s
), passed as (
  update calendars c set fired_through = greatest(c.fired_through, %(now)s),
    next_fire_at = armed(c.agent_id, c.id, c.webhook_offsets, greatest(c.fired_through, %(now)s))
  from bite b where c.id = b.id
)
select max(id) from bite;
