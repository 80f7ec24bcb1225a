"""Runs programs on a chosen libssl.so.3 for the tests in test/apps and test/peers: certificates,
payloads, processes with evidence of the library they loaded, and the PASS/FAIL/SKIP lines. Threads
may each have a Lab of their own."""

import hashlib
import itertools
import os
import pathlib
import random
import re
import shutil
import signal
import socket
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
PIECE = 1 << 20
# (client's library, server's library)
PAIRINGS = [("ours", "ours"), ("ours", "system"), ("system", "ours"), ("system", "system")]
# Below the ports that the kernel gives to clients.
SERVER_PORTS = range(10240, 32000)


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


def end_on_sigterm():
    """Makes SIGTERM an orderly end. For the main thread."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


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
            self.fail(name, str(failure))
        except Exception as error:  # a mistake in one case must not take the others along
            self.fail(name, f"{type(error).__name__}: {error}")
        else:
            self.say(f"PASS {self.area}.{name}")

    def say(self, line):
        """One line in one piece, whatever other threads print."""
        with self.lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def fail(self, name, why):
        self.say(f"FAIL {self.area}.{name}: {' '.join(why.split())}")
        self.failed = True

    def skip(self, name, why):
        self.say(f"SKIP {self.area}.{name}: {why}")


class Lab:
    """A temporary folder with certificates and payloads, and the processes started in it. `ours` is
    the folder of the library under test."""

    next_port = itertools.cycle(SERVER_PORTS)

    def __init__(self, ours):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="handfast-test-"))
        # Servers that root starts give up their rights and then read their files.
        self.folder.chmod(0o755)
        self.ours = ours
        self.programs = []
        self.servers = {}
        self.hashes = {}
        self.claims = []
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends all its programs; no other can be started."""
        self.closed = True
        for program in self.programs:
            program.stop()
        for claim in self.claims:
            claim.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def another(self):
        """A lab of its own with copies of what is in this one's folder."""
        lab = Lab(self.ours)
        shutil.copytree(self.folder, lab.folder, dirs_exist_ok=True)
        return lab

    def path(self, name):
        return str(self.folder / name)

    def payload(self, name, size):
        """A file of that size, the same in every run. Returns its SHA-256."""
        # s_client and s_server take some letters at the start of a read for commands.
        no_commands = bytes(ord("x") if byte in b"QqRrKkPSBbcC" else byte for byte in range(256))
        source, digest = random.Random(size), hashlib.sha256()
        with open(self.path(name), "wb") as file:
            # In pieces, between which other threads get their turn.
            for begin in range(0, size, PIECE):
                piece = source.randbytes(min(PIECE, size - begin)).translate(no_commands)
                file.write(piece)
                digest.update(piece)
        self.hashes[name] = digest.hexdigest()
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

    def free_port(self):
        """A port of 127.0.0.1, TCP's and UDP's, for a server that must be told one. Nobody else gets
        it, in other runs either, as long as this lab is there."""
        for port in self.next_port:
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    claim.bind(f"\0handfast-test-port-{port}")
                    stream.bind(("127.0.0.1", port))
                    datagrams.bind(("127.0.0.1", port))
                except OSError:
                    claim.close()
                    continue
            self.claims.append(claim)
            return port

    def write(self, name, text):
        """A file in the lab, a server's configuration for one. Returns its path."""
        (self.folder / name).write_text(text)
        return self.path(name)

    def shared(self, make, *arguments):
        """The port of a server that several cases use. `make` starts it, (server, port), for the
        first of them, and again if it has died since."""
        known = self.servers.get((make, *arguments))
        if isinstance(known, Failure):
            raise known
        if known is None or known[0].process.poll() is not None:
            try:
                known = make(self, *arguments)
            except Failure:
                # The other cases need not wait for it.
                self.servers[(make, *arguments)] = Failure("not run: its server did not start")
                raise
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
    """A running program. `library` is "ours", "system", or None where libssl plays no part. Without
    `traced` the loader keeps no account: for servers that close descriptors which are not theirs, so
    that the account would go to whatever has the number next; check_mapped() is for them. `user` is
    the account that it runs under, which must be able to write into the lab's folder."""

    count = itertools.count(1)

    def __init__(self, lab, library, command, stdin=None, environment=None, traced=True,
                 user=None):
        self.lab = lab
        self.library = library
        self.command = command
        self.prefix = lab.folder / f"program-{next(Program.count)}"
        variables = clean_environment() | (environment or {})
        if library is not None and traced:
            # The loader's own account, for programs that are gone before /proc can be read.
            variables |= {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": f"{self.prefix}.loader"}
        if library == "ours":
            variables["LD_LIBRARY_PATH"] = str(lab.ours)
        self.input = None
        with open(f"{self.prefix}.out", "wb") as out, open(f"{self.prefix}.err", "wb") as err:
            self.process = subprocess.Popen(
                command, cwd=lab.folder, env=variables, stdout=out, stderr=err,
                stdin=self._open_input(stdin), start_new_session=True, user=user, group=user,
                extra_groups=[] if user else None)
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

    def receive(self, size, digest, timeout=20):
        """Waits until it has printed so many bytes of what it received, and compares them."""
        deadline = time.monotonic() + timeout
        while (length := len(self.output())) < size:
            require(self.process.poll() is None,
                    f"{self} ended after {length} bytes: {self.last_words()}")
            require(time.monotonic() < deadline,
                    f"{self} received only {length} bytes: {self.last_words()}")
            time.sleep(0.01)
        require(sha256(self.output()) == digest, f"{self} received other bytes than were sent")

    def port(self, protocol="tcp"):
        """Waits until it listens on a port of TCP, or receives on one of "udp"; returns the port."""
        deadline = time.monotonic() + READY_SECONDS
        while not (port := listening_port(self.process.pid, protocol)):
            require(self.process.poll() is None,
                    f"{self} ended before it listened: {self.last_words()}")
            require(time.monotonic() < deadline, f"{self} does not listen")
            time.sleep(0.01)
        return port

    def listens(self, *ports, protocol="tcp"):
        """Waits until something listens on each of the ports that it was told."""
        deadline = time.monotonic() + READY_SECONDS
        while missing := set(ports) - listening_ports(protocol):
            require(self.process.poll() is None,
                    f"{self} ended before it listened: {self.last_words()}")
            require(time.monotonic() < deadline, f"{self} does not listen on {missing}")
            time.sleep(0.01)

    def processes(self):
        """Its process and those that it or they have started and that are not gone: the ids of its
        session's processes and of their children, also of those with a session of their own."""
        session, children = set(), {}
        for pid, parent, leader in process_table():
            children.setdefault(parent, []).append(pid)
            if leader == self.process.pid:
                session.add(pid)
        found, unseen = set(), list(session)
        while unseen:
            pid = unseen.pop()
            found.add(pid)
            unseen += [child for child in children.get(pid, []) if child not in found]
        return sorted(found)

    def check_mapped(self):
        """The kernel's word for which library the running process has mapped."""
        self._check_paths(mapped_libraries(self.process.pid))

    def check_all_mapped(self, at_least=1, named=None):
        """The same of each of its processes, workers too, of which there must be so many. `named`
        is for servers of several programs: only the processes of that one."""
        pids = [pid for pid in self.processes() if named in (None, process_name(pid))]
        counted = 0
        for pid in pids:
            paths = wait_for_libraries(pid)
            # One that has just ended has no memory any more.
            if paths or pathlib.Path(f"/proc/{pid}/exe").exists():
                self._check_paths(paths)
                counted += 1
        require(counted >= at_least, f"{self} has the processes {pids}, {counted} of them alive, "
                                     f"not {at_least}: {self.last_words()}")

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
        if self.process.poll() is None:
            for pid in self.processes():
                kill(os.kill, pid)
        elif pathlib.Path(f"/proc/{self.process.pid}").exists():
            return  # somebody else's by now, so that no process is left in its group
        kill(os.killpg, self.process.pid)
        self.process.wait()


def kill(function, number):
    try:
        function(number, signal.SIGKILL)
    except ProcessLookupError:
        pass


def process_table():
    """(id, parent's id, session's id) of each process."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name, which may hold anything, stands in brackets before these.
            fields = (entry / "stat").read_text(errors="replace").rpartition(") ")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            yield int(entry.name), int(fields[1]), int(fields[3])


def process_name(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return None


def mapped_libraries(pid):
    """The paths under which process `pid` has mapped a libssl.so.3."""
    try:
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text(errors="replace")
    except OSError:
        maps = ""
    return set(re.findall(r"(/\S*/libssl\.so\.3)$", maps, re.MULTILINE))


def wait_for_libraries(pid):
    """The same, but a process that is just changing its program has time to load that one's."""
    deadline = time.monotonic() + READY_SECONDS
    while not (paths := mapped_libraries(pid)) and time.monotonic() < deadline:
        if not pathlib.Path(f"/proc/{pid}/exe").exists():
            break
        time.sleep(0.01)
    return paths


def listening_sockets(protocol):
    """(inode, port) of each socket of TCP that listens, or of UDP that receives from anybody."""
    state = {"tcp": "0A", "udp": "07"}[protocol]
    for table in (protocol, protocol + "6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == state:
                yield fields[9], int(fields[1].rsplit(":", 1)[1], 16)


def listening_ports(protocol):
    return {port for _, port in listening_sockets(protocol)}


def listening_port(pid, protocol):
    """The first port of that protocol on which process `pid` listens, or None."""
    inodes = set()
    try:
        for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor)):
                inodes.add(match[1])
    except OSError:
        return None
    if not inodes:
        return None
    return next((port for inode, port in listening_sockets(protocol) if inode in inodes), None)


def sha256(data):
    return hashlib.sha256(data).hexdigest()
