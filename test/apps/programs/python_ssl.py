"""Python's ssl module, on sockets, on memory BIOs and in asyncio, as client and as server."""

from languages import SCRIPTS, Language, prepare
from programs import PYTHON

PACKAGES = "python3"
NEEDS = [PYTHON]

SCENARIOS = ["transfer.ecdsa", "transfer.rsa", "sni", "alpn", "client-certificate",
             "no-client-certificate", "wrong-name", "unknown-issuer", "authority-as-data",
             "session", "keylog", "channel-binding", "start-and-stop", "dropped", "non-blocking",
             "memory-bio", "options", "curve", "https", "asyncio", "asyncio-many"]


def cases(report, lab):
    prepare(lab)
    Language("python-ssl", [PYTHON, SCRIPTS / "python_server.py"],
             [PYTHON, "-B", SCRIPTS / "python_client.py"],
             SCENARIOS,
             ["ciphers.TLSv1_2", "asyncio-start-tls.TLSv1_3",
              "post-handshake-authentication"]).cases(report, lab)
