-- One row per idle session that holds advisory locks: how many. No transaction is open, so that they are the session's and
-- stay when a pooler gives the connection to somebody else. What hidden sessions hold is not told.
select s.pid, s.client, s.client_port, l.held,
       encode(textsend(d.datname::text), 'hex') as database,
       encode(textsend(r.rolname::text), 'hex') as role
from (select pid, count(*) as held from pg_locks where locktype = 'advisory' and granted group by pid) l
     join ({activity}) s on s.pid = l.pid
     left join pg_roles r on r.oid = s.usesysid left join pg_database d on d.oid = s.datid
where s.state = 'idle'
order by s.pid
