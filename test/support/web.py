"""What the tests of web servers and proxies in test/apps/programs have in common: curl and s_client
as clients that check what they get, further certificates, OCSP responses, an origin without TLS."""

import os
import pathlib
import re
import select
import signal
import subprocess

from programs import HOST, OPENSSL, PAIRINGS, PYTHON, ROOT, clean_environment, require, sha256

CURL = "/usr/bin/curl"
SIZES = {"0B": 0, "1B": 1, "16KB+1": 16385, "8MB": 8 * 1024 * 1024}
UPLOADS = ["1B", "8MB"]
# More than the kernel's buffers take.
HELD, HELD_SIZE = "32MB", 32 * 1024 * 1024
VERSIONS = ["1.3", "1.2"]
OTHER_HOST = "other.test"
TIMEOUT = 30


def pairs():
    """(client's library, server's library, version) of each case that there is once for all."""
    return [(client, server, version) for client, server in PAIRINGS[:3] for version in VERSIONS]


def report_each(report, name, functions, *arguments):
    """A case for each function, named after it."""
    for function in functions:
        report.case(f"{name}.{function.__name__.replace('_', '-')}", function, *arguments)


def make_payloads(lab):
    for name, size in (SIZES | {HELD: HELD_SIZE}).items():
        lab.payload(name, size)


def drop_rights(directive):
    """A server's directive to change to the user of Debian's web servers, where it can."""
    return directive if os.geteuid() == 0 else ""


def shared_folder(lab, name):
    """A folder in which servers may write whatever their user is."""
    folder = lab.folder / name
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    return folder


def openssl(lab, *arguments):
    """Runs the system's openssl for a preparation."""
    subprocess.run([OPENSSL, *arguments], check=True, capture_output=True, cwd=lab.folder,
                   env=clean_environment())


def make_other_certificates(lab):
    """other.pem for OTHER_HOST, from ca.pem; stranger.pem, a client's that nobody has issued."""
    common = ["req", "-x509", "-nodes", "-days", "2", "-config", "openssl.cnf", "-newkey", "ec",
              "-pkeyopt", "ec_paramgen_curve:P-256",
              "-addext", "basicConstraints=critical,CA:FALSE"]
    openssl(lab, *common, "-subj", f"/CN={OTHER_HOST}", "-addext",
            f"subjectAltName=DNS:{OTHER_HOST}", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-out", "other.pem", "-keyout", "other.key")
    openssl(lab, *common, "-subj", "/CN=stranger", "-out", "stranger.pem", "-keyout",
            "stranger.key")


def bundle(lab, name, *parts):
    """One PEM file of several, as haproxy, lighttpd and stunnel want certificate and key."""
    path = lab.write(name, "".join((lab.folder / part).read_text() for part in parts))
    os.chmod(path, 0o600)
    return path


def make_ocsp_response(lab, certificate):
    """CERTIFICATE.der, the issuer's word that NAME.pem is good; index.txt is its list."""
    shown = subprocess.run([OPENSSL, "x509", "-in", f"{certificate}.pem", "-noout", "-serial"],
                           check=True, capture_output=True, cwd=lab.folder, text=True,
                           env=clean_environment())
    serial = shown.stdout.strip().removeprefix("serial=")
    lab.write("index.txt", f"V\t491231235959Z\t\t{serial}\tunknown\t/CN={HOST}\n")
    openssl(lab, "ocsp", "-issuer", "ca.pem", "-cert", f"{certificate}.pem", "-reqout",
            "ocsp-request.der")
    openssl(lab, "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey",
            "ca.key", "-reqin", "ocsp-request.der", "-respout", f"{certificate}.der", "-ndays", "2")


def plain_origin(lab):
    """The port of an HTTP server without TLS in the lab's folder; PUT answers with the SHA-256."""
    return lab.shared(start_plain_origin)


def start_plain_origin(lab):
    server = lab.start(None, [PYTHON, ROOT / "test" / "apps" / "https_server.py", "plain"])
    return server, server.port()


def curl_command(version, *arguments):
    """curl with that version of TLS; it trusts ca.pem and asks 127.0.0.1 for any host. Without a
    version it goes without TLS, to a tunnel."""
    tls = ["--tlsv" + version, "--tls-max", version] if version else []
    return [CURL, "-sS", "-v", "--noproxy", "*", "--cacert", "ca.pem", *tls,
            "--connect-to", "::127.0.0.1:", *arguments]


def url(version, port, path, host=HOST):
    return f"{'https' if version else 'http'}://{host}:{port}/{path}"


def curl(lab, library, version, *arguments, status=0):
    program = lab.run(library, curl_command(version, *arguments), TIMEOUT)
    require(program.process.returncode == status,
            f"{program} ended with status {program.process.returncode}: {program.last_words()}")
    if status == 0 and version:
        require(f"SSL connection using TLSv{version}" in program.text(), f"not TLS {version}")
    return program


def page(lab, library, version, port, path, *options, host=HOST):
    """What curl gets from https://HOST:PORT/PATH, as a text."""
    program = curl(lab, library, version, *options, url(version, port, path, host))
    return program.output().decode(errors="replace")


def get_all(lab, library, version, port, *options, folder="", names=tuple(SIZES)):
    """Gets all payloads over one connection and compares their checksums."""
    targets = {name: lab.path(f"got-{library}-{port}-{version}-{name}") for name in names}
    words = [word for name, target in targets.items()
             for word in ("-o", target, url(version, port, folder + name))]
    program = curl(lab, library, version, "--fail", *options, *words)
    for name, target in targets.items():
        got = pathlib.Path(target)
        # curl makes no file of nothing.
        data = got.read_bytes() if got.exists() else b""
        require(sha256(data) == lab.hashes[name],
                f"{name}: {len(data)} bytes with another checksum")
        got.unlink(missing_ok=True)
    require(program.text().count(") port ") == 1, "more than one connection")
    return program


def put_all(lab, library, version, port, *options, folder="", stored=None):
    """Sends payloads over one connection. The server's answer is the checksum or, with `stored`,
    the file is there afterwards."""
    words = [word for name in UPLOADS
             for word in ("-T", name, url(version, port, folder + name))]
    program = curl(lab, library, version, "--fail", *options, *words)
    if stored is None:
        expected = "".join(lab.hashes[name] for name in UPLOADS)
        require(program.output().decode() == expected, "the server has got another checksum")
        return
    for name in UPLOADS:
        file = stored / name
        require(sha256(file.read_bytes()) == lab.hashes[name], f"{name}: another checksum arrived")
        file.unlink()


class HeldDownload:
    """A download of HELD that has begun and now stands still: whatever the server does meanwhile, it
    is not at its end, for nobody takes what curl wants to write."""

    def __init__(self, lab, library, version, port, path):
        target = lab.folder / f"held-{library}-{version}-{port}"
        os.mkfifo(target)
        self.pipe = open(os.open(target, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)
        self.program = lab.start(library, curl_command(version, "-N", "-o", target,
                                                       url(version, port, path + HELD)))
        self.data = [self._more()]
        target.unlink()

    def _more(self):
        """Some bytes, or none at the end."""
        readable, _, _ = select.select([self.pipe], [], [], TIMEOUT)
        require(readable, f"a transfer stands still: {self.program.last_words()}")
        return self.pipe.read(65536)

    def finish(self, expected):
        """Lets it go on to its end."""
        require(self.program.process.poll() is None, "a transfer has not been held")
        while more := self._more():
            self.data.append(more)
        self.pipe.close()
        self.program.succeed(TIMEOUT)
        self.program.check_loaded()
        require(sha256(b"".join(self.data)) == expected, "another checksum")


def held_downloads(lab, library, port, versions=VERSIONS, path=""):
    """One for each version of TLS."""
    return [HeldDownload(lab, library, version, port, path) for version in versions]


def finish(lab, downloads):
    for download in downloads:
        download.finish(lab.hashes[HELD])


def s_client(lab, library, version, port, path, *options, host=HOST):
    """What s_client prints when it asks for a page with HTTP/1.0."""
    program = lab.start(library, [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile",
                                  "ca.pem", "-servername", host, "-verify_hostname", host,
                                  "-verify_return_error", "-ign_eof",
                                  "-tls" + version.replace(".", "_"), *options], stdin="pipe")
    program.send(f"GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    program.wait(TIMEOUT)
    program.check_loaded()
    return program.text()


def resume(lab, library, version, port, path, new, resumed, *options):
    """Two connections, the second with the session of the first. `new` and `resumed` are what the
    server's page must match. Returns what was printed for the second."""
    session = lab.path(f"session-{library}-{port}-{version}.pem")
    first = s_client(lab, library, version, port, path, "-sess_out", session, *options)
    require(re.search(r"^New, TLSv", first, re.MULTILINE), "the first session is not new")
    require(re.search(new, first), f"the first page is not '{new}'")
    second = s_client(lab, library, version, port, path, "-sess_in", session, *options)
    require(re.search(r"^Reused, TLSv", second, re.MULTILINE), "the session is not resumed")
    require(re.search(resumed, second), f"the second page is not '{resumed}'")
    return second


def early_data(lab, library, port, path, early):
    """The request for a page is sent as 0-RTT data, and the page matches `early`."""
    session = lab.path(f"early-{library}-{port}.pem")
    s_client(lab, library, "1.3", port, path, "-sess_out", session)
    lab.write("early.txt", f"GET /{path}?early HTTP/1.0\r\nHost: {HOST}\r\n\r\n")
    text = s_client(lab, library, "1.3", port, path, "-sess_in", session,
                    "-early_data", "early.txt")
    require("Early data was accepted" in text, "the early data was not accepted")
    require(re.search(early, text), f"the page is not '{early}'")


def stapled(lab, library, version, port):
    """The server staples a good OCSP response, and the client verifies it."""
    text = s_client(lab, library, version, port, "1B", "-status")
    require("OCSP Response Status: successful" in text, "there is no OCSP response")
    require("Cert Status: good" in text, "the certificate is not good")


def end_gracefully(program, number=signal.SIGQUIT, status=0):
    """A server's orderly end."""
    program.process.send_signal(number)
    got = program.wait(TIMEOUT)
    require(got == status, f"{program} ended with status {got}: {program.last_words()}")
