"""curl, with openssl s_server and a server in Python."""

from programs import HOST, OPENSSL, PAIRINGS, PYTHON, require, sha256
from transfers import (
    LARGE, SMALL, make_payloads, python_server, s_server, timeout)

CURL = "/usr/bin/curl"
PACKAGES = "curl openssl python3"
NEEDS = [CURL, OPENSSL, PYTHON]


def run_curl(lab, library, port, name, *options, version="1.3"):
    """What curl receives from https://localhost:PORT/NAME."""
    program = lab.run(library, [CURL, "-sS", "-v", "--noproxy", "*", "--tlsv" + version,
                                "--tls-max", version, "--cacert", "ca.pem",
                                "--resolve", f"{HOST}:{port}:127.0.0.1", *options,
                                f"https://{HOST}:{port}/{name}"], timeout(name))
    require(program.process.returncode == 0, f"{program}: {program.last_words()}")
    require(f"SSL connection using TLSv{version}" in program.text(),
            f"curl does not report TLS {version}")
    return program.output()


def curl_get(lab, library, name, *server):
    got = run_curl(lab, library, lab.shared(*server), name)
    require(sha256(got) == lab.hashes[name], f"{len(got)} bytes with another checksum arrived")


def curl_put(lab, library, name, *server):
    answer = run_curl(lab, library, lab.shared(*server), name, "-T", name)
    require(answer.decode() == lab.hashes[name], f"the server computed {answer!r}")


def transfer_cases(report, lab):
    for library, server in PAIRINGS[:3]:
        pair = f"curl-{library}.python-{server}"
        sizes = list(SMALL) + (list(LARGE) if server == "system" else [])
        for size in sizes:
            for method, function in (("get", curl_get), ("put", curl_put)):
                report.case(f"{pair}.{method}.{size}", function, lab, library, size,
                            python_server, server, "ecdsa")
    for server in ("ours", "system"):
        for key in ("ecdsa", "rsa"):
            for size in SMALL:
                report.case(f"curl-ours.s_server-{server}.{key}.get.{size}", curl_get, lab, "ours",
                            size, s_server, server, key, "-WWW")


def curl_older(lab, library, name, *server):
    """Both ways over TLS 1.2."""
    port = lab.shared(*server)
    got = run_curl(lab, library, port, name, version="1.2")
    require(sha256(got) == lab.hashes[name], f"{len(got)} bytes with another checksum arrived")
    answer = run_curl(lab, library, port, name, "-T", name, version="1.2")
    require(answer.decode() == lab.hashes[name], f"the server computed {answer!r}")


def older_cases(report, lab):
    for library, server in PAIRINGS[:3]:
        sizes = ["0B", "1B", "16KB+1"] + (list(LARGE) if library != server else [])
        for size in sizes:
            report.case(f"curl-{library}.python-{server}.tlsv1.2.both-ways.{size}", curl_older, lab,
                        library, size, python_server, server, "ecdsa", "TLSv1_2")


def cases(report, lab):
    make_payloads(lab)
    transfer_cases(report, lab)
    older_cases(report, lab)
