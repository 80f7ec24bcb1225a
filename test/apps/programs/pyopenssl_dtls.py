"""pyOpenSSL over DTLS, as client and as server."""

from languages import SCRIPTS, Language, prepare
from programs import PYTHON

PACKAGES = "python3-openssl python3-cryptography"
NEEDS = [PYTHON, "/usr/lib/python3/dist-packages/OpenSSL/SSL.py"]

SCENARIOS = ["transfer.ecdsa", "transfer.rsa", "facts", "srtp-keys", "client-certificate", "mtu",
             "unknown-issuer", "no-client-certificate"]


def cases(report, lab):
    prepare(lab)
    Language("pyopenssl-dtls", [PYTHON, "-B", SCRIPTS / "pyopenssl_dtls_server.py"],
             [PYTHON, "-B", SCRIPTS / "pyopenssl_dtls_client.py"], [],
             SCENARIOS).cases(report, lab)
