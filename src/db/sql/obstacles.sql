-- One row for each thing besides sessions of clients that stands in the way of DROP, RENAME or use as a template of the database with
-- this {oid}, or is lost with it. What the server ends by itself when somebody wants the database (autovacuum) is left out, and so
-- are parallel workers, which are their session's.
select 'walsender' as kind, encode(textsend(s.application_name), 'hex') as name, s.pid, true as active
from ({activity}) s where s.datid = {oid} and s.pid <> pg_backend_pid() and s.backend_type = 'walsender'
union all
select 'worker', encode(textsend(s.backend_type), 'hex'), s.pid, true
from ({activity}) s where s.datid = {oid} and s.pid <> pg_backend_pid()
  and s.backend_type not in ('client backend', 'walsender', 'autovacuum worker', 'parallel worker')
union all
select 'prepared_transaction', encode(textsend(p.gid), 'hex'), null, true
from pg_prepared_xacts p join pg_database d on d.datname = p.database where d.oid = {oid}
union all
select 'subscription', encode(textsend(u.subname::text), 'hex'), null, u.subenabled
from pg_subscription u where u.subdbid = {oid}
union all
select 'replication_slot', encode(textsend(r.slot_name::text), 'hex'), r.active_pid, r.active
from pg_replication_slots r where r.datoid = {oid}
order by 1, 3, 2
