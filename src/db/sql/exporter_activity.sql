-- One row per database and state, also of those with no session: what postgres_exporter counts, server processes with a
-- database included, without pgconn's own session. Those whose state this role may not see are counted apart, where there are any.
select encode(textsend(d.datname::text), 'hex') as database, t.state, coalesce(c.n, 0) as n, coalesce(c.max_tx, 0) as max_tx
from (values ('active'), ('idle'), ('idle in transaction'), ('idle in transaction (aborted)'), ('fastpath function call'),
             ('disabled'), ('hidden')) t(state)
     cross join pg_database d
     left join (select datid, case when backend_start is null then 'hidden' else state end as state, count(*) as n,
                       greatest(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 as max_tx
                from pg_stat_get_activity(null) where pid <> pg_backend_pid() group by 1, 2) c
            on c.datid = d.oid and c.state = t.state
where t.state <> 'hidden' or c.n > 0
order by d.datname, t.state
