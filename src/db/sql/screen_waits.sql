-- One row per process that waits for a lock, with the moment since when; before 14 nobody says that, and it is when its statement
-- began. Part of screen.sql, where somebody waits, or may where that is hidden: pg_locks holds up the lock manager, and shows
-- everybody everything.
, l as materialized (
  select l.pid, min({began}) as began
  from pg_locks l
  where not l.granted and l.pid is not null
  group by l.pid
)
