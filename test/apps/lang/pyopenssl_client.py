"""A client with pyOpenSSL that runs every scenario against pyopenssl_server.py.

usage: pyopenssl_client.py PORTS, the JSON object that the server has printed"""

import json
import pathlib
import select
import socket

from cryptography import x509
from OpenSSL import SSL

from scenarios import (
    ADDRESS, PAYLOAD, PORTS, SECONDS, SHA256, Unexpected, require_equal, require_hash, scenario,
    versions)

def context(authority="ca.pem", callback=None):
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.load_verify_locations(authority)
    made.set_verify(SSL.VERIFY_PEER, callback or (lambda *seen: seen[4] == 1))
    return made


def client_context():
    made = context()
    made.use_certificate_chain_file("client.pem")
    made.use_privatekey_file("client.key")
    return made


def pump(tls):
    """A blocking socket with a timeout does not block for libssl: one has to wait oneself."""
    def until(step, *arguments):
        while True:
            try:
                return step(*arguments)
            except SSL.WantReadError:
                select.select([tls], [], [], SECONDS)
            except SSL.WantWriteError:
                select.select([], [tls], [], SECONDS)
    return until


class Client:
    """A connection whose reads and writes wait."""

    def __init__(self, service, made=None, name=b"localhost", session=None, ocsp=False):
        self.socket = socket.create_connection((ADDRESS, PORTS[service]), timeout=SECONDS)
        self.tls = SSL.Connection(made or context(), self.socket)
        self.tls.set_tlsext_host_name(name)
        if session is not None:
            self.tls.set_session(session)
        if ocsp:
            self.tls.request_ocsp()
        self.tls.set_connect_state()
        self.until = pump(self.tls)
        self.until(self.tls.do_handshake)
        self.data = b""

    def send(self, data):
        while data:
            data = data[self.until(self.tls.send, data):]

    def receive(self, size):
        while len(self.data) < size:
            self.data += self.until(self.tls.recv, 1 << 14)
        got, self.data = self.data[:size], self.data[size:]
        return got

    def ask(self, request):
        self.send(request + b"\n")
        return self.line()

    def line(self):
        while b"\n" not in self.data:
            self.data += self.until(self.tls.recv, 1 << 14)
        line, _, self.data = self.data.partition(b"\n")
        return line.decode()

    def facts(self):
        return json.loads(self.ask(b"FACTS"))

    def transfer(self):
        self.send(b"SEND payload\n")
        require_hash(self.receive(len(PAYLOAD)))
        self.send(b"TAKE %d\n" % len(PAYLOAD) + PAYLOAD)
        require_equal(self.line(), SHA256, "what the server got")

    def close(self):
        """The server answers our goodbye with its own."""
        self.send(b"BYE\n")
        try:
            self.until(self.tls.recv, 1)
        except SSL.ZeroReturnError:
            pass
        else:
            raise Unexpected("data after the end")
        require_equal(self.until(self.tls.shutdown), True, "both ends of TLS")
        require_equal(self.tls.get_shutdown(), SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN,
                      "the state of the shutdown")
        self.socket.close()


def transfer_both_ways(service, version, cipher):
    client = Client(service)
    found = client.facts()
    require_equal(found["version"], version, "the version")
    require_equal(client.tls.get_protocol_version_name(), version, "our version")
    require_equal(found["cipher"][:len(cipher)], cipher, "the start of the cipher")
    require_equal(found["state"], "SSL negotiation finished successfully", "the state")
    certificate = client.tls.get_peer_certificate().to_cryptography()
    require_equal(certificate.subject.rfc4514_string(), "CN=localhost", "the server")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    require_equal(names.get_values_for_type(x509.DNSName), ["localhost"], "the names")
    require_equal([one.get_subject().CN for one in client.tls.get_verified_chain()],
                  ["localhost", "Test CA"], "the verified chain")
    require_equal(found["finished"], client.tls.get_finished().hex(), "our Finished")
    client.transfer()
    client.close()


def server_name(service):
    client = Client(service, name=b"other.example")
    require_equal(client.tls.get_peer_certificate().get_subject().CN, "other.example",
                  "the certificate")
    require_equal(client.facts()["sni"], "other.example", "the name")
    client.close()


def alpn(service):
    made = context()
    made.set_alpn_protos([b"spdy/1", b"http/1.1"])
    client = Client(service, made)
    require_equal(client.tls.get_alpn_proto_negotiated(), b"http/1.1", "our protocol")
    require_equal(client.facts()["alpn"], "http/1.1", "its protocol")
    client.close()
    made = context()
    made.set_alpn_protos([b"spdy/1"])
    client = Client(service, made)
    require_equal(client.facts()["alpn"], "", "a protocol without overlap")
    client.close()


def client_certificate(service):
    client = Client(service, client_context())
    require_equal(client.facts()["peer"], "test client", "the client")
    require_equal([name.CN for name in client.tls.get_client_ca_list()], ["Test CA"],
                  "the authorities")
    client.close()


def refused(service, made, reason):
    """In the handshake or, where a client of TLS 1.3 is done first, in the first read."""
    try:
        client = Client(service, made)
        client.until(client.tls.recv, 1)
    except SSL.Error as error:
        require_equal(reason in repr(error), True, f"{reason} in {error!r}")
    else:
        raise Unexpected("not refused")


def session(service):
    client = Client(service)
    client.facts()
    kept = client.tls.get_session()
    key = client.tls.master_key()
    client.close()
    states = []
    made = context()
    made.set_info_callback(lambda tls, where, _: states.append(tls.get_state_string()))
    client = Client(service, made, session=kept)
    client.transfer()
    require_equal(b"SSLv3/TLS read server certificate" in states, False,
                  "a certificate in a resumption")
    if service != "tls13":
        require_equal(client.tls.master_key(), key, "the master secret")
    client.close()


def info_callback(service):
    seen = []
    made = context()
    made.set_info_callback(lambda tls, where, code: seen.append((where, tls.get_state_string())))
    client = Client(service, made)
    kinds = [where for where, _ in seen]
    require_equal(kinds[0], SSL.SSL_CB_HANDSHAKE_START, "the first event")
    require_equal(SSL.SSL_CB_HANDSHAKE_DONE in kinds, True, "an event of the end")
    states = [state for where, state in seen if where == SSL.SSL_CB_CONNECT_LOOP]
    require_equal(b"SSLv3/TLS read server certificate" in states, True,
                  "the state of a certificate")
    client.facts()
    client.close()


def verify_callback(service):
    seen = []

    def watch(_, certificate, error, depth, ok):
        seen.append((depth, error, ok, certificate.get_subject().CN))
        return True

    client = Client(service, context(callback=watch))
    require_equal(seen, [(1, 0, 1, "Test CA"), (0, 0, 1, "localhost")], "what the callback saw")
    client.facts()
    client.close()
    refused(service, context(callback=lambda *seen: seen[3] == 1), "certificate verify failed")
    seen.clear()
    client = Client(service, context("client.pem", watch))
    require_equal({error for _, error, _, _ in seen}, {0, 20, 21}, "the errors that were seen")
    client.facts()
    client.close()


def ocsp(service):
    expected = pathlib.Path("ocsp.der").read_bytes()
    seen = []

    def accept(_, response, data):
        seen.append((response, data))
        return True

    made = context()
    made.set_ocsp_client_callback(accept, "data")
    client = Client(service, made, ocsp=True)
    require_equal(seen, [(expected, "data")], "what the callback saw")
    client.facts()
    client.close()
    made.set_ocsp_client_callback(lambda *_: False)
    try:
        Client(service, made, ocsp=True)
    except SSL.Error as error:
        require_equal("invalid status response" in repr(error), True, f"the reason in {error!r}")
    else:
        raise Unexpected("not refused")


def exporter_and_keylog(service, label):
    lines = []
    made = context()
    made.set_keylog_callback(lambda _, line: lines.append(line.decode().split()))
    client = Client(service, made)
    found = client.facts()
    export = client.tls.export_keying_material
    require_equal(export(b"EXPERIMENTAL lab", 32).hex(), found["exported"], "the exported key")
    require_equal(export(b"EXPERIMENTAL lab", 32, b"context").hex(),
                  found["exported with context"], "the key for the context")
    require_equal(client.tls.client_random().hex(), found["random"], "our random")
    require_equal([line[1] for line in lines if line[0] == label], [found["random"]],
                  "the random of the key log")
    client.close()


def renegotiation():
    client = Client("renegotiation12")
    before = client.tls.get_finished()
    require_equal(client.ask(b"RENEGOTIATE"), "begun", "the server's answer")
    require_equal(client.facts()["renegotiations"], 1, "the number of renegotiations")
    require_equal(client.tls.get_finished() == before, False, "the same Finished")
    client.transfer()
    require_equal(client.tls.renegotiate(), True, "our beginning")
    client.until(client.tls.do_handshake)
    require_equal(client.tls.renegotiate_pending(), False, "a renegotiation to come")
    client.transfer()
    require_equal(client.tls.total_renegotiations(), 2, "the number of renegotiations")
    client.close()


def no_renegotiation():
    """A server lets no client begin one unless told so."""
    client = Client("tls12")
    require_equal(client.tls.renegotiate(), True, "our beginning")
    try:
        client.until(client.tls.do_handshake)
    except SSL.Error as error:
        require_equal("no renegotiation" in repr(error), True, f"the reason in {error!r}")
    else:
        raise Unexpected("not refused")


def memory(version):
    """Both ends in this process, on memory BIOs."""
    server_context = SSL.Context(SSL.TLS_SERVER_METHOD)
    server_context.set_max_proto_version(version)
    server_context.use_certificate_chain_file("rsa.pem")
    server_context.use_privatekey_file("rsa.key")
    server, client = SSL.Connection(server_context, None), SSL.Connection(context(), None)
    server.set_accept_state()
    client.set_connect_state()
    for end, other in [(client, server), (server, client)] * 3:
        try:
            end.do_handshake()
        except SSL.WantReadError:
            pass
        carry(end, other)
    for end, other in ((client, server), (server, client)):
        for start in range(0, len(PAYLOAD), 1 << 14):
            end.send(PAYLOAD[start:start + (1 << 14)])
        carry(end, other)
        received = b""
        while len(received) < len(PAYLOAD):
            received += other.recv(1 << 14)
        require_hash(received)


def carry(sender, receiver):
    while True:
        try:
            receiver.bio_write(sender.bio_read(1 << 16))
        except SSL.WantReadError:
            return


def main():
    for version, old, tell in versions():
        tell("transfer.ecdsa", transfer_both_ways, "tls", version,
             "ECDHE-ECDSA-" if old else "TLS_AES_")
        tell("transfer.rsa", transfer_both_ways, "rsa", version,
             "ECDHE-RSA-" if old else "TLS_AES_")
        tell("sni", server_name, "tls")
        tell("alpn", alpn, "tls")
        tell("client-certificate", client_certificate, "auth")
        tell("no-client-certificate", refused, "auth", context(),
             "handshake failure" if old else "certificate required")
        tell("unknown-issuer", refused, "tls", context("client.pem"), "certificate verify failed")
        tell("session", session, "tls")
        tell("info-callback", info_callback, "tls")
        tell("verify-callback", verify_callback, "tls")
        tell("ocsp", ocsp, "ocsp")
        tell("exporter-and-keylog", exporter_and_keylog, "tls",
             "CLIENT_RANDOM" if old else "CLIENT_TRAFFIC_SECRET_0")
        scenario(f"memory.{version.replace('.', '_')}", memory,
                 SSL.TLS1_2_VERSION if old else SSL.TLS1_3_VERSION)
    scenario("session-id.TLSv1_2", session, "no-tickets12")
    scenario("renegotiation.TLSv1_2", renegotiation)
    scenario("no-renegotiation.TLSv1_2", no_renegotiation)


main()
