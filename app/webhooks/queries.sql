-- name: next_moment
select min(next_fire_at) from calendars where next_fire_at < 'infinity';

-- name: fire_due
-- Reminders of calendars that are due, put into the outbox. A calendar that is being written to is left to that write.
-- That the moment is finite is said for the index's sake: without it every calendar would be read.
with due as (
  select id from calendars where next_fire_at <= %(now)s and next_fire_at < 'infinity' order by next_fire_at limit %(limit)s
  for no key update skip locked
)
select count(*), fire_reminders(array_agg(id), %(now)s) from due having count(*) > 0;
