-- One row per session of a plan, in its order: its verdict and, where that is to signal it, whether the signal was sent.
-- The one statement that signals. Who may be signalled is the rule of model::rights, applied to this very moment.
-- What it checks (identity, kind, filters, rights) it reads from one look at the activity
-- array, and signals in the same breath: between look and signal lies well under a millisecond a session. A session with an
-- xact_start or a state_change is meant only as long as it is in that transaction or, without one, in that state.
with a as materialized (
  {activity}
), me as materialized (
  {signal_rights}
), v as materialized (
  select w.ord, w.pid,
         case when s.pid = pg_backend_pid()                                       then 'protected'
              when s.pid is null                                                  then 'gone'
              when s.hidden                                                       then 'not_visible'
              when s.backend_start <> w.backend_start                             then 'gone'
              when s.backend_type is distinct from 'client backend' and not {all_backends} then 'not_a_client'
              when {spares_own} and s.application_name = {own}                    then 'protected'
              when {same_query} and s.query_start is distinct from w.query_start  then 'changed'
              when w.xact_start is not null and s.xact_start is distinct from w.xact_start then 'changed'
              when w.state_change is not null
                and (s.xact_start is not null or s.state_change is distinct from w.state_change) then 'changed'
              when not coalesce({filter}, false)                                  then 'changed'
              when {same_query} and s.state like 'idle%'                          then 'no_effect'
              when {same_query} and s.wait_event = 'SyncRep'                      then 'committed'
              when not coalesce(me.rolsuper
                                or (not coalesce(t.rolsuper, s.usesysid is null)
                                    and (me.signals or pg_has_role(s.usesysid, 'USAGE')))
                                or (s.backend_type = 'autovacuum worker' and me.signals_autovacuum), false)
                                                                                  then 'not_permitted'
              else 'signal' end as verdict
  from unnest({pids}::int4[], {backend_starts}::timestamptz[], {query_starts}::timestamptz[], {xact_starts}::timestamptz[],
              {state_changes}::timestamptz[])
         with ordinality as w (pid, backend_start, query_start, xact_start, state_change, ord)
       cross join me
       left join a s on s.pid = w.pid
       left join pg_roles t on t.oid = s.usesysid
)
select v.pid, v.verdict, case when v.verdict = 'signal' then {signal}(v.pid) end as sent
from v
order by v.ord
