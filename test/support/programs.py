"""Runs programs on a chosen libssl.so.3 for the tests in test/apps and test/peers: certificates,
payloads, processes with evidence of the library they loaded, and the PASS/FAIL/SKIP lines."""

import hashlib
import itertools
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

OPENSSL = "/usr/bin/openssl"
PYTHON = "/usr/bin/python3"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOST = "localhost"
READY_SECONDS = 10


class Failure(Exception):
    """A case did not go as it should; the text says why, in one line."""


def require(condition, why):
    if not condition:
        raise Failure(why)


def library_folder(arguments):
    """The folder of the library under test: the argument, or the build's."""
    build = pathlib.Path(os.environ.get("HANDFAST_BUILD", ROOT / "build" / "release"))
    folder = pathlib.Path(arguments[0]).resolve() if arguments else build / "lib"
    if not (folder / "libssl.so.3").exists():
        sys.exit(f"{folder}/libssl.so.3 does not exist")
    return folder


class Report:
    """Prints the line of each case and remembers whether all went well. Cases that come after
    `seconds` fail at once: a library that hangs must not hold up everything else. Threads may share
    it."""

    def __init__(self, area, only, seconds):
        self.area = area
        self.only = only
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        self.failed = False
        self.lock = threading.Lock()

    def case(self, name, function, *arguments):
        if self.only not in name:
            return
        try:
            require(time.monotonic() < self.end, f"not run: the {self.seconds} s for all are over")
            function(*arguments)
        except Failure as failure:
            self.fail(name, " ".join(str(failure).split()))
        else:
            self.say(f"PASS {self.area}.{name}")

    def say(self, line):
        with self.lock:
            print(line, flush=True)

    def fail(self, name, why):
        self.say(f"FAIL {self.area}.{name}: {why}")
        self.failed = True

    def skip(self, name, why):
        self.say(f"SKIP {self.area}.{name}: {why}")


class Lab:
    """A temporary folder with certificates and payloads, and the processes started in it."""

    def __init__(self, ours):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="handfast-test-"))
        self.ours = ours
        self.programs = []
        self.servers = {}
        self.hashes = {}
        self.closed = False
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True
        for program in self.programs:
            program.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return str(self.folder / name)

    def payload(self, name, size):
        """A file of that size, the same in every run. Returns its SHA-256."""
        # s_client and s_server take some letters at the start of a read for commands.
        no_commands = bytes(ord("x") if byte in b"QqRrKkPSBbcC" else byte for byte in range(256))
        data = random.Random(size).randbytes(size).translate(no_commands)
        (self.folder / name).write_bytes(data)
        self.hashes[name] = hashlib.sha256(data).hexdigest()
        return self.hashes[name]

    def text_payload(self, name, seed, size):
        """A file of lines of hexadecimal digits, the same in every run."""
        digits = random.Random(seed).randbytes(size // 2).hex()
        lines = [digits[i:i + 63] + "\n" for i in range(0, len(digits), 63)]
        data = "".join(lines)[:size].encode()
        (self.folder / name).write_bytes(data)
        self.hashes[name] = sha256(data)

    def start(self, library, command, **options):
        require(not self.closed, "not run: the tests are at an end")
        program = Program(self, library, [str(word) for word in command], **options)
        self.programs.append(program)
        return program

    def run(self, library, command, timeout=30, **options):
        """Runs a program to its end and checks the library that it loaded."""
        program = self.start(library, command, **options)
        program.wait(timeout)
        if library is not None:
            program.check_loaded()
        return program

    def shared(self, make, *arguments):
        """The port of a server that several cases use. `make` starts it, (server, port), for the
        first of them, and again if it has died since."""
        known = self.servers.get((make, *arguments))
        if known is None or known[0].process.poll() is not None:
            known = make(self, *arguments)
            self.servers[(make, *arguments)] = known
        return known[1]

    def make_certificates(self):
        """ca.pem issues ecdsa.pem and rsa.pem (servers) and client.pem, each with a NAME.key."""
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        kinds = {
            "ca": ("/CN=Test CA", curve, ["basicConstraints=critical,CA:TRUE"]),
            "ecdsa": (f"/CN={HOST}", curve, [f"subjectAltName=DNS:{HOST},IP:127.0.0.1"]),
            "rsa": (f"/CN={HOST}", ["-newkey", "rsa:2048"],
                    [f"subjectAltName=DNS:{HOST},IP:127.0.0.1"]),
            "client": ("/CN=test client", curve, ["extendedKeyUsage=clientAuth"]),
        }
        (self.folder / "openssl.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n")
        for name, (subject, key, extensions) in kinds.items():
            self.make_certificate(name, subject, key, extensions)

    def make_certificate(self, name, subject, key, extensions):
        """NAME.pem, issued by ca.pem (which issues itself), and NAME.key."""
        command = [OPENSSL, "req", "-x509", "-nodes", "-days", "2", "-subj", subject, *key,
                   "-config", self.path("openssl.cnf"),
                   "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem")]
        for extension in extensions:
            command += ["-addext", extension]
        if name != "ca":
            command += ["-addext", "basicConstraints=critical,CA:FALSE",
                        "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key")]
        subprocess.run(command, check=True, capture_output=True, env=clean_environment())


def clean_environment():
    """This process's environment without what would change the programs' ways."""
    dropped = re.compile("LD_|SSL|OPENSSL|CURL|NODE|JAVA|GO|PYTHON|https?_proxy|HTTPS?_PROXY|"
                         "all_proxy|ALL_PROXY")
    kept = {k: v for k, v in os.environ.items() if not dropped.match(k)}
    return kept | {"LC_ALL": "C.UTF-8"}


class Program:
    """A running program. `library` is "ours", "system", or None where libssl plays no part."""

    count = itertools.count(1)

    def __init__(self, lab, library, command, stdin=None, environment=None):
        self.lab = lab
        self.library = library
        self.command = command
        self.prefix = lab.folder / f"program-{next(Program.count)}"
        variables = clean_environment() | (environment or {})
        if library is not None:
            # The loader's own account, for programs that are gone before /proc can be read.
            variables |= {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": f"{self.prefix}.loader"}
        if library == "ours":
            variables["LD_LIBRARY_PATH"] = str(lab.ours)
        self.input = None
        with open(f"{self.prefix}.out", "wb") as out, open(f"{self.prefix}.err", "wb") as err:
            self.process = subprocess.Popen(
                command, cwd=lab.folder, env=variables, stdout=out, stderr=err,
                stdin=self._open_input(stdin), start_new_session=True)
        if self.input is not None:
            self.input.close()

    def _open_input(self, stdin):
        """`stdin` is None (empty), "pipe" (kept open) or the name of a file in the lab."""
        if stdin == "pipe":
            return subprocess.PIPE
        if stdin is None:
            return subprocess.DEVNULL
        self.input = open(self.lab.path(stdin), "rb")
        return self.input

    def send(self, data):
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"{self} ended too early: {self.last_words()}") from None

    def close_input(self):
        self.process.stdin.close()

    def __str__(self):
        name = pathlib.Path(self.command[0]).name
        role = next((w for w in self.command if w in ("s_client", "s_server")), name)
        return f"{role} on {self.library}" if self.library else role

    def output(self):
        return pathlib.Path(f"{self.prefix}.out").read_bytes()

    def text(self):
        """Everything it has printed so far, stdout and stderr."""
        return "".join(pathlib.Path(f"{self.prefix}.{kind}").read_text(errors="replace")
                       for kind in ("out", "err"))

    def last_words(self):
        lines = pathlib.Path(f"{self.prefix}.err").read_text(errors="replace").strip()
        return " | ".join(lines.splitlines()[-4:]) or "nothing on stderr"

    def wait(self, timeout=30):
        """Waits for its end and returns the exit status."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Failure(f"{self} did not end in {timeout} s: {self.last_words()}") from None

    def succeed(self, timeout=30):
        status = self.wait(timeout)
        require(status == 0, f"{self} ended with status {status}: {self.last_words()}")

    def wait_for(self, pattern, timeout=30):
        """Waits until what it prints matches; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            ended = self.process.poll() is not None
            if match := re.search(pattern, self.text()):
                return match
            require(not ended, f"{self} ended without printing '{pattern}': {self.last_words()}")
            require(time.monotonic() < deadline, f"{self} never printed '{pattern}'")
            time.sleep(0.01)

    def port(self):
        """Waits until it listens on a TCP port, and returns the port."""
        deadline = time.monotonic() + READY_SECONDS
        while not (port := listening_port(self.process.pid)):
            require(self.process.poll() is None,
                    f"{self} ended before it listened: {self.last_words()}")
            require(time.monotonic() < deadline, f"{self} does not listen")
            time.sleep(0.01)
        return port

    def check_mapped(self):
        """The kernel's word for which library the running process has mapped."""
        try:
            maps = pathlib.Path(f"/proc/{self.process.pid}/maps").read_text()
        except OSError:
            maps = ""
        self._check_paths(set(re.findall(r"(/\S*/libssl\.so\.3)$", maps, re.MULTILINE)))

    def check_loaded(self):
        """The loader's word for which library the process has initialised, also after its end."""
        told = pathlib.Path(f"{self.prefix}.loader.{self.process.pid}")
        text = told.read_text(errors="replace") if told.exists() else ""
        self._check_paths(set(re.findall(r"calling init: (/\S*/libssl\.so\.3)$", text,
                                         re.MULTILINE)))

    def _check_paths(self, paths):
        require(len(paths) == 1,
                f"{self} has {len(paths)} libssl.so.3 loaded: {self.last_words()}")
        found = os.path.realpath(paths.pop())
        is_ours = found == os.path.realpath(self.lab.ours / "libssl.so.3")
        require(is_ours == (self.library == "ours"), f"{self} has loaded {found}")

    def stop(self):
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def listening_port(pid):
    """The first TCP port on which process `pid` listens, or None."""
    inodes = set()
    try:
        for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor)):
                inodes.add(match[1])
    except OSError:
        return None
    if not inodes:
        return None
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            listening = fields[3] == "0A"
            if listening and fields[9] in inodes:
                return int(fields[1].rsplit(":", 1)[1], 16)
    return None


def sha256(data):
    return hashlib.sha256(data).hexdigest()
