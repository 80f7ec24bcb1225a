"""pyOpenSSL, which is Python's cryptography on libssl, as client and as server."""

from languages import SCRIPTS, Language, prepare
from programs import PYTHON

PACKAGES = "python3-openssl python3-cryptography"
NEEDS = [PYTHON, "/usr/lib/python3/dist-packages/OpenSSL/SSL.py"]

SCENARIOS = ["transfer.ecdsa", "transfer.rsa", "sni", "alpn", "client-certificate",
             "no-client-certificate", "unknown-issuer", "session", "info-callback",
             "verify-callback", "ocsp", "exporter-and-keylog", "memory"]


def cases(report, lab):
    prepare(lab)
    Language("pyopenssl", [PYTHON, SCRIPTS / "pyopenssl_server.py"],
             [PYTHON, "-B", SCRIPTS / "pyopenssl_client.py"],
             SCENARIOS,
             ["session-id.TLSv1_2", "renegotiation.TLSv1_2",
              "no-renegotiation.TLSv1_2"]).cases(report, lab)
