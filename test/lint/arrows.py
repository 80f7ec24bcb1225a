#!/usr/bin/env python3
"""Checks that the rooms of src/ only include what stands below them (docs/architecture.md).

Prints a line per forbidden #include and per cycle of headers; status 1 when there is one.
"""

import re
import sys
from pathlib import Path

# A room may include itself and the rooms named here. What is not named is forbidden: types of
# higher rooms are forward-declared.
BELOW = {
    "wire": [],
    "crypto": ["wire"],
    "record": ["wire", "crypto", "config"],
    "config": ["wire", "crypto", "pki", "session"],
    "message": ["wire", "crypto", "record", "config"],
    "extension": ["wire", "crypto", "record", "config", "session", "pki"],
    "session": ["wire", "crypto", "record", "config", "pki"],
    "pki": ["wire", "crypto", "record", "config", "session", "extension"],
    "connection": ["wire", "crypto", "record", "config", "session", "pki"],
    "handshake": ["wire", "crypto", "record", "config", "message", "extension", "session", "pki",
                  "connection"],
    "driver": ["wire", "crypto", "record", "config", "message", "session", "connection",
               "handshake"],
    "api": ["wire", "crypto", "record", "config", "message", "extension", "session", "pki",
            "connection", "handshake", "driver"],
    "tool": [],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def includes(path):
    """(line number, included path) of each quoted #include."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(number, match.group(1)) for number, line in enumerate(lines, 1)
            if (match := INCLUDE.match(line))]


def forbidden(src, files):
    for path in files:
        room = path.relative_to(src).parts[0]
        where = path.relative_to(src.parent)
        if room not in BELOW:
            yield f"{where}: {room}/ is not a room that this test knows"
            continue
        for number, target in includes(path):
            to_room = target.split("/")[0]
            if (src.parent / "include" / target).exists():
                continue  # what the library offers to all
            if not (src / target).exists():
                yield f"{where}:{number}: \"{target}\" is not a path from src/"
            elif to_room != room and to_room not in BELOW[room]:
                yield f"{where}:{number}: {room} must not include {target}"


def cycles(src, files):
    """Headers that include each other in a circle."""
    graph = {str(path.relative_to(src)): [target for _, target in includes(path)]
             for path in files if path.suffix == ".h"}
    done = set()

    def visit(name, trail):
        if name in trail:
            yield "headers in a circle: " + " -> ".join([*trail[trail.index(name):], name])
        elif name not in done and name in graph:
            for target in graph[name]:
                yield from visit(target, [*trail, name])
            done.add(name)

    for name in sorted(graph):
        yield from visit(name, [])


def main():
    src = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "src"
    files = sorted(path for path in src.rglob("*") if path.suffix in (".h", ".cc"))
    problems = [*forbidden(src, files), *cycles(src, files)]
    print("\n".join(problems) if problems else f"{len(files)} files, every arrow points down")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
