-- One row: when this session last read the configuration files, and the server's clock, in seconds since 1970.
select extract(epoch from pg_conf_load_time())::float8  as loaded,
       extract(epoch from clock_timestamp())::float8    as clock
