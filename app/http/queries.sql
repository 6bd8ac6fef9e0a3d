-- name: claim_request
-- The first request under an Idempotency-Key gets a row; a second one at the same time waits here for the first to
-- commit or fail, which is what makes them one. A claim that has outlived its day is claimed anew.
insert into idempotency (key_hash, request_hash, body_hash, created_at)
values (%(key_hash)s, %(request_hash)s, %(body_hash)s, %(now)s)
on conflict (key_hash, request_hash) do update set
  body_hash = excluded.body_hash, created_at = excluded.created_at, status = null, answer = null, sealed = false
  where idempotency.created_at <= %(expired)s
returning true;

-- name: read_claim
select body_hash, status, answer, sealed from idempotency
where key_hash = %(key_hash)s and request_hash = %(request_hash)s;

-- name: keep_answer
update idempotency set status = %(status)s, answer = %(answer)s, sealed = %(sealed)s
where key_hash = %(key_hash)s and request_hash = %(request_hash)s;

-- name: wait_so_long
-- For locks, until the transaction ends or says otherwise: a request that runs longer is told of, not waited for.
select set_config('lock_timeout', %(milliseconds)s, true);

-- name: forget_answers
delete from idempotency where ctid = any(array(
  select ctid from idempotency where created_at <= %(expired)s order by created_at limit %(limit)s));

-- name: lease
-- A block of a window's allowance, for one process; the sum over all processes is what the limit bounds.
insert into allowances (subject, window_start, leased) values (%(subject)s, %(window_start)s, %(count)s)
on conflict (subject, window_start) do update set leased = allowances.leased + excluded.leased
returning leased;

-- name: forget_allowances
delete from allowances where ctid = any(array(
  select ctid from allowances where window_start < %(before)s limit %(limit)s));

-- name: tell
select pg_notify('kalends_changes', %(payload)s);

-- name: seqs
select id, seq from calendars where id = any(%(calendar_ids)s);
