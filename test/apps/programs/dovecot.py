"""Dovecot's IMAP server with curl and openssl s_client, and as a proxy, which is a client of another
one."""

import grp
import os
import pwd
import shutil
import signal

import s_client
from programs import HOST, require, sha256
from web import CURL, TIMEOUT, pairs

PACKAGES = "dovecot-imapd curl openssl"
DOVECOT = "/usr/sbin/dovecot"
NEEDS = [DOVECOT, "/usr/lib/dovecot/imap", CURL]

IS_ROOT = os.geteuid() == 0
# Whose the mail is. Root may not have any.
OWNER = pwd.getpwnam("nobody") if IS_ROOT else pwd.getpwuid(os.geteuid())
LETTER = "letter"
CERTIFICATE = ["-cert", "client.pem", "-key", "client.key"]
GREETING = r"\* OK .*ready"
CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
info_log_path = /dev/stderr
import_environment = TZ LD_LIBRARY_PATH
auth_mechanisms = plain external
auth_failure_delay = 0
login_log_format_elements = user=<%u> method=%m %c %k
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/certificate.key
ssl_ca = <{lab}/ca.pem
ssl_client_ca_file = {lab}/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = {verify}
auth_ssl_username_from_cert = yes
auth_username_chars =
mail_location = maildir:{folder}/mail
first_valid_uid = 1
userdb {{
  driver = static
  args = uid={owner} gid={group} home={folder}
}}
service imap-login {{
  # One process for all connections, so that it has its sessions.
  service_count = 0
  process_limit = 1
  client_limit = 100
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  # Who has been refused does not have to wait.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = static
  args = {password}
}}
"""
NOT_ROOT = """
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
}}
"""


class Server:
    """A running Dovecot. `password` is what its password database says of everybody, `verify`
    whether it asks for certificates: then it resumes no session, for it sets no context for them."""

    def __init__(self, lab, library, password="password=secret", verify="no"):
        self.imap, self.imaps = lab.free_port(), lab.free_port()
        self.folder = lab.folder / f"dovecot-{self.imap}"
        (self.folder / "mail").mkdir(parents=True)
        self.use_certificate(lab, "ecdsa")
        os.chown(self.folder / "mail", OWNER.pw_uid, OWNER.pw_gid)
        text = (CONFIGURATION + ("" if IS_ROOT else NOT_ROOT)).format(
            folder=self.folder, lab=lab.folder, imap=self.imap, imaps=self.imaps,
            password=password, verify=verify, owner=OWNER.pw_name,
            group=grp.getgrgid(OWNER.pw_gid).gr_name)
        path = lab.write(f"dovecot-{self.imap}.conf", text)
        self.program = lab.start(library, [DOVECOT, "-F", "-c", path], traced=False)
        self.program.listens(self.imap, self.imaps)

    def use_certificate(self, lab, name):
        for kind in ("pem", "key"):
            shutil.copy(lab.path(f"{name}.{kind}"), self.folder / f"certificate.{kind}")


def dovecot(lab, library):
    server = Server(lab, library)
    return server.program, server


def asking_dovecot(lab, library):
    server = Server(lab, library, "nopassword=y", "yes")
    return server.program, server


def proxy(lab, library, behind):
    port = lab.shared(dovecot, behind).imaps
    server = Server(lab, library, f"proxy=y host={HOST} hostip=127.0.0.1 port={port} ssl=yes "
                                  "nopassword=y")
    return server.program, server


def curl(lab, library, version, url, *options):
    tls = [] if version is None else ["--tlsv" + version, "--tls-max", version, "--ssl-reqd"]
    program = lab.run(library, [CURL, "-sS", "-v", "--cacert", "ca.pem", "-u", "user:secret",
                                *tls, *options, url], TIMEOUT)
    require(program.process.returncode == 0, f"{program}: {program.last_words()}")
    require(version is None or f"SSL connection using TLSv{version}" in program.text(),
            f"not TLS {version}")
    return program.output()


def letter_both_ways(lab, library, version, url, folder):
    """To a folder of its own, and back."""
    curl(lab, library, version, f"{url}/", "-X", f"CREATE {folder}")
    curl(lab, library, version, f"{url}/{folder}", "-T", LETTER)
    got = curl(lab, library, version, f"{url}/{folder};MAILINDEX=1")
    require(sha256(got) == lab.hashes[LETTER], f"{len(got)} bytes with another checksum came")


def imaps(lab, client, library, version):
    server = lab.shared(dovecot, library)
    url = f"imaps://{HOST}:{server.imaps}"
    letter_both_ways(lab, client, version, url, f"imaps-{client}-{version[2]}")
    server.program.check_all_mapped(named="imap-login")


def starttls(lab, client, library, version):
    server = lab.shared(dovecot, library)
    url = f"imap://{HOST}:{server.imap}"
    letter_both_ways(lab, client, version, url, f"starttls-{client}-{version[2]}")
    server.program.check_all_mapped(named="imap-login")


def client_certificate(lab, client, library, version):
    """The certificate's common name is the user."""
    server = lab.shared(asking_dovecot, library)
    words = b"a AUTHENTICATE EXTERNAL =\r\nb LOGOUT\r\n"
    asked = (lab, client, server.imaps, version, words)
    s_client.converse(*asked, "a OK ", *CERTIFICATE, "-ign_eof")
    server.program.wait_for("Login: user=<test client>, method=EXTERNAL, TLS")
    s_client.converse(*asked, "a NO ", "-ign_eof")


def resumption(lab, client, library, version):
    server = lab.shared(dovecot, library)
    s_client.resume(lab, client, server.imaps, version, b"", GREETING)


def another_certificate(lab, client, library, version):
    """SIGHUP makes the running server read its files anew."""
    server = lab.shared(dovecot, library)
    for name, bits in (("rsa", "2048"), ("ecdsa", "256")):
        server.use_certificate(lab, name)
        before = server.program.text().count("SIGHUP received")
        server.program.process.send_signal(signal.SIGHUP)
        server.program.wait_for(f"(?s)(SIGHUP received.*){{{before + 1}}}")
        got = s_client.key_bits(lab, client, server.imaps, version, b"", GREETING)
        require(got == bits, f"the key has {got} bits, not {bits}")


def proxied(lab, client, library, version):
    """The client's library is the proxy's; the version is that of the proxy's own client."""
    server = lab.shared(proxy, client, library)
    url = f"imaps://{HOST}:{server.imaps}"
    letter_both_ways(lab, "system", version, url, f"proxy-{client}-{version[2]}")
    server.program.check_all_mapped(named="imap-login")
    server.program.wait_for("proxying to")


CASES = {
    "imaps.1MB": imaps,
    "starttls.1MB": starttls,
    "client-certificate": client_certificate,
    "resumption": resumption,
    "another-certificate": another_certificate,
}


def cases(report, lab):
    lab.text_payload(LETTER, seed=11, size=1024 * 1024)
    body = (lab.folder / LETTER).read_bytes().replace(b"\n", b"\r\n")
    letter = b"Subject: a letter\r\n\r\n" + body
    (lab.folder / LETTER).write_bytes(letter)
    lab.hashes[LETTER] = sha256(letter)
    for client, server, version in pairs():
        for name, function in CASES.items():
            report.case(f"curl-{client}.dovecot-{server}.tls{version}.{name}", function, lab,
                        client, server, version)
        report.case(f"dovecot-{client}.dovecot-{server}.tls{version}.proxy", proxied, lab, client,
                    server, version)
