"""openssl s_client as one more client of a server: what it negotiates, and whether it resumes; and
s_server as the other end of a conversation."""

import itertools
import pathlib
import re

from programs import HOST, OPENSSL, require

VERSIONS = {"1.3": "-tls1_3", "1.2": "-tls1_2"}


class Server:
    """A running s_server, and its port."""

    def __init__(self, lab, library, *options, protocol="tcp", host="127.0.0.1"):
        self.host = host
        # Of UDP the kernel may give one port to two that ask for any, and for SO_REUSEADDR.
        port = 0 if protocol == "tcp" else lab.free_port()
        self.program = lab.start(library, [OPENSSL, "s_server", "-accept", f"{host}:{port}",
                                           *options], stdin="pipe")
        self.port = self.program.port(protocol)
        self.program.check_mapped()


connections = itertools.count(1)


def say_words(client, program):
    """Both ends of a connection say something to each other."""
    number = f"{next(connections):06}"
    client.send(f"a word to the server: {number}.\n".encode())
    program.wait_for(rf"a word to the server: {number}\.\n")
    program.send(f"a word to the client: {number}.\n".encode())
    client.wait_for(rf"a word to the client: {number}\.\n")


def start_client(lab, library, server, *options, port=None):
    """s_client, which verifies that server's name. `port` is for one that does not ask it directly."""
    return lab.start(library, [OPENSSL, "s_client", "-connect",
                               f"{server.host}:{port or server.port}", "-servername", HOST,
                               "-CAfile", "ca.pem", "-verify_hostname", HOST,
                               "-verify_return_error", *options], stdin="pipe")


def end_client(client):
    client.close_input()
    client.succeed()
    client.check_loaded()


def talk(lab, library, server, *options):
    """A connection in which both ends have said something. Returns what each printed about it."""
    already = len(server.program.output())
    client = start_client(lab, library, server, *options)
    say_words(client, server.program)
    end_client(client)
    return client.text(), server.program.output()[already:]


def expect(text, *patterns):
    for pattern in patterns:
        require(re.search(pattern, text, re.MULTILINE), f"the client has not printed '{pattern}'")


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
