-- One row per combination of everything that sessions are counted by, from a single scan of the activity array. The program
-- folds these into lists: sums over few rows are cheaper there than seven groupings and their ranks are here. Those of an
-- application come one after the other, so that it need not keep them all. Columns stand in the order in which they are read.
with f as (
  select s.*, s.pid = pg_backend_pid() as own, ({filter}) as matches
  from (
    {activity}
  ) s
  where {scope}
), g as (
  select hidden, may_be_client, own, matches, backend_type, state, application_name, datid, usesysid, client,
         count(*) as n, clock_timestamp() - min(xact_start) as oldest_xact,
         clock_timestamp() - min(state_change) as oldest_state
  from f
  group by hidden, may_be_client, own, matches, backend_type, state, application_name, datid, usesysid, client
)
select g.n, g.hidden, g.may_be_client, g.own, g.matches is null as undecidable, coalesce(g.matches, false) as matches,
       g.backend_type, g.state,
       encode(textsend(g.application_name), 'hex') as application_name,
       encode(textsend(d.datname::text), 'hex') as database, d.datconnlimit as database_limit,
       encode(textsend(u.rolname::text), 'hex') as role, u.rolconnlimit as role_limit,
       g.client, extract(epoch from g.oldest_xact)::float8 as oldest_xact,
       extract(epoch from g.oldest_state)::float8 as oldest_state
from g left join pg_database d on d.oid = g.datid
       left join pg_roles u on u.oid = g.usesysid
order by coalesce(g.application_name, '') collate "C"
