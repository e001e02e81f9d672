-- One row per database that there are counters of: sessions and their time since the statistics were reset.
-- The columns of sessions exist from 14 on and are therefore taken by name. For every role.
select encode(textsend(s.datname::text), 'hex') as database,
       j ->> 'sessions' as sessions, j ->> 'sessions_abandoned' as abandoned, j ->> 'sessions_fatal' as fatal,
       j ->> 'sessions_killed' as killed, j ->> 'session_time' as session_ms, j ->> 'active_time' as active_ms,
       j ->> 'idle_in_transaction_time' as idle_in_transaction_ms
from pg_stat_database s cross join lateral (select to_jsonb(s) as j) x
where s.datid <> 0 and s.datname is not null
order by s.numbackends desc, s.datname
