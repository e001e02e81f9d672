-- One row: what all databases have counted so far. The session times ({times}) exist since 14, in milliseconds there.
select extract(epoch from clock_timestamp())::float8            as at_seconds,
       sum(d.xact_commit + d.xact_rollback)::float8             as transactions,
       {times}
from pg_stat_database d

