-- One row: how many client sessions the targets and filters select now (or may select, where that is hidden), how many of
-- them are new since the plan, and how many other backends of databases are selected with them and were spared (walsenders,
-- autovacuum and other workers; parallel workers are their leader's).
with a as materialized (
  {activity}
), f as (
  select s.*, ({filter}) is not false as selected,
         (s.datid is not null or s.backend_type = 'walsender')
           and s.backend_type not in ('client backend', 'parallel worker') as other
  from a s
  where s.pid <> pg_backend_pid()
)
select count(*) filter (where f.may_be_client)                   as matching,
       count(*) filter (where f.may_be_client and w.pid is null) as new,
       count(*) filter (where f.other and w.acted_on is not true) as other_backends
from f left join unnest({pids}::int4[], {backend_starts}::timestamptz[], {acted_on}::bool[]) as w (pid, backend_start, acted_on)
       on w.pid = f.pid and (f.hidden or w.backend_start = f.backend_start)
where f.selected and {known}
