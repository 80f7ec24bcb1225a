"""openssl s_server -async and s_client -async: every call of theirs is a job."""

from programs import HOST, OPENSSL, require, sha256

PACKAGES = "openssl"
NEEDS = [OPENSSL]
PAIRINGS = [("ours", "ours"), ("ours", "system"), ("system", "ours")]


def transfer(lab, client, server, version):
    accepting = lab.start(server, [OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-async",
                                   "-quiet", "-naccept", "1", version, "-cert", "ecdsa.pem",
                                   "-key", "ecdsa.key"], stdin="pipe")
    port = accepting.port()
    program = lab.start(client, [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-async",
                                 "-servername", HOST, version, "-CAfile", "ca.pem",
                                 "-verify_return_error", "-quiet", "-no_ign_eof"], stdin="100KB")
    program.succeed()
    program.check_loaded()
    accepting.succeed()
    accepting.check_loaded()
    require(sha256(accepting.output()) == lab.hashes["100KB"], "another checksum arrived")


def cases(report, lab):
    lab.payload("100KB", 100 * 1024)
    for client, server in PAIRINGS:
        for version in ("-tls1_2", "-tls1_3"):
            report.case(f"async.s_client-{client}.s_server-{server}{version}", transfer, lab, client,
                        server, version)
