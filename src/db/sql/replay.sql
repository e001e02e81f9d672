-- One row: what ends whoever keeps replay waiting on this standby, after how long (null: nothing does), and whose snapshots are the
-- oldest, which is who keeps row versions from being removed.
-- The limit is that of where what is replayed comes from: a walreceiver runs as long as it is streamed. Who has no rights sees no
-- snapshots of others.
with c as (
  select case when exists (select from pg_stat_get_wal_receiver() r where r.pid is not null)
              then 'max_standby_streaming_delay' else 'max_standby_archive_delay' end as setting
), d as (
  select c.setting, extract(epoch from current_setting(c.setting)::interval)::float8 as seconds from c
)
select d.setting, case when d.seconds >= 0 then d.seconds end as limit_seconds,
       current_setting('hot_standby_feedback')::bool as feedback,
       (select string_agg(x.pid::text, ',' order by x.pid)
        from (select s.pid, rank() over (order by age(s.backend_xmin) desc) as place
              from pg_stat_activity s
              where s.backend_xmin is not null and s.backend_type = 'client backend' and s.pid <> pg_backend_pid()) x
        where x.place = 1) as oldest_snapshots
from d
