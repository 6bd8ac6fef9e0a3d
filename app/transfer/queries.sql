-- name: open_export
-- Who may read which state of which calendar, before anything is rendered.
select k.id, k.agent_id, k.scope, c.id, c.seq
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.agent_id = k.agent_id and c.id = %(calendar_id)s;

-- name: export_rows
-- Everything a calendar holds, at the seq it is read at, in one statement and so in one snapshot. Each event as a whole
-- comes with its dates that have a life of their own. A calendar without events has one row of nulls.
select c.name, c.timezone, c.seq,
  case when r.key = '' then array(
    select o.key || case when o.cancelled then ' c' else ' -' end || case when o.is_exception then 'x' else '-' end
      || case when o.orphaned then 'o' else '-' end
    from occurrences o
    where o.calendar_id = c.id and o.event_id = r.id and (o.cancelled or o.is_exception)
    order by o.key) end,
  r.*
from calendars c left join event_rows r on r.calendar_id = c.id
where c.id = %(calendar_id)s
order by r.id, r.key;

-- name: zone_of
select k.id, k.agent_id, k.scope, c.timezone
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.agent_id = k.agent_id and c.id = %(calendar_id)s;
