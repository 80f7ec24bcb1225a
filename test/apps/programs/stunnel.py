"""stunnel at both ends of a tunnel, and its server with curl: transfers, certificates of both
sides, pre-shared keys, sessions, SNI, reload."""

import re
import signal
import time

from programs import Failure, require
from web import (
    CURL, OTHER_HOST, TIMEOUT, VERSIONS, HeldDownload, bundle, curl, curl_command, end_gracefully,
    finish, get_all, make_other_certificates, make_payloads, page, pairs, plain_origin, put_all,
    url)

STUNNEL = "/usr/bin/stunnel4"
PACKAGES = "stunnel4 curl openssl python3"
NEEDS = [STUNNEL, CURL]

GLOBAL = """
foreground = yes
pid =
syslog = no
debug = info
"""
# Diffie-Hellman with finite fields would have it make parameters for itself.
SERVERS = {
    "open": "cert = {lab}/ecdsa-bundle.pem",
    "clients": "cert = {lab}/rsa-bundle.pem\nverifyChain = yes\nCAfile = {lab}/ca.pem",
    "pinned": "cert = {lab}/ecdsa-bundle.pem\nverifyPeer = yes\nCAfile = {lab}/client.pem",
    "psk": "ciphers = PSK:!DH:!kDHEPSK\nPSKsecrets = {lab}/psk.txt",
}
SERVER = """
[{name}]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{origin}
sslVersionMin = TLSv1.2
{settings}
"""
OTHER_NAME = """
[other]
sni = open:{host}
connect = 127.0.0.1:{origin}
cert = {lab}/other-bundle.pem
"""
VERIFYING = "verifyChain = yes\nCAfile = {lab}/ca.pem\nsni = localhost\ncheckHost = "
# What a client's service is called, the server's service that it speaks to, and its settings.
CLIENTS = {
    "open": ("open", VERIFYING + "localhost"),
    "wrong-name": ("open", VERIFYING + "wrong.test"),
    "clients": ("clients", VERIFYING + "localhost\ncert = {lab}/client-bundle.pem"),
    "nobody": ("clients", VERIFYING + "localhost"),
    "pinned": ("pinned", VERIFYING + "localhost\ncert = {lab}/client-bundle.pem"),
    "stranger": ("pinned", VERIFYING + "localhost\ncert = {lab}/stranger-bundle.pem"),
    "psk": ("psk", "ciphers = PSK:!DH:!kDHEPSK\nPSKsecrets = {lab}/psk.txt"),
}
CLIENT = """
[{name}-{version}]
client = yes
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{server}
sslVersion = TLSv{version}
{settings}
"""


def start_server(lab, library):
    origin = plain_origin(lab)
    for name in ("ecdsa", "rsa", "other", "client", "stranger"):
        bundle(lab, f"{name}-bundle.pem", f"{name}.pem", f"{name}.key")
    lab.write("psk.txt", "somebody:6f6e652074776f2074687265652034353637\n")
    (lab.folder / "psk.txt").chmod(0o600)
    ports = {name: lab.free_port() for name in SERVERS}
    services = [SERVER.format(name=name, port=ports[name], origin=origin,
                              settings=settings.format(lab=lab.folder))
                for name, settings in SERVERS.items()]
    services.append(OTHER_NAME.format(host=OTHER_HOST, origin=origin, lab=lab.folder))
    return start(lab, library, f"stunnel-server-{library}", services, ports)


def start_client(lab, library, server_library):
    _, server = lab.shared(start_server, server_library)
    ports = {(name, version): lab.free_port() for name in CLIENTS for version in VERSIONS}
    services = [CLIENT.format(name=name, version=version, port=port,
                              server=server[CLIENTS[name][0]],
                              settings=CLIENTS[name][1].format(lab=lab.folder))
                for (name, version), port in ports.items()]
    return start(lab, library, f"stunnel-client-{library}-{server_library}", services, ports)


def start(lab, library, name, services, ports):
    """(program, (program, ports)), as Lab.shared wants it."""
    configuration = lab.write(f"{name}.conf", GLOBAL + "".join(services))
    program = lab.start(library, [STUNNEL, configuration], traced=False)
    program.listens(*ports.values())
    return program, (program, ports)


def tunnel(lab, client, library):
    """(client's program, its ports) of a tunnel whose two processes have been looked at."""
    server, _ = lab.shared(start_server, library)
    program, ports = lab.shared(start_client, client, library)
    server.check_mapped()
    program.check_mapped()
    return program, ports


def transfers(lab, client, library, version, name):
    _, ports = tunnel(lab, client, library)
    get_all(lab, "system", None, ports[name, version])
    put_all(lab, "system", None, ports[name, version])


def refused(lab, client, library, version, name, side, reason):
    """No byte gets through, and the log of one side says why."""
    program, ports = tunnel(lab, client, library)
    before = complaints(lab, program, library, side, reason)
    address = url(None, ports[name, version], "1B")
    got = lab.run("system", curl_command(None, address), TIMEOUT)
    # The tunnel's end resets the connection, for curl perhaps before it knows that it is there (7).
    require(got.process.returncode in (7, 52, 55, 56) and not got.output(),
            f"curl ended with status {got.process.returncode}")
    deadline = time.monotonic() + TIMEOUT
    while complaints(lab, program, library, side, reason) == before:
        require(time.monotonic() < deadline, f"the {side}'s log has no '{reason}'")
        time.sleep(0.02)


def complaints(lab, client_program, library, side, reason):
    program = client_program if side == "client" else lab.shared(start_server, library)[0]
    return len(re.findall(reason, program.text()))


def sessions(lab, client, library, version):
    """Each request is a connection of its own; all but the first resume its session."""
    program, ports = tunnel(lab, client, library)
    seen = []
    for _ in range(3):
        already = len(program.text())
        curl(lab, "system", None, url(None, ports["clients", version], "16KB+1"), "-o", "/dev/null")
        seen.append(negotiated(program, already))
    require(seen[1:] == ["previous session reused"] * 2, f"the sessions were {seen}")


def negotiated(program, already):
    """What a client says of its session after so many characters of its log."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        if match := re.search(r"TLS connected: (.*)", program.text()[already:]):
            return match[1]
        if time.monotonic() > deadline:
            raise Failure("it does not say what its session is")
        time.sleep(0.02)


def curl_as_client(lab, client, library, version):
    """The server's half alone, with the certificate of the name that is asked for."""
    program, ports = lab.shared(start_server, library)
    program.check_mapped()
    get_all(lab, client, version, ports["open"])
    put_all(lab, client, version, ports["open"])
    require(page(lab, client, version, ports["open"], "1B", host=OTHER_HOST) ==
            (lab.folder / "1B").read_text(), "another page")


def reload(lab, client, library):
    """Both ends read their settings anew while transfers run."""
    program, ports = tunnel(lab, client, library)
    server, _ = lab.shared(start_server, library)
    running = [HeldDownload(lab, "system", None, ports["open", version], "")
               for version in VERSIONS]
    for one in (program, server):
        times = one.text().count("Configuration successful")
        one.process.send_signal(signal.SIGHUP)
        one.wait_for(r"(?s)" + r"Configuration successful.*" * (times + 1), TIMEOUT)
    for version in VERSIONS:
        get_all(lab, "system", None, ports["open", version], names=("16KB+1",))
    finish(lab, running)


def end(lab, client, library):
    program, _ = tunnel(lab, client, library)
    server, _ = lab.shared(start_server, library)
    for one in (program, server):
        end_gracefully(one, signal.SIGTERM)


def cases(report, lab):
    make_payloads(lab)
    make_other_certificates(lab)
    for client, library, version in pairs():
        name = f"stunnel-{client}.stunnel-{library}.tls{version}"
        for service in ("open", "clients", "pinned", "psk"):
            report.case(f"{name}.{service}", transfers, lab, client, library, version, service)
        report.case(f"{name}.sessions", sessions, lab, client, library, version)
        for service, side, reason in (
                ("wrong-name", "client", "certificate verify failed"),
                ("nobody", "server", "peer did not return a certificate"),
                ("stranger", "server", "certificate verify failed")):
            report.case(f"{name}.{service}", refused, lab, client, library, version, service, side,
                        reason)
        report.case(f"curl-{client}.stunnel-{library}.tls{version}", curl_as_client, lab, client,
                    library, version)
    for client, library in (("system", "ours"), ("ours", "system")):
        report.case(f"stunnel-{client}.stunnel-{library}.reload", reload, lab, client, library)
        report.case(f"stunnel-{client}.stunnel-{library}.ends", end, lab, client, library)
