-- One row per session of a plan: its place in the plan, its verdict, where that is to signal it whether the signal was sent, and
-- where its pid is another session's by now, when that one started.
-- The one statement that signals. Who may be signalled is the rule of model::rights, applied to this very moment.
-- What it checks (identity, kind, filters, rights) it reads and acts on one session after the other: every few signals the
-- activity array is read anew (a signal can take a millisecond, and a filter longer), so that who has gone on meanwhile is spared.
-- The laterals and their offsets keep the planner from checking first and signalling afterwards; so would sorting, which is left to
-- the caller. A session with an xact_start or a state_change is meant only as long as it is in that transaction or, without one,
-- in that state.
with me as materialized (
  {signal_rights}
)
select w.place, v.verdict, case when v.verdict = 'signal' then {signal}(w.pid) end as sent,
       case when s.backend_start <> w.backend_start then {utc:s.backend_start} end as successor_start
from unnest({pids}::int4[], {backend_starts}::timestamptz[], {query_starts}::timestamptz[], {xact_starts}::timestamptz[],
            {state_changes}::timestamptz[])
       with ordinality as w (pid, backend_start, query_start, xact_start, state_change, place)
     cross join me
     cross join lateral (
       select w.pid, case when (w.place - 1) % {signals_per_look} = 0 then pg_stat_clear_snapshot() is null end as read_anew offset 0
     ) p
     left join lateral (
       {activity}
     ) s on true
     cross join lateral (
       select case when s.pid = pg_backend_pid()                                       then 'protected'
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
                                     or (not coalesce((select t.rolsuper from pg_roles t where t.oid = s.usesysid),
                                                      s.usesysid is null)
                                         and (me.signals or pg_has_role(s.usesysid, 'USAGE')))
                                     or (s.backend_type = 'autovacuum worker' and me.signals_autovacuum), false)
                                                                                       then 'not_permitted'
                   else 'signal' end as verdict
       offset 0
     ) v
