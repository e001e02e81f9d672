-- One row: how many sessions are hidden from this role that may be client sessions.
select count(*) as hidden
from pg_stat_get_activity(null) s
where s.backend_start is null and s.datid is not null and s.usesysid is not null
