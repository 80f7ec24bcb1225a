"""openssl s_client and s_server over DTLS: versions, addresses, ciphers, certificates, transfers."""

import re

from dtls import (
    NAMES, PAIRINGS, VERSIONS, Crowd, certified, require_version, start_server, talk_to_the_last)
from programs import OPENSSL, require
from s_client import end_client, expect, say_words, start_client

PACKAGES = "openssl"
NEEDS = [OPENSSL]

# Three datagrams of 16 KB and a rest.
PAYLOAD_SIZE = 50_000
HOSTS = {"ipv4": "127.0.0.1", "ipv6": "[::1]"}
# One of each way to agree on keys and to protect records; the certificate that it needs.
CIPHERS = {"ECDHE-ECDSA-AES128-GCM-SHA256": "ecdsa", "ECDHE-RSA-CHACHA20-POLY1305": "rsa",
           "DHE-RSA-AES256-GCM-SHA384": "rsa", "AES128-GCM-SHA256": "rsa",
           "ECDHE-ECDSA-AES128-CCM8": "ecdsa", "ECDHE-RSA-AES256-SHA384": "rsa"}
OLDER_CIPHERS = {"ECDHE-ECDSA-AES256-SHA": "ecdsa", "DHE-RSA-AES128-SHA": "rsa",
                 "CAMELLIA256-SHA": "rsa", "ECDHE-RSA-NULL-SHA": "rsa"}
DEMAND = ["-Verify", "2", "-CAfile", "ca.pem", "-verify_return_error"]


def any_version(lab, client, server, host):
    """Both ends speak whatever they can."""
    asked = start_server(lab, server, "-dtls", host=host)
    text, _ = talk_to_the_last(lab, client, asked, "-dtls")
    require_version(text, "1.2")


def one_version(lab, client, server, version, host, *options):
    asked = start_server(lab, server, *VERSIONS[version], *options, host=host)
    text, _ = talk_to_the_last(lab, client, asked, *VERSIONS[version], *options)
    require_version(text, version)
    expect(text, "Verification: OK")


def older_end(lab, client, server, older):
    """One end speaks DTLS 1.0 alone."""
    options = {end: VERSIONS["1.0"] if end == older else ["-dtls", "-cipher", "ALL:@SECLEVEL=0"]
               for end in ("client", "server")}
    asked = start_server(lab, server, *options["server"])
    text, _ = talk_to_the_last(lab, client, asked, *options["client"])
    require_version(text, "1.0")


def listening(lab, client, server, version, host):
    """The server keeps nothing of a client before that has sent the cookie back (DTLSv1_listen)."""
    asked = start_server(lab, server, *VERSIONS[version], "-listen", host=host)
    text, _ = talk_to_the_last(lab, client, asked, *VERSIONS[version], "-trace")
    require_version(text, version)
    # Each once: on a busy machine they may be sent again.
    messages = dict.fromkeys(re.findall(r"^    (\w+Hello|HelloVerifyRequest), .*\n    message_seq=(\d+)",
                                        text, re.MULTILINE))
    expected = [("ClientHello", "0"), ("HelloVerifyRequest", "0"), ("ClientHello", "1"),
                ("ServerHello", "1")]
    require([*messages] == expected, f"the handshake begins with {[*messages]}")


def cipher(lab, client, server, version, suite, key):
    options = [VERSIONS[version][0], "-cipher", f"{suite}:@SECLEVEL=0"]
    asked = start_server(lab, server, *options, key=key)
    text, told = talk_to_the_last(lab, client, asked, *options)
    require_version(text, version)
    expect(text, f"^    Cipher    : {suite}$")
    require(f"CIPHER is {suite}\n" in told, "the server has another cipher")


def client_certificate(lab, client, server, version, key):
    asked = start_server(lab, server, *VERSIONS[version], *DEMAND, key=key)
    text, told = talk_to_the_last(lab, client, asked, *VERSIONS[version], *certified("client"))
    expect(text, "Verification: OK")
    require("subject=CN = test client" in told, "the server has seen no client's name")


def refused(lab, client, server, server_options, client_options, said, told):
    """A client that ends with an error; what both say of it."""
    asked = start_server(lab, server, "-dtls", *server_options)
    program = start_client(lab, client, asked, "-dtls", *client_options)
    require(program.wait() == 1, f"{program} has connected")
    program.check_loaded()
    require(said in program.text(), f"{program}: {program.last_words()}")
    asked.program.wait()
    require(told in asked.program.text(), f"{asked.program}: {asked.program.last_words()}")


def transfers(lab, client, server, version):
    """As much each way as the buffer of a socket holds."""
    asked = start_server(lab, server, *VERSIONS[version], "-quiet")
    program = start_client(lab, client, asked, *VERSIONS[version], "-quiet", "-no_ign_eof")
    for sender, receiver in ((program, asked.program), (asked.program, program)):
        sender.send((lab.folder / "payload").read_bytes())
        receiver.receive(PAYLOAD_SIZE, lab.hashes["payload"])
    end_client(program)
    asked.program.succeed()


def renegotiation(lab, client, server, version, who):
    """At the letter R of the client or of the server."""
    asked = start_server(lab, server, *VERSIONS[version], "-client_renegotiation")
    program = start_client(lab, client, asked, *VERSIONS[version], "-state")
    say_words(program, asked.program)
    (program if who == "client" else asked.program).send(b"R\n")
    end = r"SSL_connect:SSLv3/TLS read finished\n"
    program.wait_for(rf"{end}(?:.*\n)*{end}")
    say_words(program, asked.program)
    end_client(program)
    asked.program.succeed()
    require("   2 server accepts that finished" in asked.program.text(), "the server has not counted")
    verified = len(re.findall(r"^depth=0 CN = localhost\nverify return:1$", program.text(), re.M))
    require(verified == 2, f"the client has verified the server {verified} times")


def no_renegotiation(lab, client, server):
    """The server does not want it."""
    asked = start_server(lab, server, "-dtls")
    program = start_client(lab, client, asked, "-dtls")
    say_words(program, asked.program)
    program.send(b"R\n")
    require(program.wait() == 1, f"{program} has renegotiated")
    require("no renegotiation" in program.text(), f"{program}: {program.last_words()}")
    asked.program.wait()
    require("   1 server accepts that finished" in asked.program.text(), "the server has accepted it")


REFUSED = {
    "no-client-certificate": (DEMAND, [], "alert handshake failure",
                              "peer did not return a certificate"),
    "unknown-issuer": ([], ["-CAfile", "client.pem"], "certificate verify failed",
                       "alert unknown ca"),
    "no-common-cipher": (["-cipher", "AES128-SHA"], ["-cipher", "AES256-SHA"],
                         "alert handshake failure", "no shared cipher"),
}


def cases(report, lab):
    lab.text_payload("payload", seed=3, size=PAYLOAD_SIZE)
    with Crowd(report, lab) as crowd:
        for client, server in PAIRINGS:
            pair_cases(crowd.pair(client, server))


def pair_cases(case):
    for host_name, host in HOSTS.items():
        case(f"{host_name}.any-version", any_version, host)
        for version in VERSIONS:
            where = f"{host_name}.{NAMES[version].lower()}"
            case(where, one_version, version, host)
            case(f"{where}.listen", listening, version, host)
    for version, suites in (("1.2", CIPHERS), ("1.0", OLDER_CIPHERS)):
        kind = NAMES[version].lower()
        for suite, key in suites.items():
            case(f"{kind}.{suite.lower()}", cipher, version, suite, key)
        case(f"{kind}.non-blocking", one_version, version, HOSTS["ipv4"], "-nbio", "-timeout")
        case(f"{kind}.transfers", transfers, version)
        for key in ("ecdsa", "rsa"):
            case(f"{kind}.client-certificate.{key}", client_certificate, version, key)
        for who in ("client", "server"):
            case(f"{kind}.renegotiation-of-the-{who}", renegotiation, version, who)
    for what, details in REFUSED.items():
        case(what, refused, *details)
    for end in ("client", "server"):
        case(f"older-{end}", older_end, end)
    case("no-renegotiation", no_renegotiation)
