#!/usr/bin/env python3
"""Everything that is generated from src/api/functions.def, the one table of the ABI.

Usage:
  abi.py version-script OUT   linker version script: the system's node and our own
  abi.py later OUT.cc         definitions of the functions in state `later`
  abi.py probe OUT.c          C program that calls each of those and judges the outcome
  abi.py doc OUT.md           the table as a page
  abi.py check-doc FILE.md    exit 1 unless FILE.md is what `doc` writes
  abi.py list STATE           names in that state (`done`, `later`)
"""

import os
import re
import subprocess
import sys
from collections import Counter, namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src" / "api" / "functions.def"
OWN_HEADERS = ROOT / "include" / "handfast"
NODE = "OPENSSL_3.0.0"
OWN_NODE = "HANDFAST_1.0"
STATES = ("done", "later")
HEADERS = ("ssl.h", "tls1.h", "ssl3.h", "dtls1.h", "srtp.h", "srp.h", "ct.h", "comp.h", "pem.h", "err.h")

Function = namedtuple("Function", "name family state failure page own")
# `head` is everything left of the name, `tail` everything right of the parameter list.
Prototype = namedtuple("Prototype", "head name parameters tail")

ROW = re.compile(r"(HANDFAST_)?FUNCTION\((\w+), (\w+), (\w+), (.+), ([\w()-]+)\)")


def fail(message):
    sys.exit(f"abi.py: {message}")


def read_table(path=TABLE):
    """The rows of functions.def; refuses a malformed, duplicate or unsorted one."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("//"):
            continue
        match = ROW.fullmatch(line)
        if not match:
            fail(f"{path}:{number}: not a row: {line}")
        own, name, family, state, failure, page = match.groups()
        if state not in STATES:
            fail(f"{path}:{number}: state {state} is none of {STATES}")
        rows.append(Function(name, family, state, failure, page, bool(own)))
    keys = [(row.own, row.family, row.name) for row in rows]
    for before, after in zip(keys, keys[1:]):
        if before >= after:
            fail(f"{path}: {after[2]} is not in order after {before[2]}")
    if len({row.name for row in rows}) != len(rows):
        fail(f"{path}: a name occurs twice")
    return rows


def version_script(rows):
    """Own names follow in a node of ours, so that a program linked to them says so."""

    def node(name, members, parent, hide):
        lines = [f"{name} {{"]
        if members:
            lines += ["  global:"] + [f"    {member};" for member in sorted(members)]
        if hide:
            lines += ["  local:", "    *;"]
        return lines + [f"}}{parent};"]

    lines = node(NODE, [row.name for row in rows if not row.own], "", True)
    own = [row.name for row in rows if row.own]
    if own:
        lines += [""] + node(OWN_NODE, own, f" {NODE}", False)
    return "\n".join(lines) + "\n"


def include_lines():
    lines = ["#ifndef OPENSSL_SUPPRESS_DEPRECATED", "#define OPENSSL_SUPPRESS_DEPRECATED", "#endif"]
    lines += [f"#include <openssl/{header}>" for header in HEADERS]
    lines += [f"#include <handfast/{path.name}>" for path in sorted(OWN_HEADERS.glob("*.h"))]
    return "\n".join(lines) + "\n"


def declarations():
    """Text of each file-scope declaration of the headers, comments and macros gone."""
    compiler = os.environ.get("CXX", "c++").split()
    command = [*compiler, "-x", "c", "-E", "-P", f"-I{ROOT}/include", "-"]
    result = subprocess.run(command, input=include_lines(), capture_output=True, text=True)
    if result.returncode:
        fail(f"{' '.join(command)} failed:\n{result.stderr}")
    depth, current, found = 0, [], []
    for piece in re.split(r"([{};])", result.stdout):
        if piece == "{":
            depth += 1
            current = []
        elif piece == "}":
            depth -= 1
            current = []
        elif depth == 0 and piece == ";":
            found.append(" ".join("".join(current).split()))
            current = []
        elif depth == 0:
            current.append(piece)
    return found


def closing(text, start):
    """Index of the parenthesis that closes the one at `start`."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    fail(f"unbalanced parentheses: {text}")


def without_attributes(text):
    while (start := text.find("__attribute__")) >= 0:
        text = text[:start] + text[closing(text, text.index("(", start)) + 1 :]
    return " ".join(text.split())


def prototypes(rows):
    """Prototype of each row's function, as the installed headers declare it."""
    wanted = {row.name for row in rows}
    found = {}
    for text in declarations():
        for match in re.finditer(r"\b(\w+) ?\(", text):
            name = match.group(1)
            if name not in wanted or name in found:
                continue
            opening = match.end() - 1
            end = closing(text, opening)
            head = without_attributes(text[: match.start()])
            head = re.sub(r"^extern ", "", head)
            tail = without_attributes(text[end + 1 :])
            found[name] = Prototype(head, name, text[opening + 1 : end].strip(), tail)
            break
    missing = sorted(wanted - found.keys())
    if missing:
        fail(f"no declaration found for {', '.join(missing)}")
    return found


def parameter_count(prototype):
    """Commas outside inner parentheses, plus one."""
    if prototype.parameters in ("", "void"):
        return 0
    depth = commas = 0
    for letter in prototype.parameters:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        commas += letter == "," and depth == 0
    return commas + 1


def spell(head, rest):
    return head + rest if head.endswith(("*", "(")) else f"{head} {rest}"


def later(rows):
    """The C++ file that defines every function in state `later`."""
    waiting = [row for row in rows if row.state == "later"]
    if not waiting:
        return "// Generated by scripts/abi.py: every function is written.\n"
    known = prototypes(waiting)
    text = "// Generated by scripts/abi.py from src/api/functions.def: functions that still only fail.\n"
    text += include_lines()
    # The headers name the parameters; these bodies use none of them.
    text += '#pragma GCC diagnostic ignored "-Wunused-parameter"\n\n'
    text += "namespace {\n\nvoid raise_unsupported(int line, const char* function) {\n"
    text += "  ERR_new();\n  ERR_set_debug(\"functions.def\", line, function);\n"
    text += "  ERR_set_error(ERR_LIB_SSL, ERR_R_UNSUPPORTED, nullptr);\n}\n\n}  // namespace\n\n"
    text += 'extern "C" {\n'
    for number, row in enumerate(rows, 1):
        if row.state != "later":
            continue
        it = known[row.name]
        text += f"\n{spell(it.head, it.name)}({it.parameters}){it.tail} {{\n"
        text += f"  raise_unsupported({number}, __func__);\n"
        if it.head == "void" and row.failure != "void" or it.head != "void" and row.failure == "void":
            fail(f"{row.name}: failure value {row.failure} does not suit its type {it.head}")
        if row.failure != "void":
            text += f"  return {row.failure};\n"
        text += "}\n"
    return text + "\n}  // extern \"C\"\n"


def probe(rows):
    """A C program: one line per function in state `later`, in the tests' line protocol."""
    waiting = [row for row in rows if row.state == "later"]
    known = prototypes(waiting)
    text = include_lines() + "#include <stdio.h>\n#include <string.h>\n\n"
    text += "#define nullptr NULL\n\n"
    text += "static void judge(const char* name, int value_right) {\n"
    text += "  unsigned long error = ERR_get_error();\n"
    text += "  const char* why = !value_right                      ? \"returns something else\"\n"
    text += "                    : error == 0                      ? \"leaves no error\"\n"
    text += "                    : ERR_GET_LIB(error) != ERR_LIB_SSL ? \"the error is another library's\"\n"
    text += "                                                      : NULL;\n"
    text += "  printf(why ? \"FAIL later.%s: %s\\n\" : \"PASS later.%s\\n\", name, why);\n"
    text += "  ERR_clear_error();\n}\n\nint main(void) {\n"
    for row in waiting:
        call = f"{row.name}({', '.join(['0'] * parameter_count(known[row.name]))})"
        if row.failure == "void":
            text += f"  {call};\n  judge(\"{row.name}\", 1);\n"
        elif row.failure.startswith('"'):
            text += f"  judge(\"{row.name}\", strcmp({call}, {row.failure}) == 0);\n"
        else:
            text += f"  judge(\"{row.name}\", {call} == {row.failure});\n"
    return text + "  return 0;\n}\n"


def doc(rows):
    """docs/abi.md"""
    per_state = Counter(row.state for row in rows)
    families = sorted({row.family for row in rows})
    text = "# The ABI, function by function\n\n"
    text += "Generated by `scripts/abi.py doc` from `src/api/functions.def`; `./check` holds it against\n"
    text += "the exported names of the system's libssl.so.3 and of ours.\n\n"
    text += "- **done**: implemented.\n"
    text += "- **later**: exported; fails with the value shown and an error of `ERR_LIB_SSL` in the queue.\n\n"
    text += "| state | functions |\n|---|---:|\n"
    for state in STATES:
        text += f"| {state} | {per_state[state]} |\n"
    text += f"| all | {len(rows)} |\n\n"
    text += "| family | done | all |\n|---|---:|---:|\n"
    for family in families:
        states = [row.state for row in rows if row.family == family]
        text += f"| [{family}](#{family}) | {states.count('done')} | {len(states)} |\n"
    for family in families:
        text += f"\n## {family}\n\n| function | state | fails with | manual page |\n|---|---|---|---|\n"
        for row in rows:
            if row.family == family:
                failure = "" if row.state == "done" else f"`{row.failure}`"
                page = "" if row.page == "-" else row.page
                own = " (Handfast's own)" if row.own else ""
                text += f"| `{row.name}`{own} | {row.state} | {failure} | {page} |\n"
    return text


def write(path, text):
    """Leaves an unchanged file alone, so that nothing is rebuilt for it."""
    path = Path(path)
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main(arguments):
    generators = {"version-script": version_script, "later": later, "probe": probe, "doc": doc}
    if len(arguments) != 2:
        sys.exit(__doc__)
    command, operand = arguments
    rows = read_table()
    if command in generators:
        write(operand, generators[command](rows))
    elif command == "check-doc":
        if not Path(operand).exists() or Path(operand).read_text() != doc(rows):
            fail(f"{operand} is out of date; run: scripts/abi.py doc {operand}")
    elif command == "list" and operand in STATES:
        print("\n".join(row.name for row in rows if row.state == operand))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
