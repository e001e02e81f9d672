-- One row per session that holds locks: how many. Those on its own transaction ids are not counted. Readable by every role.
select pid, count(*) as held
from pg_locks
where granted and pid is not null and locktype not in ('virtualxid', 'transactionid')
group by pid
