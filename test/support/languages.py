"""Clients and servers in the languages that programs are written in: a server process with one port
a service, a client process that runs every scenario against it and says how each went.

A server prints `listening {"SERVICE": PORT, ...}`. It answers requests, a line each:
  FACTS       what it knows about the connection: one line of JSON
  SEND NAME   the bytes of that file
  TAKE SIZE   that many bytes follow; the answer is their SHA-256
  BYE         the server closes the connection
and what its language has beyond: STARTTLS, STOPTLS, AUTHENTICATE, ROTATE ...
A client prints `ok SCENARIO` or `failed SCENARIO: why`."""

import json
import re
import subprocess

from programs import HOST, OPENSSL, PYTHON, ROOT, Failure, clean_environment, require
from programs import PAIRINGS as ALL_PAIRINGS

SCRIPTS = ROOT / "test" / "apps" / "lang"
# The pairings of programs.py with ours in them.
PAIRINGS = ALL_PAIRINGS[:3]
VERSIONS = ("TLSv1_2", "TLSv1_3")
CLIENT_SECONDS = 60
PAYLOAD_SIZE = 300_001


def prepare(lab):
    """What the scripts look for in the lab, beyond its certificates: a certificate for
    other.example, an OCSP response for localhost's, a file to transfer."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    lab.make_certificate("other", "/CN=other.example", curve, ["subjectAltName=DNS:other.example"])
    lab.payload("payload", PAYLOAD_SIZE)
    serial = subprocess.run([OPENSSL, "x509", "-noout", "-serial", "-in", lab.path("ecdsa.pem")],
                            check=True, capture_output=True, env=clean_environment(), text=True)
    (lab.folder / "index.txt").write_text(
        f"V\t491231235959Z\t\t{serial.stdout.strip()[len('serial='):]}\tunknown\t/CN={HOST}\n")
    pair = ["-issuer", "ca.pem", "-cert", "ecdsa.pem"]
    for command in (["-reqout", "ocsp.req", "-no_nonce", *pair],
                    ["-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey",
                     "ca.key", "-reqin", "ocsp.req", "-respout", "ocsp.der", "-ndays", "1"]):
        subprocess.run([OPENSSL, "ocsp", *command], cwd=lab.folder, check=True, capture_output=True,
                       env=clean_environment())


class Language:
    """`server` and `client` are commands; the client gets the server's ports as its last argument.
    The client has to account for each of `scenarios` in each version, and for `others`."""

    def __init__(self, name, server, client, scenarios, others):
        self.name = name
        self.server = server
        self.client = client
        self.scenarios = [f"{name}.{version}" for version in VERSIONS for name in scenarios]
        self.scenarios += others

    def cases(self, report, lab):
        for client, server in PAIRINGS:
            pair = f"{self.name}-{client}.{self.name}-{server}"
            names = [name for name in self.scenarios if report.only in f"{pair}.{name}"]
            if names:
                results = self._run(lab, client, server)
                for name in names:
                    report.case(f"{pair}.{name}", check_result, results, name)

    def _run(self, lab, client_library, server_library):
        """Every scenario's result, and under None why the client has told no more."""
        try:
            server = lab.start(server_library, self.server)
            ports = json.loads(server.wait_for(r"listening (\{.*\})\n")[1])
            client = lab.run(client_library, [*self.client, json.dumps(ports)], CLIENT_SECONDS)
            require(server.process.poll() is None, f"{server} died: {server.last_words()}")
            server.check_mapped()
            server.stop()
        except Failure as failure:
            return {None: str(failure)}
        told = re.findall(r"^(?:ok|failed) (\S+?)(?:: (.*))?$", client.output().decode(), re.M)
        return dict(told) | {None: f"{client} ended: {client.last_words()}"}


def check_result(results, name):
    require(name in results, f"not told: {results[None]}")
    require(results[name] == "", results[name])


def python_services(lab, library):
    """python_server.py for the clients of a module: (program, ports)."""
    server = lab.start(library, [PYTHON, SCRIPTS / "python_server.py"])
    ports = json.loads(server.wait_for(r"listening (\{.*\})\n")[1])
    server.check_mapped()
    return server, ports


def only_version(lab, version):
    """The environment in which libssl speaks one version, by openssl.cnf, for programs that have no
    setting for it. `version` is OpenSSL's name: TLSv1.2."""
    path = lab.folder / f"{version}.cnf"
    path.write_text("openssl_conf = libraries\n[libraries]\nssl_conf = modules\n[modules]\n"
                    f"system_default = defaults\n[defaults]\nMinProtocol = {version}\n"
                    f"MaxProtocol = {version}\n")
    return {"OPENSSL_CONF": str(path)}
