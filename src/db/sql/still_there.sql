-- One row per session of a plan that is still there, and whether it still runs the statement that it ran then. Where the start is
-- hidden, the process may be another session's by now.
select s.pid, s.wait_event, s.backend_start is null as hidden,
       coalesce(s.query_start is not distinct from w.query_start and s.state not like 'idle%', true) as running
from unnest({pids}::int4[], {backend_starts}::timestamptz[], {query_starts}::timestamptz[]) as w (pid, backend_start, query_start)
     join pg_stat_get_activity(null) s on s.pid = w.pid and (s.backend_start is null or s.backend_start = w.backend_start)
