-- One row per lock mode: its name, its place, and by place the modes that it conflicts with (X).
-- LockConflicts in src/backend/storage/lmgr/lock.c. SIReadLock, which keeps nobody waiting, is none of them.
  values ('AccessShareLock',          1, '-------X'),
         ('RowShareLock',             2, '------XX'),
         ('RowExclusiveLock',         3, '----XXXX'),
         ('ShareUpdateExclusiveLock', 4, '---XXXXX'),
         ('ShareLock',                5, '--XX-XXX'),
         ('ShareRowExclusiveLock',    6, '--XXXXXX'),
         ('ExclusiveLock',            7, '-XXXXXXX'),
         ('AccessExclusiveLock',      8, 'XXXXXXXX')
