"""Apache httpd with mod_ssl: transfers, sessions, client certificates for a host and for a location
(renegotiation, post-handshake authentication), OCSP from a responder, SNI, ALPN, proxy, graceful
restart. Behind the proxy of each is the other's."""

import dataclasses
import os
import re
import signal
import time

from programs import OPENSSL, Program, require
from web import (
    CURL, OTHER_HOST, SIZES, TIMEOUT, VERSIONS, bundle, curl, curl_command, drop_rights,
    end_gracefully, finish, get_all, held_downloads, make_ocsp_response, make_other_certificates,
    make_payloads, page, pairs, put_all, report_each, resume, s_client, shared_folder, stapled,
    url)

APACHE = "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"
PACKAGES = "apache2 curl openssl"
NEEDS = [APACHE, f"{MODULES}/mod_ssl.so", CURL]

LIBRARIES = ("ours", "system")
CHILDREN = 2
PORTS = ("cached", "tickets", "clients", "locations", *VERSIONS)
LOADED = ("mpm_event authz_core alias headers dav dav_fs socache_shmcb ssl http2 proxy "
          "proxy_http").split()
CONFIGURATION = """
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
LogLevel warn
ServerName localhost
{load}
{user}
StartServers {children}
ServerLimit {children_twice}
ThreadsPerChild 16
MinSpareThreads 1
MaxSpareThreads {threads}
MaxRequestWorkers {threads}
DocumentRoot {lab}
<Directory {lab}>
  Require all granted
</Directory>
Alias /put/ {folder}/put/
DavLockDB {folder}/lock
<Directory {folder}/put>
  Dav On
</Directory>
Header always set X-TLS "{status}"
SSLSessionCache shmcb:{folder}/sessions(512000)
SSLStaplingCache shmcb:{folder}/stapling(32768)
SSLStaplingForceURL http://127.0.0.1:{responder}/
SSLProtocol -all +TLSv1.2 +TLSv1.3
Listen 127.0.0.1:{cached}
<VirtualHost 127.0.0.1:{cached}>
  SSLEngine on
  Protocols h2 http/1.1
  SSLCertificateFile {folder}/chain.pem
  SSLCertificateKeyFile {lab}/ecdsa.key
  SSLSessionTickets off
  SSLUseStapling on
</VirtualHost>
Listen 127.0.0.1:{tickets}
<VirtualHost 127.0.0.1:{tickets}>
  SSLEngine on
  SSLCertificateFile {folder}/changing.pem
  SSLCertificateKeyFile {folder}/changing.key
  SSLSessionTicketKeyFile {folder}/ticket.key
</VirtualHost>
<VirtualHost 127.0.0.1:{tickets}>
  ServerName {other_host}
  SSLEngine on
  SSLCertificateFile {lab}/other.pem
  SSLCertificateKeyFile {lab}/other.key
  SSLSessionTicketKeyFile {folder}/ticket.key
</VirtualHost>
Listen 127.0.0.1:{clients}
<VirtualHost 127.0.0.1:{clients}>
  SSLEngine on
  SSLCertificateFile {lab}/rsa.pem
  SSLCertificateKeyFile {lab}/rsa.key
  SSLCACertificateFile {lab}/ca.pem
  SSLVerifyClient require
</VirtualHost>
Listen 127.0.0.1:{locations}
<VirtualHost 127.0.0.1:{locations}>
  SSLEngine on
  SSLCertificateFile {lab}/ecdsa.pem
  SSLCertificateKeyFile {lab}/ecdsa.key
  SSLCACertificateFile {lab}/ca.pem
  Alias /private/put/ {folder}/put/
  Alias /private/ {lab}/
  <Location /private/>
    SSLVerifyClient require
    SSLRenegBufferSize 16000000
  </Location>
  Alias /weaker/ {lab}/
  <Location /weaker/>
    SSLCipherSuite ECDHE-ECDSA-AES128-SHA256
  </Location>
</VirtualHost>
{proxies}
"""
PROXY = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  SSLEngine on
  SSLCertificateFile {lab}/ecdsa.pem
  SSLCertificateKeyFile {lab}/ecdsa.key
  ProxyPreserveHost On
  SSLProxyEngine on
  SSLProxyProtocol TLSv{version}
  SSLProxyVerify require
  SSLProxyCACertificateFile {lab}/ca.pem
  SSLProxyMachineCertificateFile {folder}/client-bundle.pem
  ProxyPass /ours/ https://127.0.0.1:{ours}/
  ProxyPass /system/ https://127.0.0.1:{system}/
</VirtualHost>
"""
STATUS = ("resumed=%{SSL_SESSION_RESUMED}s %{SSL_PROTOCOL}s %{SSL_CIPHER}s name=%{SSL_TLS_SNI}s "
          "client=%{SSL_CLIENT_VERIFY}s <%{SSL_CLIENT_S_DN_CN}s>")
NEW, RESUMED = "resumed=Initial ", "resumed=Resumed "


@dataclasses.dataclass
class Server:
    """A running Apache and its ports by name."""
    program: Program
    folder: os.PathLike
    ports: dict


def start_both(lab):
    """Each must know the other's port."""
    ports = {library: {name: lab.free_port() for name in PORTS} for library in LIBRARIES}
    responder = start_responder(lab)
    servers = {library: start(lab, library, ports, responder) for library in LIBRARIES}
    return servers["ours"].program, servers


def start_responder(lab):
    """The port of an OCSP responder that knows ecdsa.pem."""
    port = lab.free_port()
    responder = lab.start("system", [OPENSSL, "ocsp", "-port", port, "-index", "index.txt",
                                     "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key",
                                     "-ndays", "1"])
    responder.listens(port)
    return port


def start(lab, library, ports, responder):
    name = f"apache-{library}"
    folder = shared_folder(lab, name)
    shared_folder(lab, f"{name}/put")
    bundle(lab, f"{name}/chain.pem", "ecdsa.pem", "ca.pem")
    bundle(lab, f"{name}/client-bundle.pem", "client.pem", "client.key")
    use_certificate(lab, folder, "ecdsa")
    (folder / "ticket.key").write_bytes(os.urandom(48))
    behind_it = {back: ports[back]["clients"] for back in LIBRARIES}
    configuration = lab.write(f"{name}.conf", CONFIGURATION.format(
        folder=folder, lab=lab.folder, user=drop_rights("User www-data\nGroup www-data"),
        load="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED),
        children=CHILDREN, children_twice=2 * CHILDREN, threads=16 * CHILDREN, status=STATUS,
        other_host=OTHER_HOST, responder=responder,
        proxies="".join(PROXY.format(version=version, port=ports[library][version], lab=lab.folder,
                                     folder=folder, **behind_it) for version in VERSIONS),
        **{port: number for port, number in ports[library].items() if port.isalpha()}))
    program = lab.start(library, [APACHE, "-D", "FOREGROUND", "-f", configuration], traced=False)
    server = Server(program, folder, ports[library])
    program.listens(*server.ports.values())
    settled(server)
    return server


def use_certificate(lab, folder, key):
    for kind in ("pem", "key"):
        (folder / f"changing.{kind}").write_bytes((lab.folder / f"{key}.{kind}").read_bytes())


def settled(server, without=()):
    """Waits until there are the children and none of those whose ids are in `without`."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        pids = server.program.processes()
        if len(pids) == 1 + CHILDREN and not set(pids) & set(without):
            return
        require(time.monotonic() < deadline and server.program.process.poll() is None,
                f"the processes {pids} do not settle: {server.program.last_words()}")
        time.sleep(0.02)


def apache(lab, *libraries):
    """The servers of these libraries, whose processes have been looked at."""
    both = lab.shared(start_both)
    for library in libraries:
        both[library].program.check_all_mapped(1 + CHILDREN)
    return [both[library] for library in libraries]


def downloads(lab, client, library, version):
    server, = apache(lab, library)
    for protocol, alpn in (("--http1.1", "http/1.1"), ("--http2", "h2")):
        program = get_all(lab, client, version, server.ports["cached"], protocol)
        require(f"ALPN: server accepted {alpn}" in program.text(), f"ALPN is not {alpn}")


def uploads(lab, client, library, version):
    server, = apache(lab, library)
    for protocol in ("--http1.1", "--http2"):
        put_all(lab, client, version, server.ports["cached"], protocol, folder="put/",
                stored=server.folder / "put")


def cached_session(lab, client, library, version):
    server, = apache(lab, library)
    text = resume(lab, client, version, server.ports["cached"], "1B", NEW, RESUMED)
    if version == "1.2":
        require("TLS session ticket:" not in text, "the session is in a ticket")


def ticket_session(lab, client, library, version):
    server, = apache(lab, library)
    text = resume(lab, client, version, server.ports["tickets"], "1B", NEW, RESUMED)
    if version == "1.2":
        require("TLS session ticket:" in text, "there is no ticket")


def client_certificates(lab, client, library, version):
    server, = apache(lab, library)
    port = server.ports["clients"]
    known = ("--cert", "client.pem", "--key", "client.key")
    text = page(lab, client, version, port, "1B", "-i", *known)
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


def resumed_client_certificate(lab, client, library, version):
    """The resumed session still knows the client."""
    server, = apache(lab, library)
    known = ".* client=SUCCESS <test client>"
    resume(lab, client, version, server.ports["clients"], "1B", NEW + known, RESUMED + known,
           "-cert", "client.pem", "-key", "client.key")


def private_location(lab, client, library, version):
    """A certificate is asked for in the middle: by a renegotiation, by post-handshake
    authentication in TLS 1.3. The first request of a connection does without."""
    server, = apache(lab, library)
    port = server.ports["locations"]
    known = ("--cert", "client.pem", "--key", "client.key")
    urls = [url(version, port, path) for path in ("1B", "private/1B", "private/1B", "1B")]
    program = curl(lab, client, version, *known, *urls)
    seen = re.findall("client=(\\S+) <(.*)>", program.text())
    require(seen == [("NONE", "(null)")] + [("SUCCESS", "test client")] * 3, f"clients: {seen}")
    put_all(lab, client, version, port, *known, folder="private/put/", stored=server.folder / "put")
    get_all(lab, client, version, port, *known, folder="private/")


def private_to_strangers(lab, client, library, version):
    """Whoever has no certificate that the server knows does not get what is private."""
    server, = apache(lab, library)
    private = url(version, server.ports["locations"], "private/1B")
    for options in ((), ("--cert", "stranger.pem", "--key", "stranger.key")):
        program = lab.run(client, curl_command(version, *options, private), TIMEOUT)
        require(program.process.returncode in (35, 55, 56) or "403 Forbidden" in program.text(),
                f"curl ended with status {program.process.returncode}: {program.last_words()}")


def weaker_location(lab, client, library):
    """A location with another cipher suite, by renegotiation."""
    server, = apache(lab, library)
    first, second = [url("1.2", server.ports["locations"], path) for path in ("1B", "weaker/1B")]
    text = curl(lab, client, "1.2", "-o", "/dev/null", first, "-o", "/dev/null", second).text()
    ciphers = re.findall("resumed=Initial TLSv1.2 (\\S+)", text)
    require(ciphers == ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256"],
            f"the ciphers are {ciphers}")


def stapling(lab, client, library, version):
    server, = apache(lab, library)
    stapled(lab, client, version, server.ports["cached"])


def names(lab, client, library, version):
    server, = apache(lab, library)
    text = page(lab, client, version, server.ports["tickets"], "1B", "-i", host=OTHER_HOST)
    require(f"name={OTHER_HOST} " in text, f"the page is '{text}'")


def behind(lab, front, back, version):
    """Through the proxy, which authenticates itself to the server behind it."""
    first, _ = apache(lab, front, back)
    program = get_all(lab, back, version, first.ports[version], folder=f"{back}/")
    answers = re.findall(f"(?i)x-tls: .* TLSv{version} .* client=SUCCESS <test client>",
                         program.text())
    require(len(answers) == len(SIZES), f"behind it: {answers}")


def graceful_restart(lab, client, library):
    """Transfers go on in the old children, new connections meet the new certificate."""
    server, = apache(lab, library)
    port = server.ports["tickets"]
    old = server.program.processes()[1:]
    transfers = held_downloads(lab, client, port)
    use_certificate(lab, server.folder, "rsa")
    server.program.process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + TIMEOUT
    while "Server public key is 2048 bit" not in s_client(lab, client, "1.2", port, "1B"):
        require(time.monotonic() < deadline, "the certificate does not change")
    server.program.check_all_mapped(1 + CHILDREN)
    finish(lab, transfers)
    settled(server, old)


def end(lab, library):
    """It ends in good order and has said nothing bad of itself."""
    server, = apache(lab, library)
    end_gracefully(server.program, signal.SIGTERM)
    bad = [line for line in server.program.text().splitlines()
           if re.search(":(emerg|alert|crit)]|exit signal", line)]
    require(not bad, f"it said {bad[:2]}")


def cases(report, lab):
    make_payloads(lab)
    make_other_certificates(lab)
    make_ocsp_response(lab, "ecdsa")
    for client, library, version in pairs():
        report_each(report, f"apache-{library}.client-{client}.tls{version}",
                    (downloads, uploads, cached_session, ticket_session, client_certificates,
                     resumed_client_certificate, private_location, private_to_strangers, stapling,
                     names), lab, client, library, version)
        report_each(report, f"apache-{client}.apache-{library}.tls{version}", (behind,), lab,
                    client, library, version)
    for client, library in (("system", "ours"), ("ours", "system")):
        report_each(report, f"apache-{library}.client-{client}",
                    (weaker_location, graceful_restart), lab, client, library)
    for library in reversed(LIBRARIES):  # the one by which they are known goes last
        report_each(report, f"apache-{library}", (end,), lab, library)
