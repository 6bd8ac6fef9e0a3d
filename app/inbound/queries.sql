-- name: calendar_of_token
select id, agent_id, timezone, agentmail_key_sealed from calendars where inbound_hash = %(hash)s;

-- name: calendars_of_addresses
-- What stands before the @ of calendars' addresses, in lower case, as a text of lines.
select id, agent_id, timezone, agentmail_key_sealed from calendars
where lower(id) = any(string_to_array(%(ids)s, E'\n')) order by id limit %(limit)s;

-- name: calendar_of_id
select id, agent_id, timezone, agentmail_key_sealed from calendars where id = %(calendar_id)s;

-- name: store_mail
-- Nothing for one that is here already, and none for a calendar that was deleted meanwhile.
-- The key holds within a month, the look for an earlier one beyond it.
insert into mails (
  id, calendar_id, provider, message_id, received_at, sender, subject, sender_check, content, state, due_at, month
)
select %(id)s, c.id, %(provider)s, %(message_id)s, %(now)s, %(sender)s, %(subject)s, %(sender_check)s, %(content)s,
  'waiting', %(due_at)s, date_trunc('month', %(now)s::timestamptz at time zone 'UTC')::date
from calendars c where c.id = %(calendar_id)s
  and not exists (select from mails where calendar_id = c.id and message_id = %(message_id)s)
on conflict (calendar_id, message_id, month) do nothing
returning id;

-- name: known_mail
select id, state, attempts, answer from mails where calendar_id = %(calendar_id)s and message_id = %(message_id)s;

-- name: mail_state
select state, answer from mails where calendar_id = %(calendar_id)s and id = %(id)s;

-- name: settle_mail
update mails set state = 'done', due_at = null, attempts = attempts + 1, answer = %(answer)s,
  sender_check = %(sender_check)s, content = coalesce(%(content)s, content)
where calendar_id = %(calendar_id)s and id = %(id)s;

-- name: postpone_mail
-- Not one that another attempt has settled meanwhile.
update mails set state = %(state)s, due_at = %(due_at)s, attempts = attempts + 1, answer = coalesce(%(answer)s, answer)
where calendar_id = %(calendar_id)s and id = %(id)s and state <> 'done';

-- name: note_failure
-- An attempt that was asked for; what waits goes on waiting.
update mails set attempts = attempts + 1, answer = %(answer)s
where calendar_id = %(calendar_id)s and id = %(id)s returning id;

-- name: next_due
select due_at from mails where state = 'waiting' order by due_at limit 1;

-- name: claim_due
-- A lease: whoever dies over one leaves it to the next look after that.
update mails set due_at = %(until)s where id = any(array(
  select id from mails where state = 'waiting' and due_at <= %(now)s order by due_at limit %(limit)s
  for update skip locked))
returning id, calendar_id, content, attempts;

-- name: look_under_lock
-- The mail as it stands, and what is known of the UIDs in it.
select m.state, m.answer, t.uids, t.threads
from mails m cross join lateral (
  select array_agg(uid) as uids, array_agg(thread) as threads from threads
  where calendar_id = %(calendar_id)s and uid = any(string_to_array(%(uids)s, E'\x1e'))
) t where m.calendar_id = %(calendar_id)s and m.id = %(id)s;

-- name: put_thread
insert into threads (calendar_id, uid, thread, message_id, updated_at)
values (%(calendar_id)s, %(uid)s, %(thread)s, %(message_id)s, %(now)s)
on conflict (calendar_id, uid) do update set
  thread = excluded.thread, message_id = coalesce(excluded.message_id, threads.message_id),
  updated_at = excluded.updated_at;

-- name: list_mails
-- One row with nulls for a calendar without mail, so that it differs from a calendar that is not the caller's.
with k as materialized (
  select id, agent_id, scope from caller(%(key_hash)s, %(now)s)
), c as materialized (
  select id from calendars where id = %(calendar_id)s and agent_id = (select agent_id from k)
)
select k.id, k.agent_id, k.scope, c.id,
  m.id, m.received_at, m.provider, m.message_id, m.sender, m.subject, m.state, m.answer, m.attempts, m.due_at,
  m.sender_check
from k left join c on true left join lateral (
  select * from mails
  where calendar_id = c.id and (received_at, id) < (%(before_at)s, %(before_id)s)
    and (%(status)s::text is null
      or case state when 'done' then answer::json ->> 'status' else state end = %(status)s::text)
  order by received_at desc, id desc limit %(limit)s
) m on true;

-- name: get_mail
select m.id, m.received_at, m.provider, m.message_id, m.sender, m.subject, m.state, m.answer, m.attempts, m.due_at,
  m.sender_check
from mails m where m.id = %(id)s and m.calendar_id = %(calendar_id)s;

-- name: mail_to_retry
select k.id, k.agent_id, k.scope, c.id, c.timezone, c.agentmail_key_sealed, m.state, m.answer, m.content
from caller(%(key_hash)s, %(now)s) k
left join calendars c on c.id = %(calendar_id)s and c.agent_id = k.agent_id
left join mails m on m.calendar_id = c.id and m.id = %(id)s;

-- name: forget_mails
-- Of those that lie in no month of their own, in small bites: a purge never holds a lock for long.
delete from mails_default where id = any(array(
  select id from mails_default where received_at < %(before)s order by received_at limit %(limit)s));

-- name: forget_threads
-- A walk along the key, bite by bite: what was only ever announced, and what the agent deleted long ago.
with walked as materialized (
  select t.calendar_id, t.uid,
    t.updated_at < %(before)s and not exists (
      select from events e where e.calendar_id = t.calendar_id and e.uid = t.uid and e.key = '') as is_over
  from threads t where (t.calendar_id, t.uid) > (%(after_calendar)s, %(after_uid)s)
  order by t.calendar_id, t.uid limit %(limit)s
), gone as (
  delete from threads t using walked w
  where w.is_over and t.calendar_id = w.calendar_id and t.uid = w.uid and t.updated_at < %(before)s
)
select calendar_id, uid, (select count(*) from walked)
from walked order by calendar_id desc, uid desc limit 1;
