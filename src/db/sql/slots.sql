-- One row per limit on connections: the server's slots first, then each role's and database's CONNECTION LIMIT, with what is used.
-- Superusers are exempt from the limits of roles and databases, but their sessions count against a database's. A limit
-- of 0 keeps everybody out on purpose and is left out. Hidden sessions that may be clients are counted apart. Databases without a limit
-- come with none.
-- Only what is counted is kept of the activity array: what is kept of all rows costs more than reading them.
-- {settled}: which rows of the activity array are of no login under way.
-- Logging in: a login holds a slot from its first message on, and is in no list of sessions before it is through (18: as a row that
-- only some may see). But it has begun a transaction, and so a virtual transaction id, which pg_locks shows with its pid.
with c as materialized (
  select s.pid, s.datid, s.usesysid, s.state, s.hidden, s.hidden and s.may_be_client as may_be_one,
         coalesce(s.backend_type = 'client backend', false) as is_client,
         case when {scope} and s.pid <> pg_backend_pid() then ({filter}) else false end as matches
  from ({activity}) s
), n as materialized (
  select c.datid, c.usesysid, count(*) filter (where c.is_client) as used, count(*) filter (where c.may_be_one) as hidden
  from c
  group by c.datid, c.usesysid
)
select 'server' as owner, null as name, null::int4 as connection_limit,
       count(*) filter (where c.is_client) as used, count(*) filter (where c.may_be_one) as hidden,
       count(*) filter (where c.matches is null or (c.hidden and c.matches)) as undecidable,
       count(*) filter (where c.state = 'disabled' and c.matches) as untracked,
       (select count(distinct l.pid) from pg_locks l
        where l.locktype = 'virtualxid' and l.granted
          and not exists (select from c where c.pid = l.pid and {settled})) as logging_in
from c
union all
select 'role', encode(textsend(r.rolname::text), 'hex'), r.rolconnlimit, coalesce(sum(n.used), 0)::int8, coalesce(sum(n.hidden), 0)::int8, 0, 0, 0
from pg_roles r left join n on n.usesysid = r.oid
where r.rolconnlimit > 0 and not r.rolsuper
group by r.oid, r.rolname, r.rolconnlimit
union all
select 'database', encode(textsend(d.datname::text), 'hex'), nullif(d.datconnlimit, -1),
       coalesce(sum(n.used), 0)::int8, coalesce(sum(n.hidden), 0)::int8, 0, 0, 0
from pg_database d left join n on n.datid = d.oid
where d.datconnlimit > 0 or (d.datconnlimit = -1 and d.datallowconn)
group by d.oid, d.datname, d.datconnlimit
