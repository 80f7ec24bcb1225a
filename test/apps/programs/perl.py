"""Perl's IO::Socket::SSL and Net::SSLeay, as client and as server."""

from languages import SCRIPTS, Language, prepare

PACKAGES = "libio-socket-ssl-perl libnet-ssleay-perl"
PERL = "/usr/bin/perl"
NEEDS = [PERL, "/usr/share/perl5/IO/Socket/SSL.pm"]

SCENARIOS = ["transfer.ecdsa", "transfer.rsa", "sni", "alpn", "client-certificate",
             "no-client-certificate", "wrong-name", "unknown-issuer", "session-cache",
             "ticket-keys", "verify-callback", "fingerprint", "non-blocking", "start-and-stop",
             "ocsp-staple", "exporter-and-keylog", "sslcat"]


def cases(report, lab):
    prepare(lab)
    Language("perl", [PERL, SCRIPTS / "perl_server.pl"], [PERL, SCRIPTS / "perl_client.pl"],
             SCENARIOS, ["post-handshake-authentication"]).cases(report, lab)
