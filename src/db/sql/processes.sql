-- One row per named process that is there: whether it is the session that asks, and whose parallel worker it is.
select s.pid, s.pid = pg_backend_pid() as own, nullif(s.leader_pid, s.pid) as leader
from (
  {activity}
) s
where {named}
