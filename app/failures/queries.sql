-- name: store_failures
-- Of each agent the newest of what came, so that a flood over many keys is bounded too. Keys that do not live own
-- nothing.
insert into failures (agent_id, at, request_id, method, route, path, status, code, error, hint, field)
select agent_id, at, request_id, method, route, path, status, code, error, hint, field
from (
  select k.agent_id, f.*, row_number() over (partition by k.agent_id order by f.number desc) as nth
  from unnest(
    %(hashes)s::bytea[], %(times)s::timestamptz[], %(request_ids)s::text[], %(methods)s::text[], %(routes)s::text[],
    %(paths)s::text[], %(statuses)s::integer[], %(codes)s::text[], %(errors)s::text[], %(hints)s::text[],
    %(fields)s::text[]
  ) with ordinality as f(hash, at, request_id, method, route, path, status, code, error, hint, field, number)
  cross join lateral caller(f.hash, f.at) k
) found
where nth <= %(most)s
order by number;

-- name: trim_failures
-- What an agent has beyond the newest of them. Rows that another process is about to remove are left to it.
delete from failures where ctid = any(array(
  select old.ctid
  from (select distinct agent_id from keys where hash = any(%(hashes)s)) a
  cross join lateral (
    select ctid from failures f where f.agent_id = a.agent_id
    order by at desc, position desc offset %(kept)s
    for update skip locked
  ) old
));

-- name: list_failures
-- One row with nulls for a key that never failed, so that a dead key differs from it.
select k.id, k.agent_id, k.scope,
  f.at, f.request_id, f.method, f.route, f.path, f.status, f.code, f.error, f.hint, f.field
from caller(%(key_hash)s, %(now)s) k
left join lateral (
  select * from failures
  where agent_id = k.agent_id and at > %(after)s
    and (%(route)s::text is null or route = %(route)s or path = %(route)s)
  order by at desc, position desc limit %(limit)s
) f on true
order by f.at desc, f.position desc;

-- name: forget_failures
delete from failures where ctid = any(array(
  select ctid from failures where at <= %(before)s order by at limit %(limit)s for update skip locked));
