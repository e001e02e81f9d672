-- One row names what lock s is on, in two columns. Relations of other databases have no name here.
-- A name is looked up in the catalog, without a lock on the relation itself: whoever has that exclusively holds nobody up who asks.
       encode(textsend(
         case when s.relation is null then null
              when s.database in (0, (select oid from pg_database where datname = current_database()))
              then s.relation::regclass::text
              else format('relation %s of database %s', s.relation, (select datname from pg_database where oid = s.database))
         end), 'hex') as relation,
       case when s.locktype = 'advisory' and s.objsubid = 1 then ((s.classid::int8 << 32) | s.objid::int8)::text
            when s.locktype = 'advisory'
            then format('%s, %s', s.classid::int8::bit(32)::int4, s.objid::int8::bit(32)::int4)
            when s.locktype = 'tuple' then format('(%s,%s)', s.page, s.tuple) end as key
