-- One row per backend: what the activity view is made of, with the columns that the filters speak of; the common ground of
-- listing and signalling. Databases and roles are left as oids: joining their names is dearer than the scan itself.
-- Hidden is what this role may not see whole. May be client: a client session, or a hidden one with a database and a role, which
-- are never hidden and which hardly anything else has.
-- Starting is a client that has no state yet: it is being logged in, or (17 and later) in a login event trigger. 18 has that word itself.
-- Work start: since when a statement runs, a fast-path call (which leaves the query and its start as they were), or a login. What is no
-- client (a walsender that streams, an apply worker) is active as long as it lives: it works while it has a transaction.
-- (coalesce: the planner then expects half of the rows, not one, and joins names by a hash.)
-- {backends}: the function that reads the activity array, or what was read from it where a question needs that twice.
-- Ages are taken from clock_timestamp() where they are needed, after the rows were read, so they are never negative; a column
-- for it here would keep the planner from leaving out the columns that a question does not need.
  select v.pid, v.datid, v.usesysid, v.application_name, v.client_addr, v.client_port,
         case when v.client_addr is not null then host(v.client_addr) when v.client_port = -1 then 'local' end as client,
         v.backend_type, coalesce(v.state, case v.backend_type when 'client backend' then 'starting' end) as state,
         v.wait_event_type, v.wait_event, v.query, v.backend_start, v.xact_start,
         v.query_start, v.state_change,
         case when v.backend_type = 'client backend' then
                case v.state when 'active' then v.query_start when 'fastpath function call' then v.state_change
                     else case when v.state is null or v.state = 'starting' then v.backend_start end end
              when v.state = 'active' and v.xact_start is not null then greatest(v.query_start, v.xact_start) end as work_start, {leader_pid} as leader_pid, {query_id} as query_id,
         v.backend_xid, v.backend_xmin, v.ssl, v.backend_start is null as hidden,
         coalesce(v.backend_type = 'client backend', false)
           or (v.backend_start is null and v.datid is not null and v.usesysid is not null) as may_be_client
  from {backends} v
