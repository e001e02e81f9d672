-- One row per value that a command line can be completed with: names with the number of their client sessions, and the pid of each
-- client session with what it is. Our own session is left out. Of those whose fields are hidden from this role, which may be of
-- another kind, it is told what everybody sees; where there are some, no number is. A session is busy when it runs something.
with s as (
  select pid, datname, usename, coalesce(application_name, '') as application_name,
         case when backend_type is not null then coalesce(host(client_addr), 'local') end as client, state, xact_start,
         state_change, backend_type is null as hidden
  from pg_stat_activity
  where coalesce(backend_type, 'client backend') = 'client backend' and usesysid is not null and pid <> pg_backend_pid()
)
(select 'database' as kind, encode(textsend(d.datname::text), 'hex') as value, '' as note,
        case when bool_or(s.hidden) then null else count(s.pid) end as sessions, false as busy, false as hidden
 from pg_database d left join s on s.datname = d.datname
 where d.datallowconn group by d.datname order by count(s.pid) desc, d.datname limit 500)
union all
(select 'role', encode(textsend(r.rolname::text), 'hex'), '', case when bool_or(s.hidden) then null else count(s.pid) end, false, false
 from pg_roles r left join s on s.usename = r.rolname
 where r.rolname !~ '^pg_' group by r.rolname order by count(s.pid) desc, r.rolname limit 500)
union all
(select 'application', encode(textsend(application_name), 'hex'), '', case when bool_or(hidden) then null else count(*) end, false, false
 from s where application_name <> '' group by application_name order by count(*) desc, application_name limit 500)
union all
(select 'client', encode(textsend(client), 'hex'), '', case when (select bool_or(h.hidden) from s h) then null else count(*) end, false, false
 from s where not hidden group by client order by count(*) desc, client limit 500)
union all
(select 'session', encode(textsend(pid::text), 'hex'),
        encode(textsend(concat_ws(', ', nullif(application_name, ''), usename, datname, state)), 'hex'), null,
        coalesce(state, '') in ('active', 'fastpath function call'), hidden
 from s order by xact_start nulls last, state_change, pid limit 500)
