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

-- name: count_of_today
-- Locked, so that writes in several calendars of an agent do not both find room for the last mail. Nothing is locked
-- after it that others hold while they wait for it.
insert into mail_counts (agent_id, day) values (%(agent_id)s, %(day)s)
on conflict (agent_id, day) do update set mails = mail_counts.mails
returning mails, new_recipients;

-- name: known_recipients
select address from mail_recipients where agent_id = %(agent_id)s and address = any(%(addresses)s);

-- name: count_mails
with new as (
  insert into mail_recipients (agent_id, address, first_at)
  select %(agent_id)s, address, %(now)s from unnest(%(new)s::text[]) address
  on conflict do nothing
)
update mail_counts set mails = mails + %(mails)s, new_recipients = new_recipients + cardinality(%(new)s::text[])
where agent_id = %(agent_id)s and day = %(day)s;

-- name: owe_mails
-- The lane is made when an agent first mails. A mail is due at once, after those that were owed before.
with lane as (
  insert into lanes (id, kind, agent_id) values (%(lane)s, 'mail', %(agent_id)s) on conflict do nothing
)
insert into deliveries (id, lane, agent_id, calendar_id, type, event_id, mail, due_at, created_at, owed_at)
select o.id, %(lane)s, %(agent_id)s, %(calendar_id)s, o.type, o.event_id, o.mail, %(now)s, %(now)s, %(now)s
from unnest(%(ids)s::text[], %(types)s::text[], %(event_ids)s::text[], %(mails)s::text[])
  with ordinality as o(id, type, event_id, mail, place)
order by o.place;

-- name: note_counted
update deliveries set mail = %(mail)s where position = %(position)s and owed_at = %(owed_at)s;

-- name: newest_answer
-- The last answer that was mailed about an event; given a date, the last about that date or the whole.
select mail, state from deliveries
where calendar_id = %(calendar_id)s and mail is not null and type = 'mail.reply'
  and (event_id = %(event_id)s or case when %(key)s = '' then starts_with(event_id, %(event_id)s || '_')
    else event_id = %(event_id)s || '_' || %(key)s end)
order by position desc limit 1;

-- name: read_thread
select thread, message_id from threads where calendar_id = %(calendar_id)s and uid = %(uid)s;

-- name: list_mails
-- The newest first. Of the mail itself only what the log shows.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id from calendars where id = %(calendar_id)s and agent_id = (select agent_id from k)
), page as (
  select d.position, d.id, d.type, d.event_id, d.mail::json -> 'mail' as mail, d.state, d.reason,
    greatest(d.due_at, d.created_at) as due_at, d.created_at, d.ended_at, d.log
  from deliveries d
  where d.calendar_id = (select id from c) and d.mail is not null and d.position < %(before)s
    and (%(state)s::text is null or d.state = %(state)s)
  order by d.position desc limit %(limit)s
)
select k.id, k.agent_id, k.scope, c.id, p.position, p.id, p.event_id, p.mail -> 'recipient' ->> 'address',
  p.mail ->> 'subject', p.mail ->> 'method', p.state, p.reason, p.due_at, p.created_at, p.ended_at, p.log
from k left join c on true left join page p on true
order by p.position desc;
