-- One row per application of the client sessions but this one: how many, running a statement, holding their connection,
-- and with a statement begun after {since}, a moment in seconds or null; and the server's clock.
-- Of a hidden session the application is known, and nothing of what it does.
select encode(textsend(s.application_name), 'hex') as application_name,
       count(*)                                                                                 as sessions,
       count(*) filter (where s.state in ('active', 'fastpath function call'))                  as active,
       count(*) filter (where s.state <> 'idle' and s.state <> 'disabled')                      as occupied,
       count(*) filter (where s.query_start > to_timestamp({since}))                            as began,
       count(*) filter (where s.hidden)                                                         as hidden,
       max(extract(epoch from clock_timestamp()))::float8                                       as at_seconds
from ({activity}) s
where s.pid <> pg_backend_pid() and s.may_be_client
group by 1

