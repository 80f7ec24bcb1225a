"""What several files of test/apps/programs have in common: payloads of the sizes that matter, and
the servers that they are fetched from and sent to."""

from programs import OPENSSL, PYTHON, ROOT

SMALL = {"0B": 0, "1B": 1, "16KB": 16384, "16KB+1": 16385}
LARGE = {"100MB": 100 * 1024 * 1024}
SMALL_TIMEOUT = 10
LARGE_TIMEOUT = 60
PROGRAMS = ROOT / "test" / "apps"


def make_payloads(lab):
    for name, size in (SMALL | LARGE).items():
        lab.payload(name, size)


def timeout(names):
    return LARGE_TIMEOUT if any(large in names for large in LARGE) else SMALL_TIMEOUT


def s_server(lab, library, key, *options):
    server = lab.start(library, [OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-tls1_3",
                                 "-cert", f"{key}.pem", "-key", f"{key}.key", *options],
                       stdin="pipe")
    port = server.port()
    server.check_mapped()
    return server, port


def python_server(lab, library, key, version="TLSv1_3"):
    server = lab.start(library, [PYTHON, PROGRAMS / "https_server.py", version, f"{key}.pem",
                                 f"{key}.key"])
    port = server.port()
    server.check_mapped()
    return server, port
