"""lighttpd with mod_openssl: transfers, tickets, client certificates, OCSP, SNI, ALPN, settings of
SSL_CONF_cmd(3), graceful end."""

import dataclasses
import os
import signal

from programs import Program, require
from web import (
    CURL, OTHER_HOST, TIMEOUT, curl, drop_rights, finish, get_all, held_downloads,
    make_ocsp_response, make_other_certificates, make_payloads, page, pairs, put_all, report_each,
    resume, s_client, shared_folder, stapled, url)

LIGHTTPD = "/usr/sbin/lighttpd"
PACKAGES = "lighttpd lighttpd-mod-openssl curl openssl"
NEEDS = [LIGHTTPD, "/usr/lib/lighttpd/mod_openssl.so", CURL]

PORTS = ("main", "clients", "configured")
CONFIGURATION = """
server.modules = ("mod_openssl", "mod_cgi")
server.document-root = "{lab}"
server.upload-dirs = ("{folder}/uploads")
server.bind = "127.0.0.1"
server.port = {main}
{user}
mimetype.assign = ("" => "application/octet-stream")
cgi.assign = (".cgi" => "/bin/sh")
ssl.engine = "enable"
ssl.pemfile = "{lab}/ecdsa.pem"
ssl.privkey = "{lab}/ecdsa.key"
ssl.stapling-file = "{lab}/ecdsa.der"
ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.2")
$HTTP["host"] == "{other_host}" {{
  ssl.pemfile = "{lab}/other.pem"
  ssl.privkey = "{lab}/other.key"
}}
$SERVER["socket"] == "127.0.0.1:{clients}" {{
  ssl.engine = "enable"
  ssl.pemfile = "{lab}/ecdsa.pem"
  ssl.privkey = "{lab}/ecdsa.key"
  ssl.verifyclient.activate = "enable"
  ssl.verifyclient.enforce = "enable"
  ssl.verifyclient.ca-file = "{lab}/ca.pem"
  ssl.verifyclient.username = "SSL_CLIENT_S_DN_CN"
}}
$SERVER["socket"] == "127.0.0.1:{configured}" {{
  ssl.engine = "enable"
  ssl.pemfile = "{lab}/ecdsa.pem"
  ssl.privkey = "{lab}/ecdsa.key"
  ssl.openssl.ssl-conf-cmd = (
    "MinProtocol" => "TLSv1.2",
    "CipherString" => "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305",
    "Ciphersuites" => "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
    "Groups" => "P-384:P-256",
    "SignatureAlgorithms" => "ECDSA+SHA256",
    "Options" => "ServerPreference,-SessionTicket")
}}
"""
# What the server tells its programs.
STATUS = """printf 'Content-Type: text/plain\\n\\n'
echo "$SSL_PROTOCOL $SSL_CIPHER client=$SSL_CLIENT_VERIFY <$REMOTE_USER>"
"""
CHECKSUM = """printf 'Content-Type: text/plain\\n\\n'
set -- $(head -c "$CONTENT_LENGTH" | sha256sum)
printf %s "$1"
"""


@dataclasses.dataclass
class Server:
    """A running lighttpd and its ports by name."""
    program: Program
    folder: os.PathLike
    ports: dict


def start(lab, library):
    folder = shared_folder(lab, f"lighttpd-{library}")
    shared_folder(lab, f"lighttpd-{library}/uploads")
    lab.write("status.cgi", STATUS)
    lab.write("checksum.cgi", CHECKSUM)
    ports = {name: lab.free_port() for name in PORTS}
    configuration = lab.write(f"lighttpd-{library}.conf", CONFIGURATION.format(
        lab=lab.folder, folder=folder, other_host=OTHER_HOST,
        user=drop_rights('server.username = "www-data"'), **ports))
    program = lab.start(library, [LIGHTTPD, "-D", "-f", configuration], traced=False)
    program.listens(*ports.values())
    return program, Server(program, folder, ports)


def lighttpd(lab, library):
    """The server of this library, whose process has been looked at."""
    server = lab.shared(start, library)
    server.program.check_mapped()
    return server


def downloads(lab, client, library, version):
    server = lighttpd(lab, library)
    for protocol, alpn in (("--http1.1", "http/1.1"), ("--http2", "h2")):
        program = get_all(lab, client, version, server.ports["main"], protocol)
        require(f"ALPN: server accepted {alpn}" in program.text(), f"ALPN is not {alpn}")


def uploads(lab, client, library, version):
    server = lighttpd(lab, library)
    for protocol in ("--http1.1", "--http2"):
        put_all(lab, client, version, server.ports["main"], protocol, folder="checksum.cgi/")


def ticket_session(lab, client, library, version):
    page_is = f"TLSv{version} "
    server = lighttpd(lab, library)
    resume(lab, client, version, server.ports["main"], "status.cgi", page_is, page_is)


def client_certificates(lab, client, library, version):
    port = lighttpd(lab, library).ports["clients"]
    known = ("--cert", "client.pem", "--key", "client.key")
    text = page(lab, client, version, port, "status.cgi", *known)
    require("client=SUCCESS <test client>" in text, f"the page is '{text}'")
    get_all(lab, client, version, port, *known, names=("16KB+1",))
    address = url(version, port, "1B")
    # In TLS 1.3 the client is done before the server refuses.
    status, nobody = (56, "certificate required") if version == "1.3" else (35, "handshake failure")
    text = curl(lab, client, version, address, status=status).text()
    require(f"alert {nobody}" in text, f"no alert '{nobody}'")
    text = curl(lab, client, version, "--cert", "stranger.pem", "--key", "stranger.key",
                address, status=status).text()
    require("alert unknown ca" in text, "no alert 'unknown ca'")


def stapling(lab, client, library, version):
    stapled(lab, client, version, lighttpd(lab, library).ports["main"])


def names(lab, client, library, version):
    """The certificate is that of the host that is asked for, and only then is it accepted."""
    port = lighttpd(lab, library).ports["main"]
    text = page(lab, client, version, port, "status.cgi", host=OTHER_HOST)
    require(f"TLSv{version} " in text, f"the page is '{text}'")
    curl(lab, client, version, f"https://unknown.test:{port}/1B", status=60)


def settings(lab, client, library, version):
    """What was set through SSL_CONF_cmd(3) is what is negotiated."""
    port = lighttpd(lab, library).ports["configured"]
    ticket = "TLS session ticket:"
    text = s_client(lab, client, version, port, "status.cgi")
    cipher = {"1.3": "TLS_AES_128_GCM_SHA256", "1.2": "ECDHE-ECDSA-AES128-SHA256"}[version]
    require(f"TLSv{version} {cipher} " in text, f"the cipher is not {cipher}")
    # The client's first group is X25519: in TLS 1.3 the server asks for another hello.
    require("Server Temp Key: ECDH, secp384r1, 384 bits" in text, "the group is not P-384")
    require("Peer signing digest: SHA256" in text, "the digest is not SHA-256")
    require((ticket in text) == (version == "1.3"), "the tickets are not as they were set")


def graceful_end(lab, client, library):
    """Transfers still come to their end."""
    server = lighttpd(lab, library)
    transfers = held_downloads(lab, client, server.ports["main"])
    server.program.process.send_signal(signal.SIGINT)
    finish(lab, transfers)
    status = server.program.wait(TIMEOUT)
    require(status == 0, f"it ended with status {status}: {server.program.last_words()}")


def cases(report, lab):
    make_payloads(lab)
    make_other_certificates(lab)
    make_ocsp_response(lab, "ecdsa")
    for client, library, version in pairs():
        report_each(report, f"lighttpd-{library}.client-{client}.tls{version}",
                    (downloads, uploads, ticket_session, client_certificates, stapling, names,
                     settings), lab, client, library, version)
    for client, library in (("system", "ours"), ("ours", "system")):
        report_each(report, f"lighttpd-{library}.client-{client}", (graceful_end,), lab, client,
                    library)
