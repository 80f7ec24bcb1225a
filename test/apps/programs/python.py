"""Python's ssl, over sockets and in asyncio over memory BIOs, with a server in Python."""

import json

from programs import HOST, PAIRINGS, PYTHON, Failure, require
from transfers import (
    LARGE, PROGRAMS, SMALL, make_payloads, python_server, timeout)

PACKAGES = "python3"
NEEDS = [PYTHON]


def client_results(lab, library, server, key, mode, names, version="TLSv1_3"):
    """Runs every transfer in one client process. Returns {(method, name): its JSON line}, and why
    there are no more under "ended"."""
    requests = [(method, name) for name in names for method in ("GET", "PUT")]
    flat = [word for pair in requests for word in pair]
    try:
        port = lab.shared(python_server, server, key, version)
        client = lab.run(library, [PYTHON, PROGRAMS / "https_client.py", version, port, "ca.pem",
                                   mode, *flat], timeout(names))
    except Failure as failure:
        return {"ended": str(failure)}
    lines = [json.loads(line) for line in client.output().decode().splitlines()]
    return dict(zip(requests, lines)) | {"ended": client.last_words()}


def check_result(lab, results, method, name, version="TLSv1.3"):
    require((method, name) in results, f"the client ended before it: {results['ended']}")
    line = results[(method, name)]
    require(line["sha256"] == lab.hashes[name], "another checksum")
    require(line["version"] == version and line["peer"] == HOST, f"negotiated: {line}")


def transfer_cases(report, lab):
    for client_library, server_library in PAIRINGS[:3]:
        for mode, key in (("socket", "ecdsa"), ("socket", "rsa"), ("memory", "ecdsa")):
            large = key == "ecdsa" and mode == "socket" and client_library != server_library
            names = list(SMALL) + (list(LARGE) if large else [])
            pair = f"python-{client_library}.{mode}.python-{server_library}.{key}"
            results = client_results(lab, client_library, server_library, key, mode, names)
            for name in names:
                for method in ("GET", "PUT"):
                    report.case(f"{pair}.{method.lower()}.{name}", check_result, lab,
                                results, method, name)


def older_cases(report, lab):
    for client_library, server_library in PAIRINGS[:3]:
        for mode, key in (("socket", "rsa"), ("memory", "ecdsa")):
            large = mode == "socket" and client_library != server_library
            names = ["0B", "1B", "16KB+1"] + (list(LARGE) if large else [])
            pair = f"python-{client_library}.{mode}.python-{server_library}.{key}.tlsv1.2"
            results = client_results(lab, client_library, server_library, key, mode, names,
                                     "TLSv1_2")
            for name in names:
                for method in ("GET", "PUT"):
                    report.case(f"{pair}.{method.lower()}.{name}", check_result, lab,
                                results, method, name, "TLSv1.2")


def asking_server(lab, library, key):
    server = lab.start(library, [PYTHON, PROGRAMS / "post_handshake_auth.py", "server", "ca.pem",
                                 f"{key}.pem", f"{key}.key"])
    port = server.port()
    server.check_mapped()
    return server, port


def post_handshake_authentication(lab, client_library, server_library, key):
    port = lab.shared(asking_server, server_library, key)
    client = lab.run(client_library, [PYTHON, PROGRAMS / "post_handshake_auth.py", "client",
                                      "ca.pem", "client.pem", "client.key", port])
    require(client.process.returncode == 0, f"{client}: {client.last_words()}")
    answers = client.output().decode().splitlines()
    require(answers == ["nobody"] * 2 + ["test client"] * 3, f"the server knew {answers}")


def post_handshake_cases(report, lab):
    for client_library, server_library in PAIRINGS[:3]:
        for key in ("ecdsa", "rsa"):
            name = f"python-{client_library}.python-{server_library}.{key}.post-handshake-auth"
            report.case(name, post_handshake_authentication, lab, client_library, server_library,
                        key)


def cases(report, lab):
    make_payloads(lab)
    transfer_cases(report, lab)
    older_cases(report, lab)
    post_handshake_cases(report, lab)
