-- name: next_moment
select min(next_fire_at) from calendars where next_fire_at < 'infinity';

-- name: fire_due
-- Reminders of calendars that are due, put into the outbox. A calendar that is being written to is left to that write.
with due as (
  select id from calendars where next_fire_at <= %(now)s order by next_fire_at limit %(limit)s
  for no key update skip locked
)
select count(*), fire_reminders(array_agg(id), %(now)s) from due having count(*) > 0;
