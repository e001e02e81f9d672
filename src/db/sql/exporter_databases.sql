-- One row per number of pg_stat_database, for each database and for what belongs to none (datid 0). For every role.
select s.datid, encode(textsend(coalesce(s.datname::text, '')), 'hex') as database, c.key as name, c.value as value
from pg_stat_database s cross join lateral jsonb_each_text(to_jsonb(s)) c
where c.key in ({columns})
order by s.datid, c.key
