-- One row: how many of these sessions wait, for a lock or, as {other_waits} says of a session s, for something else.
select count(*) as waiting
from unnest({pids}::int4[]) p(pid)
where p.pid in (select l.pid from pg_locks l where not l.granted and l.pid is not null)
   or p.pid in (select s.pid from (
                  {activity}) s
                where {other_waits})
