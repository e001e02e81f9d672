-- One row: what changes slowly about a server, and costs more to plan than to answer. The CONNECTION LIMIT that is used most by share,
-- prepared transactions, and how many transaction ids were given out since the oldest that one of them or a replication slot holds.
select n.owner as limit_owner, encode(textsend(n.name), 'hex') as limit_name, n.used as limit_used, n.hidden as limit_hidden,
       n.most as limit_most,
       p.prepared, extract(epoch from clock_timestamp() - p.oldest)::float8 as oldest_prepared,
       greatest(p.horizon, l.horizon) as horizon
from (select count(*) as prepared, min(x.prepared) as oldest, max(age(x.transaction)) as horizon from pg_prepared_xact() x) p
     cross join (select max(greatest(age(x.xmin), age(x.catalog_xmin))) as horizon from pg_get_replication_slots() x) l
     left join (
       select l.owner, l.name, l.most, count(*) filter (where l.is_client) as used, count(*) filter (where not l.is_client) as hidden
       from (select 'database' as owner, d.datname::text as name, d.datconnlimit as most,
                    coalesce(b.backend_type = 'client backend', false) as is_client
             from pg_database d join pg_stat_get_activity(null) b on b.datid = d.oid
             where d.datconnlimit > 0 and (b.backend_type = 'client backend' or b.backend_start is null and b.usesysid is not null)
             union all
             select 'role', r.rolname::text, r.rolconnlimit, coalesce(b.backend_type = 'client backend', false)
             from pg_roles r join pg_stat_get_activity(null) b on b.usesysid = r.oid
             where r.rolconnlimit > 0 and (b.backend_type = 'client backend' or b.backend_start is null and b.datid is not null)) l
       group by l.owner, l.name, l.most
       order by count(*)::float8 / l.most desc, l.owner, l.name
       limit 1) n on true
