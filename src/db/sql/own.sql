-- One row: the session that asks.
select s.pid, {utc:s.backend_start} as backend_start,
       case when s.client_addr is not null then host(s.client_addr) when s.client_port = -1 then 'local' end as client
from pg_stat_get_activity(pg_backend_pid()) s
