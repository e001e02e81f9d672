"""Runs PostgreSQL's client cases against pgconn and the real libpq, side by side on the same servers.

usage: run.py PGCONN PSQL README MAJOR=BINDIR...

For psql's own major libpq is psql's; for another it is the one that this Python's psycopg brings. Prints a line for each difference, and the
counts of each suite: cases | same | meant | fault. A difference is meant when the table of the README has its row; anything else
is a fault, and ends with 1.
"""

import concurrent.futures
import os
import shutil
import sys
import threading
from collections import Counter

import cases
import servers
from programs import Pgconn, Psql, Worker
from scripts import NEWER, SCRIPTS, Script

# The rows of the README's table, each with what it is about: the outcomes of libpq and of pgconn, and the case. The first counts.
MEANT = [
    (
        "protocol 3.0",
        lambda case, theirs, ours: (
            case.suite == "attacks" and case.dsn.split(", sslmode=")[0] in NEWER and ours.let_in and not theirs.let_in
            or "min_protocol_version=" in case.dsn and ours.classes == {"settings"}
        ),
    ),
    (
        "TLS methods",
        lambda case, theirs, ours: case.suite == "ssl" and case.shows in ("long_curve", "long_hash", "edwards"),
    ),
    (
        "encrypted keys",
        lambda case, theirs, ours: "locked.key" in getattr(case, "dsn", "") and not ours.let_in,
    ),
    (
        "the next host",
        lambda case, theirs, ours: case.suite == "attacks" and "two hosts" in case.dsn and not theirs.let_in,
    ),
    (
        "the server's proof",
        lambda case, theirs, ours: case.dsn.startswith(("scram, and done", "scram, and no proof")) and ours.classes == {"auth"},
    ),
    (
        "the default database",
        lambda case, theirs, ours: "dbname=''" in case.dsn and "does not exist" in theirs.said and ours.let_in,
    ),
    (
        "LDAP in service files",
        lambda case, theirs, ours: case.suite == "services" and "LDAP" in ours.said,
    ),
    (
        "a wrong password, once",
        lambda case, theirs, ours: "password=wrong" in case.dsn and theirs.encryption == "P" and not ours.let_in,
    ),
    (
        "blanks in URIs",
        lambda case, theirs, ours: case.suite == "uris" and " " in case.dsn,
    ),
    (
        "GSSAPI, OAuth, SCRAM keys",
        lambda case, theirs, ours: any(word in case.dsn for word in ("gssencmode=require", "oauth_", "scram_client_key", "scram_server_key")),
    ),
]


class Comparison:
    def __init__(self, libpq, pgconn, readme):
        self.libpq, self.pgconn = libpq, pgconn
        self.counts = {}
        self.faults = 0
        self.rows = Counter()
        with open(readme, encoding="utf-8") as file:
            self.readme = file.read()

    def judge(self, case, theirs, ours, same):
        count = self.counts.setdefault(case.suite, Counter())
        count["cases"] += 1
        if same:
            count["same"] += 1
            return
        row = next((name for name, is_about in MEANT if is_about(case, theirs, ours)), None)
        if row and f"| {row} |" in self.readme:
            count["meant"] += 1
            self.rows[row] += 1
            return
        count["fault"] += 1
        print(f"FAULT {case.suite}: {case.dsn} {case.env or ''} {case.shows}\n  libpq  {theirs}\n  pgconn {ours}", flush=True)
        for name, outcome in (("libpq", theirs), ("pgconn", ours)):
            for line in getattr(outcome, "said", "").strip().splitlines()[:4]:
                print(f"    {name}: {line}", flush=True)

    def log_in(self, case, environment):
        theirs = self.libpq.log_in(case.dsn, environment)
        ours = self.pgconn.log_in(case.dsn, environment)
        self.judge(case, theirs, ours, theirs.same(ours))

    def read(self, suite, text):
        case = cases.Login(suite, text)
        theirs, ours = self.libpq.parse(text), self.pgconn.parse(text)
        self.judge(case, theirs, ours, same_values(theirs, ours))

    def print(self, name):
        print(f"\n{name}\n{'suite':<16} cases |  same | meant | fault")
        total = Counter()
        for suite, count in self.counts.items():
            total.update(count)
            print(f"{suite:<16} {count['cases']:>5} | {count['same']:>5} | {count['meant']:>5} | {count['fault']:>5}")
        print(f"{'all':<16} {total['cases']:>5} | {total['same']:>5} | {total['meant']:>5} | {total['fault']:>5}")
        for row, count in self.rows.items():
            print(f"  meant: {row} ({count})")
        return total["fault"]


def same_values(theirs, ours):
    """Whether the same was read; what pgconn hides as a secret is taken for the same. It judges values, too, at which libpq looks
    only when it connects."""
    if "ok" in theirs and "ok" in ours:
        known = {key: readable(value) for key, value in theirs["ok"].items() if value != ""}
        found = {key: value for key, value in ours["ok"].items() if value != "" and (value != "********" or key in known)}
        return known.keys() == found.keys() and all(value in (known[key], "********") for key, value in found.items())
    if "err" in theirs and "err" in ours:
        return True
    return "ok" in theirs and any(word in ours["err"] for word in ("invalid port", "invalid integer", "could not match", "service", "a host name has no"))


def readable(value):
    """The bytes of a value, each a character, as the text that pgconn shows."""
    return value.encode("latin-1").decode("utf-8", "replace")


def compare(major, bindir, pgconn, psql, readme):
    folder = servers.make_folder()
    started = []
    try:
        def make_libpq():
            own = Psql(psql)
            return own if own.version // 10000 == major else Worker(sys.executable)

        libpq = make_libpq()
        version = libpq.version // 10000
        if version != major:
            raise SystemExit(f"libpq is of version {libpq.version}, and {major} was asked for")
        certificates = servers.Certificates(os.path.join(folder, "certificates"))
        root = certificates.text("root.crt")
        plain = servers.Server(folder, "plain", bindir)
        started.append(plain)
        second = servers.Server(folder, "second", bindir)
        started.append(second)
        shown = {"server.crt": certificates.text("good.crt"), "server.key": certificates.text("good.key"), "root.crt": root}
        tls = servers.Server(folder, "tls", bindir, ["ssl = on", "ssl_ca_file = 'root.crt'"], shown)
        started.append(tls)

        def write(name, text, mode=0o644):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            os.chmod(path, mode)
            return path

        found = Comparison(libpq, pgconn, readme)
        for text in cases.URIS + (cases.SPACED_URIS if version >= 18 else []):
            found.read("uris", text)
        for text in cases.STRINGS:
            found.read("strings", text)
        logins = cases.services(plain, folder, write) + cases.hosts(plain, tls, second) + cases.negotiation(plain, tls)
        logins += cases.authentication(plain, tls, write) + cases.ssl(tls, certificates)
        home = os.path.join(folder, "home")
        os.mkdir(home)
        base = {"HOME": home, "PGSYSCONFDIR": home, "PATH": os.environ["PATH"]}
        shows = "good"
        for case in sorted((case for case in logins if case.since <= version), key=lambda case: (case.suite != "services", case.shows)):
            case.dsn = case.dsn.replace("ROOT", certificates.path("root.crt"))
            if case.shows and case.shows != shows:
                shows = case.shows
                for kind in ("crt", "key"):
                    tls.write("server." + kind, certificates.text(f"{shows}.{kind}"))
                tls.reload()
            found.log_in(case, {**base, **case.env})
        attack(found, plain, base, make_libpq)
        return found.print(f"libpq {libpq.version}, server {major}")
    finally:
        for server in started:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def attack(found, plain, base, make_libpq):
    """Each script before each of the two, and what each of them says to it."""
    questions = []
    for name, tls, answers in SCRIPTS:
        for mode in ("disable", "prefer", "require"):
            if mode == "disable" and (name.startswith("tls") or not answers):
                continue
            if mode == "require" and not name.startswith("tls"):
                continue
            questions += [(name, tls, answers, mode, False), (name, tls, answers, mode, True)]
    own = threading.local()

    def ask(question):
        name, tls, answers, mode, has_second = question
        own.libpq = getattr(own, "libpq", None) or make_libpq()
        outcomes = []
        for program in (own.libpq, found.pgconn):
            script = Script(tls, answers)
            place = f"host=127.0.0.1 port={script.port} user=u"
            if has_second:
                place = f"host=127.0.0.1,127.0.0.1 port={script.port},{plain.port} user=trusty"
            outcome = program.log_in(f"{place} dbname=postgres password=x sslmode={mode} connect_timeout=4", base)
            said = set(script.heard)
            script.close()
            outcome.said += f"\nsaid {sorted(said)}"
            outcomes.append((outcome, said))
        return cases.Login("attacks", f"{name}, sslmode={mode}{', two hosts' if has_second else ''}"), *outcomes

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for case, (theirs, they_said), (ours, we_said) in pool.map(ask, questions):
            # libpq waits in vain for what pgconn sees to be wrong at once, or has the connection closed over it
            broken = {"protocol", "network"}
            is_broken = "timeout expired" in theirs.said or ours.classes <= broken and theirs.classes <= broken
            same = theirs.same(ours) or is_broken and not (theirs.let_in or ours.let_in)
            found.judge(case, theirs, ours, same and we_said <= they_said)


def main():
    program, psql, readme, *majors = sys.argv[1:]
    servers.PSQL = psql
    pgconn = Pgconn(program)
    faults = 0
    for pair in majors:
        major, bindir = pair.split("=", 1)
        faults += compare(int(major), bindir, pgconn, psql, readme)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
