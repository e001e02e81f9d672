-- One row: how many of these sessions wait for a lock.
select count(distinct l.pid) as waiting
from pg_locks l
where not l.granted and l.pid = any({pids}::int4[])
