"""A server with pyOpenSSL, which is Python's cryptography on libssl: one port a service, a thread a
connection. Prints the ports, then answers the requests that test/support/languages.py describes."""

import hashlib
import json
import pathlib
import socket
import sys
import threading

from OpenSSL import SSL, crypto

VERSIONS = {12: SSL.TLS1_2_VERSION, 13: SSL.TLS1_3_VERSION}
ALLOW_CLIENT_RENEGOTIATION = 1 << 8  # SSL_OP_..., which pyOpenSSL has no name for
LABEL = b"EXPERIMENTAL lab"


def contents(name):
    return pathlib.Path(name).read_bytes()


def select_alpn(_, offered):
    return next((name for name in (b"h2", b"http/1.1") if name in offered),
                SSL.NO_OVERLAPPING_PROTOCOLS)


def context(version, key):
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.set_min_proto_version(VERSIONS[version])
    made.set_max_proto_version(VERSIONS[version])
    made.use_certificate(crypto.load_certificate(crypto.FILETYPE_PEM, contents(f"{key}.pem")))
    made.use_privatekey_file(f"{key}.key")
    made.check_privatekey()
    made.set_session_id(b"lab")
    made.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    made.set_alpn_select_callback(select_alpn)
    return made


def by_name(version):
    other = context(version, "other")

    def choose(connection):
        if connection.get_servername() == b"other.example":
            connection.set_context(other)

    made = context(version, "ecdsa")
    made.set_tlsext_servername_callback(choose)
    return made


def asking(version):
    made = context(version, "ecdsa")
    made.load_verify_locations("ca.pem")
    made.set_client_ca_list([crypto.load_certificate(crypto.FILETYPE_PEM,
                                                     contents("ca.pem")).get_subject()])
    made.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
                    lambda connection, certificate, error, depth, ok: ok == 1)
    return made


def services():
    made = {}
    for version in VERSIONS:
        made[f"tls{version}"] = by_name(version)
        made[f"rsa{version}"] = context(version, "rsa")
        made[f"auth{version}"] = asking(version)
        made[f"ocsp{version}"] = context(version, "ecdsa")
        made[f"ocsp{version}"].set_ocsp_server_callback(
            lambda connection, data: data, contents("ocsp.der"))
    made["no-tickets12"] = context(12, "ecdsa")
    made["no-tickets12"].set_options(SSL.OP_NO_TICKET)
    made["renegotiation12"] = context(12, "ecdsa")
    made["renegotiation12"].set_options(ALLOW_CLIENT_RENEGOTIATION)
    return made


def facts(tls):
    certificate = tls.get_peer_certificate()
    name = tls.get_servername()
    return json.dumps({
        "version": tls.get_protocol_version_name(),
        "cipher": tls.get_cipher_name(),
        "sni": name and name.decode(),
        "alpn": tls.get_alpn_proto_negotiated().decode(),
        "peer": certificate and certificate.get_subject().CN,
        "state": tls.get_state_string().decode(),
        "renegotiations": tls.total_renegotiations(),
        "finished": tls.get_peer_finished().hex(),
        "random": tls.client_random().hex(),
        "exported": tls.export_keying_material(LABEL, 32).hex(),
        "exported with context": tls.export_keying_material(LABEL, 32, b"context").hex(),
    }).encode()


class Connection:
    """One client's requests."""

    def __init__(self, client, made):
        self.tls = SSL.Connection(made, client)
        self.tls.set_accept_state()
        self.data = b""

    def line(self):
        while b"\n" not in self.data:
            self.data += self.tls.recv(1 << 14)
        line, _, self.data = self.data.partition(b"\n")
        return line.decode().split()

    def take(self, size):
        while len(self.data) < size:
            self.data += self.tls.recv(1 << 14)
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def answer(self, verb, what=""):
        if verb == "FACTS":
            return facts(self.tls) + b"\n"
        if verb == "SEND":
            return contents(what)
        if verb == "TAKE":
            return hashlib.sha256(self.take(int(what))).hexdigest().encode() + b"\n"
        if verb == "RENEGOTIATE":
            return b"begun\n" if self.tls.renegotiate() else b"not begun\n"
        return None

    def serve(self):
        self.tls.do_handshake()
        while (answer := self.answer(*self.line())) is not None:
            self.tls.sendall(answer)
        # Both ends say goodbye.
        if not self.tls.shutdown():
            self.tls.shutdown()


def serve(name, listener, made):
    def one(client):
        try:
            Connection(client, made).serve()
        except SSL.Error as error:
            print(f"{name}: {error!r}", file=sys.stderr)
        client.close()

    while True:
        client, _ = listener.accept()
        threading.Thread(target=one, args=(client,), daemon=True).start()


def main():
    made = services()
    listeners = {name: socket.create_server(("127.0.0.1", 0)) for name in made}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    print("listening", json.dumps(ports), flush=True)
    threads = [threading.Thread(target=serve, args=(name, listeners[name], made[name]))
               for name in made]
    for thread in threads:
        thread.start()


main()
