-- One row per session that others wait for, with how many do; 0 is a prepared transaction. Part of screen.sql, where somebody waits.
-- pg_blocking_pids, which holds up the lock manager, is asked only for the {asked} longest waits.
, e as materialized (
  select x.pid, count(*) as blocks
  from (select distinct w.pid as waiter, unnest(pg_blocking_pids(w.pid)) as pid
        from (select l.pid from l order by l.began nulls last limit {asked}) w) x
  where x.pid <> x.waiter
  group by x.pid
)
