#!/usr/bin/env python3
"""Refuses files of src/ over 500 lines, except those that docs/architecture.md names.

An exception is a line of that page with the file's path in backquotes and the word "lines".
"""

import re
import sys
from pathlib import Path

LIMIT = 500


def exceptions(page):
    if not page.exists():
        return set()
    return {path for line in page.read_text(encoding="utf-8").splitlines() if "lines" in line
            for path in re.findall(r"`((?:src/)?[\w/]+\.\w+)`", line)}


def main():
    root = Path(__file__).resolve().parents[2]
    allowed = exceptions(root / "docs" / "architecture.md")
    problems = []
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        name = str(path.relative_to(root))
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > LIMIT and not allowed & {name, name.removeprefix("src/")}:
            problems.append(f"{name}: {count} lines, more than {LIMIT}")
    print("\n".join(problems) if problems else f"no file over {LIMIT} lines")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
