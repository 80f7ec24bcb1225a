"""A client with Python's ssl that runs every scenario against python_server.py.

usage: python_client.py PORTS, the JSON object that the server has printed"""

import asyncio
import json
import pathlib
import select
import socket
import ssl
import urllib.request

from scenarios import (
    ADDRESS, PAYLOAD, PORTS, SECONDS, SHA256, Unexpected, require_equal, require_hash, scenario,
    versions)

def default_context():
    return ssl.create_default_context(cafile="ca.pem")


def client_context():
    made = default_context()
    made.load_cert_chain("client.pem", "client.key")
    return made


def plain(service):
    return socket.create_connection((ADDRESS, PORTS[service]), timeout=SECONDS)


def connect(service, context=None, name="localhost", **options):
    return (context or default_context()).wrap_socket(plain(service), server_hostname=name,
                                                      **options)


def read_line(connection):
    """Not a byte more than the line, because TLS may begin or end behind it."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line.decode()


def facts(tls):
    tls.sendall(b"FACTS\n")
    return json.loads(read_line(tls))


def read_exactly(tls, size):
    data = bytearray()
    while len(data) < size and (more := tls.recv(size - len(data))):
        data += more
    return data


def transfer(tls):
    tls.sendall(b"SEND payload\n")
    require_hash(read_exactly(tls, len(PAYLOAD)))
    tls.sendall(b"TAKE %d\n" % len(PAYLOAD) + PAYLOAD)
    require_equal(read_line(tls), f"{SHA256}\n", "what the server got")


def transfer_both_ways(service, version, cipher):
    with connect(service) as tls:
        found = facts(tls)
        require_equal(found["version"], version, "the version")
        require_equal(tls.version(), version, "our version")
        require_equal(found["cipher"][:len(cipher)], cipher, "the start of the cipher")
        require_equal(found["cipher"] in found["shared"], True, "the cipher among the shared")
        require_equal(tls.cipher()[0], found["cipher"], "our cipher")
        require_equal(tls.compression(), None, "the compression")
        require_equal(tls.getpeercert()["subject"], ((("commonName", "localhost"),),), "the server")
        transfer(tls)
        tls.sendall(b"BYE\n")
        require_equal(tls.recv(1), b"", "what comes after the close")


def server_name(service):
    with connect(service, name="other.example") as tls:
        require_equal(tls.getpeercert()["subjectAltName"], (("DNS", "other.example"),), "the names")
        require_equal(facts(tls)["sni"], "other.example", "the name")
    refused(service, default_context(), "UNRECOGNIZED_NAME", "unknown.example")


def alpn(service):
    context = default_context()
    context.set_alpn_protocols(["spdy/1", "http/1.1"])
    with connect(service, context) as tls:
        require_equal(tls.selected_alpn_protocol(), "http/1.1", "our protocol")
        require_equal(facts(tls)["alpn"], "http/1.1", "its protocol")
    with connect(service) as tls:
        require_equal(facts(tls)["alpn"], None, "without an offer")


def client_certificate(service):
    with connect(service, client_context()) as tls:
        require_equal(facts(tls)["peer"], "test client", "the client")


def refused(service, context, reason, name="localhost"):
    """In the handshake or, where a client of TLS 1.3 is done first, in the first read."""
    try:
        with connect(service, context, name) as tls:
            tls.recv(1)
    except ssl.SSLError as error:
        require_equal(reason in str(error), True, f"{reason} in {error}")
    else:
        raise Unexpected("not refused")


def unknown_issuer(service):
    refused(service, ssl.create_default_context(cafile="client.pem"), "CERTIFICATE_VERIFY_FAILED")
    context = ssl.create_default_context(cafile="client.pem")
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with connect(service, context) as tls:
        require_equal(tls.getpeercert(), {}, "the unverified certificate")
        require_equal(ssl.DER_cert_to_PEM_cert(tls.getpeercert(True)).split(),
                      pathlib.Path("ecdsa.pem").read_text().split(), "the certificate")
        facts(tls)


def authority_as_data(service):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pathlib.Path("ca.pem").read_text())
    require_equal(context.cert_store_stats()["x509_ca"], 1, "the number of authorities")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    refused(service, context, "CERTIFICATE_VERIFY_FAILED")  # no authority key identifiers
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    with connect(service, context) as tls:
        facts(tls)


def session(service):
    context = default_context()
    with connect(service, context) as tls:
        found = facts(tls)
        require_equal(found["reused"] or tls.session_reused, False, "reuse at first")
        hits = found["hits"]
        kept = tls.session
        require_equal(kept.has_ticket, True, "a ticket")
        tls.sendall(b"BYE\n")
        tls.recv(1)
    with connect(service, context, session=kept) as tls:
        require_equal(tls.session_reused, True, "reuse for us")
        found = facts(tls)
        require_equal(found["reused"], True, "reuse for the server")
        require_equal(found["hits"], hits + 1, "its counter")
        transfer(tls)


def key_log(service, label):
    path = pathlib.Path(f"{service}.keylog")
    path.unlink(missing_ok=True)
    context = default_context()
    context.keylog_filename = str(path)
    with connect(service, context) as tls:
        facts(tls)
    lines = [line.split() for line in path.read_text().splitlines() if line[0] != "#"]
    require_equal([len(line) for line in lines if line[0] == label], [3], "the lines of the label")


def channel_binding(service):
    with connect(service) as tls:
        require_equal(tls.get_channel_binding("tls-unique").hex(), facts(tls)["binding"],
                      "our binding")


def start_and_stop(service, version):
    connection = plain(service)
    for _ in range(2):
        connection.sendall(b"STARTTLS\n")
        require_equal(read_line(connection), "go\n", "the answer in the clear")
        tls = default_context().wrap_socket(connection, server_hostname="localhost")
        require_equal(facts(tls)["version"], version, "the version")
        transfer(tls)
        tls.sendall(b"STOPTLS\n")
        connection = tls.unwrap()
        require_equal(tls.version(), None, "the version after the end of TLS")
        require_equal(read_line(connection), "in the clear\n", "what came in the clear")
    connection.close()


def dropped(service):
    """An end without close_notify is an error unless one asks for it to be none."""
    context = default_context()
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    with connect(service, context, suppress_ragged_eofs=False) as tls:
        tls.sendall(b"DROP\n")
        try:
            tls.recv(1)
        except ssl.SSLError as error:
            require_equal(error.reason, "UNEXPECTED_EOF_WHILE_READING", "the error")
        else:
            raise Unexpected("the end was taken for a proper one")
    with connect(service) as tls:
        tls.sendall(b"DROP\n")
        require_equal(tls.recv(1), b"", "the read")


def non_blocking(service):
    with connect(service, do_handshake_on_connect=False) as tls:
        tls.setblocking(False)
        patiently(tls, tls.do_handshake)
        output = b"TAKE %d\n" % len(PAYLOAD) + PAYLOAD
        while output:
            output = output[patiently(tls, tls.send, output):]
        require_equal(patiently(tls, tls.recv, 100), f"{SHA256}\n".encode(), "the answer")
        require_equal(tls.pending(), 0, "what is left")


def patiently(tls, step, *arguments):
    while True:
        try:
            return step(*arguments)
        except ssl.SSLWantReadError:
            select.select([tls], [], [], SECONDS)
        except ssl.SSLWantWriteError:
            select.select([], [tls], [], SECONDS)


class Memory:
    """An SSLObject on memory BIOs, and the socket that carries its bytes."""

    def __init__(self, service):
        self.socket = plain(service)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = default_context().wrap_bio(self.incoming, self.outgoing,
                                              server_hostname="localhost")

    def run(self, step, *arguments):
        while True:
            try:
                result = step(*arguments)
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                data = self.socket.recv(1 << 16)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
                continue
            self.socket.sendall(self.outgoing.read())
            return result


def memory_bio(service):
    memory = Memory(service)
    memory.run(memory.tls.do_handshake)
    output = b"TAKE %d\n" % len(PAYLOAD) + PAYLOAD
    while output:
        output = output[memory.run(memory.tls.write, output):]
    require_equal(memory.run(memory.tls.read, 100), f"{SHA256}\n".encode(), "the answer")
    memory.run(memory.tls.write, b"BYE\n")
    require_equal(memory.run(memory.tls.read, 1), b"", "what comes after the close")
    memory.socket.close()


def options(service, version):
    """What keeps a client away from a version, and from session tickets."""
    context = default_context()
    context.minimum_version, context.maximum_version = (
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED) if version == "TLSv1.2"
        else (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2))
    refused(service, context, "ALERT_PROTOCOL_VERSION")
    context = default_context()
    context.options |= ssl.OP_NO_TLSv1_3 if version == "TLSv1.3" else ssl.OP_NO_TLSv1_2
    refused(service, context, "ALERT_PROTOCOL_VERSION")
    context = default_context()
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    with connect(service, context) as tls:
        facts(tls)
        if version == "TLSv1.2":
            require_equal(tls.session.has_ticket, False, "a ticket")
        transfer(tls)


def ciphers(service):
    context = default_context()
    context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    with connect(service, context) as tls:
        require_equal(facts(tls)["cipher"], "ECDHE-ECDSA-CHACHA20-POLY1305", "the cipher")
    context.set_ciphers("ECDHE-RSA-CHACHA20-POLY1305")
    refused(service, context, "HANDSHAKE_FAILURE")


def curve(service):
    """The server's only curve is P-384."""
    with connect(service) as tls:
        transfer(tls)
    context = default_context()
    context.set_ecdh_curve("prime256v1")
    refused(service, context, "HANDSHAKE_FAILURE")


def https(service):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=default_context()))
    with opener.open(f"https://{ADDRESS}:{PORTS[service]}/payload", timeout=SECONDS) as answer:
        require_hash(answer.read())


def post_handshake_authentication():
    context = client_context()
    context.post_handshake_auth = True
    with connect("pha13", context) as tls:
        require_equal(facts(tls)["peer"], None, "the client before")
        tls.sendall(b"AUTHENTICATE\n")
        require_equal(read_line(tls), "asked\n", "the answer")
        require_equal(facts(tls)["peer"], "test client", "the client after")
        transfer(tls)


async def talk(reader, writer, version):
    writer.write(b"FACTS\n")
    require_equal(json.loads(await reader.readline())["version"], version, "the version")
    writer.write(b"SEND payload\n")
    require_hash(await reader.readexactly(len(PAYLOAD)))
    writer.write(b"TAKE %d\n" % len(PAYLOAD) + PAYLOAD)
    await writer.drain()
    require_equal(await reader.readline(), f"{SHA256}\n".encode(), "what the server got")
    writer.write(b"BYE\n")
    require_equal(await reader.read(), b"", "what comes after the close")
    writer.close()
    await writer.wait_closed()


async def streams(service, version):
    await talk(*await asyncio.open_connection(ADDRESS, PORTS[service], ssl=default_context(),
                                              server_hostname="localhost"), version)


async def streams_start_tls(service, version):
    reader, writer = await asyncio.open_connection(ADDRESS, PORTS[service])
    writer.write(b"STARTTLS\n")
    require_equal(await reader.readline(), b"go\n", "the answer in the clear")
    await writer.start_tls(default_context(), server_hostname="localhost")
    await talk(reader, writer, version)


async def many_streams(service, version):
    await asyncio.gather(*(streams(service, version) for _ in range(8)))


def run(service, coroutine, version):
    asyncio.run(asyncio.wait_for(coroutine(service, version), SECONDS))


def main():
    for version, old, tell in versions():
        tell("transfer.ecdsa", transfer_both_ways, "tls", version,
             "ECDHE-ECDSA-" if old else "TLS_AES_")
        tell("transfer.rsa", transfer_both_ways, "rsa", version,
             "ECDHE-RSA-" if old else "TLS_AES_")
        tell("sni", server_name, "tls")
        tell("alpn", alpn, "tls")
        tell("client-certificate", client_certificate, "auth")
        tell("no-client-certificate", refused, "auth", default_context(),
             "HANDSHAKE_FAILURE" if old else "ALERT_CERTIFICATE_REQUIRED")
        tell("wrong-name", refused, "tls", default_context(), "Hostname mismatch",
             "elsewhere.example")
        tell("unknown-issuer", unknown_issuer, "tls")
        tell("authority-as-data", authority_as_data, "tls")
        tell("session", session, "tls")
        tell("keylog", key_log, "tls", "CLIENT_RANDOM" if old else "CLIENT_TRAFFIC_SECRET_0")
        tell("channel-binding", channel_binding, "tls")
        tell("start-and-stop", start_and_stop, "plain", version)
        tell("dropped", dropped, "tls")
        tell("non-blocking", non_blocking, "tls")
        tell("memory-bio", memory_bio, "tls")
        tell("options", options, "tls", version)
        tell("curve", curve, "p384_")
        tell("https", https, "tls")
        tell("asyncio", run, "asyncio", streams, version)
        tell("asyncio-many", run, "asyncio", many_streams, version)
    scenario("ciphers.TLSv1_2", ciphers, "tls12")
    scenario("asyncio-start-tls.TLSv1_3", run, "asyncio-plain13", streams_start_tls, "TLSv1.3")
    scenario("post-handshake-authentication", post_handshake_authentication)


main()
