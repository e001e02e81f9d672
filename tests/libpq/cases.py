"""What is asked: strings that are only read, and logins, suite by suite. Nothing here says what the answer is; libpq does."""

from dataclasses import dataclass, field


@dataclass
class Login:
    """One login: a connection string, variables, and the version of libpq from which on it is of use."""

    suite: str
    dsn: str
    env: dict = field(default_factory=dict)
    since: int = 0
    # The certificate that the server has to show.
    shows: str = ""


URIS = """
postgresql://|postgres://|postgresql://h|postgres://h:1|postgresql://h:1/d|postgresql://u@h|postgresql://u:p@h|postgresql://u:@h
postgresql://:p@h|postgresql://@h|postgresql:///d|postgresql:///|postgresql://h/|postgresql://h:|postgresql://:1|postgresql://:1/d
postgresql://a,b|postgresql://a:1,b:2/d|postgresql://a,b:2|postgresql://a:1,b|postgresql://,|postgresql://a,,b|postgresql://,b:2
postgresql://[::1]|postgresql://[::1]:1/d|postgresql://[::1],[::2]:3/d|postgresql://u@[::1]/d?sslmode=require|postgresql://[|postgresql://[]
postgresql://[::1|postgresql://[::1]x|postgresql://[::1]:1x|postgresql://[]/d|postgresql://u@[::1]z:1
postgresql://h/d?host=x|postgresql://h/d?port=2|postgresql://h/d?user=x|postgresql://?host=/tmp|postgresql:///?host=/tmp&port=1
postgresql://h/d?|postgresql://h/d?&|postgresql://h/d?a=b|postgresql://h/d?user|postgresql://h/d?user=|postgresql://h/d?=x
postgresql://h/d?user=a=b|postgresql://h/d?user=a&|postgresql://h/d?user=a&&dbname=b|postgresql://h/d?user=a&dbname=b&user=c
postgresql://h/d?ssl=true|postgresql://h/d?ssl=false|postgresql://h/d?ssl=TRUE|postgresql://h/d?sslmode=require|postgresql://h?sslmode=allow
postgresql://%68ost|postgresql://h%2Fx/d|postgresql://%2Ftmp/d|postgresql://%2ftmp:1/d|postgresql://u%3Av:p%40q@h/d%2Fe
postgresql://h/%|postgresql://h/%2|postgresql://h/%zz|postgresql://h/%00|postgresql://h/d?user=%|postgresql://h/d?u%73er=x
postgresql://h/d?user=a%20b|postgresql://h/d?user=a+b|postgresql://h/a%20b|postgresql://h/a+b|postgresql://h/d%C3%A9|postgresql://h/d%E9
postgresql://h/d/e|postgresql://h/d#f|postgresql://u@v@h/d|postgresql://u:p@q@h/d|postgresql://u/v@h|postgresql://u?v@h/d|postgresql://h?user=a@b
postgresql://u:p:q@h/d|postgresql://h:1:2/d|postgresql://h/d?options=-c%20a%3Db
postgresql://h/d?application_name=x&connect_timeout=3&keepalives=0|postgresql://h/d?target_session_attrs=any
postgresql://h/d?requiressl=1|postgresql://h/d?requiressl=0|postgresql://h/d?service=x&user=y|postgresql://h/d?passfile=/x%20y
postgresql://h/d?channel_binding=require&sslcert=/a&sslkey=/b&sslrootcert=/c&sslcrl=/d&sslcrldir=/e|postgresql://h/d?sslsni=0
postgresql://h/d?krbsrvname=x&gssencmode=disable&gsslib=y|postgresql://h/d?client_encoding=auto|postgresql://h/d?hostaddr=127.0.0.1
postgresql://h/d?connect_timeout=-1|postgresql://h/d?tcp_user_timeout=5&keepalives_count=2|postgresql://h/d?ssl_min_protocol_version=TLSv1.3
""".replace("\n", "|").strip("|").split("|")

# Blanks: from libpq 18 on they are nothing round a part, and an error in it.
SPACED_URIS = """
postgresql:// h|postgresql://h |postgresql://h / d|postgresql:// u : p @ h : 1 / d|postgresql://h/d? user = x|postgresql://h/d?user= x
postgresql://h/d?user =x & port = 1|postgresql://h/a b|postgresql://a b/d|postgresql://u v@h|postgresql://h/d?us er=x|postgresql://h/d?user=x y
postgresql://a, b/d|postgresql://a ,b/d|postgresql://h/d?user= %20x |postgresql://h/d?	user=x|postgresql://h:1 /d|postgresql://[::1] /d
postgresql://h/ ?user=x|postgresql://h/d?options=-c a|postgresql://h/d?ssl = true
""".replace("\n", "|").strip("|").split("|")

STRINGS = r"""
host=h|host=h port=1|host = h|host= h|host =h| host=h |host='a b'|host='a\'b'|host='a\\b'|host=a\ b|host=a\\b|host='|host='a|host=a'b
host=|host= port=1|host='' port=1|host port=1|=x|host==x|host=a=b|HOST=x|nosuch=1|host=a host=b|user=u password=p dbname=d
password='a b'|password=a\'b|password=''|dbname='x y' user='z'|requiressl=1|requiressl=0|requiressl=|requiressl=yes|sslmode=require requiressl=0
requiressl=0 sslmode=require|options='-c a=b'|options=-ca=b|host=é|user=é dbname='ü ö'|host=a	port=1|application_name=x fallback_application_name=y
connect_timeout=' 5 '|port=1,2,3 host=a,b,c|hostaddr=1.2.3.4|service=x|sslmode= require|sslcert=/a sslkey=/b|keepalives_idle=1 keepalives_interval=2
client_encoding=auto|target_session_attrs=primary|host=a, port=1|dbname=postgresql://h/d|dbname='host=x'|host='a' port='1'|host='a'port=1
user=u\|krbsrvname=k|gssencmode=prefer|sslcompression=1|tcp_user_timeout=1|channel_binding=disable|ssl_max_protocol_version=TLSv1.2
""".replace("\n", "|").strip("|").split("|")

MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


def at(server, user, more="", host="127.0.0.1", dbname="postgres"):
    return f"host={host} port={server.port} user={user} dbname={dbname} {more}".strip()


def services(plain, folder, write):
    """Service files: what is in them, where they are, what is wrong with them."""
    port = plain.port
    base = f"host=127.0.0.1\nport={port}\ndbname=postgres\nuser=trusty"
    bodies = {
        "fine": f"[s]\n{base}\n",
        "second": f"[t]\nhost=/nowhere\n[s]\n{base}\n",
        "twice": f"[s]\n{base}\n[s]\nuser=nobody\n",
        "first value": f"[s]\n{base}\nuser=rejected\n",
        "comment": f"# [s]\n#x\n[s]\n{base}\n#user=x\n",
        "blank lines": f"\n\n[s]\n\n{base}\n\n",
        "indented": "[s]\n" + base.replace("\n", "\n   ") + "\n",
        "crlf": f"[s]\r\n" + base.replace("\n", "\r\n") + "\r\n",
        "blanks round =": f"[s]\nhost = 127.0.0.1\n",
        "unknown": f"[s]\n{base}\nnosuch=1\n",
        "no =": f"[s]\n{base}\nhost\n",
        "nested": f"[s]\nservice=t\n[t]\n{base}\n",
        "nested file": f"[s]\nservicefile=/x\n{base}\n",
        "no header": f"{base}\n",
        "tail": f"[s] tail\n{base}\n",
        "quoted": f"[s]\nhost='127.0.0.1'\nport={port}\n",
        "bad port": f"[s]\n{base.replace(str(port), 'x')}\n",
        "bad mode": f"[s]\n{base}\nsslmode=full\n",
        "empty value": f"[s]\n{base}\noptions=\n",
        "long": f"[s]\n{base}\napplication_name={'x' * 1010}\n",
        "ldap": "[s]\nldap://127.0.0.1:1/dc=x?y?one?(z)\n",
        "empty": "",
        "spaces in name": f"[a b]\n{base}\n",
        "no newline": f"[s]\n{base}",
    }
    cases = []
    for number, (name, body) in enumerate(bodies.items()):
        path = write(f"service_{number}", body)
        service = "'a b'" if name == "spaces in name" else "s"
        cases.append(Login("services", f"service={service}", {"PGSERVICEFILE": path}))
    fine = write("service_fine", bodies["fine"])
    named = {"PGSERVICEFILE": fine}
    for dsn, more in [
        ("service=s user=sc password=s3cret", {}),
        ("service=s user=rejected", {}),
        ("", {"PGSERVICE": "s"}),
        ("user=only_plain", {"PGSERVICE": "s"}),
        ("service=s", {"PGSERVICE": "nosuch"}),
        ("service=s", {"PGUSER": "rejected"}),
        ("service=nosuch", {}),
        ("service=S", {}),
        ("service=''", {}),
        ("service='s '", {}),
        ("service=[s]", {}),
        (f"postgresql:///?service=s", {}),
        (f"postgresql://rejected@/?service=s", {}),
        ("service=s", {"PGSERVICEFILE": "/nowhere/x"}),
        ("service=s", {"PGSERVICEFILE": ""}),
        ("service=s", {"PGSERVICEFILE": folder}),
        ("service=s", {"PGSERVICEFILE": "/nowhere/x", "PGSYSCONFDIR": folder}),
    ]:
        cases.append(Login("services", dsn, {**named, **more}))
    write("pg_service.conf", bodies["fine"].replace("[s]", "[system]"))
    write(".pg_service.conf", bodies["fine"].replace("[s]", "[home]"))
    for service in ("system", "home"):
        cases.append(Login("services", f"service={service}", {"PGSYSCONFDIR": folder, "HOME": folder}))
    return cases


def hosts(plain, tls, second):
    """Lists of hosts, addresses and ports, and kinds of sessions."""
    p, s, dead = plain.port, second.port, 1
    cases = []

    def add(dsn, env=None, since=0):
        cases.append(Login("hosts", f"user=trusty dbname=postgres {dsn}", env or {}, since))

    for dsn in [
        f"host=127.0.0.1 port={p}", f"host=localhost port={p}", f"host=127.0.0.1,127.0.0.1 port={dead},{p}",
        f"host=127.0.0.1,127.0.0.1 port={p},{s}", f"host=127.0.0.1,127.0.0.1 port={s},{p}", f"host=127.0.0.1,127.0.0.1 port={p}",
        f"host=/nowhere,127.0.0.1 port={p}", f"host={plain.host} port={p}", f"host={plain.host},127.0.0.1 port={dead},{p}",
        f"hostaddr=127.0.0.1 port={p}", f"hostaddr=127.0.0.1,127.0.0.1 port={dead},{p}", f"host=a,b hostaddr=127.0.0.1,127.0.0.1 port={dead},{p}",
        f"host=nosuch.invalid,127.0.0.1 port={p}", f"host=nosuch.invalid port={p}", f"hostaddr=nosuch port={p}", f"hostaddr=127.1 port={p}",
        f"host=127.1 port={p}", f"host=0x7f.1 port={p}", f"host=127.000.000.001 port={p}", f"hostaddr=127.0.0.1, port={p}",
        f"host=a,b port=1,2,3", f"host=a port=1,2", f"host=a hostaddr=127.0.0.1,127.0.0.1", f"host=a,b hostaddr=127.0.0.1",
        f"host=127.0.0.1 port=0", f"host=127.0.0.1 port=65536", f"host=127.0.0.1 port=-1", f"host=127.0.0.1 port=x", f"host=127.0.0.1 port=' {p} '",
        f"host=127.0.0.1 port={p}x", f"host=,127.0.0.1 port={dead},{p}", f"host=127.0.0.1,127.0.0.1 port=,{p}", f"host=127.0.0.1 port={p},",
        f"host={plain.host} port={p} requirepeer=postgres", f"host={plain.host} port={p} requirepeer=daemon", f"host={plain.host} port={p} requirepeer=nosuch",
        f"host=127.0.0.1 port={p} requirepeer=daemon", f"host={'/x' * 60} port={p}", f"host=@nowhere port={p}",
        f"host=127.0.0.1 port={p} connect_timeout=x", f"host=127.0.0.1 port={p} connect_timeout=''", f"host=127.0.0.1 port={p} connect_timeout=-1",
        f"host=127.0.0.1 port={p} keepalives=x", f"host=127.0.0.1 port={p} keepalives=0 keepalives_idle=1", f"host=127.0.0.1 port={p} tcp_user_timeout=1000",
        f"host=127.0.0.1 port={p} tcp_user_timeout=1s", f"host=127.0.0.1 port={p} options='-c work_mem=1MB'", f"host=127.0.0.1 port={p} options='-c nosuch=1'",
        f"host=127.0.0.1 port={p} client_encoding=UTF8", f"host=127.0.0.1 port={p} sslmode=x", f"host=127.0.0.1 port={p} sslmode=''",
        f"host=127.0.0.1 port={p} gssencmode=x", f"host=127.0.0.1 port={p} gssencmode=disable", f"host=127.0.0.1 port={p} gssencmode=require", f"host=127.0.0.1 port={p} target_session_attrs=x",
        f"host=127.0.0.1 port={p} target_session_attrs=''", f"host=127.0.0.1 port={p} channel_binding=x",
    ]:
        add(dsn)
    for kind in ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]:
        for user in ("trusty", "quiet"):
            add(f"host=127.0.0.1,127.0.0.1 port={p},{s} target_session_attrs={kind} user={user}")
            add(f"host=127.0.0.1,127.0.0.1 port={dead},{s} target_session_attrs={kind} user={user}")
    # the first refuses for good
    for user in ("rejected", "nologin", "stranger"):
        add(f"host=127.0.0.1,127.0.0.1 port={p},{s} user={user}")
    for database in ("nosuch", "closed", ""):
        add(f"host=127.0.0.1,127.0.0.1 port={p},{s} dbname='{database}'")
    for env in [
        {"PGHOST": "127.0.0.1", "PGPORT": str(p)}, {"PGHOST": "127.0.0.1,127.0.0.1", "PGPORT": f"{dead},{p}"}, {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(p)},
        {"PGHOST": "127.0.0.1", "PGPORT": "xyz"}, {"PGHOST": plain.host, "PGPORT": str(p)}, {"PGHOST": "", "PGHOSTADDR": "127.0.0.1", "PGPORT": str(p)},
        {"PGHOST": "127.0.0.1", "PGPORT": str(p), "PGUSER": "sc"}, {"PGHOST": "127.0.0.1", "PGPORT": str(p), "PGCONNECT_TIMEOUT": "x"},
        {"PGHOST": "127.0.0.1", "PGPORT": str(p), "PGTARGETSESSIONATTRS": "standby"}, {"PGHOST": "127.0.0.1", "PGPORT": str(p), "PGOPTIONS": "-c nosuch=1"},
        {"PGHOST": "127.0.0.1", "PGPORT": str(p), "PGDATESTYLE": "ISO, DMY"}, {"PGHOST": "127.0.0.1", "PGPORT": str(p), "PGTZ": "nosuch/zone"},
        {"PGHOST": "127.0.0.1", "PGPORT": str(p), "PGGEQO": "off"}, {"PGHOST": "127.0.0.1", "PGPORT": str(p), "PGREQUIRESSL": "1"},
    ]:
        add("", env)
    for kind in ("min", "max"):
        for version in ("3.0", "3.2", "latest", "x"):
            add(f"host=127.0.0.1 port={p} {kind}_protocol_version={version}", since=18)
    for keys in ("scram_client_key=x", "scram_server_key=x", "oauth_issuer=https://x oauth_client_id=y"):
        add(f"host=127.0.0.1 port={p} user=sc password=s3cret {keys}", since=18)
    # Both servers are in each list, and a third place where none is.
    for kind in ("", "primary", "standby"):
        attribute = f" target_session_attrs={kind}" if kind else ""
        add(f"host=127.0.0.1,127.0.0.1 port={dead},{p} load_balance_hosts=random{attribute}", since=16)
    for word in ("disable", "x", ""):
        add(f"host=127.0.0.1,127.0.0.1 port={p},{s} load_balance_hosts='{word}'", since=16)
    return cases


def negotiation(plain, tls):
    """With and without TLS, by what the server lets in."""
    cases = []
    users = ["trusty", "only_tls", "only_plain", "rejected"]
    for server, shows in ((plain, ""), (tls, "good")):
        for user in users:
            for mode in MODES:
                for more in ("", "sslnegotiation=direct"):
                    since = 17 if more else 0
                    cases.append(Login("negotiation", at(server, user, f"sslmode={mode} sslrootcert=ROOT {more}"), {}, since, shows))
        for mode in MODES:
            cases.append(Login("negotiation", at(server, "trusty", f"sslmode={mode} sslrootcert=/nowhere sslcert=/nowhere sslkey=/x", host=server.host), {}, 0, shows))
        for user in ("only_tls", "only_plain"):
            for mode in ("allow", "prefer", "require"):
                other = f"host=127.0.0.1,127.0.0.1 port={server.port},{plain.port} user={user} dbname=postgres sslmode={mode}"
                cases.append(Login("negotiation", other, {}, 0, shows))
        for user in ("split",):
            for password in ("s3cret", "wrong"):
                cases.append(Login("negotiation", at(server, user, f"sslmode=prefer password={password}"), {}, 0, shows))
        for env in ({"PGSSLMODE": "require"}, {"PGREQUIRESSL": "1"}, {"PGSSLMODE": "disable", "PGREQUIRESSL": "1"}, {"PGSSLMODE": "REQUIRE"}):
            cases.append(Login("negotiation", at(server, "trusty"), env, 0, shows))
        for versions in ("ssl_min_protocol_version=TLSv1.3", "ssl_max_protocol_version=TLSv1.2", "ssl_min_protocol_version=x",
                         "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2", "ssl_min_protocol_version=tlsv1.2"):
            for mode in ("prefer", "require"):
                cases.append(Login("negotiation", at(server, "trusty", f"sslmode={mode} {versions}"), {}, 0, shows))
    return cases


REQUIRED = ["password", "md5", "scram-sha-256", "none", "gss", "!password", "!none", "!scram-sha-256,!md5", "md5,scram-sha-256", "x", "password,password", "md5,!none"]


def authentication(plain, tls, write):
    """Methods, passwords from everywhere, and what the settings demand of a method."""
    cases = []
    for server, mode in ((plain, "disable"), (tls, "require")):
        shows = "good" if server is tls else ""
        for user in ("trusty", "pw", "md", "sc"):
            for password in ("password=s3cret", "password=wrong", "password=''", ""):
                cases.append(Login("authentication", at(server, user, f"sslmode={mode} {password}"), {}, 0, shows))
            for required in REQUIRED:
                cases.append(Login("authentication", at(server, user, f"sslmode={mode} password=s3cret require_auth={required}"), {}, 16, shows))
            for binding in ("disable", "prefer", "require"):
                cases.append(Login("authentication", at(server, user, f"sslmode={mode} password=s3cret channel_binding={binding}"), {}, 0, shows))
    port = plain.port
    for line in (
        "*:*:*:*:s3cret", f"127.0.0.1:{port}:postgres:sc:s3cret", f"127.0.0.1:*:postgres:sc:s3cret", f"localhost:{port}:postgres:sc:s3cret",
        f"127.0.0.1:{port}:*:other:wrong\n*:*:*:sc:s3cret", "*:*:*:sc:wrong\n*:*:*:*:s3cret", "#*:*:*:*:s3cret", " *:*:*:*:s3cret",
        "*:*:*:*:s3cret:more", "*:*:*:*:s3\\cret", "*:*:*:*", "*:*:*:*:", "127.0.0.\\1:*:*:*:s3cret", f"127.0.0.1:{port}:POSTGRES:sc:s3cret",
        "\n\n*:*:*:*:s3cret", "*:*:*:*:s3cret\r", "127.0.0.1:5432:*:*:s3cret", "*:*:*:s\\c:s3cret",
    ):
        file = write(f"pass_{len(cases)}", line + "\n", 0o600)
        cases.append(Login("authentication", at(plain, "sc"), {"PGPASSFILE": file}))
        cases.append(Login("authentication", at(plain, "sc", f"passfile={file}", host="localhost")))
    for mode, name in ((0o644, "open"), (0o640, "group"), (0o400, "read")):
        file = write(f"pass_{name}", "*:*:*:*:s3cret\n", mode)
        cases.append(Login("authentication", at(plain, "sc"), {"PGPASSFILE": file}))
    file = write("pass_socket", f"localhost:{port}:*:*:s3cret\n", 0o600)
    cases.append(Login("authentication", at(plain, "sc", host=plain.host), {"PGPASSFILE": file}))
    file = write("pass_path", f"{plain.host}:{port}:*:*:s3cret\n", 0o600)
    cases.append(Login("authentication", at(plain, "sc", host=plain.host), {"PGPASSFILE": file}))
    for env, more in (
        ({"PGPASSWORD": "s3cret"}, ""), ({"PGPASSWORD": "wrong"}, "password=s3cret"), ({"PGPASSWORD": "s3cret"}, "password=wrong"),
        ({"PGPASSWORD": ""}, ""), ({"PGPASSWORD": "s3cret"}, "password=''"), ({"PGREQUIREAUTH": "md5", "PGPASSWORD": "s3cret"}, ""),
        ({"PGCHANNELBINDING": "require", "PGPASSWORD": "s3cret"}, ""),
    ):
        cases.append(Login("authentication", at(plain, "sc", more), env, 16 if "PGREQUIREAUTH" in env else 0))
    for user in ("peer_role", "trusty", "postgres", "sc"):
        cases.append(Login("authentication", at(plain, user, host=plain.host)))
    for user, database in (("nologin", "postgres"), ("rejected", "postgres"), ("stranger", "postgres"), ("nobody", "postgres"), ("trusty", "nosuch"), ("trusty", "closed")):
        cases.append(Login("authentication", at(plain, user, dbname=database)))
        cases.append(Login("authentication", at(plain, user, dbname=database, host=plain.host)))
    # what PostgreSQL makes of a password before it is hashed: the role's is "a b", with a no-break space
    for space in ("\u00a0", " ", "\u200b", "\u3000", "\u2002", "", "\u00ad \u00ad", "_"):
        cases.append(Login("authentication", at(plain, "spaced"), {"PGPASSWORD": f"a{space}b"}))
    return cases


SHOWN = [
    "good", "cn_only", "version_1", "wild", "wrong_host", "ip", "ip_in_cn", "ip_as_dns", "stranger", "for_clients", "for_servers", "ca_leaf", "chained",
    "chained_1", "beneath", "self", "expired", "pss", "rsa", "long_curve", "long_hash", "edwards",
]


def ssl(tls, certificates):
    """Certificates of servers and clients, roots, revocation lists."""
    path = certificates.path
    cases = []

    def add(shows, user, more, host="localhost", env=None, since=0):
        cases.append(Login("ssl", at(tls, user, more, host=host), env or {}, since, shows))

    for shows in SHOWN:
        for mode in ("prefer", "require", "verify-ca", "verify-full"):
            add(shows, "trusty", f"sslmode={mode} sslrootcert=ROOT")
        add(shows, "trusty", "sslmode=require sslrootcert=/nowhere")
        add(shows, "sc", "sslmode=verify-ca sslrootcert=ROOT password=s3cret channel_binding=require")
    for root in ("other.crt", "self.crt", "inter.crt", "good.crt", "both_roots.crt", "empty", "broken", "good.key"):
        for shows, mode in (("good", "require"), ("good", "verify-ca"), ("beneath", "verify-ca"), ("self", "verify-full")):
            add(shows, "trusty", f"sslmode={mode} sslrootcert={path(root)}")
    for mode in ("verify-ca", "verify-full"):
        add("good", "trusty", f"sslmode={mode} sslrootcert=/nowhere")
        add("good", "trusty", f"sslmode={mode}")
        for shows in ("good", "version_1", "chained", "chained_1", "stranger", "wrong_host"):
            add(shows, "trusty", f"sslmode={mode} sslrootcert=system", env={"SSL_CERT_FILE": path("root.crt")}, since=16)
    add("good", "trusty", "sslmode=require sslrootcert=system", since=16)
    add("good", "trusty", "sslrootcert=system", env={"SSL_CERT_FILE": path("root.crt")}, since=16)
    for shows in ("good", "wild", "ip", "ip_in_cn", "ip_as_dns", "cn_only"):
        for host in ("127.0.0.1", "127.000.000.001", "LOCALHOST", "db.localhost", "x.y.localhost"):
            add(shows, "trusty", "hostaddr=127.0.0.1 sslmode=verify-full sslrootcert=ROOT", host=host)
    for shows in ("good", "revoked", "version_1", "revoked_1", "chained"):
        for lists in ("sslcrl={list_1.crl}", "sslcrl={list_2.crl}", "sslcrldir={lists_1}", "sslcrldir={lists_2}", "sslcrldir={no_lists}",
                      "sslcrldir=/nowhere", "sslcrl=/nowhere", "sslcrl={empty}", "sslcrl={root.crt}"):
            lists = lists.replace("{", path("")).replace("}", "")
            add(shows, "trusty", f"sslmode=verify-ca sslrootcert=ROOT {lists}")
    clients = {
        "none": "", "client": "client", "version 1": "client_1", "chained": "client_chained", "without its authority": "client_inter",
        "another authority's": "client_wrong", "another role's": "client_other",
    }
    for client in clients.values():
        shown = f"sslcert={path(client + '.crt')} sslkey={path(client + '.key')}" if client else ""
        for user in ("cert_role", "trusty"):
            for mode in ("disable", "prefer", "require", "verify-full"):
                add("good", user, f"sslmode={mode} sslrootcert=ROOT {shown}")
        for certificate_mode in ("disable", "allow", "require", "x"):
            add("good", "trusty", f"sslmode=require {shown} sslcertmode={certificate_mode}", since=16)
    certificate = f"sslcert={path('client.crt')}"
    for key in ("/nowhere", path("open.key"), path("client_1.key"), path("locked.key"), path("client.der"), path("empty"), path(""), path("client.crt")):
        for mode in ("prefer", "require"):
            add("good", "cert_role", f"sslmode={mode} {certificate} sslkey={key}")
    add("good", "cert_role", f"sslmode=require {certificate} sslkey={path('locked.key')} sslpassword=x")
    add("good", "cert_role", f"sslmode=require {certificate} sslkey={path('locked.key')} sslpassword=y")
    for wrong in ("/nowhere", path("empty"), path("broken"), path("")):
        add("good", "cert_role", f"sslmode=require sslcert={wrong} sslkey={path('client.key')}")
    add("good", "trusty", f"sslmode=require sslkeylogfile={path('keys.log')}", since=18)
    add("good", "trusty", "sslmode=require sslkeylogfile=/nowhere/x", since=18)
    for sni in ("0", "1"):
        add("good", "trusty", f"sslmode=verify-full sslrootcert=ROOT sslsni={sni}")
    add("good", "trusty", "sslmode=require sslcompression=1")
    return cases
