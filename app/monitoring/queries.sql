-- name: gauges
-- What operators watch, in one statement that costs milliseconds however many rows there are: every count ends at
-- `most`, walks an index alone, and looks nothing up in its table but single rows.
with waiting as materialized (
  select lane, due_at, position from deliveries where state = 'pending' order by lane, due_at, position limit %(most)s
), by_kind as (
  select kind, count(*) filter (where due_at <= %(now)s) as due, count(*) filter (where due_at > %(now)s) as later,
    min(position) filter (where due_at <= %(now)s) as oldest
  from (
    select case when starts_with(lane, 'whe_') then 'webhook' else 'mail' end as kind, due_at, position from waiting
  ) w group by kind
)
select
  coalesce((
    select json_agg(json_build_array(b.kind, b.due, b.later,
      extract(epoch from %(now)s - (select d.created_at from deliveries d where d.position = b.oldest))))
    from by_kind b), '[]')::text,
  (select min(next_fire_at) from calendars where next_fire_at < 'infinity'),
  (select count(*) from (
    select from calendars where stored_through < %(short)s order by stored_through limit %(most)s) c),
  (select min(stored_through) from calendars where stored_through < '9000-01-01Z'),  -- else: it has no series
  (select count(*) from (
    (select from calendars where tzdata < %(tzdata)s order by tzdata limit %(most)s)
    union all
    (select from calendars where tzdata > %(tzdata)s order by tzdata limit %(most)s)) c),
  (select count(*) from (
    select from mails where state = 'waiting' order by due_at limit %(most)s) m),
  (select min(due_at) from mails where state = 'waiting'),
  (select count(*) from dispatchers where seen_at > clock_timestamp() - %(dead_after)s * interval '1 second'),
  (select json_object_agg(state, count)::text from (
    select coalesce(state, 'unknown') as state, count(*) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' group by 1) a),
  current_setting('max_connections')::int,
  current_setting('server_version_num')::int / 10000,
  (select max(number) from migrations);

-- name: sizes
-- Rows as Postgres last estimated them; of a table in parts, those of its parts together.
select c.relname, sum(greatest(p.reltuples, 0))::float8
from pg_class c
left join pg_inherits i on i.inhparent = c.oid
join pg_class p on p.oid = coalesce(i.inhrelid, c.oid)
where c.oid = any(%(tables)s::regclass[])
group by c.relname;
