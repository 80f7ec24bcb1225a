"""PHP's openssl extension: ssl:// and https:// streams, as client and as server."""

from languages import SCRIPTS, Language, prepare

PACKAGES = "php8.2-cli"
PHP = "/usr/bin/php8.2"
NEEDS = [PHP]

SCENARIOS = ["transfer.ecdsa", "transfer.rsa", "sni", "captured-certificates", "alpn",
             "client-certificate", "no-client-certificate", "wrong-name", "unknown-issuer",
             "fingerprint", "curve", "non-blocking", "start-tls", "https"]


def cases(report, lab):
    prepare(lab)
    # No php.ini: the settings are PHP's own.
    Language("php", [PHP, "-n", SCRIPTS / "php_server.php"],
             [PHP, "-n", SCRIPTS / "php_client.php"],
             SCENARIOS, ["cipher-order.TLSv1_2"]).cases(report, lab)
