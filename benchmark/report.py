"""Presents the results of ./bench: a table for the terminal, a page, and a chart."""

import datetime
import os
import pathlib
import subprocess

UNITS = {"us": "µs", "ns": "ns", "bytes": "bytes", "count": "calls", "handshakes/s": "handshakes/s"}

DOCUMENT = """\
# Performance

The table is written by `./bench --write-doc`; nothing in it is typed by hand. `system` is Debian's
own libssl, `ours` is Handfast's `libssl.so.3`; the same program ran on both, and both ran on the
same libcrypto. A ratio is ours divided by the system's, so that below 1 is better, except for rows
in handshakes/s, where above 1 is better.

- Date: {date}
- Machine: {cpu}, {cores} cores
- libcrypto: {libcrypto}
- Rounds: {rounds}{quick}

![Cost of Handfast relative to the system's libssl](performance.svg)

{table}
{notes}
## What is measured

| rows | meaning |
|---|---|
| `handshake.*` | CPU time of one full TLS 1.3 handshake from `SSL_new` to `SSL_free`, X25519, the library's default cipher, counted for each side by itself; the client verifies chain and host name |
| `resumption.*` | as `handshake.*`, but resumed (`psk_dhe_ke`) from what a ticket holds, or from the server's cache, which the ticket names; with the new tickets that follow |
| `bulk.*` | CPU time of one `SSL_write` (`seal`) and one `SSL_read` (`open`) of a record of that size |
| `tls12.handshake.*`, `tls12.bulk.*` | the same in TLS 1.2: handshakes with ECDHE-…-AES128-GCM-SHA256; `cbc-sha` is AES-128-CBC with HMAC-SHA1, `etm` means encrypt-then-MAC (RFC 7366) |
| `tls12.resumption.*` | as `tls12.handshake.*`, but resumed from a ticket, or from the session id and the server's cache |
| `tls12.rsa-oracle.*` | CPU time that a server takes over an RSA-encrypted premaster secret, a good one and malformed ones (RFC 5246, section 7.4.7.1): the rows of one library have to be equal |
| `dtls12.*` | the same in DTLS 1.2, without the exchange of a cookie; `bulk` is of datagrams with 1200 bytes |
| `throughput.*` | completed handshakes (both sides) in a second of wall-clock time on 1 and 2 threads that share both `SSL_CTX` |
| `memory.*` | bytes that an idle connection holds after the handshake and one byte of data each way, as requested through `OPENSSL_malloc`; with and without `SSL_MODE_RELEASE_BUFFERS`; `dtls12` over datagrams |
| `context.*` | CPU time of `SSL_CTX_new` and `SSL_CTX_free`, of the first context in a process, where libcrypto starts too, and of later ones |
| `ca-bundle.*` | CPU time of `SSL_CTX_load_verify_file` of the system's CA bundle, for the first time in a process and later, into new contexts |
| `connection.*` | CPU time of `SSL_new`, setting the role (a client also its host name), and `SSL_free` |
| `session-cache.*` | bytes that a server's cache holds for each session, in TLS 1.3 for each ticket |
| `mallocs.*` | allocator calls of one full handshake |

Tickets are switched off except in rows that resume, cache or name them.

## How

`benchmark/` holds one program, written against the public API alone and linked with the system's
libssl; `LD_LIBRARY_PATH` decides which library a run gets, and the run is refused unless
`/proc/self/maps` shows the one meant. In every round each measurement runs on the system's library
and then on ours, in processes of their own. The bytes between client and server pass through a pair
of BIOs that only copy them. Within a run each value is a median of many (for `memory`, `session-cache`,
`mallocs` and `throughput` an average, for `first` the only one); the table shows the median over the rounds, and the ratio's spread is the
smallest and largest ratio of two neighbouring runs. Shared machines are noisy: read ratios, not
times.

Run it again with `./bench` (`./bench --help` for shorter or partial runs). Every single value is in
`build/bench/results.json`.
"""


def machine():
    cpu = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    version = subprocess.run(
        ["/usr/bin/openssl", "version"], capture_output=True, text=True, check=False
    ).stdout
    # "OpenSSL 3.0.22 25 Aug 2026 (Library: ...)"
    words = version.split()
    libcrypto = " ".join(words[:2]) if len(words) >= 2 else "unknown"
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "libcrypto": libcrypto}


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def cells(row):
    return [
        row["row"],
        UNITS[row["unit"]],
        number(row["system_median"]),
        number(row["ours_median"]),
        f"{row['ratio']:.2f}",
        f"{row['ratio_min']:.2f}–{row['ratio_max']:.2f}",
    ]


HEADINGS = ["row", "unit", "system", "ours", "ratio", "spread"]


def text_table(results):
    lines = [HEADINGS] + [cells(row) for row in results["rows"]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    text = []
    for line in lines:
        left = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2])]
        right = [cell.rjust(width) for cell, width in zip(line[2:], widths[2:])]
        text.append("  ".join(left + right))
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text + results["notes"])


def markdown_table(rows):
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---|---|---:|---:|---:|---:|"]
    for row in rows:
        name, *rest = cells(row)
        lines.append("| " + " | ".join([f"`{name}`"] + rest) + " |")
    return "\n".join(lines)


def document(results):
    notes = "".join(f"\n{note}\n" for note in results["notes"])
    return DOCUMENT.format(
        date=results["date"],
        cpu=results["machine"]["cpu"],
        cores=results["machine"]["cores"],
        libcrypto=results["machine"]["libcrypto"],
        rounds=results["rounds"],
        quick=" (short runs: not for quoting)" if results["quick"] else "",
        table=markdown_table(results["rows"]),
        notes=notes,
    )


BAR, GAP, TOP = 14, 8, 54
LABELS, PLOT, VALUES = 300, 420, 130
GREY, GOOD, BAD = "#808080", "#3b82c4", "#d97a2b"


def cost_range(row):
    low, high = row["ratio_min"], row["ratio_max"]
    return (low, high) if row["better"] == "lower" else (1 / high, 1 / low)


def chart(rows):
    """An SVG of bars, one for each row: what ours costs as a multiple of the system's. It has no
    background and mid-tone colours, so that it reads on light and dark pages."""
    top = max([1.25] + [cost_range(row)[1] * 1.05 for row in rows])
    height = TOP + len(rows) * (BAR + GAP) + 10
    width = LABELS + PLOT + VALUES

    def x(cost):
        return LABELS + PLOT * cost / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12" fill="{GREY}">',
        "<title>Cost of Handfast relative to the system's libssl</title>",
        f'<text x="{LABELS}" y="16">cost of Handfast, system\'s libssl = 1 (shorter is better); '
        "thin line: spread</text>",
    ]
    step = 0.25 if top <= 2 else 0.5 if top <= 4 else 1.0 if top <= 10 else top / 5
    tick = 0.0
    while tick <= top:
        strong = abs(tick - 1) < 1e-9
        parts.append(
            f'<line x1="{x(tick):.1f}" y1="{TOP - 12}" x2="{x(tick):.1f}" y2="{height - 8}" '
            f'stroke="{GREY}" stroke-width="{1.5 if strong else 0.5}" '
            f'stroke-opacity="{1 if strong else 0.5}"/>'
            f'<text x="{x(tick):.1f}" y="{TOP - 17}" text-anchor="middle">{tick:g}</text>'
        )
        tick += step
    for index, row in enumerate(rows):
        parts.append(bar(row, TOP + index * (BAR + GAP), x, width))
    return "\n".join(parts + ["</svg>\n"])


def bar(row, y, x, width):
    low, high = cost_range(row)
    cost = row["cost"]
    middle = y + BAR / 2
    return (
        f'<text x="{LABELS - 8}" y="{y + BAR - 3}" text-anchor="end">{row["row"]}</text>'
        f'<rect x="{x(0):.1f}" y="{y}" width="{x(cost) - x(0):.1f}" height="{BAR}" rx="2" '
        f'fill="{GOOD if cost <= 1 else BAD}"/>'
        f'<line x1="{x(low):.1f}" y1="{middle}" x2="{x(high):.1f}" y2="{middle}" '
        f'stroke="{GREY}" stroke-width="2"/>'
        f'<text x="{width - VALUES + 10}" y="{y + BAR - 3}">{cost:.2f}  '
        f"({low:.2f}–{high:.2f})</text>"
    )
