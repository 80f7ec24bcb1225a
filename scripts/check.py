#!/usr/bin/env python3
"""The sections of ./check: runs each, counts its cases, ends with one line of totals.

Every case is a line `PASS name`, `FAIL name[: why]` or `SKIP name: why`; runners in test/ print them
themselves. A runner that is missing, prints no case or ends badly is a failed case.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "check-logs"
VECTORS = Path(os.environ.get("HANDFAST_VECTORS", ROOT.parent / "shared" / "vectors"))
JOBS = os.cpu_count() or 2
FUZZ_SECONDS = int(os.environ.get("HANDFAST_FUZZ_SECONDS", "3"))
TAIL = 40
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=66",
}


class Section:
    """Counts of one section, and its log."""

    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.lock = threading.RLock()  # of counts and log: some sections do two things at a time
        self.log_path = LOGS / f"{name}.log"
        self.log = open(self.log_path, "w", encoding="utf-8", errors="replace")

    def note(self, text):
        with self.lock:
            self.log.write(text + "\n")
            self.log.flush()

    def case(self, verdict, name, why=""):
        with self.lock:
            self.count(verdict, f"{verdict} {name}" + (f": {why}" if why else ""))

    def count(self, verdict, line):
        self.note(line)
        if verdict == "PASS":
            self.passed += 1
            return
        self.failed += verdict == "FAIL"
        self.skipped += verdict == "SKIP"
        print(f"  {line}", flush=True)

    def run(self, command, timeout=900, cwd=ROOT, **environment):
        """Status and output of a command; both go to the log. Never raises for a bad end."""
        command = [str(word) for word in command]
        self.note(f"$ {' '.join(command)}")
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **environment},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            output, _ = process.communicate(timeout=timeout)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            output, _ = process.communicate()
            status = "timeout"
        text = output.decode(errors="replace")
        self.note(text)
        return status, text

    def simple(self, name, command, **options):
        """A command that is one case."""
        status, text = self.run(command, **options)
        if status == 0:
            self.case("PASS", name)
        else:
            self.case("FAIL", name, f"status {status}")
            self.tail(text)
        return status == 0

    def tail(self, text):
        for line in text.rstrip().splitlines()[-TAIL:]:
            print(f"    | {line}")
        print(f"    | (log: {self.log_path.relative_to(ROOT)})", flush=True)

    def runner(self, label, command, **options):
        """A program that prints the line protocol."""
        if not Path(command[0]).exists():
            self.case("FAIL", label, f"{Path(command[0]).relative_to(ROOT)} is missing")
            return
        status, text = self.run(command, **options)
        with self.lock:
            self.read_cases(label, status, text)

    def read_cases(self, label, status, text):
        before = self.passed + self.failed + self.skipped
        failed_before = self.failed
        for line in text.splitlines():
            if match := re.match(r"(PASS|FAIL|SKIP) (\S[^:]*?)(?:: (.*))?$", line):
                self.case(match[1], match[2], match[3] or "")
        if self.passed + self.failed + self.skipped == before:
            self.case("FAIL", label, f"no case was printed (status {status})")
            self.tail(text)
        elif status != 0 and self.failed == failed_before:
            self.case("FAIL", label, f"the runner ended with status {status}")
            self.tail(text)
        elif self.failed != failed_before:
            print(f"    | (log: {self.log_path.relative_to(ROOT)})", flush=True)

    def gtest(self, label, binary, *arguments, wrapper=()):
        """A GoogleTest program, in as many shards as there are processors: its cases are counted one by
        one."""
        if not binary.exists():
            self.case("FAIL", label, f"{binary.relative_to(ROOT)} was not built")
            return
        def shard(index):
            return self.run([*wrapper, binary, "--gtest_color=no", *arguments], **SANITIZERS,
                            GTEST_TOTAL_SHARDS=str(JOBS), GTEST_SHARD_INDEX=str(index))

        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            total = sum(self.read_tests(label, *end) for end in pool.map(shard, range(JOBS)))
        if total == 0:
            self.case("FAIL", label, "no test ran")

    def read_tests(self, label, status, text):
        """Counts what one run of a GoogleTest program says of its tests. Returns how many ended."""
        found = re.findall(r"\[ +(OK|FAILED|SKIPPED) +\] ([^,\s]+).* \(\d+ ms\)$|\[ RUN +\] (\S+)$",
                           text, re.MULTILINE)
        running, failed, total = None, 0, 0
        for verdict, name, started in found:
            if started:
                running = started
                continue
            running = None
            total += 1
            failed += verdict == "FAILED"
            why = skip_reason(text, name) if verdict == "SKIPPED" else ""
            self.case({"O": "PASS", "F": "FAIL", "S": "SKIP"}[verdict[0]],
                      f"{label}.{name}", why)
        if running:
            self.case("FAIL", f"{label}.{running}", f"the program ended in it (status {status})")
        elif status != 0 and not failed:
            self.case("FAIL", label, f"status {status} although no test failed")
        if status != 0:
            self.tail(text)
        return total


def skip_reason(text, name):
    """What GTEST_SKIP() said in this test."""
    match = re.search(rf"\[ RUN +\] {re.escape(name)}\n.*?: Skipped\n(.*?)\[ +SKIPPED", text, re.DOTALL)
    return " ".join(match[1].split()) if match else "no reason given"


def build(section, preset, *targets):
    configured = section.simple(f"configure.{preset}", ["cmake", "--preset", preset])
    extra = ["--target", *targets] if targets else []
    return configured and section.simple(
        f"build.{preset}", ["cmake", "--build", "--preset", preset, "-j", JOBS, *extra,
                                 "--", "-k"], timeout=1200)


def release(section):
    build(section, "release")


def unit(section):
    """Built by clang; the sections of sanitizers have them from g++."""
    if build(section, "clang", "handfast_shared", "unit_tests"):
        section.gtest("unit", BUILD / "clang" / "unit_tests")


def product(section):
    section.runner("product", [ROOT / "test/product/run"], HANDFAST_BUILD=str(BUILD / "release"))


def abi(section):
    section.runner("abi", [ROOT / "test/abi/run"], HANDFAST_BUILD=str(BUILD / "release"))


def twin_command(preset, *options):
    return [ROOT / "test/twin/run", BUILD / preset / "lib", BUILD / "release/twin", *options]


def twin(section):
    section.runner("twin", twin_command("release"))
    section.runner("api", [ROOT / "test/twin/coverage/run"], HANDFAST_BUILD=str(BUILD / "release"))


def pairings(section):
    folders = [BUILD / "release/lib", BUILD / "release/pairings"]
    section.runner("pairings", [ROOT / "test/twin/pairings/run", *folders])
    section.runner("resumption", [ROOT / "test/twin/pairings/resumption", *folders])


def constant_time(section):
    section.runner("constant_time", [ROOT / "test/constant_time/run"],
                   HANDFAST_BUILD=str(BUILD / "release"))


def apps(section):
    section.runner("apps", [ROOT / "test/apps/run"], timeout=1000,
                   HANDFAST_BUILD=str(BUILD / "release"))


def peers(section):
    section.runner("peers", [ROOT / "test/peers/run"], HANDFAST_BUILD=str(BUILD / "release"))


def examples(section):
    names = sorted(path.stem for path in (ROOT / "examples").glob("*.cc") if path.stem != "support")
    if not names:
        section.case("FAIL", "examples", "there are none")
    launcher = BUILD / "release/bin/handfast"
    for name in names:
        section.simple(f"examples.{name}", [launcher, "run", "--verify", "--",
                                            BUILD / "release/examples" / name], timeout=60)


def asan(section):
    if build(section, "asan", "handfast_shared", "unit_tests"):
        # The programs are those of the release build: what is looked at is the library.
        runtime = section.run(["g++", "-print-file-name=libasan.so"])[1].strip()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            unit_tests = BUILD / "asan" / "unit_tests"
            both = [pool.submit(section.gtest, "asan.unit", unit_tests,
                                "--gtest_filter=-*Async*"),
                    pool.submit(section.runner, "asan.twin",
                                twin_command("asan", "--preload", runtime), **SANITIZERS)]
        # libcrypto's fibres and fake stacks do not go together.
        section.gtest("asan.unit", unit_tests, "--gtest_filter=*Async*",
                      wrapper=("env", "ASAN_OPTIONS=detect_stack_use_after_return=0"))
        for one in both:
            one.result()


def tsan(section):
    if not build(section, "tsan", "unit_tests"):
        return
    binary = BUILD / "tsan" / "unit_tests"
    # Kernels that randomise more address bits than the run-time expects need this.
    wrapper = ()
    if section.run([binary, "--gtest_list_tests"])[0] != 0:
        wrapper = ("setarch", "-R")
    section.gtest("tsan.unit", binary, "--gtest_filter=*Thread*", wrapper=wrapper)


def seeds_for(name):
    """Streams that another fuzzer found, for our targets that eat the same kind of bytes."""
    kinds = {"datagram_client": "dtls_client", "datagram_server": "dtls_server", "client": "client",
             "server": "server", "session": "session"}
    for part, kind in kinds.items():
        if part in name:
            return VECTORS / "tls_streams" / kind
    return None


def fuzz(section):
    if not build(section, "fuzz"):
        return
    sources = sorted((ROOT / "test/fuzz").glob("*_fuzz.cc"))
    if not sources:
        section.case("FAIL", "fuzz", "there are no fuzz targets in test/fuzz")
    if not (VECTORS / "tls_streams").is_dir():
        section.case("SKIP", "fuzz.shared_seeds", "no tls_streams folder (HANDFAST_VECTORS)")

    def search(source):
        name = source.stem
        found = BUILD / "fuzz/found" / name
        artifacts = BUILD / "fuzz/artifacts" / name
        found.mkdir(parents=True, exist_ok=True)
        artifacts.mkdir(parents=True, exist_ok=True)
        own = [ROOT / "test/fuzz/corpus" / name, ROOT / "test/fuzz/corpus" / name.removesuffix("_fuzz")]
        corpus = [folder for folder in own if folder.is_dir()]
        if not corpus:
            section.case("FAIL", f"fuzz.{name}.corpus", f"{own[1].relative_to(ROOT)} is missing")
        seeds = seeds_for(name)
        if seeds and seeds.is_dir():
            corpus.append(seeds)
        section.simple(f"fuzz.{name}", [
            BUILD / "fuzz/fuzz" / name, found, *corpus, f"-max_total_time={FUZZ_SECONDS}",
            "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
            f"-artifact_prefix={artifacts}/"], timeout=300, **SANITIZERS)

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(search, sources))


def sources_to_format():
    folders = ("src", "include", "test", "benchmark", "examples")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*")
                  if path.suffix in (".cc", ".h", ".c") and "samples" not in path.parts)


def format_(section):
    tool = shutil.which("clang-format-14") or "clang-format"

    def examine(path):
        status, text = section.run([tool, "--dry-run", "-Werror", path])
        section.case("PASS" if status == 0 else "FAIL", f"format.{path.relative_to(ROOT)}",
                     "" if status == 0 else f"{text.count('error:')} places")

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(examine, sources_to_format()))


def lint(section):
    section.runner("lint", [ROOT / "test/lint/run"])


def tidy(section):
    if not (BUILD / "clang/compile_commands.json").exists():
        section.simple("configure.clang", ["cmake", "--preset", "clang"])
    # The compile commands name generated files and the precompiled headers.
    section.run(["cmake", "--build", "--preset", "clang", "-j", JOBS, "--target",
                 "handfast_shared"], timeout=1200)
    tool = shutil.which("clang-tidy-14") or "clang-tidy"
    files = sorted((ROOT / "src").rglob("*.cc"))

    def examine(path):
        command = [tool, "-p", BUILD / "clang", "--quiet", path]
        return path, subprocess.run([str(word) for word in command], cwd=ROOT, text=True,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, errors="replace", check=False)

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, result in pool.map(examine, files):
            name = f"tidy.{path.relative_to(ROOT)}"
            if result.returncode == 0:
                section.case("PASS", name)
                continue
            section.note(result.stdout)
            section.case("FAIL", name)
            section.tail("\n".join(line for line in result.stdout.splitlines() if "error:" in line))


SECTIONS = {
    "lint": lint,
    "format": format_,
    "release": release,
    "unit": unit,
    "product": product,
    "abi": abi,
    "twin": twin,
    "constant_time": constant_time,
    "pairings": pairings,
    "examples": examples,
    "apps": apps,
    "peers": peers,
    "asan": asan,
    "tsan": tsan,
    "fuzz": fuzz,
    "tidy": tidy,
}


def main():
    parser = argparse.ArgumentParser(prog="check", description="Builds and tests everything.")
    parser.add_argument("--only", metavar="SECTION[,SECTION]", help="run these sections only")
    parser.add_argument("--list", action="store_true", help="name the sections and end")
    parser.add_argument("--no-deps", action="store_true", help="do not look for missing packages")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(SECTIONS))
        return 0
    names = arguments.only.split(",") if arguments.only else list(SECTIONS)
    for name in names:
        if name not in SECTIONS:
            parser.error(f"no section {name}; there are {', '.join(SECTIONS)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ["HANDFAST_VECTORS"] = str(VECTORS)
    # Fixed, so that a version manager's python or a user's settings play no part.
    for variable in ("LD_LIBRARY_PATH", "LD_PRELOAD", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        os.environ.pop(variable, None)
    totals = [0, 0, 0]
    start = time.monotonic()
    for name in names:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        section = Section(name)
        try:
            SECTIONS[name](section)
        except Exception as error:  # a broken section must not hide the others' results
            section.case("FAIL", name, f"{type(error).__name__}: {error}")
        section.log.close()
        counts = (section.passed, section.failed, section.skipped)
        totals = [total + count for total, count in zip(totals, counts)]
        print("   {}: {} passed, {} failed, {} skipped, {:.0f} s".format(
            name, *counts, time.monotonic() - began), flush=True)
    print(f"all sections: {time.monotonic() - start:.0f} s")
    print("{} passed, {} failed, {} skipped".format(*totals), flush=True)
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
