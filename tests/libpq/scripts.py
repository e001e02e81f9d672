"""Servers that play a script: what somebody on the way, a broken proxy or another program could answer at each step of a login."""

import socket
import struct
import threading


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def auth(code, rest=b""):
    return message(b"R", struct.pack("!I", code) + rest)


def error(sqlstate, text):
    return message(b"E", b"SFATAL\0VFATAL\0C" + sqlstate + b"\0M" + text + b"\0\0")


def parameter(name, value):
    return message(b"S", name + b"\0" + value + b"\0")


OK = auth(0)
KEY = message(b"K", struct.pack("!II", 7, 9))
READY = message(b"Z", b"I")
PARAMETERS = parameter(b"server_version", b"15.0") + parameter(b"in_hot_standby", b"off")
WELCOME = OK + PARAMETERS + KEY + READY
ANSWER = message(b"T", b"\0\1a\0" + bytes(18)) + message(b"D", b"\0\1\0\0\0\x011") + message(b"C", b"SELECT 1\0") + READY


def version(number, *options):
    """NegotiateProtocolVersion."""
    return message(b"v", struct.pack("!II", number, len(options)) + b"".join(option + b"\0" for option in options))


def let_in(key):
    """Somebody is let in with a cancel key of this length, and a first question is answered."""
    return [OK + PARAMETERS + message(b"K", struct.pack("!I", 7) + b"k" * key) + READY, ANSWER, None]


# What pgconn takes for a login, though it is not of protocol 3.0.
NEWER = {
    "a newer protocol": [version(2) + WELCOME, ANSWER, None],
    "a newer protocol, in full": [version(3 << 16 | 2) + WELCOME, ANSWER, None],
    "the same protocol": [version(0) + WELCOME, ANSWER, None],
    "a long cancel key": let_in(32),
    "the longest cancel key": let_in(256),
}
SCRAM = auth(10, b"SCRAM-SHA-256\0\0")
SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"


# Name, what is answered to the request for TLS, the answers at the login one after the other. `None` closes.
SCRIPTS = [
    ("tls: closed", None, []),
    ("tls: an error", error(b"53300", b"full"), []),
    ("tls: another program", b"HTTP/1.1 400 Bad Request\r\n\r\n", []),
    ("tls: a zero", b"\0", []),
    ("tls: yes, and closed", b"S", [None]),
    ("tls: yes, and plain text", b"S" + WELCOME, []),
    ("tls: yes, and another program", b"S", [b"HTTP/1.1 400\r\n\r\n"]),
    ("closed", b"N", [None]),
    ("an error", b"N", [error(b"53300", b"sorry")]),
    ("an error of the old form", b"N", [b"Ecould not fork\n\0"]),
    ("starting", b"N", [error(b"57P03", b"the database system is starting up")]),
    ("half an error", b"N", [error(b"53300", b"sorry")[:12], None]),
    ("another program", b"N", [b"HTTP/1.1 400 Bad Request\r\n\r\n", None]),
    ("zeros", b"N", [b"\0\0\0\0\0\0\0\0", None]),
    ("a request of no length", b"N", [b"R\0\0\0\0", None]),
    ("a request that is too long", b"N", [b"R\x7f\xff\xff\xff", None]),
    ("half a request", b"N", [auth(0)[:6], None]),
    ("kerberos", b"N", [auth(2)]),
    ("gss", b"N", [auth(7)]),
    ("an unknown request", b"N", [auth(99)]),
    ("md5 without salt", b"N", [auth(5), None]),
    ("md5, and closed", b"N", [auth(5, b"salt"), None]),
    ("md5, and wrong", b"N", [auth(5, b"salt"), error(b"28P01", b"password authentication failed for user \"u\"")]),
    ("clear, and wrong", b"N", [auth(3), error(b"28P01", b"password authentication failed for user \"u\"")]),
    ("no mechanism", b"N", [auth(10, b"\0")]),
    ("an unknown mechanism", b"N", [auth(10, b"SCRAM-SHA-1\0\0")]),
    ("scram bound without tls", b"N", [auth(10, b"SCRAM-SHA-256-PLUS\0\0")]),
    ("scram, and closed", b"N", [SCRAM, None]),
    ("scram, and done", b"N", [SCRAM, WELCOME]),
    ("scram, and nonsense", b"N", [SCRAM, auth(11, b"nonsense")]),
    ("scram, and another nonce", b"N", [SCRAM, auth(11, b"r=other,s=W22Z,i=4096")]),
    ("scram, and no rounds", b"N", [SCRAM, b"nonce i=0"]),
    ("scram, and no salt", b"N", [SCRAM, b"nonce s="]),
    ("scram, and no proof", b"N", [SCRAM, b"nonce", WELCOME]),
    ("scram, and a wrong proof", b"N", [SCRAM, b"nonce", auth(12, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") + WELCOME]),
    ("scram, and an error of its own", b"N", [SCRAM, b"nonce", auth(12, b"e=invalid-proof")]),
    ("scram, and wrong", b"N", [SCRAM, b"nonce", error(b"28P01", b"password authentication failed for user \"u\"")]),
    ("two requests", b"N", [auth(3), auth(3), None]),
    ("let in, and closed", b"N", [OK, None]),
    ("let in, and refused", b"N", [OK + error(b"3D000", b"database \"d\" does not exist")]),
    ("let in, and half of it", b"N", [OK + WELCOME[9:14], None]),
    ("let in, and another message", b"N", [OK + message(b"D", b"\0\0"), None]),
    ("the oldest protocol", b"N", [error(b"0A000", b"unsupported frontend protocol 3.0")]),
    *((name, b"N", answers) for name, answers in NEWER.items()),
    ("a newer protocol, and closed", b"N", [version(2), None]),
    ("a newer protocol, twice", b"N", [version(2) + version(2) + WELCOME, ANSWER, None]),
    ("another protocol", b"N", [version(4 << 16) + WELCOME, ANSWER, None]),
    ("options of a newer protocol", b"N", [version(0, b"_pq_.x"), None]),
    ("options that are not there", b"N", [message(b"v", struct.pack("!II", 2, 1)) + WELCOME, ANSWER, None]),
    ("a newer protocol, too late", b"N", [SCRAM, version(2), None]),
    ("a short cancel key", b"N", let_in(3)),
    ("a cancel key that is too long", b"N", let_in(257)),
    ("an endless cancel key", b"N", let_in(300)),
]


class Script:
    """A server that plays one script to everybody who comes, and notes how often and what it was asked for first."""

    def __init__(self, tls, answers):
        self.tls, self.answers, self.heard = tls, answers, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.play, args=(stream,), daemon=True).start()

    def play(self, stream):
        stream.settimeout(20)
        try:
            said = stream.recv(65536)
            if said == SSL_REQUEST:
                self.heard.append("tls")
                if self.tls is None:
                    return
                stream.sendall(self.tls)
                said = stream.recv(65536)
                if said == b"":
                    return
            if said[4:8] == b"\0\x03\0\0":
                self.heard.append("login")
            nonce = b""
            for answer in self.answers:
                if answer is None:
                    return
                if answer.startswith(b"nonce"):
                    answer = self.challenge(nonce, answer[6:])
                stream.sendall(answer)
                said = stream.recv(65536)
                if said == b"":
                    return
                if b"r=" in said:
                    nonce = said.split(b"r=", 1)[1]
            stream.recv(65536)
        except OSError:
            pass
        finally:
            stream.close()

    @staticmethod
    def challenge(nonce, change):
        fields = {b"s": b"W22Z", b"i": b"4096"}
        if change:
            fields[change[:1]] = change[2:]
        return auth(11, b"r=" + nonce + b"more,s=" + fields[b"s"] + b",i=" + fields[b"i"])

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
