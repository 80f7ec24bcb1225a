"""fetchmail with POP3 over TLS and with STLS, as client of a server in Python."""

import json

from languages import PAIRINGS, SCRIPTS
from programs import HOST, PYTHON, require, sha256

PACKAGES = "fetchmail"
FETCHMAIL = "/usr/bin/fetchmail"
NEEDS = [FETCHMAIL]

VERSIONS = {"TLSv1_2": "TLS1.2", "TLSv1_3": "TLS1.3"}
LETTER_LINES = 2000


def start_server(lab, library, version):
    server = lab.start(library, [PYTHON, SCRIPTS / "pop3_server.py", version])
    ports = json.loads(server.wait_for(r"listening (\{.*\})\n")[1])
    server.check_mapped()
    return server, ports


def write_letter(lab):
    head = b"From: someone@localhost\r\nTo: nobody@localhost\r\nSubject: a letter\r\n\r\n"
    body = b"".join(b"line %d of the letter\r\n" % number for number in range(LETTER_LINES))
    (lab.folder / "letter").write_bytes(head + body)
    return sha256(body.replace(b"\r\n", b"\n"))


def poll(lab, client, server, version, service, authority="ca.pem", name=HOST, client_version=None):
    """Runs fetchmail once. Returns the program and the file with what it delivered."""
    ports = lab.shared(start_server, server, version)
    mailbox = lab.folder / "mailbox"
    mailbox.unlink(missing_ok=True)
    ssl = "ssl" if service == "pop3s" else ""
    settings = lab.folder / "fetchmailrc"
    settings.write_text(
        f'poll 127.0.0.1 service {ports[service]} protocol pop3 user "someone" password "secret"\n'
        f'  {ssl} sslproto "{VERSIONS[client_version or version]}"\n'
        f'  sslcertck sslcertfile "{lab.path(authority)}" sslcommonname "{name}"\n'
        f'  norewrite keep mda "cat > {mailbox}"\n')
    settings.chmod(0o600)
    program = lab.run(client, [FETCHMAIL, "-f", settings, "-v", "-v", "--nodetach", "--nosyslog",
                               "--fetchall", "--pidfile", lab.path("fetchmail.pid")],
                      environment={"HOME": str(lab.folder), "FETCHMAILHOME": str(lab.folder)})
    return program, mailbox


def fetch(lab, client, server, version, service):
    expected = write_letter(lab)
    program, mailbox = poll(lab, client, server, version, service)
    require(program.process.returncode == 0, f"{program}: {program.last_words()}")
    body = mailbox.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    require(sha256(body) == expected, f"{len(body)} bytes with another checksum arrived")
    # fetchmail's own word for the version.
    name = version.replace("_", ".")
    require(f"SSL/TLS: using protocol {name}" in program.text(), f"{program} does not say {name}")


def refused(lab, client, server, version, service, words, setting, value):
    write_letter(lab)
    program, mailbox = poll(lab, client, server, version, service, **{setting: value})
    require(program.process.returncode != 0, f"{program} has succeeded")
    require(not mailbox.exists(), f"{program} has delivered something")
    require(words in program.text(), f"{program}: {program.last_words()}")


def cases(report, lab):
    for client, server in PAIRINGS:
        for version, other in (("TLSv1_2", "TLSv1_3"), ("TLSv1_3", "TLSv1_2")):
            for service in ("pop3s", "pop3"):
                def case(name, function, *arguments):
                    report.case(f"fetchmail-{client}.python-{server}.{service}.{name}.{version}",
                                function, lab, client, server, version, service, *arguments)

                case("fetch", fetch)
                case("wrong-name", refused, "name mismatch", "name", "elsewhere.example")
                case("unknown-issuer", refused, "unable to get local issuer certificate",
                     "authority", "client.pem")
                case("other-version", refused, "alert protocol version", "client_version", other)
