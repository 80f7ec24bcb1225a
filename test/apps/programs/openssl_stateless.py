"""openssl s_server -stateless: the first ClientHello is answered with a cookie and forgotten."""

from programs import HOST, OPENSSL, require

PACKAGES = "openssl"
NEEDS = [OPENSSL]
PAIRINGS = [("ours", "ours"), ("ours", "system"), ("system", "ours")]


def s_server(lab, library):
    server = lab.start(library, [OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-stateless",
                                 "-tls1_3", "-cert", "ecdsa.pem", "-key", "ecdsa.key"],
                       stdin="pipe")
    port = server.port()
    server.check_mapped()
    return server, port


def say_hello(lab, library, port, *options):
    """One line to s_server; returns what s_client prints."""
    client = lab.start(library, [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}",
                                 "-servername", HOST, "-tls1_3", "-CAfile", "ca.pem",
                                 "-verify_return_error", *options], stdin="pipe")
    client.wait_for("Verify return code: 0")
    client.send(b"hello\n")
    client.send(b"Q\n")
    client.succeed()
    client.check_loaded()
    return client.text()


def handshakes(lab, client, server, *options):
    program, port = s_server(lab, server)
    for count in (1, 2):
        say_hello(lab, client, port, *options)
        program.wait_for(r"(?s)" + r"DELAY.*?\nhello\n.*" * count)


def resumption(lab, client, server):
    """3.0's own stateless server refuses a session that is offered to it."""
    program, port = s_server(lab, server)
    session = f"stateless-{client}-{server}.pem"
    first = lab.start(client, [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3",
                               "-servername", HOST, "-CAfile", "ca.pem", "-sess_out", session],
                      stdin="pipe")
    first.wait_for("Post-Handshake New Session Ticket arrived(?s:.*)---\nread R BLOCK")
    first.send(b"Q\n")
    first.succeed()
    text = say_hello(lab, client, port, "-sess_in", session)
    require("\nReused, TLSv1.3" in text, "the session is not reused")
    program.wait_for(r"(?s)(DELAY.*){2}\nhello\n")


def cases(report, lab):
    for client, server in PAIRINGS:
        name = f"stateless.s_client-{client}.s_server-{server}"
        # 3.0's s_server gives up a client whose change_cipher_spec comes before its second hello.
        if server == "ours":
            report.case(name, handshakes, lab, client, server)
            report.case(f"{name}.resumption", resumption, lab, client, server)
        report.case(f"{name}.no_middlebox", handshakes, lab, client, server, "-no_middlebox")
        report.case(f"{name}.groups", handshakes, lab, client, server, "-no_middlebox", "-groups",
                    "ffdhe2048:P-256")
