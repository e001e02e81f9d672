-- One row: the server, its connection slots, and what this role (the one that the session acts as) may see and do.
-- Works for every role, 12 and later. A superuser has the privileges of every role.
select current_setting('server_version_num')                                        as version_num,
       pg_backend_pid()                                                              as backend_pid,
       encode(textsend(version()), 'hex')                                            as version_text,
       pg_is_in_recovery()                                                           as in_recovery,
       {utc:pg_postmaster_start_time()}                                              as started_at,
       extract(epoch from clock_timestamp() - pg_postmaster_start_time())::float8    as uptime_seconds,
       current_setting('max_connections')                                            as max_connections,
       current_setting('superuser_reserved_connections')                             as superuser_reserved,
       coalesce(current_setting('reserved_connections', true), '0')::int4
         + coalesce(nullif(current_setting('rds.rds_superuser_reserved_connections', true), ''), '0')::int4 as reserved,
       current_setting('track_activity_query_size')                                  as query_size,
       encode(textsend(r.rolname::text), 'hex')                                      as role,
       r.rolsuper                                                                    as superuser,
       r.rolcreaterole                                                               as creates_roles,
       coalesce(pg_has_role(to_regrole('pg_read_all_stats'),
                            case when current_setting('server_version_num')::int4 >= 150000 then 'USAGE' else 'MEMBER' end),
                false)                                                               as sees_all,
       r.signals, r.signals_autovacuum
from ({signal_rights}) r
