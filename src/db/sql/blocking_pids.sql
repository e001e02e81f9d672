-- One row per session of {pids}: for whom it waits, as the server says it. Each holds up the lock manager for a moment.
select p.pid, array_to_string(array(select distinct x from unnest(pg_blocking_pids(p.pid)) x where x <> p.pid order by x), ',') as blocked_by
from unnest({pids}::int4[]) p(pid)
