"""A client of DTLS with pyOpenSSL that runs every scenario against pyopenssl_dtls_server.py.

usage: pyopenssl_dtls_client.py PORTS, the JSON object that the server has printed"""

import json

from OpenSSL import SSL

from pyopenssl_datagrams import LABEL, SRTP, Datagrams, bound
from scenarios import ADDRESS, PAYLOAD, PORTS, Unexpected, require_equal, require_hash, scenario

PIECE = 1200


def context(authority="ca.pem", certificate=None):
    made = SSL.Context(SSL.DTLS_METHOD)
    made.load_verify_locations(authority)
    made.set_verify(SSL.VERIFY_PEER, lambda *seen: seen[4] == 1)
    made.set_tlsext_use_srtp(SRTP[1])
    made.set_alpn_protos([b"first", b"second"])
    if certificate:
        made.use_certificate_chain_file(f"{certificate}.pem")
        made.use_privatekey_file(f"{certificate}.key")
    return made


class Client(Datagrams):
    def __init__(self, service, made=None):
        super().__init__(made or context(), bound(), (ADDRESS, PORTS[service]))
        self.tls.set_connect_state()
        self.until(self.tls.do_handshake)

    def facts(self):
        self.send(b"FACTS")
        return json.loads(self.receive())

    def close(self):
        self.tls.shutdown()
        self.flush()
        self.end.close()


def transfer(service):
    client = Client(service)
    back = b""
    for begin in range(0, len(PAYLOAD), PIECE):
        client.send(PAYLOAD[begin:begin + PIECE])
        back += client.receive()
    require_hash(back)
    client.close()


def facts():
    client = Client("ecdsa")
    told = client.facts()
    require_equal(told["version"], "DTLSv1.2", "the version")
    require_equal(told["cipher"], client.tls.get_cipher_name(), "the cipher")
    require_equal(told["alpn"], client.tls.get_alpn_proto_negotiated().decode(), "the protocol")
    require_equal(told["alpn"], "second", "the protocol")
    require_equal(told["hellos"], 2, "the number of hellos")
    client.close()


def srtp_keys():
    client = Client("rsa")
    exported = client.tls.export_keying_material(LABEL, 60).hex()
    require_equal(client.facts()["exported"], exported, "the key")
    client.close()


def client_certificate():
    client = Client("demanding", context(certificate="client"))
    require_equal(client.facts()["client"], "test client", "the client's name")
    client.close()


def mtu():
    """What fits into a datagram is less than that."""
    client = Client("rsa")
    client.tls.set_ciphertext_mtu(400)
    room = client.tls.get_cleartext_mtu()
    require_equal(300 < room < 400, True, f"room for {room} bytes")
    client.send(PAYLOAD[:room])
    require_equal(client.receive(), PAYLOAD[:room], "what came back")
    client.close()


def refused(service, made, words):
    try:
        Client(service, made)
    except SSL.Error as error:
        require_equal(words in str(error), True, f"the reason {error}")
        return
    raise Unexpected("it has connected")


def main():
    scenario("transfer.ecdsa", transfer, "ecdsa")
    scenario("transfer.rsa", transfer, "rsa")
    for function in (facts, srtp_keys, client_certificate, mtu):
        scenario(function.__name__.replace("_", "-"), function)
    scenario("unknown-issuer", refused, "ecdsa", context("client.pem"), "certificate verify failed")
    scenario("no-client-certificate", refused, "demanding", None, "handshake failure")


main()
