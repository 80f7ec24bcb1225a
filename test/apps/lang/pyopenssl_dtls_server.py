"""A server of DTLS with pyOpenSSL: one port a service, one connection after the other. Prints the ports,
then sends back what comes; to FACTS it says what it knows of the connection, in JSON."""

import hashlib
import hmac
import itertools
import json
import threading

from OpenSSL import SSL

from pyopenssl_datagrams import LABEL, SRTP, Datagrams, bound


def context(key, demanding=False):
    made = SSL.Context(SSL.DTLS_METHOD)
    made.use_certificate_chain_file(f"{key}.pem")
    made.use_privatekey_file(f"{key}.key")
    made.set_session_id(b"lab")
    made.set_tlsext_use_srtp(b":".join(SRTP))
    made.set_alpn_select_callback(lambda _, offered: offered[-1])
    made.set_cookie_generate_callback(lambda tls: cookie(tls))
    made.set_cookie_verify_callback(lambda tls, shown: hmac.compare_digest(shown, cookie(tls)))
    if demanding:
        made.load_verify_locations("ca.pem")
        made.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
                        lambda *seen: seen[4] == 1)
    return made


def cookie(tls):
    return hashlib.sha256(repr(tls.get_app_data().peer).encode()).digest()[:20]


def facts(tls, hellos):
    peer = tls.get_peer_certificate()
    return {"version": tls.get_protocol_version_name(), "cipher": tls.get_cipher_name(),
            "alpn": tls.get_alpn_proto_negotiated().decode(), "hellos": hellos,
            "client": peer and peer.get_subject().CN,
            "exported": tls.export_keying_material(LABEL, 60).hex()}


def listen(one):
    """Until a client has sent the cookie back; the number of hellos until then."""
    for hellos in itertools.count(1):
        one.take()
        try:
            one.tls.DTLSv1_listen()
            return hellos
        except SSL.WantReadError:
            one.flush()


def serve_one(made, end):
    one = Datagrams(made, end)
    one.tls.set_app_data(one)
    one.tls.set_accept_state()
    hellos = listen(one)
    one.until(one.tls.do_handshake)
    while True:
        data = one.receive()
        answer = json.dumps(facts(one.tls, hellos)).encode() if data == b"FACTS" else data
        one.send(answer)


def serve(made, end):
    while True:
        try:
            serve_one(made, end)
        except (SSL.Error, TimeoutError):  # the client has closed, or was refused
            pass


def main():
    services = {"ecdsa": context("ecdsa"), "rsa": context("rsa"),
                "demanding": context("ecdsa", demanding=True)}
    ends = {name: bound() for name in services}
    for name, made in services.items():
        threading.Thread(target=serve, args=(made, ends[name])).start()
    print("listening", json.dumps({name: end.getsockname()[1] for name, end in ends.items()}),
          flush=True)


main()
