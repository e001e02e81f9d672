-- One row: how many of these sessions wait, for a lock or, as {other_waits} says of a session s, for something else; a leader when one
-- of its parallel workers does.
with a as materialized (
  {activity}
), w as (
  select l.pid from pg_locks l where not l.granted and l.pid is not null
  union
  select s.pid from a s where {other_waits}
)
select count(distinct p.pid) as waiting
from w left join a g on g.pid = w.pid and g.backend_type = 'parallel worker'
     join unnest({pids}::int4[]) p(pid) on p.pid = coalesce(g.leader_pid, w.pid)
