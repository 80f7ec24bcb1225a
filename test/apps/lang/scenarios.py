"""What the clients in Python share: the file to transfer, and the word on how a scenario went."""

import hashlib
import json
import pathlib
import sys

# The client's argument: the JSON object that the server has printed.
PORTS = json.loads(sys.argv[1])
PAYLOAD = pathlib.Path("payload").read_bytes()
SHA256 = hashlib.sha256(PAYLOAD).hexdigest()
ADDRESS = "127.0.0.1"
SECONDS = 10


class Unexpected(Exception):
    pass


def require_equal(found, expected, what):
    if found != expected:
        raise Unexpected(f"{what} is {found!r}, not {expected!r}")


def require_hash(data):
    require_equal(hashlib.sha256(data).hexdigest(), SHA256, "what arrived")


def scenario(name, function, *arguments):
    try:
        function(*arguments)
        print(f"ok {name}", flush=True)
    except Exception as error:  # the other scenarios are told all the same
        print(f"failed {name}: {' '.join(repr(error).split())}", flush=True)


def versions():
    """For each version: its name, whether it is TLS 1.2, and tell(name, function, service, ...),
    which runs a scenario against the service of that version."""
    for number, version in ((12, "TLSv1.2"), (13, "TLSv1.3")):
        def tell(name, function, service, *arguments, number=number, version=version):
            scenario(f"{name}.{version.replace('.', '_')}", function, f"{service}{number}",
                     *arguments)

        yield version, number == 12, tell
