-- One row per client session but this one, at one moment; with {seconds} (null: all) only those that began within that
-- time, and the hidden ones, of which that is not known; {settled} of them. Asked many times a second: no text of queries.
select s.pid, (extract(epoch from s.backend_start) * 1000000)::int8 as started,
       encode(textsend(s.application_name), 'hex') as application_name,
       encode(textsend(r.rolname::text), 'hex')    as role,
       encode(textsend(d.datname::text), 'hex')    as database,
       s.client, s.state <> 'idle' as busy,
       extract(epoch from clock_timestamp() - s.xact_start)::float8 as xact_seconds,
       case when s.state = 'idle' then extract(epoch from clock_timestamp() - s.state_change)::float8 end as idle_seconds
from ({activity}) s left join pg_roles r on r.oid = s.usesysid left join pg_database d on d.oid = s.datid
where s.pid <> pg_backend_pid() and {scope}
  and {settled}
  and ({seconds}::float8 is null or s.hidden or s.backend_start > clock_timestamp() - {seconds}::float8 * interval '1 second')
