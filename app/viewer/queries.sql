-- name: open_page
-- Whose page a token opens: small enough to run before anything else is looked at.
select name, timezone from calendars
where feed_hash = %(token)s and id = %(calendar_id)s;
