"""DTLS between our libssl.so.3 (in Debian's openssl) and other implementations, both ways, and over a
network that loses, doubles and reorders datagrams. For ./run."""

import concurrent.futures
import contextlib
import dataclasses
import pathlib
import shutil
import subprocess
import typing

from datagrams import DISORDER, LOSSES, Relay
from dtls import certified
from programs import Failure, clean_environment, require, sha256
from s_client import Server, start_client
from suites import KEYED, SUITES, gnutls_suite

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 20
# Most cases wait for a timer.
AT_A_TIME = 6
# Equally long; each fits into the smallest datagram.
QUESTION = b"the question: " + b"0123456789" * 15 + b"\n"
ANSWER = b"the answer:   " + b"9876543210" * 15 + b"\n"
QUESTION_FILE = "datagram-question.txt"
KEY = "00112233445566778899aabbccddeeff"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    suite: str = "ECDHE-ECDSA-AES128-GCM-SHA256"
    version: str = "DTLSv1.2"
    client_certificate: bool = False
    connections: int = 1  # the later ones resume the first one's session
    renegotiates: bool = False
    mtu: int = 1400
    plans: typing.Callable = None

    @property
    def certificate(self):
        return None if self.suite in KEYED else SUITES[self.suite].key

    @property
    def standard(self):
        return (SUITES | KEYED)[self.suite].standard


def older(suite, **options):
    return Case(f"dtlsv1.{suite.lower()}", suite, "DTLSv1", **options)


def newer(suite, **options):
    return Case(f"dtlsv1.2.{suite.lower()}", suite, **options)


BASIC = [
    newer("ECDHE-ECDSA-AES128-GCM-SHA256"),
    newer("ECDHE-ECDSA-AES128-CCM8"),
    newer("PSK-AES128-GCM-SHA256"),
    Case("dtlsv1.2.client-certificate", client_certificate=True),
    Case("dtlsv1.2.resumption", connections=2),
]
SMALL = [Case("dtlsv1.2.mtu-300", mtu=300, client_certificate=True)]
MORE = [
    newer("ECDHE-RSA-CHACHA20-POLY1305"), newer("DHE-RSA-AES128-GCM-SHA256"),
    newer("AES128-GCM-SHA256"), newer("ECDHE-RSA-AES256-SHA384"),
    older("ECDHE-ECDSA-AES256-SHA"), older("DHE-RSA-AES128-SHA"), older("AES256-SHA"),
    older("CAMELLIA256-SHA"),
    Case("dtlsv1.resumption", "ECDHE-ECDSA-AES256-SHA", "DTLSv1", connections=2),
    Case("dtlsv1.mtu-300", "ECDHE-ECDSA-AES256-SHA", "DTLSv1", mtu=300, client_certificate=True),
    Case("dtlsv1.2.renegotiation", renegotiates=True),
    Case("dtlsv1.renegotiation", "ECDHE-ECDSA-AES256-SHA", "DTLSv1", renegotiates=True),
]


def accidents(mtu, *without):
    return [Case(f"dtlsv1.2.{name}", mtu=mtu, plans=plans)
            for name, plans in (LOSSES | DISORDER).items() if name not in without]


ALL = [*BASIC, *SMALL, *MORE, *accidents(400)]
# Mbed TLS 2.28 never answers a client whose last flight has come late, on the system's library either.
MBEDTLS_SERVER = [*BASIC, *SMALL, *MORE, *accidents(400, "reordered")]
# Pion has neither DTLS 1.0 nor the other suites. As a client it stops at parts of two messages in one
# datagram and at a server's flight that comes a second time, also at those of the system's library.
PION_SERVER = [*BASIC, *SMALL, *accidents(400)]
PION_CLIENT = [*BASIC, *accidents(1400, "lost-beginning-of-the-server's-flight",
                                  "lost-middle-of-the-server's-flight", "reordered")]


class GnuTls:
    client_cases = server_cases = ALL
    always_closes = True

    def options(self, case):
        version = {"DTLSv1": "1.0", "DTLSv1.2": "1.2"}[case.version]
        return ["--udp", f"--mtu={case.mtu}",
                f"--priority=NORMAL:-VERS-ALL:+VERS-DTLS{version}:{gnutls_suite(case.suite)}:-GROUP-ALL:"
                "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-FFDHE2048"]

    def start_client(self, lab, case, port):
        command = ["gnutls-cli", *self.options(case), f"--logfile=gnutls-{port}.log", "-p", port,
                   "--sni-hostname=localhost", "--verify-hostname=localhost",
                   "--x509cafile=ca.pem", "127.0.0.1"]
        if case.certificate is None:
            command += ["--pskusername=somebody", f"--pskkey={KEY}"]
        if case.client_certificate:
            command += ["--x509certfile=client.pem", "--x509keyfile=client.key"]
        if case.connections > 1:
            command.append("--resume")
        if case.renegotiates:
            command.append("--rehandshake")
        program = lab.start(None, command, stdin="pipe")
        program.send(QUESTION)
        return program

    # gnutls-cli says nothing in the first of two connections.
    def questions(self, case):
        return 1

    def finish_client(self, program, lab, case, port):
        program.receive(len(ANSWER), sha256(ANSWER))
        program.close_input()
        program.succeed(TIMEOUT)
        if case.connections > 1:
            told = (lab.folder / f"gnutls-{port}.log").read_text(errors="replace")
            require("This is a resumed session" in told, "gnutls-cli reports no resumption")

    def start_server(self, lab, case, port):
        command = ["gnutls-serv", *self.options(case), "--echo", "--quiet", f"--port={port}"]
        if case.certificate is None:
            command.append("--pskpasswd=keys.txt")
        else:
            command += [f"--x509certfile={case.certificate}.pem",
                        f"--x509keyfile={case.certificate}.key"]
        command += (["--require-client-cert", "--verify-client-cert", "--x509cafile=ca.pem"]
                    if case.client_certificate else ["--disable-client-cert"])
        return lab.start(None, command)

    def finish_server(self, program, case):
        program.stop()  # it serves for ever


class OwnProgram:
    """A program of ours in mbedtls/ or pion/; they take the same options."""

    # Pion may have gone before its close_notify has, and knows no names of resumed sessions.
    def __init__(self, command, client_cases, server_cases, suite, is_pion=False):
        self.command = command
        self.client_cases = client_cases
        self.server_cases = server_cases
        self.suite = suite
        self.always_closes = self.remembers_names = not is_pion

    def options(self, case, certificate, ca):
        options = [f"version={case.version}", f"suite={self.suite(case)}", f"mtu={case.mtu}",
                   f"connections={case.connections}"]
        options += [f"certificate={certificate}"] if certificate else []
        options += ["ca=ca.pem"] if ca else []
        options += [f"key={KEY}"] if case.certificate is None else []
        return options + (["renegotiate=yes"] if case.renegotiates else [])

    def start_client(self, lab, case, port):
        own = "client" if case.client_certificate else None
        return lab.start(None, [self.command, "client", f"port={port}",
                                f"question={QUESTION_FILE}",
                                *self.options(case, own, case.certificate)])

    def questions(self, case):
        return case.connections

    def finish_client(self, program, lab, case, port):
        program.succeed(TIMEOUT)
        self.check(program, case, ANSWER, "CN=localhost" if case.certificate else "-")

    def start_server(self, lab, case, port):
        return lab.start(None, [self.command, "server", f"port={port}",
                                *self.options(case, case.certificate, case.client_certificate)])

    def finish_server(self, program, case):
        program.succeed(TIMEOUT)
        self.check(program, case, QUESTION,
                   "CN=test client" if case.client_certificate else "-")

    def check(self, program, case, data, name):
        start = f"{case.version} {self.suite(case)} {sha256(data)}"
        later = name if self.remembers_names else "-"
        expected = f"{start} {name}\n" + f"{start} {later}\n" * (case.connections - 1)
        told = program.output().decode()
        require(told == expected, f"the peer reports {told}")


def own_options(case):
    """What s_client and s_server on our library are told."""
    version = "-" + case.version.lower().replace("v", "").replace(".", "_")
    options = [version, "-nbio", "-mtu", case.mtu, "-cipher", f"{case.suite}:@SECLEVEL=0"]
    if case.certificate is None:
        options += ["-psk", KEY, "-psk_identity", "somebody"]
    return options


def on_the_way(case, port):
    """The port to which a client sends, of a relay or the server's own."""
    return Relay(port, *case.plans()) if case.plans else contextlib.nullcontext()


def peer_as_client(lab, peer, case):
    """The peer's client against s_server on our library."""
    options = ["-quiet", "-naccept", case.connections, "-client_renegotiation", *own_options(case)]
    options += certified(case.certificate) if case.certificate else ["-nocert"]
    if case.client_certificate:
        options += ["-Verify", "2", "-CAfile", "ca.pem", "-verify_return_error"]
    server = Server(lab, "ours", *options, protocol="udp")
    with on_the_way(case, server.port) as relay:
        port = relay.port if relay else server.port
        client = peer.start_client(lab, case, port)
        try:
            for number in range(1, peer.questions(case) + 1):
                server.program.receive(number * len(QUESTION), sha256(QUESTION * number))
                server.program.send(ANSWER)
        except Failure as failure:
            raise Failure(f"{failure}; the peer's client: {client.last_words()}") from None
        peer.finish_client(client, lab, case, port)
        if peer.always_closes:
            server.program.succeed(TIMEOUT)
        require(not relay or relay.changed(), "nothing was disturbed")
    if case.client_certificate:
        require("depth=0 CN = test client" in server.program.text(),
                "s_server has seen no client's name")


@dataclasses.dataclass
class Address:
    port: int
    host: str = "127.0.0.1"


def converse(lab, peer_program, address, case, *options):
    """One connection of s_client on our library, in which the question comes back."""
    client = start_client(lab, "ours", address, *own_options(case), *options)
    client.send(QUESTION)
    try:
        client.wait_for(QUESTION.decode().strip(), TIMEOUT)
    except Failure as failure:
        raise Failure(f"{failure}; the peer's server: {peer_program.last_words()}") from None
    client.close_input()
    client.succeed(TIMEOUT)
    client.check_loaded()
    return client.text()


def peer_as_server(lab, peer, case):
    """s_client on our library against the peer's server."""
    port = lab.free_port()
    server = peer.start_server(lab, case, port)
    server.listens(port, protocol="udp")
    session = f"session-{port}.pem"
    with on_the_way(case, port) as relay:
        address = Address(relay.port if relay else port)
        own = certified("client") if case.client_certificate else []
        for number in range(case.connections):
            keeps = [] if case.connections == 1 else ["-sess_in" if number else "-sess_out", session]
            text = converse(lab, server, address, case, *own, *keeps)
            kind = "Reused" if number else "New"
            require(f"\n{kind}, " in text, f"s_client's connection is not {kind}")
        peer.finish_server(server, case)
        require(not relay or relay.changed(), "nothing was disturbed")


def find_gnutls(lab):
    (lab.folder / "keys.txt").write_text(f"somebody:{KEY}\n")
    return GnuTls() if shutil.which("gnutls-cli") and shutil.which("gnutls-serv") else None


def find_mbedtls(lab):
    if not pathlib.Path("/usr/include/mbedtls/ssl_cookie.h").exists():
        return None
    program = lab.path("mbedtls-peer")
    subprocess.run(["cc", "-O1", "-o", program, HERE / "mbedtls" / "peer.c", "-lmbedtls",
                    "-lmbedx509", "-lmbedcrypto"], check=True, env=clean_environment())
    return OwnProgram(program, ALL, MBEDTLS_SERVER, lambda case: case.standard.replace("_", "-"))


def find_pion(lab):
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    sources = pathlib.Path("/usr/share/gocode")
    if go is None or not (sources / "src/github.com/pion/dtls/v2").exists():
        return None
    program = lab.path("pion-peer")
    variables = {"GO111MODULE": "off", "GOPATH": str(sources), "GOFLAGS": "-buildvcs=false",
                 "GOTOOLCHAIN": "local", "GOPROXY": "off"}
    subprocess.run([go, "build", "-o", program, HERE / "pion" / "peer.go"], check=True,
                   cwd=lab.folder, env=clean_environment() | variables)
    return OwnProgram(program, PION_CLIENT, PION_SERVER, lambda case: case.standard,
                      is_pion=True)


PEERS = [
    ("gnutls", find_gnutls, "gnutls-cli and gnutls-serv (package gnutls-bin)"),
    ("mbedtls", find_mbedtls, "Mbed TLS (package libmbedtls-dev)"),
    ("pion", find_pion, "Pion, or go to build it (packages golang-github-pion-dtls.v2-dev, golang-go)"),
]


def cases(report, lab, name, find, what):
    try:
        peer = find(lab)
    except subprocess.CalledProcessError as error:
        report.fail(f"dtls.{name}", f"its program could not be built: {error}")
        return
    if peer is None:
        report.skip(f"dtls.{name}", f"{what} IS NOT INSTALLED, so nothing is known about this peer")
        return
    (lab.folder / QUESTION_FILE).write_bytes(QUESTION)
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        for kind, function, chosen in (("client", peer_as_client, peer.client_cases),
                                       ("server", peer_as_server, peer.server_cases)):
            for case in chosen:
                pool.submit(report.case, f"dtls.{name}-{kind}.{case.name}", function, lab, peer, case)
