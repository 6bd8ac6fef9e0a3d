-- name: create_agent
-- The agent and its first key in one statement: there is no agent without a key.
with agent as (
  insert into agents (id, name, description, created_at, updated_at)
  values (%(agent_id)s, %(name)s, %(description)s, %(now)s, %(now)s)
  returning id
)
insert into keys (id, agent_id, hash, prefix, scope, created_at)
select %(key_id)s, id, %(hash)s, %(prefix)s, 'full', %(now)s from agent;

-- name: agent_of_key
select k.id, k.agent_id, k.scope, a.name, a.description, a.created_at,
  exists (select from agent_smtp s where s.agent_id = a.id)
from caller(%(key_hash)s, %(now)s) k join agents a on a.id = k.agent_id;

-- name: update_agent
update agents set
  name = case when %(set_name)s then %(name)s else name end,
  description = case when %(set_description)s then %(description)s else description end,
  updated_at = %(now)s
where id = %(agent_id)s
returning name, description, created_at, exists (select from agent_smtp s where s.agent_id = id);

-- name: delete_agent
-- Takes keys, calendars and all that hangs on them along, the answers kept for the keys' retries, and the log of test
-- calls that belong to no calendar.
-- Locked in the order of those who lock an agent and then calendars; and the calendars before the agent's row is to go:
-- a write in one of them may be about to store a mail, whose counts hang on that row.
with owner as materialized (
  select id from agents where id = %(agent_id)s for no key update
), locked as materialized (
  select id from calendars where agent_id = (select id from owner) order by id for update
), answers as (
  delete from idempotency where key_hash in (select hash from keys where agent_id = %(agent_id)s)
), tests as (
  delete from deliveries where agent_id = %(agent_id)s and calendar_id is null
)
delete from agents where id = %(agent_id)s and (select count(*) from locked) >= 0;

-- name: create_key
insert into keys (id, agent_id, hash, prefix, name, scope, created_at, expires_at)
values (%(key_id)s, %(agent_id)s, %(hash)s, %(prefix)s, %(name)s, %(scope)s, %(now)s, %(expires_at)s);

-- name: list_keys
select id, name, scope, prefix, created_at, expires_at, last_used_at
from keys where agent_id = %(agent_id)s order by created_at, id;

-- name: delete_key
with gone as (
  delete from keys where agent_id = %(agent_id)s and id = %(key_id)s returning hash
)
delete from idempotency where key_hash in (select hash from gone);

-- name: lock_keys
-- Two deletions at once must not each believe the other's key to be the one that stays.
select id, scope, expires_at from keys where agent_id = %(agent_id)s order by id for update;

-- name: mark_keys_used
update keys k set last_used_at = greatest(k.last_used_at, used.at)
from unnest(%(hashes)s::bytea[], %(times)s::timestamptz[]) as used(hash, at)
where k.hash = used.hash;

-- name: hold_agent
-- One at a time counts what an agent has, or works out from what there is what it becomes; a statement after this one
-- sees what the last one did. No stronger a lock: a write that changes its calendar's row twice looks at the agent's
-- after it, for the foreign key, and each would wait for the other.
select from agents where id = %(agent_id)s for no key update;
