-- One row per limit on connections: the server's slots first, then each role's and database's CONNECTION LIMIT, with what is used.
-- Superusers are exempt from the limits of roles and databases, but their sessions count against a database's. A limit
-- of 0 keeps everybody out on purpose and is left out. Hidden sessions that may be clients are counted apart. Databases without a limit
-- come last, with none.
-- {settled}: which rows of the activity array are of no login under way.
-- Logging in: a login holds a slot from its first message on, and is in no list of sessions before it is through (18: as a row that
-- only some may see). But it has begun a transaction, and so a virtual transaction id, which pg_locks shows with its pid.
with c as materialized (
  {activity}
), f as (
  select s.hidden, s.state, ({filter}) as matches from c s where {scope} and s.pid <> pg_backend_pid()
)
select 'server' as owner, null as name, null::int4 as connection_limit,
       count(*) filter (where c.backend_type = 'client backend') as used, count(*) filter (where c.hidden and c.may_be_client) as hidden,
       (select count(*) from f where f.matches is null or (f.hidden and f.matches)) as undecidable,
       (select count(*) from f where f.state = 'disabled' and f.matches) as untracked,
       (select count(distinct l.pid) from pg_locks l
        where l.locktype = 'virtualxid' and l.granted
          and not exists (select from c where c.pid = l.pid and {settled})) as logging_in
from c
union all
select 'role', encode(textsend(r.rolname::text), 'hex'), r.rolconnlimit,
       count(c.pid) filter (where c.backend_type = 'client backend'), count(c.pid) filter (where c.hidden and c.may_be_client), 0, 0, 0
from pg_roles r left join c on c.usesysid = r.oid
where r.rolconnlimit > 0 and not r.rolsuper
group by r.oid, r.rolname, r.rolconnlimit
union all
select 'database', encode(textsend(d.datname::text), 'hex'), d.datconnlimit,
       count(c.pid) filter (where c.backend_type = 'client backend'), count(c.pid) filter (where c.hidden and c.may_be_client), 0, 0, 0
from pg_database d left join c on c.datid = d.oid
where d.datconnlimit > 0
group by d.oid, d.datname, d.datconnlimit
union all
select 'database', encode(textsend(d.datname::text), 'hex'), null,
       count(c.pid) filter (where c.backend_type = 'client backend'), count(c.pid) filter (where c.hidden and c.may_be_client), 0, 0, 0
from pg_database d left join c on c.datid = d.oid
where d.datconnlimit = -1 and d.datallowconn
group by d.oid, d.datname
