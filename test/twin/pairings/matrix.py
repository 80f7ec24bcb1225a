"""Every handshake below TLS 1.3 that the system's libssl can do with itself, in the four pairings.

The program beside this file does them all in one process for each end, one connection each, and
tells in a line what was negotiated. What the system's library says of itself is what the other
pairings must say, word by word.
"""

import fnmatch
import os
import socket
import subprocess
import tempfile
from pathlib import Path

TIMEOUT = 120
PAIRINGS = (("system", "system"), ("system", "ours"), ("ours", "system"), ("ours", "ours"))


def environment(library_dir, writer):
    variables = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
    variables.update(OPENSSL_CONF="/dev/null", TWIN_LIBRARY_FD=str(writer))
    if library_dir:
        variables["LD_LIBRARY_PATH"] = str(library_dir)
    return variables


def start(program, library_dir, arguments, passed=(), stdin=None):
    reader, writer = os.pipe()
    output = tempfile.TemporaryFile("w+")  # a pipe could fill up while the other end is read
    process = subprocess.Popen([str(program), *arguments], text=True,
                               env=environment(library_dir, writer),
                               stdin=stdin or subprocess.DEVNULL, stdout=output,
                               stderr=subprocess.STDOUT, pass_fds=[writer, *passed])
    os.close(writer)
    return process, reader, library_dir, output


def finish(started):
    """What it printed, and the reason why that cannot count, or an empty one."""
    process, reader, library_dir, output = started
    try:
        status = process.wait(TIMEOUT)
        why = f"exit {status}" if status else ""
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        why = f"no end after {TIMEOUT} s"
    output.seek(0)
    text = output.read()
    output.close()
    if why:
        why += ": " + "".join(text.splitlines()[-1:])
    with os.fdopen(reader) as pipe:
        library = pipe.read().strip()
    if library.startswith(str(library_dir) + "/") != bool(library_dir):
        why = f"mapped {library}, wanted {library_dir or 'the system'}"
    return text, why


def facts(text):
    """Line of the list -> (what was negotiated, what only this run has)."""
    rows = [line.split("\t") for line in text.splitlines()]
    return {row[0]: (row[1], row[2] if len(row) > 2 else "") for row in rows if len(row) > 1}


def run_pairing(program, client_dir, server_dir, lines):
    """{line: (client's facts, server's facts)}, and why a process ended as it should not."""
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/list", "w+") as listed:
        listed.write("".join(line + "\n" for line in lines))
        listed.flush()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(f"{folder}/socket")
        listening.listen(8)
        with open(listed.name) as for_client, open(listed.name) as for_server:
            server = start(program, server_dir, ["server", str(listening.fileno())],
                           [listening.fileno()], for_server)
            client = start(program, client_dir, ["client", f"{folder}/socket"], stdin=for_client)
        # A client that waits for a server that has died sees the end at once.
        listening.close()
        client_text, client_why = finish(client)
        if client_why:
            server[0].kill()
        server_text, server_why = finish(server)
    client_facts, server_facts = facts(client_text), facts(server_text)
    missing = ("no result", "")
    both = {line: (client_facts.get(line, missing), server_facts.get(line, missing))
            for line in lines}
    return both, client_why or server_why


def mistake(found, expected):
    """Why these facts of both ends are not as expected, or an empty text."""
    for end, is_said, should in zip(("client", "server"), found, expected):
        if is_said[0].startswith(("failed", "no result")):
            return f"{end}: {is_said[0]}"
        if is_said[0] != should[0]:
            return f"{end}: {is_said[0]} | system with itself: {should[0]}"
    if found[0][1] != found[1][1]:
        return f"the ends differ: {found[0][1]} | {found[1][1]}"
    return ""


def report(verdict, name, why=""):
    print(f"{verdict} twin.pairings.{name}" + (f": {why}" if why else ""), flush=True)
    return verdict == "FAIL"


def run(program, ours, only):
    """Prints a line for each handshake of each pairing; returns the number of failures."""
    names = [f"{client}-{server}.matrix." for client, server in PAIRINGS]
    if not any(fnmatch.fnmatch(name + "x/x/x/x/x", only) or only.startswith(name) for name in names):
        return 0
    text, why = finish(start(program, None, ["list"]))
    lines = text.split()
    failures = report("FAIL" if why or not lines else "PASS", "matrix.list",
                      why or f"{len(lines)} handshakes")
    expected = None
    for (client, server), name in zip(PAIRINGS, names):
        chosen = [line for line in lines if fnmatch.fnmatch(name + line, only)]
        found, ended = run_pairing(program, ours if client == "ours" else None,
                                   ours if server == "ours" else None, lines)
        expected = expected or found
        failures += report("FAIL" if ended else "PASS", name + "end", ended)
        for line in chosen:
            why = mistake(found[line], expected[line])
            failures += report("FAIL" if why else "PASS", name + line, why)
    return failures
