-- name: check
-- Reads a table of ours, so that a database without the schema is not called ready.
select current_setting('server_version_num')::int / 10000, (select max(number) from migrations);
