"""nginx as a web server: transfers, sessions, client certificates, OCSP, SNI, ALPN, reload. What it
does as a proxy is in nginx_proxy.py."""

import dataclasses
import os
import pathlib
import signal
import time

from nginx_process import NGINX, WORKERS, end_nginx, nginx_folder, settled, start_nginx
from programs import Program, require
from web import (
    CURL, OTHER_HOST, TIMEOUT, curl, early_data, finish, get_all, held_downloads,
    make_ocsp_response, make_other_certificates, make_payloads, page, pairs, put_all, report_each,
    resume, s_client, stapled)

PACKAGES = "nginx curl openssl"
NEEDS = [NGINX, CURL]

PORTS = ("cached", "tickets", "early", "kernel", "changing", "clients")
SERVERS = """
  server {{ # sessions in the workers' shared memory
    listen 127.0.0.1:{cached} ssl http2;
    ssl_session_cache shared:sessions:1m; ssl_session_tickets off;
    ssl_stapling on; ssl_stapling_file {lab}/ecdsa.der;
    location = /status {{ return 200 "{status}"; }}
    location /put/ {{ alias {folder}/put/; dav_methods PUT; client_max_body_size 0; }}
  }}
  server {{ # sessions in tickets, keys from files
    listen 127.0.0.1:{tickets} ssl;
    include {folder}/ticket-keys.conf;
    location = /status {{ return 200 "{status}"; }}
  }}
  server {{
    listen 127.0.0.1:{tickets} ssl;
    server_name {other_host};
    ssl_certificate {lab}/other.pem; ssl_certificate_key {lab}/other.key;
    return 200 "this is $ssl_server_name";
  }}
  server {{
    listen 127.0.0.1:{early} ssl;
    ssl_early_data on;
    location = /status {{ return 200 "{status}"; }}
  }}
  server {{ # records are the kernel's, where it can, and files go straight into them
    listen 127.0.0.1:{kernel} ssl;
    ssl_conf_command Options KTLS;
    sendfile on;
  }}
  server {{ # the certificate changes with a reload
    listen 127.0.0.1:{changing} ssl;
    ssl_certificate {folder}/changing.pem; ssl_certificate_key {folder}/changing.key;
    location = /status {{ return 200 "{status}"; }}
  }}
  server {{
    listen 127.0.0.1:{clients} ssl;
    ssl_session_cache shared:sessions:1m;
    ssl_verify_client optional; ssl_client_certificate {lab}/ca.pem;
    location = /status {{ return 200 "{status}"; }}
    location / {{ if ($ssl_client_verify != SUCCESS) {{ return 403; }} }}
  }}
"""
STATUS = ("resumed=$ssl_session_reused protocol=$ssl_protocol asked=<$request_uri> "
          "alpn=<$ssl_alpn_protocol> client=$ssl_client_verify <$ssl_client_s_dn>\\n")
NEW, RESUMED = r"resumed=\. ", r"resumed=r "


@dataclasses.dataclass
class Server:
    """A running nginx and its ports by name."""
    program: Program
    folder: os.PathLike
    ports: dict


def start(lab, library):
    name = f"nginx-{library}"
    folder = nginx_folder(lab, name)
    for number in (1, 2):
        (folder / f"ticket-{number}.key").write_bytes(os.urandom(80))
    use_ticket_keys(folder, 1)
    use_certificate(lab, folder, "ecdsa")
    ports = {port: lab.free_port() for port in PORTS}
    program = start_nginx(lab, library, name, ports.values(), SERVERS.format(
        folder=folder, lab=lab.folder, status=STATUS, other_host=OTHER_HOST, **ports))
    return program, Server(program, folder, ports)


def use_ticket_keys(folder, *numbers):
    (folder / "ticket-keys.conf").write_text("".join(
        f"ssl_session_ticket_key {folder}/ticket-{number}.key;" for number in numbers))


def use_certificate(lab, folder, key):
    for kind in ("pem", "key"):
        (folder / f"changing.{kind}").write_bytes((lab.folder / f"{key}.{kind}").read_bytes())


def nginx(lab, library):
    server = lab.shared(start, library)
    server.program.check_all_mapped(1 + WORKERS)
    return server


def downloads(lab, client, library, version):
    server = nginx(lab, library)
    for protocol, alpn in (("--http1.1", "http/1.1"), ("--http2", "h2")):
        program = get_all(lab, client, version, server.ports["cached"], protocol)
        require(f"ALPN: server accepted {alpn}" in program.text(), f"ALPN is not {alpn}")


def kernel_tls(lab, client, library, version):
    get_all(lab, client, version, nginx(lab, library).ports["kernel"])


def uploads(lab, client, library, version):
    server = nginx(lab, library)
    for protocol in ("--http1.1", "--http2"):
        put_all(lab, client, version, server.ports["cached"], protocol, folder="put/",
                stored=server.folder / "put")


def cached_session(lab, client, library, version):
    server = nginx(lab, library)
    text = resume(lab, client, version, server.ports["cached"], "status", NEW, RESUMED)
    if version == "1.2":
        require("TLS session ticket:" not in text, "the session is in a ticket")


def ticket_session(lab, client, library, version):
    port = nginx(lab, library).ports["tickets"]
    text = resume(lab, client, version, port, "status", NEW, RESUMED)
    require("TLS session ticket:" in text, "there is no ticket")


def zero_rtt(lab, client, library):
    early_data(lab, client, nginx(lab, library).ports["early"], "status", r"asked=</status\?early> ")


def client_certificates(lab, client, library, version):
    port = nginx(lab, library).ports["clients"]
    known = ("--cert", "client.pem", "--key", "client.key")
    stranger = ("--cert", "stranger.pem", "--key", "stranger.key")
    text = page(lab, client, version, port, "status", *known)
    require("client=SUCCESS <CN=test client>" in text, f"the page is '{text}'")
    get_all(lab, client, version, port, *known, names=("16KB+1",))
    require("client=NONE <>" in page(lab, client, version, port, "status"), "a client from nowhere")
    require("403 Forbidden" in page(lab, client, version, port, "1B"), "it needs no certificate")
    text = page(lab, client, version, port, "status", *stranger)
    require("400 The SSL certificate error" in text, f"the stranger's page is '{text}'")


def resumed_client_certificate(lab, client, library, version):
    """The resumed session still knows the client."""
    known = ".* client=SUCCESS <CN=test client>"
    resume(lab, client, version, nginx(lab, library).ports["clients"], "status", NEW + known,
           RESUMED + known, "-cert", "client.pem", "-key", "client.key")


def stapling(lab, client, library, version):
    stapled(lab, client, version, nginx(lab, library).ports["cached"])


def names(lab, client, library, version):
    """The certificate is that of the host that is asked for, and only then is it accepted."""
    port = nginx(lab, library).ports["tickets"]
    text = page(lab, client, version, port, "", host=OTHER_HOST)
    require(text == f"this is {OTHER_HOST}", f"the page is '{text}'")
    curl(lab, client, version, f"https://unknown.test:{port}/1B", status=60)


def reload(lab, client, library):
    """Transfers go on in the old workers, new connections meet the new certificate, and a ticket
    under the old key is taken and renewed."""
    server = nginx(lab, library)
    old = server.program.processes()[1:]
    session = lab.path(f"reload-{client}-{library}.pem")
    before = s_client(lab, client, "1.2", server.ports["tickets"], "status", "-sess_out", session)
    check_key(lab, client, server, 256)
    transfers = held_downloads(lab, client, server.ports["tickets"])
    use_certificate(lab, server.folder, "rsa")
    use_ticket_keys(server.folder, 2, 1)
    server.program.process.send_signal(signal.SIGHUP)
    wait_for_shutting_down(old)
    check_key(lab, client, server, 2048)
    server.program.check_all_mapped(1 + WORKERS + 1)
    with_ticket = s_client(lab, client, "1.2", server.ports["tickets"], "status", "-sess_in",
                           session, "-sess_out", session + ".renewed")
    require("resumed=r " in with_ticket, "the ticket under the old key is worth nothing")
    require(ticket_name(with_ticket) != ticket_name(before), "the ticket is not renewed")
    finish(lab, transfers)
    settled(server.program, old)


def check_key(lab, client, server, bits):
    text = s_client(lab, client, "1.2", server.ports["changing"], "status")
    require(f"Server public key is {bits} bit" in text, f"the certificate has not {bits} bits")


def wait_for_shutting_down(pids):
    """Workers call themselves so when they accept no more; those without work are gone."""
    deadline = time.monotonic() + TIMEOUT
    for pid in pids:
        while name := command_line(pid):
            if "is shutting down" in name:
                break
            require(time.monotonic() < deadline, f"it goes on as '{name}'")
            time.sleep(0.02)


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def ticket_name(text):
    """The first bytes of the ticket that s_client shows, which name its key."""
    lines = text.partition("TLS session ticket:\n")[2].splitlines()
    require(lines, "there is no ticket")
    return lines[0].partition("0000 - ")[2][:47]


def end(lab, library):
    end_nginx(nginx(lab, library).program)


def cases(report, lab):
    make_payloads(lab)
    make_other_certificates(lab)
    make_ocsp_response(lab, "ecdsa")
    for client, library, version in pairs():
        report_each(report, f"nginx-{library}.client-{client}.tls{version}",
                    (downloads, kernel_tls, uploads, cached_session, ticket_session,
                     client_certificates, resumed_client_certificate, stapling, names), lab, client,
                    library, version)
    for client, library in (("system", "ours"), ("ours", "system")):
        report_each(report, f"nginx-{library}.client-{client}", (zero_rtt, reload), lab,
                    client, library)
    for library in ("ours", "system"):
        report_each(report, f"nginx-{library}", (end,), lab, library)
