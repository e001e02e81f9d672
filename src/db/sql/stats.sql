-- One row per group of sessions, for six groupings at once (dim), and one row with the totals, from a single scan of the
-- activity array. Groups beyond {limit} of a dim are left out; groups_in_dim and count_in_dim tell what they were.
-- Hidden rows (backend_start is null) that have a database and a role may be client sessions; they are kept as such.
with a as materialized (
  {activity}
), f as (
  select s.*, (s.pid = pg_backend_pid()) as own, ({filter}) as matches
  from a s
  where {scope}
), g as (
  select case grouping(state, application_name, datname, usename, client, backend_type)
           when 63 then 'total' when 31 then 'state' when 47 then 'application' when 55 then 'database'
           when 59 then 'role' when 61 then 'client' when 62 then 'backend_type' end as dim,
         state, application_name, datname, usename, client, backend_type,
         bool_and(hidden)                                                     as all_hidden,
         count(*)                                                             as n,
         count(*) filter (where state = 'active')                             as active,
         count(*) filter (where state = 'idle')                               as idle,
         count(*) filter (where state = 'idle in transaction')                as idle_in_transaction,
         count(*) filter (where state = 'idle in transaction (aborted)')      as aborted,
         count(*) filter (where hidden)                                       as hidden,
         max(extract(epoch from now - xact_start)::float8)                    as oldest_xact,
         max(extract(epoch from now - state_change)::float8)                  as oldest_state
  from f
  where matches and not own
  group by grouping sets ((), (state, hidden), (application_name), (datname), (usename), (client, hidden), (backend_type))
), r as (
  select g.*, row_number() over (partition by dim order by n desc, state, application_name, datname, usename, client) as rank,
         count(*) over (partition by dim) as groups_in_dim, sum(n) over (partition by dim) as count_in_dim
  from g
), t as (
  select count(*) filter (where backend_type = 'client backend')                          as used,
         count(*) filter (where hidden and datid is not null and usesysid is not null)    as may_be_used,
         count(*) filter (where matches is null and not own)                              as undecidable
  from f
)
select r.dim, t.used, t.may_be_used, t.undecidable, r.n, r.active, r.idle, r.idle_in_transaction, r.aborted, r.hidden,
       r.all_hidden, r.oldest_xact, r.oldest_state,
       r.groups_in_dim, r.count_in_dim,
       encode(textsend(case r.dim when 'state' then r.state when 'application' then r.application_name
                                  when 'database' then r.datname::text when 'role' then r.usename::text
                                  when 'client' then r.client when 'backend_type' then r.backend_type end), 'hex') as name,
       nullif(case r.dim when 'database' then d.datconnlimit when 'role' then u.rolconnlimit end, -1) as connection_limit
from t cross join r
     left join pg_database d on r.dim = 'database' and d.datname = r.datname
     left join pg_roles u on r.dim = 'role' and u.rolname = r.usename
where r.rank <= {limit} or r.dim in ('total', 'state', 'backend_type')
order by r.dim, r.rank
