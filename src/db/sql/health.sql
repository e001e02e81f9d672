-- One row per combination of everything that sessions are counted by, from a single scan of the activity array, with what the rules
-- of monitoring judge of it: what lasts longest, each as {since, pid}, in seconds since 1970. The program folds these into what is
-- used of each limit, the longest of each kind, and counts. Names of databases are in databases.sql. The columns stand in the order
-- in which they are read, which is the quickest.
-- {matches}: what the filters say of a row, be it in their scope or not. {aged}: of whose state it is wanted since when;
-- {older_state}, {older_query} and {older_xact}: for each age that is asked about, how many are older. {settled}: which rows are of no
-- login under way.
-- Horizon: who holds it back most, as {age in transactions, negative; pid}: it is the whole server's, and transaction ids and
-- snapshots are shown to everybody. Few kinds of values and functions: each has to be looked up in a session that has just begun.
-- Logging in: a login holds a slot from its first message on, and is in no list of sessions before it is through (18: as a row that
-- only some may see). But it has begun a transaction, and so a virtual transaction id, which pg_locks shows with its pid: those in
-- there that are not found among the rows. l: {locks}.
-- In the row of pgconn's own session stands what is of no session: how many those pids are, which server this is, and who waits:
-- {waits}.
with l as materialized (
  {locks}
), g as materialized (
  select s.pid = pg_backend_pid() as own, {matches} as matches, s.hidden, s.backend_type, s.state, s.application_name, s.datid,
         s.usesysid, s.client_addr, s.client_port = -1 as is_local,
         count(*) as n,
         count(*) filter (where {settled} and s.pid in (select l.pid from l where l.granted)) as found,
         min(array[date_part('epoch', coalesce(s.state_change, s.backend_start)), s.pid]) filter (where {aged}) as state_since,
         {older_state} as older_state,
         {older_query} as older_query,
         min(array[date_part('epoch', s.work_start), s.pid]) filter (where s.work_start is not null) as query_since,
         count(s.xact_start) as xacts, {older_xact} as older_xact,
         min(array[date_part('epoch', s.xact_start), s.pid]) filter (where s.xact_start is not null) as xact_since,
         min(array[-greatest(age(s.backend_xmin), age(s.backend_xid))::float8, s.pid])
           filter (where coalesce(s.backend_xmin, s.backend_xid) is not null) as horizon,
         bool_or({other_waits}) as waits_otherwise
  from (
    {activity}) s
  group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
)
select g.datid, g.usesysid, g.hidden, g.backend_type, g.own, g.matches, g.n,
       encode(textsend(pg_get_userbyid(g.usesysid)::text), 'hex') as role,
       encode(textsend(g.application_name), 'hex') as application_name,
       case when g.client_addr is not null then host(g.client_addr) when g.is_local then 'local' end as client,
       g.state, g.found,
       case when g.own then (select count(distinct l.pid) from l where l.granted) end as with_xids,
       case when g.own then date_part('epoch', pg_postmaster_start_time()) end as started,
       case when g.own then pg_is_in_recovery() end as in_recovery,
       g.horizon, g.older_state, g.state_since, g.xacts, g.query_since, g.older_query, g.older_xact, g.xact_since,
       date_part('epoch', clock_timestamp()) as clock,
       {waits} as waits
from g
