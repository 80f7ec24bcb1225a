"""openssl s_server -stateless: the first ClientHello is answered with a cookie and forgotten."""

from programs import HOST, OPENSSL, require

PACKAGES = "openssl"
NEEDS = [OPENSSL]
PAIRINGS = [("ours", "ours"), ("ours", "system"), ("system", "ours")]


def s_server(lab, library, *options):
    server = lab.start(library, [OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-stateless",
                                 "-tls1_3", "-cert", "ecdsa.pem", "-key", "ecdsa.key", *options],
                       stdin="pipe")
    port = server.port()
    server.check_mapped()
    return server, port


def say_hello(lab, library, program, port, *options):
    """One line to s_server; returns what s_client prints."""
    client = lab.start(library, [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}",
                                 "-servername", HOST, "-tls1_3", "-CAfile", "ca.pem",
                                 "-verify_return_error", *options], stdin="pipe")
    client.wait_for("Verify return code: 0")
    line = f"hello {client.process.pid}\n"
    client.send(line.encode())
    # The letter counts as a command at the beginning of what s_client reads.
    program.wait_for(r"\n" + line)
    client.send(b"Q\n")
    client.succeed()
    client.check_loaded()
    return client.text()


def handshakes(lab, client, server, *options):
    """s_server is stateless for its first client; the second resumes that one's session."""
    program, port = s_server(lab, server)
    session = f"stateless-{port}.pem"
    say_hello(lab, client, program, port, *options, "-sess_out", session)
    require("DELAY\n" in program.text(), "the first hello was not answered and forgotten")
    text = say_hello(lab, client, program, port, *options, "-sess_in", session)
    require("\nReused, TLSv1.3" in text, "the session is not reused")


def reads_early_first(lab, client, server):
    """-early_data reads in a handshake that SSL_stateless then gives up: no client gets through."""
    program, port = s_server(lab, server, "-early_data", "-naccept", "1")
    peer = lab.start(client, [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3",
                              "-servername", HOST, "-CAfile", "ca.pem", "-no_middlebox"],
                     stdin="pipe")
    peer.wait()
    peer.check_loaded()
    program.wait()
    require("unexpected message" in program.text(), f"{program}: {program.last_words()}")


def cases(report, lab):
    for client, server in PAIRINGS:
        name = f"stateless.s_client-{client}.s_server-{server}"
        # 3.0's s_server gives up a client whose change_cipher_spec comes before its second hello.
        if server == "ours":
            report.case(name, handshakes, lab, client, server)
        report.case(f"{name}.no_middlebox", handshakes, lab, client, server, "-no_middlebox")
        report.case(f"{name}.groups", handshakes, lab, client, server, "-no_middlebox", "-groups",
                    "ffdhe2048:P-256")
        report.case(f"{name}.reads_early_first", reads_early_first, lab, client, server)
