"""PostgreSQL: the server with psql, pgbench, a standby (a server that is a client of another one)
and openssl s_client."""

import os
import pathlib
import pwd
import shutil
import signal

import s_client
from programs import HOST, Failure, require, sha256
from web import end_gracefully, openssl, pairs

PACKAGES = "postgresql-15 postgresql-client-15"
BIN = "/usr/lib/postgresql/15/bin"
SERVER = f"{BIN}/postgres"
PSQL = f"{BIN}/psql"
NEEDS = [SERVER, PSQL, f"{BIN}/initdb", f"{BIN}/pgbench", f"{BIN}/pg_basebackup",
         f"{BIN}/pg_verifybackup"]

CIPHERS = {"1.3": "TLS_AES_256_GCM_SHA384", "1.2": "ECDHE-ECDSA-AES256-GCM-SHA384"}
# The server refuses to be root.
ACCOUNT = "postgres" if os.geteuid() == 0 else None
PASSWORD = "secret"
ROWS = "rows"
CERTIFICATE = ["user=holder", "sslcert=client.pem", "sslkey=client.key"]
# A StartupMessage of version 3.0, and the answer that asks for a password.
STARTUP = (b"\x00\x00\x00\x14\x00\x03\x00\x00user\x00owner\x00\x00", "SCRAM-SHA-256-PLUS")

CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 8MB
fsync = off
logging_collector = off
ssl = on
ssl_ca_file = 'ca.pem'
ssl_cert_file = 'ecdsa.pem'
ssl_key_file = 'ecdsa.key'
"""
HBA = """
hostssl all,replication owner 127.0.0.1/32 scram-sha-256
hostssl all holder 127.0.0.1/32 cert map=names
"""


class Server:
    """A running server of its own data folder."""

    def __init__(self, lab, library, folder):
        self.port = lab.free_port()
        self.folder = folder
        self.program = lab.start(library, [SERVER, "-D", folder, "-p", self.port], **of(lab))
        self.program.wait_for("database system is ready to accept")
        self.program.check_all_mapped()


def of(lab):
    """The account of the servers, and a home without certificates."""
    return {"user": ACCOUNT, "environment": {"HOME": str(lab.folder)}}


def make_folder(lab, folder):
    """What initdb makes, with certificates and our configuration."""
    password = pathlib.Path(f"{folder}.password")
    password.write_text(PASSWORD + "\n")
    lab.run(None, [f"{BIN}/initdb", "-D", folder, "-U", "owner", "--pwfile", password, "--no-sync",
                   "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions"],
            **of(lab)).succeed()
    for name in ("ca.pem", "ecdsa.pem", "ecdsa.key", "rsa.pem", "rsa.key"):
        own(shutil.copy(lab.path(name), folder))
    with open(f"{folder}/postgresql.conf", "a") as file:
        file.write(CONFIGURATION)
    pathlib.Path(f"{folder}/pg_hba.conf").write_text(HBA)
    pathlib.Path(f"{folder}/pg_ident.conf").write_text('names "test client" holder\n')


def own(path):
    if ACCOUNT:
        shutil.chown(path, ACCOUNT, ACCOUNT)


def postgres(lab, library):
    folder = lab.path(f"postgres-{library}")
    make_folder(lab, folder)
    server = Server(lab, library, folder)
    run_psql(lab, "system", server, "1.3", "create role holder login; create extension dblink")
    return server.program, server


def connection(server, version, *words):
    """A connection string. Later words win."""
    given = dict(word.split("=", 1) for word in (
        f"host={HOST}", "hostaddr=127.0.0.1", f"port={server.port}", "dbname=postgres",
        "user=owner", f"password={PASSWORD}", "sslmode=verify-full", "sslrootcert=ca.pem",
        f"ssl_min_protocol_version=TLSv{version}", f"ssl_max_protocol_version=TLSv{version}",
        *words))
    return " ".join(f"{name}='{value}'" for name, value in given.items())


def psql(server, version, *words):
    return [PSQL, "-X", "-At", "-v", "ON_ERROR_STOP=1", connection(server, version, *words)]


def run_psql(lab, library, server, version, sql, *words):
    client = lab.run(library, [*psql(server, version, *words), "-c", sql])
    require(client.process.returncode == 0, f"{client}: {client.last_words()}")
    return client.output().decode()


def refused(lab, library, server, version, why, *words):
    client = lab.run(library, [*psql(server, version, *words), "-c", "select 1"])
    require(client.process.returncode != 0, f"{client} was served")
    require(why in client.text(), f"{client}: {client.last_words()}")


def check(got, expected):
    require(got == expected, f"the answer is {got[:200]!r}, not {expected[:200]!r}")


def verified(lab, client, library, version):
    """Also while it lasts: the server has a process for the connection."""
    server = lab.shared(postgres, library)
    program = lab.start(client, psql(server, version), stdin="pipe",
                        environment=of(lab)["environment"])
    program.send(b"select version, cipher, bits from pg_stat_ssl where pid = pg_backend_pid();\n")
    program.wait_for(rf"TLSv{version}\|{CIPHERS[version]}\|256\n")
    program.check_mapped()
    # The postmaster and its five standing helpers, and ours.
    server.program.check_all_mapped(at_least=7)
    program.close_input()
    program.succeed()


def refusals(lab, client, library, version):
    server = lab.shared(postgres, library)
    start = (lab, client, server, version)
    refused(*start, 'does not match host name "other.example"', "host=other.example")
    refused(*start, "certificate verify failed", "sslrootcert=rsa.pem")
    refused(*start, "no encryption", "sslmode=disable")


def client_certificate(lab, client, library, version):
    server = lab.shared(postgres, library)
    sql = "select current_user, client_dn from pg_stat_ssl where pid = pg_backend_pid()"
    for key in ("sslkey=client.key", f"sslkey={encrypted_key(lab)}"):
        got = run_psql(lab, client, server, version, sql, *CERTIFICATE, key, "sslpassword=open")
        check(got, "holder|/CN=test client\n")
    start = (lab, client, server, version)
    refused(*start, "connection requires a valid client certificate", "user=holder")
    refused(*start, "certificate authentication failed", "user=holder", "sslcert=ecdsa.pem",
            "sslkey=ecdsa.key")


def encrypted_key(lab):
    path = lab.path("client-encrypted.key")
    if not os.path.exists(path):
        openssl(lab, "pkey", "-in", "client.key", "-out", path, "-aes256", "-passout", "pass:open")
        os.chmod(path, 0o600)
    return path


def channel_binding(lab, client, library, version):
    """SCRAM-SHA-256-PLUS: both ends hash the certificate that they think the server has."""
    server = lab.shared(postgres, library)
    check(run_psql(lab, client, server, version, "select 'bound'", "channel_binding=require"),
          "bound\n")
    refused(lab, client, server, version, "channel binding required", "channel_binding=require",
            *CERTIFICATE)


def another_certificate(lab, client, library, version):
    """The running server reads another certificate for the connections that follow."""
    server = lab.shared(postgres, library)
    asked = (lab, client, server.port, version, *STARTUP, "-starttls", "postgres")
    for name, bits in (("rsa", "2048"), ("ecdsa", "256")):
        # Names of its own, so that the server's log has a line that is not older.
        for kind in ("pem", "key"):
            copy = f"{name}-{client}-{version}.{kind}"
            own(shutil.copy(lab.path(f"{name}.{kind}"), f"{server.folder}/{copy}"))
        stem = f"{name}-{client}-{version}"
        for setting, kind in (("ssl_key_file", "key"), ("ssl_cert_file", "pem")):
            run_psql(lab, "system", server, version, f"alter system set {setting} = '{stem}.{kind}'")
        run_psql(lab, "system", server, version, "select pg_reload_conf()")
        server.program.wait_for(f'"ssl_cert_file" changed to "{stem}.pem"')
        check(s_client.key_bits(*asked), bits)
        got = run_psql(lab, client, server, version, "select 'bound'", "channel_binding=require")
        check(got, "bound\n")


def no_session(lab, client, library, version):
    """PostgreSQL wants none of its sessions resumed."""
    server = lab.shared(postgres, library)
    text = s_client.converse(lab, client, server.port, version, *STARTUP, "-starttls", "postgres")
    require(f"New, TLSv{version}" in text, "no new connection")
    require("TLS session ticket" not in text, "the server has given a ticket")
    if version == "1.2":
        require("Session-ID: \n" in text, "the server has given a session id")


def copy_both_ways(lab, client, library, version):
    server = lab.shared(postgres, library)
    table, out = f"rows_{client}_{version[2]}", lab.path(f"rows-{client}-{library}-{version}")
    sql = [f"create table {table} (number serial, line text)",
           rf"\copy {table} (line) from '{lab.path(ROWS)}'",
           rf"\copy (select line from {table} order by number) to '{out}'",
           f"select sha256(string_agg(line || chr(10), '' order by number)::bytea) from {table}"]
    words = [word for command in sql for word in ("-c", command)]
    program = lab.run(client, [*psql(server, version), "-q", *words])
    check(program.output().decode(), rf"\x{lab.hashes[ROWS]}" + "\n")
    check(sha256(pathlib.Path(out).read_bytes()), lab.hashes[ROWS])


def pgbench(lab, client, library, version):
    """Many connections at a time, and one for each transaction."""
    server = lab.shared(postgres, library)
    table = connection(server, version)
    lab.run(client, [f"{BIN}/pgbench", "-i", "-q", "-n", table]).succeed()
    for options, count in ((["-c", 8, "-j", 2, "-t", 50], 400),
                           (["-C", "-c", 4, "-j", 2, "-t", 5], 20)):
        program = lab.run(client, [f"{BIN}/pgbench", "-S", "-n", *options, table])
        require(program.process.returncode == 0, f"{program}: {program.last_words()}")
        require(f"actually processed: {count}/{count}\nnumber of failed transactions: 0"
                in program.text(), f"{program}: {program.text()[-300:]}")


def dblink(lab, client, library, version):
    """A server's process is the client of another server, with libpq in the one process that
    serves."""
    near, far = lab.shared(postgres, client), lab.shared(postgres, library)
    inner = connection(far, version, f"sslrootcert={lab.path('ca.pem')}").replace("'", "''")
    sql = ("select * from dblink('" + inner + "', 'select version, cipher from pg_stat_ssl where "
           "pid = pg_backend_pid()') as answer(version text, cipher text)")
    check(run_psql(lab, "system", near, "1.3", sql), f"TLSv{version}|{CIPHERS[version]}\n")


def standby(lab, client, library, version):
    """A copy of the server's data, and a server that follows what happens to them."""
    server = lab.shared(postgres, library)
    folder = lab.path(f"standby-{client}-{library}-{version}")
    source = connection(server, version, f"sslrootcert={lab.path('ca.pem')}")
    lab.run(client, [f"{BIN}/pg_basebackup", "-D", folder, "-R", "-d", source, "-c", "fast",
                     "--no-sync"], **of(lab)).succeed()
    lab.run(None, [f"{BIN}/pg_verifybackup", "-q", folder], **of(lab)).succeed()
    follower = Server(lab, client, folder)
    follower.program.wait_for("started streaming WAL from primary")
    table = f"followed_{client}_{version[2]}"
    run_psql(lab, "system", server, version, f"create table {table} as select repeat(md5("
             "n::text), 30) line from generate_series(1, 1000) n")
    digest = f"select md5(string_agg(line, '' order by line)) from {table}"
    expected = run_psql(lab, "system", server, version, digest)
    place = run_psql(lab, "system", server, version, "select pg_current_wal_lsn()").strip()
    caught_up = f"select pg_last_wal_replay_lsn() >= '{place}'"
    for _ in range(100):
        if run_psql(lab, "system", follower, version, caught_up) == "t\n":
            break
    else:
        raise Failure("the standby does not catch up")
    check(run_psql(lab, "system", follower, version, digest), expected)
    check(run_psql(lab, "system", server, version, "select version from pg_stat_ssl join "
                   "pg_stat_replication using (pid)"), f"TLSv{version}\n")
    follower.program.check_all_mapped(at_least=5)
    end_gracefully(follower.program, signal.SIGINT)


CASES = {
    "verify-full": verified,
    "refusals": refusals,
    "client-certificate": client_certificate,
    "channel-binding": channel_binding,
    "another-certificate": another_certificate,
    "no-session": no_session,
    "copy.4MB": copy_both_ways,
    "pgbench": pgbench,
}
BETWEEN_SERVERS = {"dblink": dblink, "standby": standby}


def cases(report, lab):
    lab.text_payload(ROWS, seed=7, size=4 * 1024 * 1024)
    if ACCOUNT:
        os.chown(lab.folder, -1, pwd.getpwnam(ACCOUNT).pw_gid)
        lab.folder.chmod(0o775)
    for client, server, version in pairs():
        pair = f"{client}.postgres-{server}.tls{version}"
        for name, function in CASES.items():
            report.case(f"psql-{pair}.{name}", function, lab, client, server, version)
        for name, function in BETWEEN_SERVERS.items():
            report.case(f"postgres-{pair}.{name}", function, lab, client, server, version)
    # Killed, they would leave shared memory behind.
    try:
        for program in lab.programs:
            if program.command[0] == SERVER and program.process.poll() is None:
                end_gracefully(program, signal.SIGINT)
    except Failure as failure:
        report.fail("postgres.end", str(failure))
