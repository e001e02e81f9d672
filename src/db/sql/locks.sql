-- One row per session that holds locks: how many, and how many of them are advisory. Those on its own transaction ids are not
-- counted, nor those that only watch what a serializable transaction has read and keep nobody waiting. Readable by every role.
select pid, count(*) as held, count(*) filter (where locktype = 'advisory') as advisory
from pg_locks
where granted and pid is not null and locktype not in ('virtualxid', 'transactionid') and mode <> 'SIReadLock'
group by pid
