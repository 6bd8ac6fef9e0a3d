-- name: server
select pg_encoding_to_char(d.encoding), current_setting('TimeZone'), pg_is_in_recovery(),
  current_setting('default_transaction_read_only') = 'on', pg_size_pretty(pg_database_size(d.oid))
from pg_database d where d.datname = current_database();

-- name: has_database
select exists (select from pg_database where datname = %(name)s);

-- name: connections
-- How many there may be for us, by the server, the database and the role, and how many others have now.
select least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int,
    case when d.datconnlimit < 0 then 1000000 else d.datconnlimit end,
    case when r.rolconnlimit < 0 then 1000000 else r.rolconnlimit end),
  (select count(*) from pg_stat_activity
   where backend_type = 'client backend' and coalesce(application_name, '') not like 'kalends%%'
     and pid <> pg_backend_pid())
from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user;

-- name: migrations_table
select to_regclass('migrations') is not null;

-- name: migrations
select number from migrations order by number;

-- name: may_lay_out
select has_schema_privilege(current_schema(), 'create');

-- name: try_write
insert into dispatchers (id, seen_at) values ('doctor', clock_timestamp());

-- name: clock
select clock_timestamp();

-- name: tzdata
select tzdata, count(*) from calendars group by tzdata order by tzdata;

-- name: sealed
-- By the key that sealed them (a value begins with its id) and by what they are: how many, and one with its place; the
-- places are those that calendars, endpoints and agents' mail servers seal with.
select substr(sealed, 1, 4), count(*), min(place || ' ' || encode(sealed, 'hex')) from (
  select id || '/feed' as place, feed_sealed as sealed from calendars
  union all select id || '/inbound', inbound_sealed from calendars
  union all select id || '/agentmail', agentmail_key_sealed from calendars
  union all select coalesce(calendar_id, id) || '/webhook_secret', secret_sealed from endpoints
  union all select coalesce(calendar_id, id) || '/webhook_secret', previous_sealed from endpoints
  union all select agent_id || '/smtp_password', password_sealed from agent_smtp
) s
where sealed is not null group by 1, split_part(place, '/', 2);

-- name: sealed_answers
-- Kept for Idempotency-Keys, for a day.
select substr(answer, 1, 4), count(*) from idempotency where sealed and answer is not null group by 1;

-- name: outbox
-- What waits though its time has come; no more than %(most)s are looked at. What a write owes is dated by the order of the
-- log, long ago, so that it counts from when it was written.
select count(*), min(since) from (
  select greatest(due_at, created_at) as since from deliveries
  where state = 'pending' and greatest(due_at, created_at) < clock_timestamp() - %(late)s * interval '1 second'
  limit %(most)s
) late;

-- name: dispatchers
select count(*) from dispatchers where seen_at > clock_timestamp() - %(dead_after)s * interval '1 second';
