-- One row per session whose work does not just go away when it is ended or cancelled: which work, and on what, where this database
-- knows that: the table, or the indexes that would be left behind. Those are invalid; REINDEX CONCURRENTLY, which is shown at an index
-- that is valid, holds a lock on them. What no view shows is found by the text of the statement; as escaped bytes, because it can be
-- in any encoding.
with o as (
  select d.oid from pg_database d where d.datname = current_database()
), i as (
  select p.pid, p.command as work, p.datid, p.index_relid as index, p.relid as of_table, null::oid as at_table
  from pg_stat_progress_create_index p
  union all
  select p.pid, 'VACUUM', p.datid, null, null, p.relid from pg_stat_progress_vacuum p
  union all
  select p.pid, p.command, p.datid, null, null, p.relid from pg_stat_progress_cluster p
  union all
  select w.pid, 'BASE BACKUP', null, null, null, null from pg_stat_get_wal_senders() w where w.state = 'backup'
  union all
  select s.pid, case when s.text ~* '^(\s|--[^\n]*\n|/[*].*[*]/)*drop\s+index\s+concurrently\s' then 'DROP INDEX CONCURRENTLY'
                     when s.text ~* '^(\s|--[^\n]*\n|/[*].*[*]/)*alter\s+table\s.*\sdetach\s+partition\s.*\sconcurrently'
                     then 'DETACH PARTITION CONCURRENTLY'
                     when s.text ~* '^(\s|--[^\n]*\n|/[*].*[*]/)*drop\s+database\s' then 'DROP DATABASE' end,
         null, null, null, null
  from (select a.pid, encode(substring(textsend(a.query) from 1 for 1000), 'escape') as text
        from ({activity}) a
        where a.state = 'active' and a.backend_type = 'client backend') s
)
select i.pid, i.work,
       (select encode(textsend(string_agg(format('%I.%I', n.nspname, c.relname), ', ' order by c.relname)), 'hex')
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where i.datid in (select o.oid from o)
          and c.oid = any (array(
            select i.at_table
            union
            select x.indexrelid from pg_index x where x.indexrelid = i.index and not x.indisvalid
            union
            select x.indexrelid from pg_index x
            where x.indrelid = i.of_table and not x.indisvalid
              and exists (select from pg_locks l where l.pid = i.pid and l.granted and l.relation = x.indexrelid)))) as object
from i
where i.work is not null
