"""openssl s_client and s_server."""

from programs import HOST, OPENSSL, PAIRINGS, require, sha256
from transfers import (
    LARGE, SMALL, SMALL_TIMEOUT, make_payloads, s_server, timeout)

PACKAGES = "openssl"
NEEDS = [OPENSSL]


def s_client(port, *options):
    return [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, "-tls1_3",
            "-CAfile", "ca.pem", "-verify_hostname", HOST, "-verify_return_error", *options]


def request(lab, library, port, line):
    """What s_client receives in answer to one HTTP/1.0 request line."""
    client = lab.start(library, s_client(port, "-quiet"), stdin="pipe")
    client.send(f"{line} HTTP/1.0\r\n\r\n".encode())
    client.succeed(timeout(line))
    client.check_loaded()
    return client.output()


def download(lab, client, server, key, name):
    port = lab.shared(s_server, server, key, "-WWW")
    head, _, body = request(lab, client, port, f"GET /{name}").partition(b"\r\n\r\n")
    require(head.startswith(b"HTTP/1.0 200"), f"the server answered {head[:80]!r}")
    require(sha256(body) == lab.hashes[name], f"{len(body)} bytes with another checksum arrived")


def upload(lab, client_library, server_library, key, name):
    """From s_client's standard input to s_server's standard output."""
    server, port = s_server(lab, server_library, key, "-quiet", "-naccept", "1")
    client = lab.start(client_library, s_client(port, "-quiet", "-no_ign_eof"), stdin=name)
    client.succeed(timeout(name))
    client.check_loaded()
    server.succeed()
    received = server.output()
    require(sha256(received) == lab.hashes[name],
            f"{len(received)} bytes with another checksum arrived")


def transfer_cases(report, lab):
    for client, server in PAIRINGS:
        for key in ("ecdsa", "rsa"):
            pair = f"s_client-{client}.s_server-{server}.{key}"
            sizes = list(SMALL)
            # 100 MB once in each direction for each program on ours.
            if key == "ecdsa" and client != server:
                sizes += list(LARGE)
            for size in sizes:
                report.case(f"{pair}.to-client.{size}", download, lab, client, server, key, size)
                report.case(f"{pair}.to-server.{size}", upload, lab, client, server, key, size)


def status_page(lab, client, server):
    port = lab.shared(s_server, server, "ecdsa", "-www")
    page = request(lab, client, port, "GET /").decode(errors="replace")
    require("New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384" in page, f"the page is {page[:200]!r}")


def client_certificate(lab, client, server, key):
    accepting, port = s_server(lab, server, key, "-Verify", "2", "-CAfile", "ca.pem",
                               "-verify_return_error", "-naccept", "1")
    program = lab.run(client, s_client(port, "-cert", "client.pem", "-key", "client.key"))
    require(program.process.returncode == 0, f"{program}: {program.last_words()}")
    require("Verify return code: 0 (ok)" in program.text(), "the client has not verified")
    accepting.succeed()
    require("subject=CN = test client" in accepting.text(), "the server has seen no client's name")


def missing_client_certificate(lab, client, server):
    accepting, port = s_server(lab, server, "ecdsa", "-Verify", "2", "-CAfile", "ca.pem",
                               "-verify_return_error", "-naccept", "1")
    # The client is done before the server can refuse: it has to wait for the alert.
    program = lab.start(client, s_client(port, "-quiet"), stdin="pipe")
    program.wait()
    program.check_loaded()
    require("alert certificate required" in program.text(),
            f"{program} has met no such alert: {program.last_words()}")
    accepting.wait()
    require("peer did not return a certificate" in accepting.text(),
            f"{accepting} has not complained: {accepting.last_words()}")


def untrusted_server(lab, client, server):
    accepting, port = s_server(lab, server, "ecdsa", "-naccept", "1")
    command = [word if word != "ca.pem" else "client.pem" for word in s_client(port)]
    program = lab.run(client, command)
    require(program.process.returncode == 1, f"{program} has accepted an unknown issuer")
    require("certificate verify failed" in program.text(), f"{program}: {program.last_words()}")
    accepting.wait()
    require("alert unknown ca" in accepting.text(), f"{accepting}: {accepting.last_words()}")


def feature_cases(report, lab):
    for client, server in PAIRINGS[:3]:
        pair = f"s_client-{client}.s_server-{server}"
        report.case(f"{pair}.www", status_page, lab, client, server)
        for key in ("ecdsa", "rsa"):
            report.case(f"{pair}.client-certificate.{key}", client_certificate, lab, client, server,
                        key)
        report.case(f"{pair}.no-client-certificate", missing_client_certificate, lab, client,
                    server)
        report.case(f"{pair}.untrusted-server", untrusted_server, lab, client, server)


def download_older(lab, client, server, version, cipher, name):
    """To s_client, and its session is resumed by ticket for a second download."""
    option = "-" + version.replace("v", "").replace(".", "_").lower()
    port = lab.shared(older_s_server, server, option)
    session = f"session-{client}-{server}-{version}.pem"
    command = [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, option,
               "-CAfile", "ca.pem", "-verify_hostname", HOST, "-verify_return_error", "-ign_eof",
               "-cipher", f"{cipher}:@SECLEVEL=0"]
    for more, expected in ((["-sess_out", session], "New"), (["-sess_in", session], "Reused")):
        program = lab.start(client, [*command, *more], stdin="pipe")
        program.send(f"GET /{name} HTTP/1.0\r\n\r\n".encode())
        program.succeed(SMALL_TIMEOUT)
        program.check_loaded()
        text = program.output()
        require(f"\n{expected}, ".encode() in text, f"the session is not {expected}")
        negotiated = f"Protocol  : {version}\n    Cipher    : {cipher}\n"
        require(negotiated.encode() in text, f"not {version} with {cipher}")
        require(b"TLS session ticket:" in text, "there is no ticket")
        # s_client prints on behind the data.
        body = text.partition(b"\r\n\r\n")[2][:SMALL[name]]
        require(sha256(body) == lab.hashes[name], "another checksum arrived")


def older_s_server(lab, library, option):
    server = lab.start(library, [OPENSSL, "s_server", "-accept", "127.0.0.1:0", option, "-WWW",
                                 "-cert", "ecdsa.pem", "-key", "ecdsa.key",
                                 "-cipher", "ALL:@SECLEVEL=0"], stdin="pipe")
    port = server.port()
    server.check_mapped()
    return server, port


def older_cases(report, lab):
    for client, server in PAIRINGS:
        for version, cipher in (("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
                                ("TLSv1.1", "ECDHE-ECDSA-AES256-SHA"),
                                ("TLSv1", "ECDHE-ECDSA-AES128-SHA")):
            name = f"s_client-{client}.s_server-{server}.{version.lower()}.resumption.16KB+1"
            report.case(name, download_older, lab, client, server, version, cipher, "16KB+1")


def cases(report, lab):
    make_payloads(lab)
    transfer_cases(report, lab)
    feature_cases(report, lab)
    older_cases(report, lab)
