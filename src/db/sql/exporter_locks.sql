-- One row per database and lock mode, also of those that nobody holds or awaits, without pgconn's own locks. For every role.
select encode(textsend(d.datname::text), 'hex') as database, t.mode, coalesce(c.n, 0) as n
from (values ('accesssharelock'), ('rowsharelock'), ('rowexclusivelock'), ('shareupdateexclusivelock'), ('sharelock'),
             ('sharerowexclusivelock'), ('exclusivelock'), ('accessexclusivelock'), ('sireadlock')) t(mode)
     cross join pg_database d
     left join (select database, lower(mode) as mode, count(*) as n from pg_locks
                where database is not null and pid is distinct from pg_backend_pid() group by 1, 2) c
            on c.database = d.oid and c.mode = t.mode
order by d.datname, t.mode
