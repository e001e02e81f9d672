"""libpq of a Python package (psycopg), asked as psql asks its own: one JSON line in, one out.

{"parse": TEXT} answers {"ok": {keyword: value}} or {"err": text}; {"dsn": TEXT, "env": {…}} answers {"in": [port, user, ssl]} or
{"err": text}. Each login is made by a process of its own, with that environment and no other.
"""

import json
import os
import sys

from psycopg import pq

QUESTION = (
    b"select current_setting('port'), current_user, ssl::text from pg_stat_ssl where pid = pg_backend_pid()"
)


def parsed(text):
    try:
        options = pq.Conninfo.parse(text.encode())
    except Exception as error:  # the package's own kind
        return {"err": str(error).strip()}
    return {"ok": {o.keyword.decode(): o.val.decode("latin-1") for o in options if o.val is not None}}


def logged_in(dsn, environment):
    os.environ.clear()
    os.environ.update(environment)
    connection = pq.PGconn.connect(dsn.encode())
    if connection.status != pq.ConnStatus.OK:
        return {"err": connection.error_message.decode("utf-8", "replace").strip()}
    result = connection.exec_(QUESTION)
    if result.status != pq.ExecStatus.TUPLES_OK:
        return {"err": result.error_message.decode("utf-8", "replace").strip()}
    return {"in": [result.get_value(0, at).decode() for at in range(3)]}


def in_a_process(dsn, environment):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            # nobody is there to type the password of a key
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
            os.setsid()
            os.write(writer, json.dumps(logged_in(dsn, environment)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(answer or b'{"err": "no answer"}')


print(json.dumps({"version": pq.version()}), flush=True)
for line in sys.stdin:
    question = json.loads(line)
    if "parse" in question:
        answer = parsed(question["parse"])
    else:
        answer = in_a_process(question["dsn"], question["env"])
    print(json.dumps(answer), flush=True)
