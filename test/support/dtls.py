"""openssl s_client and s_server over UDP."""

import concurrent.futures
import re

from programs import PAIRINGS as ALL_PAIRINGS
from programs import require
from s_client import Server, talk

# Those of programs.py with ours in them.
PAIRINGS = ALL_PAIRINGS[:3]
# DTLS 1.0 has hashes that are not for every security level.
VERSIONS = {"1.0": ["-dtls1", "-cipher", "ALL:@SECLEVEL=0"], "1.2": ["-dtls1_2"]}
NAMES = {"1.0": "DTLSv1", "1.2": "DTLSv1.2"}


def certified(key):
    return ["-cert", f"{key}.pem", "-key", f"{key}.key"]


def start_server(lab, library, *options, key="ecdsa", connections=1, host="127.0.0.1"):
    """A server for so many clients: what comes late from one must not reach others."""
    return Server(lab, library, *certified(key), "-naccept", connections, *options, protocol="udp",
                  host=host)


def talk_to_the_last(lab, library, server, *options):
    """A conversation after which the server ends. Returns what each end has printed."""
    text, _ = talk(lab, library, server, *options)
    server.program.succeed()
    return text, server.program.text()


def require_version(text, version):
    require(re.search(rf"^    Protocol  : {NAMES[version]}$", text, re.MULTILINE),
            f"the client does not say {NAMES[version]}")


class Crowd:
    """Runs cases side by side: at the end of each s_client waits half a second for a server that
    over UDP has no connection to close, and after a loss both ends wait for a timer."""

    def __init__(self, report, lab, at_a_time=6):
        self.report, self.lab = report, lab
        self.pool = concurrent.futures.ThreadPoolExecutor(at_a_time)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown()

    def case(self, name, function, *arguments):
        self.pool.submit(self.report.case, name, function, self.lab, *arguments)

    def pair(self, client, server):
        """case(name, function, ...), which calls function(lab, client, server, ...)."""
        def case(name, function, *arguments):
            self.case(f"dtls.s_client-{client}.s_server-{server}.{name}", function, client, server,
                      *arguments)

        return case
