"""haproxy, TLS in front and behind: transfers, sessions, client certificates, SNI, OCSP, ALPN,
health checks, a certificate changed at run time, reload. Behind each is the other's, and then an
origin."""

import base64
import csv
import dataclasses
import os
import re
import signal
import socket
import time

from programs import Program, require
from web import (
    CURL, OTHER_HOST, SIZES, TIMEOUT, VERSIONS, bundle, curl, drop_rights, early_data,
    end_gracefully, finish, get_all, held_downloads, make_ocsp_response, make_other_certificates,
    make_payloads, page, pairs, plain_origin, put_all, report_each, resume, s_client, shared_folder,
    stapled, url)

HAPROXY = "/usr/sbin/haproxy"
PACKAGES = "haproxy curl openssl python3"
NEEDS = [HAPROXY, CURL]

THREADS = 2
LIBRARIES = ("ours", "system")
PORTS = ("front", "cached", "clients", "early", "back")
CONFIGURATION = """
global
  {user}
  nbthread {threads}
  stats socket {folder}/admin.sock level admin
  crt-base {folder}
  ca-base {lab}
  tune.ssl.capture-buffer-size 96
  ssl-default-bind-options ssl-min-ver TLSv1.2
  log stdout format raw local0 notice
defaults both
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  log global
defaults in-front from both
  http-request return status 200 content-type text/plain lf-string "{status}" if {{ path /status }}
  default_backend origin
frontend front
  bind 127.0.0.1:{front} ssl crt certificates/ tls-ticket-keys {folder}/tickets alpn h2,http/1.1
{routes}
frontend cached
  bind 127.0.0.1:{cached} ssl crt localhost.pem no-tls-tickets
frontend clients
  bind 127.0.0.1:{clients} ssl crt localhost.pem ca-file ca.pem verify optional crt-ignore-err all
frontend early
  bind 127.0.0.1:{early} ssl crt localhost.pem allow-0rtt
frontend back
  bind 127.0.0.1:{back} ssl crt localhost.pem ca-file ca.pem verify required alpn h2,http/1.1
defaults behind from both
backend origin
  server origin 127.0.0.1:{origin}
{backends}
"""
STATUS = ("resumed=%[ssl_fc_is_resumed] %[ssl_fc_protocol] asked=%[pathq] "
          "alpn=<%[ssl_fc_alpn]> sni=%[ssl_fc_sni] client=%[ssl_c_s_dn(cn)] "
          "used=%[ssl_c_used] verify=%[ssl_c_verify] offered=%[ssl_fc_cipherlist_bin,hex]\\n")
NEW, RESUMED = "resumed=0 ", "resumed=1 "
LOADED = "Loading success"
HEALTH = {"good": {"UP L6OK"}, "wrong-name": {"DOWN L6RSP"}}
ROUTE = "  use_backend {name} if {{ path_beg /{back}/{version}/ }}\n"
BACKEND = """
backend {name}
  http-request set-path %[path,regsub(^/[a-z]*/1.[23]/,/)]
  http-response set-header x-behind "resumed=%[ssl_bc_is_resumed] %[ssl_bc_protocol] %[ssl_bc_alpn]"
  default-server ssl verify required ca-file ca.pem crt client-bundle.pem alpn {alpn}
  default-server pool-max-conn 0
  default-server ssl-min-ver TLSv{version} ssl-max-ver TLSv{version} check inter 300ms fall 1 rise 1
  server good 127.0.0.1:{port} sni str(localhost) check-sni localhost
  server wrong-name 127.0.0.1:{port} sni str(wrong.test) check-sni wrong.test
"""


@dataclasses.dataclass
class Server:
    """A running haproxy, a master and its worker, and its ports by name."""
    program: Program
    folder: os.PathLike
    ports: dict


def start_both(lab):
    """Each must know the other's port."""
    ports = {library: {name: lab.free_port() for name in PORTS} for library in LIBRARIES}
    origin = plain_origin(lab)
    servers = {library: start(lab, library, ports, origin) for library in LIBRARIES}
    for server in servers.values():
        settled(server)
    return servers["ours"].program, servers


def start(lab, library, ports, origin):
    name = f"haproxy-{library}"
    folder = shared_folder(lab, name)
    shared_folder(lab, f"{name}/certificates")
    for own, key in (("localhost.pem.ecdsa", "ecdsa"), ("localhost.pem.rsa", "rsa"),
                     ("other.pem", "other")):
        bundle(lab, f"{name}/certificates/{own}", f"{key}.pem", f"{key}.key", "ca.pem")
    bundle(lab, f"{name}/localhost.pem", "ecdsa.pem", "ecdsa.key", "ca.pem")
    bundle(lab, f"{name}/client-bundle.pem", "client.pem", "client.key")
    (folder / "localhost.pem.ocsp").write_bytes((lab.folder / "ecdsa.der").read_bytes())
    (folder / "tickets").write_text("".join(
        base64.b64encode(os.urandom(80)).decode() + "\n" for _ in range(3)))
    chains = [{"name": f"{back}-{version}", "back": back, "version": version,
               "port": ports[back]["back"], "alpn": "h2" if version == "1.3" else "http/1.1"}
              for back in LIBRARIES for version in VERSIONS]
    configuration = lab.write(f"{name}.cfg", CONFIGURATION.format(
        user=drop_rights("user haproxy"), threads=THREADS, folder=folder, lab=lab.folder,
        status=STATUS, origin=origin,
        routes="".join(ROUTE.format(**chain) for chain in chains),
        backends="".join(BACKEND.format(**chain) for chain in chains), **ports[library]))
    program = lab.start(library, [HAPROXY, "-W", "-db", "-f", configuration], traced=False)
    return Server(program, folder, ports[library])


def wait_for_loading(server, times):
    """The master, which starts itself again for every worker, has said so often that it is there."""
    server.program.wait_for(f"(?s)({LOADED}.*){{{times}}}", TIMEOUT)


def settled(server):
    """Waits until there are a master and one worker that has looked at all that is behind it."""
    server.program.listens(*server.ports.values())
    wait_for_loading(server, 1)
    deadline = time.monotonic() + TIMEOUT
    while health(server) != HEALTH or len(server.program.processes()) != 2:
        require(time.monotonic() < deadline, f"it does not settle: {health(server)}")
        time.sleep(0.05)


def haproxy(lab, *libraries):
    """The servers of these libraries, whose processes have been looked at."""
    both = lab.shared(start_both)
    for library in libraries:
        both[library].program.check_all_mapped(2)
    return [both[library] for library in libraries]


def command(server, line, payload=""):
    """Says something to haproxy's socket for administrators, and returns its answer."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(TIMEOUT)
        admin.connect(str(server.folder / "admin.sock"))
        admin.sendall((f"{line} <<\n{payload}\n" if payload else line).encode() + b"\n")
        return b"".join(iter(lambda: admin.recv(65536), b"")).decode()


def health(server):
    """{name of a server behind: what the checks of all those of this name have found}."""
    try:
        lines = command(server, "show stat").removeprefix("# ").splitlines()
    except OSError:
        return {}
    found = {}
    for row in csv.DictReader(lines):
        if row["svname"] in HEALTH:
            # One that is at work has a star in front.
            status = f"{row['status']} {row['check_status'].removeprefix('* ')}"
            found.setdefault(row["svname"], set()).add(status)
    return found


def downloads(lab, client, library, version):
    server, = haproxy(lab, library)
    for protocol, alpn in (("--http1.1", "http/1.1"), ("--http2", "h2")):
        program = get_all(lab, client, version, server.ports["front"], protocol)
        require(f"ALPN: server accepted {alpn}" in program.text(), f"ALPN is not {alpn}")


def uploads(lab, client, library, version):
    server, = haproxy(lab, library)
    for protocol in ("--http1.1", "--http2"):
        put_all(lab, client, version, server.ports["front"], protocol)


def cached_session(lab, client, library, version):
    server, = haproxy(lab, library)
    text = resume(lab, client, version, server.ports["cached"], "status", NEW, RESUMED)
    if version == "1.2":
        require("TLS session ticket:" not in text, "the session is in a ticket")


def ticket_session(lab, client, library, version):
    server, = haproxy(lab, library)
    text = resume(lab, client, version, server.ports["front"], "status", NEW, RESUMED)
    if version == "1.2":
        require("TLS session ticket:" in text, "there is no ticket")


def zero_rtt(lab, client, library):
    server, = haproxy(lab, library)
    early_data(lab, client, server.ports["early"], "status", r"asked=/status\?early ")


def client_certificates(lab, client, library, version):
    server, = haproxy(lab, library)
    port = server.ports["clients"]
    known = "client=test client used=1 verify=0 "
    for name, expected in (("client", known), ("stranger", "client=stranger used=1 verify=18 ")):
        text = page(lab, client, version, port, "status", "--cert", f"{name}.pem", "--key",
                    f"{name}.key")
        require(expected in text, f"the page is '{text}'")
    text = page(lab, client, version, port, "status")
    require("client= used=0 verify=0 " in text, f"the page is '{text}'")


def resumed_client_certificate(lab, client, library, version):
    """The resumed session still knows the client."""
    server, = haproxy(lab, library)
    text = resume(lab, client, version, server.ports["clients"], "status", NEW, RESUMED,
                  "-cert", "client.pem", "-key", "client.key")
    require("client=test client used=1 verify=0 " in text, "the client is not known any more")


def stapling(lab, client, library, version):
    server, = haproxy(lab, library)
    stapled(lab, client, version, server.ports["cached"])


def certificate_choice(lab, client, library, version):
    """By the name that is asked for and by the algorithms that the client has; what the client
    offers is there to be logged."""
    server, = haproxy(lab, library)
    port = server.ports["front"]
    require(f"sni={OTHER_HOST} " in page(lab, client, version, port, "status", host=OTHER_HOST),
            "another name")
    for algorithms, size in (("ECDSA+SHA256", 256), ("RSA-PSS+SHA256:RSA+SHA256", 2048)):
        text = s_client(lab, client, version, port, "status", "-sigalgs", algorithms)
        require(f"Server public key is {size} bit" in text, f"{algorithms}: not {size} bit")
    offered = {"1.3": "offered=130213031301", "1.2": "offered=C030"}[version]
    require(offered in text, f"not '{offered}'")


def behind(lab, front, back, version):
    """Through both servers, each of which authenticates itself to the other."""
    first, _ = haproxy(lab, front, back)
    folder = f"{back}/{version}/"
    program = get_all(lab, back, version, first.ports["front"], folder=folder)
    protocol = "h2" if version == "1.3" else "http/1.1"
    answers = re.findall(f"x-behind: resumed=. TLSv{version} {protocol}", program.text())
    require(len(answers) == len(SIZES), f"behind it: {answers}")
    put_all(lab, back, version, first.ports["front"], folder=folder)
    text = page(lab, back, version, first.ports["front"], folder + "status")
    require("client=test client" in text, f"the page is '{text}'")


def session_behind(lab, front, back, version):
    """Each request is a connection of its own behind the proxy; one per thread of it is new."""
    first, _ = haproxy(lab, front, back)
    address = url(version, first.ports["front"], f"{back}/{version}/1B")
    answers = curl(lab, back, version, *[address] * 6).text()
    require(answers.count("x-behind: resumed=1") >= 6 - THREADS, "they do not resume")


def health_checks(lab, library):
    """Of what is behind it, which has changed its certificate and back."""
    server, = haproxy(lab, library)
    settled(server)


def certificate_update(lab, client, library):
    """At run time, over the socket for administrators."""
    server, = haproxy(lab, library)
    port, name = server.ports["cached"], f"{server.folder}/localhost.pem"
    for key, size in (("rsa", 2048), ("ecdsa", 256)):
        bundle(lab, "update.pem", f"{key}.pem", f"{key}.key", "ca.pem")
        answer = command(server, f"set ssl cert {name}", (lab.folder / "update.pem").read_text())
        require("Transaction" in answer, f"it answered '{answer}'")
        answer = command(server, f"commit ssl cert {name}")
        require("Success!" in answer, f"it answered '{answer}'")
        for version in VERSIONS:
            text = s_client(lab, client, version, port, "status")
            require(f"Server public key is {size} bit" in text, f"the key has not {size} bits")


def reload(lab, client, library):
    """A transfer goes on in the old worker while the new one takes the new connections."""
    server, = haproxy(lab, library)
    old = server.program.processes()[1:]
    transfers = held_downloads(lab, client, server.ports["front"])
    loaded = server.program.text().count(LOADED)
    server.program.process.send_signal(signal.SIGUSR2)
    wait_for_loading(server, loaded + 1)
    server.program.check_all_mapped(3)
    get_all(lab, client, "1.3", server.ports["front"], names=("16KB+1",))
    finish(lab, transfers)
    settled(server)
    require(not set(old) & set(server.program.processes()), "the old worker is still there")


def end(lab, library):
    server, = haproxy(lab, library)
    end_gracefully(server.program, signal.SIGUSR1)


def cases(report, lab):
    make_payloads(lab)
    make_other_certificates(lab)
    make_ocsp_response(lab, "ecdsa")
    for client, library, version in pairs():
        report_each(report, f"haproxy-{library}.client-{client}.tls{version}",
                    (downloads, uploads, cached_session, ticket_session, client_certificates,
                     resumed_client_certificate, stapling, certificate_choice), lab, client,
                    library, version)
        report_each(report, f"haproxy-{client}.haproxy-{library}.tls{version}",
                    (behind, session_behind), lab, client, library, version)
    for client, library in (("system", "ours"), ("ours", "system")):
        report_each(report, f"haproxy-{library}", (health_checks,), lab, library)
        report_each(report, f"haproxy-{library}.client-{client}",
                    (zero_rtt, certificate_update, reload), lab, client, library)
    for library in reversed(LIBRARIES):  # the one by which they are known goes last
        report_each(report, f"haproxy-{library}", (end,), lab, library)
