-- One row per session {inside} the database, or of the role, but this one, walsenders and workers included. Those that the server
-- ends by itself when somebody wants the database are left out (autovacuum, which has no role where its type is hidden), and
-- parallel workers, which are their session's; one that is hidden is shown, as its session is.
select s.pid, to_hex(floor(extract(epoch from s.backend_start))::int8) || '.' || to_hex(s.pid) as session_id,
       {utc:s.backend_start} as backend_start, s.backend_type,
       encode(textsend(r.rolname::text), 'hex') as role, encode(textsend(s.application_name), 'hex') as application_name,
       s.client, s.state, s.may_be_client
from ({activity}) s left join pg_roles r on r.oid = s.usesysid
where {inside} and s.pid <> pg_backend_pid()
  and (s.backend_type is not null or s.usesysid is not null)
  and s.backend_type is distinct from 'autovacuum worker' and s.backend_type is distinct from 'parallel worker'
order by s.backend_start nulls last, s.pid
