-- One row per value that a command line can be completed with: names with the number of their client sessions, and the pid of each
-- client session with what it is. Our own session, and those whose fields are hidden from this role, are left out.
with s as (
  select pid, datname, usename, application_name, coalesce(host(client_addr), 'local') as client, state, xact_start, state_change
  from pg_stat_activity
  where backend_type = 'client backend' and backend_start is not null and pid <> pg_backend_pid()
)
(select 'database' as kind, encode(textsend(d.datname::text), 'hex') as value, '' as note, count(s.pid) as sessions
 from pg_database d left join s on s.datname = d.datname
 where d.datallowconn group by d.datname order by count(s.pid) desc, d.datname limit 500)
union all
(select 'role', encode(textsend(r.rolname::text), 'hex'), '', count(s.pid)
 from pg_roles r left join s on s.usename = r.rolname
 where r.rolname !~ '^pg_' group by r.rolname order by count(s.pid) desc, r.rolname limit 500)
union all
(select 'application', encode(textsend(application_name), 'hex'), '', count(*)
 from s where application_name <> '' group by application_name order by count(*) desc, application_name limit 500)
union all
(select 'client', encode(textsend(client), 'hex'), '', count(*)
 from s group by client order by count(*) desc, client limit 500)
union all
(select 'session', encode(textsend(pid::text), 'hex'),
        encode(textsend(concat_ws(', ', nullif(application_name, ''), usename, datname, state)), 'hex'), null
 from s order by xact_start nulls last, state_change, pid limit 500)
