-- name: make_month
-- The month of a moment, and those after it.
select make_month(%(parent)s, (date_trunc('month', %(now)s::timestamptz at time zone 'UTC')
  + ahead * interval '1 month')::date)
from generate_series(0, %(ahead)s) ahead;

-- name: drop_months
select drop_months(%(parent)s, %(before)s);
