"""Ruby's OpenSSL::SSL and Net::HTTP, as client and as server."""

from languages import SCRIPTS, Language, prepare

PACKAGES = "ruby"
RUBY = "/usr/bin/ruby"
NEEDS = [RUBY]

SCENARIOS = ["transfer.ecdsa", "transfer.rsa", "sni", "alpn", "client-certificate",
             "client-certificate-callback", "no-client-certificate", "wrong-name", "unknown-issuer",
             "session", "session-callback", "cache-outside", "verify-callback", "curve",
             "non-blocking", "start-tls", "net-http"]


def cases(report, lab):
    prepare(lab)
    Language("ruby", [RUBY, SCRIPTS / "ruby_server.rb"], [RUBY, SCRIPTS / "ruby_client.rb"],
             SCENARIOS, ["dhe.TLSv1_2"]).cases(report, lab)
