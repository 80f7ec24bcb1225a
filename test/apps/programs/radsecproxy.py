"""Two radsecproxy: RADIUS over UDP goes from one to the other over DTLS (RFC 7360)."""

import contextlib
import hashlib
import hmac
import os
import socket
import struct
import threading

from programs import PAIRINGS, require

PACKAGES = "radsecproxy"
PROXY = "/usr/sbin/radsecproxy"
NEEDS = [PROXY]

REQUEST, ACCEPT = 1, 2
USER_NAME, REPLY_MESSAGE, MESSAGE_AUTHENTICATOR = 1, 18, 80
CONFIGURATION = """
{listen} 127.0.0.1:{port}
LogLevel 1
LogDestination file://{folder}/radsecproxy-{port}.log
tls default {{
    CACertificateFile {folder}/ca.pem
    CertificateFile {folder}/{certificate}.pem
    CertificateKeyFile {folder}/{certificate}.key
}}
client any {{
    host 127.0.0.1
    type {from_type}
    secret {from_secret}
    {from_tls}
}}
server next {{
    host 127.0.0.1
    port {next_port}
    type {to_type}
    secret {to_secret}
    {to_tls}
}}
realm * {{
    server next
}}
"""
TLS = "tls default\n    certificateNameCheck off"
QUESTIONS = 30


def attributes(*pairs):
    return b"".join(bytes([kind, len(value) + 2]) + value for kind, value in pairs)


class Radius:
    """The server behind the proxies, which welcomes everybody."""

    def __init__(self):
        self.end = socket.socket(type=socket.SOCK_DGRAM)
        self.end.bind(("127.0.0.1", 0))
        self.port = self.end.getsockname()[1]
        self.names = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            request, sender = self.end.recvfrom(4096)
            if not request:
                return
            name = request[22:20 + request[21]]
            self.names.append(name)
            body = attributes((REPLY_MESSAGE, b"welcome, " + name))
            head = struct.pack(">BBH", ACCEPT, request[1], 20 + len(body))
            proof = hashlib.md5(head + request[4:20] + body + b"behind").digest()
            self.end.sendto(head + proof + body, sender)

    def close(self):
        with socket.socket(type=socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))


def ask(end, number, name):
    """One Access-Request; the message that the answer has."""
    random = os.urandom(16)
    body = attributes((USER_NAME, name), (MESSAGE_AUTHENTICATOR, bytes(16)))
    packet = struct.pack(">BBH", REQUEST, number, 20 + len(body)) + random + body
    end.send(packet[:-16] + hmac.new(b"before", packet, "md5").digest())
    answer = end.recv(4096)
    proof = hashlib.md5(answer[:4] + random + answer[20:] + b"before").digest()
    require(answer[:2] == bytes([ACCEPT, number]) and answer[4:20] == proof,
            f"the answer is {answer!r}")
    return answer[22:20 + answer[21]]


def start_proxy(lab, library, **settings):
    port = lab.free_port()
    text = CONFIGURATION.format(port=port, folder=lab.folder, **settings)
    path = lab.write(f"radsecproxy-{port}.conf", text)
    proxy = lab.start(library, [PROXY, "-f", "-c", path])
    proxy.listens(port, protocol="udp")
    proxy.check_mapped()
    return port


def start_both(lab, client, server, radius, key):
    behind = start_proxy(lab, server, listen="ListenDTLS", certificate=key,
                         from_type="dtls", from_secret="radsec", from_tls=TLS, to_type="udp",
                         to_secret="behind", to_tls="", next_port=radius.port)
    return start_proxy(lab, client, listen="ListenUDP", certificate="client",
                       from_type="udp", from_secret="before", from_tls="", to_type="dtls",
                       to_secret="radsec", to_tls=TLS, next_port=behind)


def questions(lab, client, server, key):
    with contextlib.closing(Radius()) as radius:
        port = start_both(lab, client, server, radius, key)
        with socket.socket(type=socket.SOCK_DGRAM) as end:
            end.settimeout(15)
            end.connect(("127.0.0.1", port))
            for number in range(QUESTIONS):
                name = b"user-%d@example.org" % number
                require(ask(end, number, name) == b"welcome, " + name, "another answer")
    require(len(set(radius.names)) == QUESTIONS, f"{len(radius.names)} requests have come")


def cases(report, lab):
    for client, server in PAIRINGS[:3]:
        for key in ("ecdsa", "rsa"):
            report.case(f"radsecproxy-{client}.radsecproxy-{server}.questions.{key}", questions,
                        lab, client, server, key)
