"""Runs libssl_bench on the system's library and on Handfast in alternation and compares them."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import report

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
OUTPUT = ROOT / "build" / "bench"
PROGRAM = BUILD / "benchmark" / "libssl_bench"

# The measurements of libssl_bench and the rows they print, which start with these names.
MEASUREMENTS = [
    "handshake.ecdsa-p256",
    "handshake.rsa-2048",
    "handshake.ecdsa-p256-tickets",
    "resumption.ticket",
    "resumption.session-id",
    "bulk.aes-128-gcm",
    "bulk.aes-256-gcm",
    "bulk.chacha20-poly1305",
    "tls12.handshake.ecdsa-p256",
    "tls12.handshake.rsa-2048",
    "tls12.resumption.ticket",
    "tls12.resumption.session-id",
    "tls12.bulk.aes-128-gcm",
    "tls12.bulk.aes-128-cbc-sha",
    "tls12.bulk.aes-128-cbc-sha-etm",
    "tls12.rsa-oracle",
    "dtls12.handshake.ecdsa-p256",
    "dtls12.handshake.rsa-2048",
    "dtls12.resumption.ticket",
    "dtls12.resumption.session-id",
    "dtls12.bulk.aes-128-gcm",
    "throughput",
    "context",
    "ca-bundle",
    "connection",
    "memory",
    "session-cache",
    "mallocs",
]


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measures Handfast against the system's libssl.so.3, by turns.",
    )
    parser.add_argument("--rounds", type=int, help="pairs of runs per measurement (default: 5)")
    parser.add_argument("--quick", action="store_true", help="short runs, 2 rounds: a smoke test")
    parser.add_argument(
        "--only", metavar="PREFIX", action="append",
        help="only measurements whose name starts so (may be repeated); see --list",
    )
    parser.add_argument("--list", action="store_true", help="list the measurements and stop")
    parser.add_argument("--no-build", action="store_true", help="use what is built already")
    parser.add_argument(
        "--ours", type=pathlib.Path, default=BUILD / "lib", metavar="DIR",
        help="folder of the library to measure (default: build/release/lib)",
    )
    parser.add_argument("--program", type=pathlib.Path, default=PROGRAM, help=argparse.SUPPRESS)
    parser.add_argument(
        "--write-doc", action="store_true", help="rewrite docs/performance.md and its chart"
    )
    parser.add_argument(
        "--max-ratio", type=float, metavar="R",
        help="exit with status 1 if any row costs more than R times the system's",
    )
    arguments = parser.parse_args()
    if arguments.rounds is None:
        arguments.rounds = 2 if arguments.quick else 5
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


def build():
    if not (BUILD / "CMakeCache.txt").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=sys.stderr)
    subprocess.run(
        ["cmake", "--build", "--preset", "release"], cwd=ROOT, check=True, stdout=sys.stderr
    )


def run_once(program, measurement, library_folder, quick):
    """One run of one measurement. Returns the mapped library's path and {row: measured line}."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
    if library_folder is not None:
        environment["LD_LIBRARY_PATH"] = str(library_folder)
    command = [str(program), measurement] + (["--quick"] if quick else [])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        where = library_folder or "the system's library"
        sys.exit(f"bench: {measurement} on {where} ended with {done.returncode}:\n{done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    rows = {line["row"]: line for line in lines if "row" in line}
    return lines[0]["library"], rows


def check_library(name, path, ours):
    """Ends the program unless the library that ran is the one meant."""
    is_ours = os.path.realpath(path) == os.path.realpath(ours / "libssl.so.3")
    if is_ours != (name == "ours"):
        sys.exit(f"bench: the run for '{name}' mapped {path}: nothing was measured")


def measure(arguments):
    """Returns ({row: {"unit", "better", "system": [...], "ours": [...]}}, {name: library path})."""
    chosen = [
        m for m in MEASUREMENTS
        if not arguments.only or any(m.startswith(prefix) for prefix in arguments.only)
    ]
    if not chosen:
        sys.exit("bench: --only leaves nothing to measure; see --list")
    values, paths = {}, {}
    for round_number in range(1, arguments.rounds + 1):
        for measurement in chosen:
            print(f"round {round_number}/{arguments.rounds}: {measurement}", file=sys.stderr)
            for name, folder in (("system", None), ("ours", arguments.ours)):
                path, rows = run_once(arguments.program, measurement, folder, arguments.quick)
                check_library(name, path, arguments.ours)
                paths[name] = path
                for row, line in rows.items():
                    entry = values.setdefault(
                        row,
                        {"unit": line["unit"], "better": line["better"], "system": [], "ours": []},
                    )
                    entry[name].append(line["value"])
    return values, paths


def drop_incomparable(values):
    """A library that sends no tickets would look fast where they are timed: leave those rows out."""
    notes = []
    for row in [r for r in values if r.endswith(".tickets")]:
        counts = values.pop(row)
        if counts["system"] == counts["ours"]:
            continue
        prefix = row[: -len("tickets")]
        for timed in [r for r in values if r.startswith(prefix)]:
            del values[timed]
        notes.append(
            f"`{prefix[:-1]}` is left out: the system's library sends "
            f"{counts['system'][0]:.0f} tickets, ours {counts['ours'][0]:.0f}."
        )
    return notes


def summarize(values):
    rows = []
    for row, entry in values.items():
        if not entry["system"] or len(entry["system"]) != len(entry["ours"]):
            sys.exit(f"bench: the libraries did not both print row {row}")
        ratios = [ours / system for system, ours in zip(entry["system"], entry["ours"])]
        median = statistics.median(ratios)
        rows.append({
            "row": row,
            **entry,
            "system_median": statistics.median(entry["system"]),
            "ours_median": statistics.median(entry["ours"]),
            "ratio": median,
            "ratio_min": min(ratios),
            "ratio_max": max(ratios),
            # What a unit of work costs on ours, as a multiple of the system's: less is better.
            "cost": median if entry["better"] == "lower" else 1 / median,
        })
    return rows


def main():
    arguments = parse_arguments()
    if arguments.list:
        print("\n".join(MEASUREMENTS))
        return 0
    if not arguments.no_build:
        build()
    for needed in (arguments.program, arguments.ours / "libssl.so.3"):
        if not needed.exists():
            sys.exit(f"bench: {needed} does not exist; build it first")

    values, paths = measure(arguments)
    notes = drop_incomparable(values)
    rows = summarize(values)
    results = {
        "machine": report.machine(),
        "date": report.today(),
        "rounds": arguments.rounds,
        "quick": arguments.quick,
        "libraries": {"system": paths["system"], "ours": os.path.relpath(paths["ours"], ROOT)},
        "notes": notes,
        "rows": rows,
    }
    print(report.text_table(results))

    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    (OUTPUT / "results.svg").write_text(report.chart(rows))
    print(f"\nwritten: {OUTPUT.relative_to(ROOT)}/results.json and results.svg")
    if arguments.write_doc:
        docs = ROOT / "docs"
        docs.mkdir(exist_ok=True)
        (docs / "performance.md").write_text(report.document(results))
        (docs / "performance.svg").write_text(report.chart(rows))
        print("written: docs/performance.md and docs/performance.svg")

    slow = [r for r in rows if arguments.max_ratio and r["cost"] > arguments.max_ratio]
    for row in slow:
        print(f"too slow: {row['row']} costs {row['cost']:.2f} of the system's", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
