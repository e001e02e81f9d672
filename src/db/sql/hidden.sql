-- One row: how many sessions are hidden from this role that may be client sessions.
select count(*) as hidden
from ({activity}) s
where s.hidden and s.may_be_client
