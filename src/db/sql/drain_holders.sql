-- One row per other session that holds a database for a drain, whichever database it is in itself. For every role.
select l.pid, encode(textsend(s.application_name), 'hex') as application_name, s.client,
       encode(textsend(r.rolname::text), 'hex') as role
from pg_locks l left join ({activity}) s on s.pid = l.pid left join pg_roles r on r.oid = s.usesysid
where l.locktype = 'advisory' and l.classid = {key} and l.objid = {oid} and l.objsubid = 2 and l.granted
  and l.pid <> pg_backend_pid()
order by l.pid
