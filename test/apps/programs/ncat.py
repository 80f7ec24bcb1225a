"""Nmap's ncat with --ssl, as client and as server."""

import json

import dtls
from languages import PAIRINGS, PAYLOAD_SIZE, only_version, prepare, python_services
from programs import require, sha256
from s_client import say_words

PACKAGES = "ncat"
NCAT = "/usr/bin/ncat"
NEEDS = [NCAT]

VERSIONS = ("TLSv1.2", "TLSv1.3")
VERIFYING = ["--ssl-verify", "--ssl-trustfile", "ca.pem", "--ssl-servername", "localhost"]


def start_server(lab, library, version, key, command):
    """A server whose only client talks to a shell's command."""
    server = lab.start(library, [NCAT, "--listen", "127.0.0.1", "0", "--ssl", "--ssl-cert",
                                 f"{key}.pem", "--ssl-key", f"{key}.key", "--sh-exec", command],
                       environment=only_version(lab, version))
    port = server.port()
    server.check_mapped()
    return server, port


def start_client(lab, library, version, port, *options):
    return lab.start(library, [NCAT, "--ssl", *options, "127.0.0.1", port], stdin="pipe",
                     environment=only_version(lab, version))


def answer(lab, library, version, port, *options, request, end):
    """What the client prints up to `end`. Its standard input stays open until then: ncat hangs up
    when it closes, and not when the server does."""
    program = start_client(lab, library, version, port, *VERIFYING, *options)
    program.send(request)
    program.wait_for(end)
    program.close_input()
    program.wait()
    program.check_loaded()
    return program.output()


def to_server(lab, client, server, version, key):
    _, port = start_server(lab, server, version, key, f"head -c {PAYLOAD_SIZE} | sha256sum")
    payload = (lab.folder / "payload").read_bytes()
    got = answer(lab, client, version, port, request=payload, end=" -\n").decode()
    require(got.split()[0] == lab.hashes["payload"], "another checksum arrived")


def to_client(lab, client, server, version, key):
    _, port = start_server(lab, server, version, key, "cat payload; echo the end")
    got = answer(lab, client, version, port, request=b"", end="the end\n")
    require(sha256(got.removesuffix(b"the end\n")) == lab.hashes["payload"],
            "another checksum arrived")


def facts_of(lab, client, server, version, service, *options):
    """What a server in Python sees."""
    ports = lab.shared(python_services, server)
    return json.loads(answer(lab, client, version, ports[f"{service}1{version[-1]}"], *options,
                             request=b"FACTS\n", end="}\n"))


def alpn(lab, client, server, version):
    facts = facts_of(lab, client, server, version, "tls", "--ssl-alpn", "spdy/1,http/1.1")
    require(facts["version"] == version and facts["sni"] == "localhost" and
            facts["alpn"] == "http/1.1", f"negotiated: {facts}")


def client_certificate(lab, client, server, version):
    facts = facts_of(lab, client, server, version, "auth", "--ssl-cert", "client.pem", "--ssl-key",
                     "client.key")
    require(facts["peer"] == "test client", f"the server knows the client as {facts['peer']}")


def refused(lab, client, server, version, words, *options):
    ports = lab.shared(python_services, server)
    program = start_client(lab, client, version, ports[f"rsa1{version[-1]}"], "--ssl-verify",
                           *options)
    require(program.wait() != 0, f"{program} has connected")
    program.check_loaded()
    require(words in program.text(), f"{program}: {program.last_words()}")


def over_datagrams(lab, client, server, key):
    """With --udp it speaks DTLS, as a client only."""
    asked = dtls.start_server(lab, server, "-dtls", key=key)
    program = lab.start(client, [NCAT, "--udp", "--ssl", *VERIFYING, "127.0.0.1", asked.port],
                        stdin="pipe")
    say_words(program, asked.program)
    program.check_mapped()
    program.stop()


def cases(report, lab):
    prepare(lab)
    for client, server in PAIRINGS:
        for key in ("ecdsa", "rsa"):
            report.case(f"ncat-{client}.s_server-{server}.dtls.{key}", over_datagrams, lab, client,
                        server, key)
        for version in VERSIONS:
            def case(peer, name, function, *arguments):
                label = version.replace(".", "_")
                report.case(f"ncat-{client}.{peer}-{server}.{name}.{label}", function, lab, client,
                            server, version, *arguments)

            for key in ("ecdsa", "rsa"):
                case("ncat", f"to-server.{key}", to_server, key)
                case("ncat", f"to-client.{key}", to_client, key)
            case("python", "alpn", alpn)
            case("python", "client-certificate", client_certificate)
            case("python", "wrong-name", refused, "Certificate verification error",
                 "--ssl-trustfile", "ca.pem", "--ssl-servername", "elsewhere.example")
            case("python", "unknown-issuer", refused, "Input/output error",
                 "--ssl-trustfile", "client.pem", "--ssl-servername", "localhost")
