"""openssl s_client as one more client of a server: what it negotiates, and whether it resumes."""

import pathlib
import re

from programs import HOST, OPENSSL, require

VERSIONS = {"1.3": "-tls1_3", "1.2": "-tls1_2"}


def converse(lab, library, port, version, words, answer, *options):
    """What s_client prints about a connection in which the server has given `answer`, a pattern, to
    `words`. In TLS 1.3 the answer comes behind the tickets."""
    client = lab.start(library, [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}",
                                 "-servername", HOST, "-CAfile", "ca.pem", "-verify_hostname", HOST,
                                 "-verify_return_error", VERSIONS[version], *options], stdin="pipe")
    client.send(words)
    client.wait_for(answer)
    client.close_input()
    client.succeed()
    client.check_loaded()
    return client.text()


def key_bits(*arguments):
    """The length of the key in the server's certificate; the arguments are those of converse."""
    return re.search(r"Server public key is (\d+) bit", converse(*arguments))[1]


def resume(lab, library, port, version, words, answer, *options):
    """Two connections, of which the second resumes the session of the first."""
    session = lab.path(f"session-{library}-{port}-{version}.pem")
    for option, expected in (("-sess_out", "New"), ("-sess_in", "Reused")):
        text = converse(lab, library, port, version, words, answer, option, session, *options)
        require(re.search(rf"^{expected}, TLSv{version}", text, re.MULTILINE),
                f"s_client's connection is not {expected} with TLS {version}")
        require(pathlib.Path(session).exists(), "s_client has no session to keep")
