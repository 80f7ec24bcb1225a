"""Debian's package of Python's own test suite: what passes with the system's library has to pass
with ours."""

import json

from languages import SCRIPTS
from programs import PYTHON, Failure, require

PACKAGES = "libpython3.11-testsuite"
NEEDS = [PYTHON, "/usr/lib/python3.11/test/test_ssl.py"]

# Most of the tests' time is spent waiting.
PARTS = 8
SECONDS = 120


def outcomes(programs):
    """{test: (how it ended, why)} of all parts on one library."""
    found = {}
    for program in programs:
        program.wait(SECONDS)
        program.check_loaded()
        for line in program.output().decode().splitlines():
            name, outcome, why = json.loads(line)
            found[name] = (outcome, why)
    return found


def check(ours, name):
    require(name in ours, "not told")
    outcome, why = ours[name]
    require(outcome == "ok", f"{outcome}: {why[-500:]}")


def cases(report, lab):
    if report.only and "python-suite" not in report.only:
        return
    programs = {library: [lab.start(library, [PYTHON, SCRIPTS / "python_suite.py", part, PARTS])
                          for part in range(PARTS)]
                for library in ("ours", "system")}
    try:
        ours, system = outcomes(programs["ours"]), outcomes(programs["system"])
    except Failure as failure:
        report.fail("python-suite", str(failure))
        return
    passing = sorted(name for name, (outcome, _) in system.items() if outcome == "ok")
    require(len(passing) > 300, f"only {len(passing)} tests pass with the system's library")
    for name in passing:
        report.case(f"python-suite.{name}", check, ours, name)
