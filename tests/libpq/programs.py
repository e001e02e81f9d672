"""The two that are compared: the real libpq, through psql or a Python package, and pgconn. Both answer with an Outcome."""

import ctypes
import json
import os
import re
import subprocess
from dataclasses import dataclass, field

LIMIT = 20

# What a line of libpq's is about. The first that fits counts.
CLASSES = [
    (
        "settings",
        r"invalid (connection option|URI|integer|port number|percent|\w+ value|SSL protocol)|missing \"=\"|missing key|extra key"
        r"|unterminated|definition of service|service file|nested service|could not match|weak sslmode|unexpected (spaces|character)|forbidden value|end of string reached"
        r"|IPv6 host address|cannot be mixed|specified more than once|could not parse network address|too long \(maximum",
    ),
    (
        "wrong server",
        r"session is (not )?read-only|hot standby mode",
    ),
    (
        "auth",
        r"authentication failed|no password supplied|authentication method requirement|channel binding|pg_hba\.conf"
        r"|valid client certificate|SCRAM|role \".*\" does not exist|not permitted to log in|requirepeer|server signature|SASL"
        r"|authentication method \d+ not supported|Kerberos 5 authentication|GSSAPI continuation|fe_sendauth|server did not complete authentication|duplicate .*authentication",
    ),
    (
        "tls",
        r"SSL error|SSL SYSCALL|certificate|private key|server does not support SSL|direct SSL|not supported by this build",
    ),
    (
        "protocol",
        r"received invalid response to SSL|error response during SSL exchange|expected authentication request|unencrypted data"
        r"|invalid (.*message|authentication request)|(?<!frontend )protocol|lost synchronization|message type|backend message|insufficient data|message contents",
    ),
    ("network", r"refused|No such file|translate host name|timeout expired|closed the connection|No route|unreachable|Not a directory"),
    ("server", r"FATAL|ERROR"),
]

CODES = {
    "bad_settings": "settings",
    "usage": "settings",
    "target_session_attrs": "wrong server",
    "auth_failed": "auth",
    "no_such_role": "auth",
    "tls": "tls",
    "not_postgres": "protocol",
    "protocol": "protocol",
    "refused": "network",
    "dns": "network",
    "timeout": "network",
}


@dataclass
class Outcome:
    """What a login came to: `in` with port, user and encryption (T or P), or `refused` with the classes of what was said."""

    let_in: bool
    port: str = "-"
    user: str = "-"
    encryption: str = "-"
    classes: set = field(default_factory=set)
    said: str = ""

    def __str__(self):
        if self.let_in:
            return f"in {self.encryption} {self.user}@{self.port}"
        return f"refused ({', '.join(sorted(self.classes))})"

    def same(self, other):
        if self.let_in and other.let_in:
            return (self.port, self.user, self.encryption) == (other.port, other.user, other.encryption)
        return self.let_in == other.let_in and bool(self.classes & other.classes)


def refused(said):
    classes = set()
    for line in said.splitlines():
        line = re.sub(r'server at ".*?"( \(.*?\))?, port \d+|socket ".*?"', "", line)
        found = next((name for name, words in CLASSES if re.search(words, line)), None)
        if found:
            classes.add(found)
        if re.search(r"EOF detected|unexpected eof", line):
            classes.add("network")
    return Outcome(False, classes=classes or {"server"}, said=said)


class Psql:
    """libpq through psql, and through ctypes for what is only read."""

    QUESTION = "select current_setting('port'), current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()"

    def __init__(self, program):
        self.program = program
        self.library = ctypes.CDLL("libpq.so.5")
        self.version = self.library.PQlibVersion()

    def log_in(self, dsn, environment):
        command = [self.program, "-XAtw", "-F", " ", "-d", dsn, "-c", self.QUESTION]
        try:
            run = subprocess.run(command, env=environment, capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return refused("timeout expired")
        if run.returncode == 0:
            port, user, ssl = run.stdout.decode().split()
            return Outcome(True, port, user, "T" if ssl == "t" else "P")
        return refused(run.stderr.decode("utf-8", "replace"))

    def parse(self, text):
        class Option(ctypes.Structure):
            _fields_ = [(n, ctypes.c_char_p) for n in ("keyword", "e", "c", "val", "l", "d")] + [("s", ctypes.c_int)]

        parse = self.library.PQconninfoParse
        parse.restype = ctypes.POINTER(Option)
        parse.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
        message = ctypes.c_char_p()
        options = parse(text.encode(), ctypes.byref(message))
        if not options:
            return {"err": (message.value or b"").decode("utf-8", "replace").strip()}
        found, at = {}, 0
        while options[at].keyword:
            if options[at].val is not None:
                found[options[at].keyword.decode()] = options[at].val.decode("latin-1")
            at += 1
        return {"ok": found}


class Worker:
    """libpq through worker.py, which is run by this Python."""

    def __init__(self, python):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
        self.process = subprocess.Popen([python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.version = json.loads(self.process.stdout.readline())["version"]

    def ask(self, question):
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def log_in(self, dsn, environment):
        answer = self.ask({"dsn": dsn, "env": environment})
        if "in" in answer:
            port, user, ssl = answer["in"]
            return Outcome(True, port, user, "T" if ssl == "true" else "P")
        return refused(answer["err"])

    def parse(self, text):
        return self.ask({"parse": text})


class Pgconn:
    """pgconn, through `ping` and `conninfo`."""

    def __init__(self, program):
        self.program = program

    def run(self, arguments, environment):
        command = [self.program, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, timeout=2 * LIMIT, stdin=subprocess.DEVNULL)

    def log_in(self, dsn, environment):
        run = self.run(["ping", "--json", "-w", "-t", "10s", "-d", dsn], environment)
        try:
            document = json.loads(run.stdout or run.stderr)
        except ValueError:
            return Outcome(False, classes={"broken"}, said=(run.stdout + run.stderr).decode("utf-8", "replace"))
        if run.returncode == 0:
            target, last = document["target"], document["attempts"][-1]
            encryption = "P" if last["tls_seconds"] is None else "T"
            return Outcome(True, str(target["port"]), target["user"], encryption)
        if document["kind"] == "error":
            code, said = document["error"]["code"], document["error"]["message"]
        else:
            last = document["attempts"][-1]
            code, said = last["code"], "\n".join(attempt["error"] or "" for attempt in document["attempts"])
        return Outcome(False, classes={CODES.get(code, "server")}, said=said)

    def parse(self, text):
        run = self.run(["conninfo", "--json", "-d", text], {"HOME": "/dev/null", "PGUSER": "nobody", "PGPORT": "1"})
        document = json.loads(run.stdout or run.stderr)
        if document["kind"] == "error":
            return {"err": document["error"]["message"]}
        own = ("URI", "connection string")
        return {"ok": {p["keyword"]: p["value"] for p in document["parameters"] if p["source"] in own}}
