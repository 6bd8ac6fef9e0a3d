-- name: put_smtp
insert into agent_smtp (agent_id, host, port, username, password_sealed, sender, secure, updated_at)
values (
  %(agent_id)s, %(host)s, %(port)s, %(username)s, %(password_sealed)s, %(sender)s, %(secure)s, %(now)s
)
on conflict (agent_id) do update set
  host = excluded.host, port = excluded.port, username = excluded.username, password_sealed = excluded.password_sealed,
  sender = excluded.sender, secure = excluded.secure, updated_at = excluded.updated_at;

-- name: smtp_of_caller
select k.id, k.agent_id, k.scope,
  s.agent_id, s.host, s.port, s.username, s.password_sealed, s.sender, s.secure, s.updated_at
from caller(%(key_hash)s, %(now)s) k left join agent_smtp s on s.agent_id = k.agent_id;

-- name: smtp_of_agent
select agent_id, host, port, username, password_sealed, sender, secure, updated_at
from agent_smtp where agent_id = %(agent_id)s;

-- name: delete_smtp
delete from agent_smtp where agent_id = %(agent_id)s;

-- name: sealed_passwords
select agent_id, password_sealed from agent_smtp where agent_id > %(after)s order by agent_id limit %(limit)s;

-- name: reseal_password
update agent_smtp set password_sealed = %(password)s where agent_id = %(agent_id)s and password_sealed = %(was)s;
