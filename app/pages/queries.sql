-- name: check
-- Reads a table of ours, so that a database without the schema is not called ready.
select current_setting('server_version_num')::int / 10000, (select max(number) from migrations),
  current_setting('transaction_read_only') = 'on';

-- name: agents_context
-- What an agent has, for the manual: its calendars with what is next in each, invitations that wait among the next
-- dates, how many webhooks, and what failed last. Reads tables of every room, in one statement and so as of one moment.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id, name, timezone, events, created_at from calendars
  where agent_id = (select agent_id from k) order by created_at, id limit %(calendars)s
), n as materialized (
  select c.id as calendar_id, o.*
  from c cross join lateral (
    select o.start_at, o.event_id, o.key, o.own_json, e.title, e.source = 'inbound_email' as untrusted,
      e.organiser_email, e.source = 'inbound_email' and e.response is null and e.status = 'tentative' as waits
    from occurrences o
    cross join lateral (
      select * from events
      where calendar_id = o.calendar_id and id = o.event_id
        and key = case when o.is_exception then o.key else '' end
      limit 1
    ) e
    where o.calendar_id = c.id and o.start_at >= %(now)s
      and not o.orphaned and not o.cancelled and e.status <> 'cancelled'
      and (e.stored_through is null or o.start_at < e.stored_through)
    order by o.start_at, o.event_id, o.key
    limit %(dates)s
  ) o
)
select k.id, k.agent_id, k.scope, a.name,
  (select count(*) from calendars where agent_id = k.agent_id),
  (select coalesce(sum(events), 0) from calendars where agent_id = k.agent_id),
  (select count(*) from endpoints where agent_id = k.agent_id and url is not null and active),
  (select json_agg(json_build_array(c.id, c.name, c.timezone, c.events, f.own_json, f.title, f.untrusted)
      order by c.created_at, c.id)::text
    from c left join lateral (
      select * from n where n.calendar_id = c.id order by start_at, event_id, key limit 1
    ) f on true),
  (select json_agg(json_build_array(w.calendar_id, w.event_id, w.own_json, w.title, w.organiser_email)
      order by w.start_at, w.event_id)::text
    from (
      select distinct on (calendar_id, event_id) * from n where waits order by calendar_id, event_id, start_at
    ) w),
  (select json_agg(json_build_array(x.method, x.path, x.status, x.code, x.error, x.hint) order by x.at desc, x.position desc)::text
    from (
      select * from failures where agent_id = k.agent_id and at > %(after)s
      order by at desc, position desc limit %(failures)s
    ) x)
from k join agents a on a.id = k.agent_id;
