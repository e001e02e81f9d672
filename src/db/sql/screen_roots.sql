-- One row per session that others wait for, with how many do; 0 is a prepared transaction. Part of screen.sql, where somebody waits.
-- pg_blocking_pids, which holds up the lock manager, is asked only for the {asked} longest waits.
select x.pid, count(*) as blocks
from (select distinct w.pid as waiter, unnest(pg_blocking_pids(w.pid)) as pid
      from (select b.pid from b where b.wait_event_type = 'Lock' order by b.query_start nulls last limit {asked}) w) x
where x.pid <> x.waiter
group by x.pid
