"""Throwaway servers and certificates for the comparison, in a folder that goes away with them."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

HBA = """
local all postgres trust
local all peer_role peer
local all sc scram-sha-256
local all all trust
hostssl all only_tls 127.0.0.1/32 trust
hostnossl all only_plain 127.0.0.1/32 trust
hostssl all split 127.0.0.1/32 scram-sha-256
hostnossl all split 127.0.0.1/32 trust
host all only_tls,only_plain,rejected 127.0.0.1/32 reject
host all pw 127.0.0.1/32 password
host all md 127.0.0.1/32 md5
host all sc,spaced 127.0.0.1/32 scram-sha-256
hostssl all cert_role,postgres_tls 127.0.0.1/32 cert
host all trusty,quiet,nologin,nobody,postgres 127.0.0.1/32 trust
"""

ROLES = """
set password_encryption = 'scram-sha-256';
create role sc login password 's3cret'; create role pw login password 's3cret'; create role split login password 's3cret';
create role spaced login password U&'a\\00A0b';
create role trusty login; create role only_tls login; create role only_plain login; create role rejected login;
create role quiet login; alter role quiet set default_transaction_read_only = on;
create role cert_role login; create role peer_role login; create role nologin; create role limited login connection limit 0;
set password_encryption = 'md5'; create role md login password 's3cret';
create database closed allow_connections false
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server; `settings` are lines of postgresql.conf."""

    def __init__(self, folder, name, bindir, settings=(), files=None):
        self.bindir, self.port = bindir, free_port()
        self.host = folder
        self.data = os.path.join(folder, name)
        self.log = os.path.join(folder, name + ".log")
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
        lines = [f"port = {self.port}", "listen_addresses = '127.0.0.1'", f"unix_socket_directories = '{folder}'", "fsync = off"]
        self.write("postgresql.auto.conf", "\n".join([*lines, *settings]) + "\n")
        for file, text in {"pg_hba.conf": HBA, **(files or {})}.items():
            self.write(file, text)
        self.run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "start")
        for statement in ROLES.split(";"):
            self.query(statement)

    def write(self, name, text):
        path = os.path.join(self.data, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o600)
        owner = os.stat(self.host)
        os.chown(path, owner.st_uid, owner.st_gid)

    def run(self, program, *arguments):
        command = [os.path.join(self.bindir, program), *arguments]
        owner = os.stat(self.host)
        as_owner = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.host, env={"PATH": os.environ["PATH"]}, **as_owner)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def query(self, statement):
        command = [PSQL, "-XAtqh", self.host, "-p", str(self.port), "-U", "postgres", "-d", "postgres", "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True, env={})
        if done.returncode != 0:
            raise SystemExit(f"{statement}: {done.stderr}")
        return done.stdout.strip()

    def reload(self):
        before = self.query("select pg_conf_load_time()")
        self.query("select pg_reload_conf()")
        while self.query(f"select pg_conf_load_time() > '{before}'") != "t":
            time.sleep(0.01)

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


PSQL = None


def make_folder():
    """A folder that belongs to whom a server may run as."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="pgconn-libpq-", dir=base)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    os.chmod(folder, 0o755)
    return folder


class Certificates:
    """Certificates of every kind, made by openssl. What is made by its own recipe for `x509 -req` is of version 1."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder)
        san = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        for name in ("root", "other"):
            self.root(name, f"/CN={name}")
        for name, issuer, subject, extensions in [
            ("inter", "root", "/CN=inter", "basicConstraints=critical,CA:TRUE"),
            ("good", "root", "/CN=x", san),
            ("cn_only", "root", "/CN=localhost", "keyUsage=digitalSignature"),
            ("version_1", "root", "/CN=localhost", None),
            ("wild", "root", "/CN=x", "subjectAltName=DNS:*.localhost"),
            ("wrong_host", "root", "/CN=localhost", "subjectAltName=DNS:db.example"),
            ("ip", "root", "/CN=x", "subjectAltName=IP:127.0.0.1"),
            ("ip_in_cn", "root", "/CN=127.0.0.1", "keyUsage=digitalSignature"),
            ("ip_as_dns", "root", "/CN=x", "subjectAltName=DNS:127.0.0.1"),
            ("stranger", "other", "/CN=localhost", san),
            ("for_clients", "root", "/CN=localhost", san + "\nextendedKeyUsage=clientAuth"),
            ("for_servers", "root", "/CN=localhost", san + "\nextendedKeyUsage=serverAuth"),
            ("ca_leaf", "root", "/CN=localhost", "basicConstraints=CA:TRUE\n" + san),
            ("revoked", "root", "/CN=localhost", san),
            ("revoked_1", "root", "/CN=localhost", None),
            ("beneath", "inter", "/CN=localhost", san),
            ("beneath_1", "inter", "/CN=localhost", None),
            ("client", "root", "/CN=cert_role", "keyUsage=digitalSignature"),
            ("client_1", "root", "/CN=cert_role", None),
            ("client_inter", "inter", "/CN=cert_role", "keyUsage=digitalSignature"),
            ("client_wrong", "other", "/CN=cert_role", "keyUsage=digitalSignature"),
            ("client_other", "root", "/CN=trusty", "keyUsage=digitalSignature"),
        ]:
            self.issue(name, issuer, subject, extensions)
        self.issue("expired", "root", "/CN=localhost", san, days="-1")
        self.issue("pss", "root", "/CN=localhost", san, key=["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"])
        self.issue("rsa", "root", "/CN=localhost", san, key=["rsa:2048"])
        self.issue("long_curve", "root", "/CN=localhost", san, key=["ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"])
        self.issue("long_hash", "root", "/CN=localhost", san, more=["-sha512"])
        self.issue("edwards", "root", "/CN=localhost", san, key=["ed25519"])
        self.root("self", "/CN=localhost", ["rsa:2048"])
        self.join("chained", "beneath", "inter")
        self.join("chained_1", "beneath_1", "inter")
        self.join("client_chained", "client_inter", "inter")
        self.join("both_roots", "other", "root")
        shutil.copy(self.path("beneath.key"), self.path("chained.key"))
        shutil.copy(self.path("beneath_1.key"), self.path("chained_1.key"))
        shutil.copy(self.path("client_inter.key"), self.path("client_chained.key"))
        self.openssl("pkey", "-in", "client.key", "-out", "locked.key", "-aes256", "-passout", "pass:x")
        self.revoke()
        self.openssl("pkey", "-in", "client.key", "-outform", "DER", "-out", "client.der")
        for name in os.listdir(folder):
            os.chmod(self.path(name), 0o600 if name.endswith(("key", "der")) else 0o644)
        shutil.copy(self.path("client.key"), self.path("open.key"))
        os.chmod(self.path("open.key"), 0o644)
        self.write("empty", "")
        self.write("broken", "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def join(self, name, *parts):
        self.write(name + ".crt", "".join(self.text(part + ".crt") for part in parts))

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, cwd=self.folder)
        if done.returncode != 0:
            raise SystemExit(f"openssl {' '.join(arguments)}: {done.stderr}")

    CURVE = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]

    def root(self, name, subject, key=None):
        made = ["-newkey", *(key or self.CURVE), "-nodes", "-keyout", name + ".key", "-out", name + ".crt"]
        self.openssl("req", "-x509", *made, "-subj", subject, "-days", "9")

    def issue(self, name, issuer, subject, extensions, key=None, days="9", more=()):
        request = ["-newkey", *(key or self.CURVE), "-nodes", "-keyout", name + ".key", "-out", name + ".csr"]
        self.openssl("req", *request, "-subj", subject)
        signing = ["-in", name + ".csr", "-out", name + ".crt", "-CA", issuer + ".crt", "-CAkey", issuer + ".key"]
        if extensions is not None:
            self.write(name + ".ext", extensions)
            signing += ["-extfile", name + ".ext"]
        self.openssl("x509", "-req", *signing, "-CAcreateserial", "-days", days, *more)

    def revoke(self):
        common = "[ca]\ndefault_ca = own\n[own]\ndatabase = index\ndefault_md = sha256\ndefault_crl_days = 9\n"
        self.write("1.cnf", common)
        self.write("2.cnf", common + "crlnumber = number\n")
        self.write("index", "")
        self.write("number", "01\n")
        own = ["-keyfile", "root.key", "-cert", "root.crt"]
        for name in ("revoked.crt", "revoked_1.crt"):
            self.openssl("ca", "-config", "2.cnf", *own, "-revoke", name)
        for version in ("1", "2"):
            self.openssl("ca", "-config", version + ".cnf", *own, "-gencrl", "-out", f"list_{version}.crl")
            os.mkdir(self.path("lists_" + version))
            shutil.copy(self.path(f"list_{version}.crl"), self.path(f"lists_{version}/list.pem"))
            self.openssl("rehash", "lists_" + version)
        os.mkdir(self.path("no_lists"))
