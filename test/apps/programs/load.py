"""nginx under the load of h2load, wrk and ab: many connections, threads and handshakes at a time.
Every answer counts, and wrk compares every byte."""

import re

from nginx_process import NGINX, WORKERS, end_nginx, start_nginx
from programs import HOST, Program, require
from web import TIMEOUT, VERSIONS, pairs

H2LOAD, WRK, AB = "/usr/bin/h2load", "/usr/bin/wrk", "/usr/bin/ab"
PACKAGES = "nginx nghttp2-client wrk apache2-utils"
NEEDS = [NGINX, H2LOAD, WRK, AB]

PAGE = "page"
SIZE = 20000
REQUESTS = 2000
HANDSHAKES = 300
SERVER = """
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=2048;
    ssl_protocols TLSv{version};
    keepalive_requests 100000;
  }}"""
# For wrk: how many answers are not the file, of all threads.
COMPARING = """
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(arguments)
  local file = io.open(arguments[1], "rb")
  expected, other, same = file:read("*a"), 0, 0
end
function response(status, headers, body)
  if status == 200 and body == expected then same = same + 1 else other = other + 1 end
end
function done(summary, latency, requests)
  local other, same = 0, 0
  for _, thread in ipairs(threads) do
    other, same = other + thread:get("other"), same + thread:get("same")
  end
  io.write(string.format("same=%d other=%d\\n", same, other))
end
"""


def start(lab, library):
    ports = {version: lab.free_port() for version in VERSIONS}
    servers = "".join(SERVER.format(port=port, version=version) for version, port in ports.items())
    program = start_nginx(lab, library, f"nginx-{library}", ports.values(), servers)
    return program, (program, ports)


def server(lab, library, version):
    """The address of a server whose processes have been looked at."""
    program, ports = lab.shared(start, library)
    program.check_all_mapped(1 + WORKERS)
    return f"127.0.0.1:{ports[version]}"


def run(lab, library, *command):
    program: Program = lab.run(library, command, TIMEOUT)
    require(program.process.returncode == 0, f"{program}: {program.last_words()}")
    return program.text()


def h2load(lab, client, address, version, requests, *options):
    text = run(lab, client, H2LOAD, "-n", requests, "-t", "2", *options, f"--connect-to={address}",
               f"https://{HOST}/{PAGE}")
    done = re.search(r"requests: (.*)", text)
    require(done and done[1] == f"{requests} total, {requests} started, {requests} done, "
                                f"{requests} succeeded, 0 failed, 0 errored, 0 timeout",
            f"requests: {done and done[1]}")
    require(f"{requests} 2xx, 0 3xx, 0 4xx, 0 5xx" in text, "answers of another kind")
    require(f"({SIZE * requests}) data" in text, "another number of bytes")
    require(f"TLS Protocol: TLSv{version}" in text, f"not TLS {version}")


def streams(lab, client, library, version):
    """Ten requests at a time on each of twenty connections."""
    h2load(lab, client, server(lab, library, version), version, REQUESTS, "-c", "20", "-m", "10")


def handshakes(lab, client, library, version):
    """One request a connection, with HTTP/1.1."""
    address = server(lab, library, version)
    h2load(lab, client, address, version, HANDSHAKES, "--h1", "-c", HANDSHAKES)


def comparison(lab, client, library, version):
    text = run(lab, client, WRK, "-t", "2", "-c", "20", "-d", "1", "-s", "comparing.lua",
               f"https://{server(lab, library, version)}/{PAGE}", "--", lab.path(PAGE))
    counts = re.search(r"same=(\d+) other=(\d+)", text)
    require(counts and int(counts[1]) > 20 and int(counts[2]) == 0, f"{counts and counts[0]}")
    require("Socket errors" not in text, "there were errors of the sockets")


def one_after_the_other(lab, client, library, version):
    """Ten clients that connect anew for each request."""
    text = run(lab, client, AB, "-n", HANDSHAKES, "-c", "10", "-f", f"TLS{version}",
               f"https://{server(lab, library, version)}/{PAGE}")
    for expected in (rf"Complete requests: +{HANDSHAKES}\n", r"Failed requests: +0\n",
                     rf"HTML transferred: +{HANDSHAKES * SIZE} bytes",
                     rf"SSL/TLS Protocol: +TLSv{version},"):
        require(re.search(expected, text), f"it does not say '{expected}'")
    require("Non-2xx" not in text, "answers of another kind")


def end(lab, library):
    program, _ = lab.shared(start, library)
    end_nginx(program)


def cases(report, lab):
    lab.payload(PAGE, SIZE)
    lab.write("comparing.lua", COMPARING)
    for client, library, version in pairs():
        for name, function in (("h2load", streams), ("h2load.handshakes", handshakes),
                               ("wrk", comparison), ("ab", one_after_the_other)):
            report.case(f"load.{name}.nginx-{library}.client-{client}.tls{version}", function, lab,
                        client, library, version)
    for library in ("ours", "system"):
        report.case(f"load.nginx-{library}.end", end, lab, library)
