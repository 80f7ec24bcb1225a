"""Redis: redis-server with redis-cli, redis-benchmark, a replica and openssl s_client."""

import hashlib
import random

import s_client
from programs import require, sha256
from web import pairs

PACKAGES = "redis-server redis-tools"
SERVER = "/usr/bin/redis-server"
CLI = "/usr/bin/redis-cli"
BENCHMARK = "/usr/bin/redis-benchmark"
NEEDS = [SERVER, CLI, BENCHMARK]

TLS_FILES = ["--tls-cert-file", "ecdsa.pem", "--tls-key-file", "ecdsa.key",
             "--tls-ca-cert-file", "ca.pem"]
VALUE = "value"
COMMANDS = "commands"
COUNT = 5000
PING = (b"PING\r\n", r"\+PONG")


def redis_server(lab, library, version, *options):
    port = lab.free_port()
    server = lab.start(library, [SERVER, "--bind", "127.0.0.1", "--port", "0", "--tls-port", port,
                                 *TLS_FILES, "--tls-protocols", f"TLSv{version}",
                                 "--tls-auth-clients", "optional", "--save", "",
                                 "--dbfilename", f"{port}.rdb", "--repl-diskless-sync-delay", "0",
                                 "--enable-debug-command", "local", *options])
    require(server.port() == port, f"{server} listens elsewhere")
    server.check_mapped()
    return server, port


def cli(port, *words):
    return [CLI, "-p", port, "--tls", "--cacert", "ca.pem", "--raw", *words]


def ask(lab, library, port, *words, **options):
    client = lab.run(library, cli(port, *words), **options)
    require(client.process.returncode == 0, f"{client}: {client.last_words()}")
    return client.output()


def check_answer(got, expected):
    require(got == expected, f"the answer is {got[:100]!r}, not {expected[:100]!r}")


def large_value(lab, client, *server):
    port = lab.shared(redis_server, *server)
    name = f"value:{client}"
    check_answer(ask(lab, client, port, "-x", "SET", name, stdin=VALUE), b"OK\n")
    got = ask(lab, client, port, "GET", name)
    require(sha256(got[:-1]) == lab.hashes[VALUE], f"{len(got)} bytes with another checksum came")


def many_commands(lab, client, *server):
    """redis-cli --pipe writes and reads at the same time."""
    port = lab.shared(redis_server, *server)
    check_answer(ask(lab, client, port, "FLUSHALL"), b"OK\n")
    told = ask(lab, client, port, "--pipe", stdin=COMMANDS)
    require(b"errors: 0, replies: %d" % COUNT in told, f"redis-cli says {told[-200:]!r}")
    digest = hashlib.sha1(b"".join(values())).hexdigest().encode()
    script = ("local all = {} for i = 1, ARGV[1] do all[i] = redis.call('GET', 'key:' .. i) end "
              "return redis.sha1hex(table.concat(all))")
    check_answer(ask(lab, client, port, "EVAL", script, "0", COUNT), digest + b"\n")


def values():
    return [random.Random(i).randbytes(300).hex().encode() for i in range(COUNT)]


def write_commands(lab):
    """The commands of `many_commands`, in Redis's protocol."""
    with open(lab.path(COMMANDS), "wb") as file:
        for number, value in enumerate(values(), 1):
            words = [b"SET", b"key:%d" % number, value]
            file.write(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))


def subscription(lab, client, *server):
    port = lab.shared(redis_server, *server)
    subscriber = lab.start(client, cli(port, "SUBSCRIBE", "news"))
    subscriber.wait_for("subscribe\nnews\n1\n")
    subscriber.check_mapped()
    check_answer(ask(lab, client, port, "PUBLISH", "news", "first"), b"1\n")
    subscriber.wait_for("message\nnews\nfirst\n")
    check_answer(ask(lab, client, port, "PUBLISH", "news", "second"), b"1\n")
    subscriber.wait_for("message\nnews\nsecond\n")
    subscriber.stop()


def client_certificate(lab, client, *server):
    port = lab.shared(redis_server, *server, "--tls-auth-clients", "yes")
    check_answer(ask(lab, client, port, "--cert", "client.pem", "--key", "client.key", "PING"),
                 b"PONG\n")
    program = lab.run(client, cli(port, "PING"))
    require(b"PONG" not in program.output() and program.process.returncode != 0,
            f"{program} was served without a certificate")


def untrusted_server(lab, client, *server):
    port = lab.shared(redis_server, *server)
    program = lab.run(client, [CLI, "-p", port, "--tls", "--cacert", "client.pem", "PING"])
    require("certificate verify failed" in program.text(), f"{program}: {program.last_words()}")


def benchmark(lab, client, *server):
    port = lab.shared(redis_server, *server)
    check_answer(ask(lab, client, port, "FLUSHALL"), b"OK\n")
    # -k 0: a connection for each request.
    for more in (["-n", 4000, "-c", 20, "-P", 4], ["-n", 100, "-c", 10, "-k", 0]):
        program = lab.run(client, [BENCHMARK, "-p", port, "--tls", "--cacert", "ca.pem",
                                   "-t", "incr,lpush", "-d", 400, "--csv", *more])
        program.succeed()
        require("requests per second" not in program.text() and "Error" not in program.text(),
                f"{program}: {program.last_words()}")
    check_answer(ask(lab, client, port, "GET", "counter:__rand_int__"), b"4100\n")
    check_answer(ask(lab, client, port, "LLEN", "mylist"), b"4100\n")


def replication(lab, replica, *server):
    """The replica is a TLS client of the master, and gets what was there and what comes later."""
    _, port = redis_server(lab, *server)
    check_answer(ask(lab, "system", port, "-x", "SET", "before", stdin=VALUE), b"OK\n")
    version = server[1]
    follower, follower_port = redis_server(lab, replica, version, "--tls-replication", "yes",
                                           "--replicaof", "127.0.0.1", port)
    follower.wait_for("MASTER <-> REPLICA sync: Finished with success")
    check_answer(ask(lab, "system", port, "-x", "SET", "later", stdin=VALUE), b"OK\n")
    check_answer(ask(lab, "system", port, "WAIT", "1", "10000"), b"1\n")
    check_answer(ask(lab, "system", follower_port, "DEBUG", "DIGEST"),
                 ask(lab, "system", port, "DEBUG", "DIGEST"))
    got = ask(lab, "system", follower_port, "GET", "later")
    require(sha256(got[:-1]) == lab.hashes[VALUE], f"{len(got)} bytes with another checksum came")
    follower.check_mapped()


def another_certificate(lab, client, server, version):
    """CONFIG SET gives the running server another certificate."""
    _, port = redis_server(lab, server, version)
    asked = (lab, client, port, version, *PING)
    require(s_client.key_bits(*asked) == "256", "no ECDSA certificate at first")
    check_answer(ask(lab, client, port, "CONFIG", "SET", "tls-cert-file", "rsa.pem",
                     "tls-key-file", "rsa.key"), b"OK\n")
    require(s_client.key_bits(*asked) == "2048", "no RSA certificate in the end")
    check_answer(ask(lab, client, port, "PING"), b"PONG\n")


def resumption(lab, client, *server):
    port = lab.shared(redis_server, *server)
    s_client.resume(lab, client, port, server[1], *PING)


CASES = {
    "value.4MB": large_value,
    "pipe": many_commands,
    "subscription": subscription,
    "client-certificate": client_certificate,
    "untrusted-server": untrusted_server,
    "benchmark": benchmark,
    "another-certificate": another_certificate,
    "resumption": resumption,
}


def cases(report, lab):
    lab.payload(VALUE, 4 * 1024 * 1024)
    write_commands(lab)
    for client, server, version in pairs():
        pair = f"{client}.redis-server-{server}.tls{version}"
        for name, function in CASES.items():
            report.case(f"redis-cli-{pair}.{name}", function, lab, client, server, version)
        report.case(f"redis-replica-{pair}", replication, lab, client, server, version)
