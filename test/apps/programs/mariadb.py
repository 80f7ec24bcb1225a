"""MariaDB: the server with its client mariadb, a replica (a server that is a client of another one)
and openssl s_client. Both link libssl."""

import pathlib
import shutil

import s_client
from programs import HOST, PAIRINGS, require, sha256
from web import pairs

PACKAGES = "mariadb-server-core mariadb-client-core"
SERVER = "/usr/sbin/mariadbd"
CLIENT = "/usr/bin/mariadb"
TABLES = ["/usr/share/mysql/mysql_system_tables.sql",
          "/usr/share/mysql/mysql_system_tables_data.sql"]
NEEDS = [SERVER, CLIENT, *TABLES]

CIPHERS = {"1.3": "TLS_AES_256_GCM_SHA384", "1.2": "ECDHE-ECDSA-AES256-GCM-SHA384"}
ROWS = "rows"
# A HandshakeResponse41 with the capabilities that s_client has announced, from a user who does not
# exist, and the answer.
LOGIN = (b"\x3d\x00\x00\x02" + b"\x85\xae\x7f\x00" + b"\x00\x00\x00\x01\x21" + bytes(23) +
         b"user\x00\x00mysql_native_password\x00\x00", "Access denied for user")
# The server ends such a connection without a word.
STARTTLS = ["-starttls", "mysql", "-ignore_unexpected_eof"]
COMMON = ["--no-defaults", "--user=root", "--innodb=OFF", "--default-storage-engine=Aria",
          "--aria-log-file-size=8M", "--skip-log-error"]
PREPARATION = f"""
create database test;
create user owner identified by 'secret' require ssl;
grant all on *.* to owner;
create user holder require subject '/CN=test client' and issuer '/CN=Test CA';
create user chooser require cipher '{CIPHERS["1.3"]}';
"""


USED = ("select variable_value from information_schema.session_status where variable_name in "
        "('Ssl_version', 'Ssl_cipher') order by variable_name")


class Server:
    """A running server with a copy of the data folder that is like it was at the beginning."""

    count = 0

    def __init__(self, lab, library, key="ecdsa"):
        Server.count += 1
        self.name = f"mariadb-{Server.count}"
        self.port = lab.free_port()
        shutil.copytree(first_folder(lab), lab.path(self.name))
        for kind in ("pem", "key"):
            shutil.copy(lab.path(f"{key}.{kind}"), lab.path(f"{self.name}.{kind}"))
        self.program = lab.start(library, [
            SERVER, *COMMON, f"--datadir={lab.path(self.name)}", f"--port={self.port}",
            "--bind-address=127.0.0.1,127.0.0.2", f"--socket={lab.path(self.name)}.sock",
            f"--pid-file={lab.path(self.name)}.pid", f"--ssl-cert={lab.path(self.name)}.pem",
            f"--ssl-key={lab.path(self.name)}.key", f"--ssl-ca={lab.path('ca.pem')}",
            f"--server-id={Server.count}", f"--log-bin={self.name}-log",
            "--require-secure-transport", "--local-infile", "--skip-name-resolve"])
        self.program.wait_for("ready for connections")
        self.program.check_mapped()


def first_folder(lab):
    """The system's tables, as mariadb-install-db makes them."""
    folder = pathlib.Path(lab.path("mariadb"))
    if not folder.exists():
        (folder / "mysql").mkdir(parents=True)
        tables = "".join(pathlib.Path(path).read_text() for path in TABLES)
        text = "use mysql;\nset @auth_root_socket=null;\n" + tables + "flush privileges;\n"
        lab.write("bootstrap", text + PREPARATION)
        lab.run(None, [SERVER, *COMMON, "--bootstrap", f"--datadir={folder}"],
                stdin="bootstrap").succeed()
    return folder


def server_for_all(lab, library):
    server = Server(lab, library)
    return server.program, server


def without_tls(server):
    return [CLIENT, "--no-defaults", "--protocol=tcp", f"--host={HOST}", f"--port={server.port}",
            "--user=owner", "--password=secret", "--batch", "--skip-column-names",
            "--local-infile", "--database=test"]


def client_command(server, version, *options):
    return [*without_tls(server), "--ssl-ca=ca.pem", "--ssl-verify-server-cert",
            f"--tls-version=TLSv{version}", *options]


def ask(lab, library, server, version, sql, *options):
    client = lab.run(library, client_command(server, version, f"--execute={sql}", *options))
    require(client.process.returncode == 0, f"{client}: {client.last_words()}")
    return client.output().decode()


def refused(lab, library, server, version, why, *options):
    client = lab.run(library, client_command(server, version, "--execute=select 1", *options))
    require(client.process.returncode != 0, f"{client} was served")
    require(why in client.text(), f"{client}: {client.last_words()}")


def check(got, expected):
    require(got == expected, f"the answer is {got[:200]!r}, not {expected[:200]!r}")


def verified(lab, client, library, version):
    server = lab.shared(server_for_all, library)
    check(ask(lab, client, server, version, USED), f"{CIPHERS[version]}\nTLSv{version}\n")


def refusals(lab, client, library, version):
    server = lab.shared(server_for_all, library)
    start = (lab, client, server, version)
    refused(*start, "Validation of SSL server certificate failed", "--host=127.0.0.2")
    refused(*start, "TLS/SSL error: self-signed certificate in certificate chain",
            "--ssl-ca=rsa.pem")
    program = lab.run(client, [*without_tls(server), "--skip-ssl", "--execute=select 1"])
    require("Access denied for user 'owner'" in program.text(),
            f"{program} without TLS: {program.text()}")


def client_certificate(lab, client, library, version):
    server = lab.shared(server_for_all, library)
    holder = ["--user=holder", "--password=", "--database="]
    certificate = ["--ssl-cert=client.pem", "--ssl-key=client.key"]
    check(ask(lab, client, server, version, "select user()", *holder, *certificate),
          "holder@127.0.0.1\n")
    start = (lab, client, server, version)
    refused(*start, "Access denied for user 'holder'", *holder)
    refused(*start, "Access denied for user 'holder'", *holder, "--ssl-cert=ecdsa.pem",
            "--ssl-key=ecdsa.key")


def required_cipher(lab, client, library, version):
    server = lab.shared(server_for_all, library)
    chooser = ["--user=chooser", "--password=", "--database="]
    if version == "1.3":
        check(ask(lab, client, server, version, "select user()", *chooser), "chooser@127.0.0.1\n")
    else:
        refused(lab, client, server, version, "Access denied for user 'chooser'", *chooser)


def rows_both_ways(lab, client, library, version):
    server = lab.shared(server_for_all, library)
    table = f"rows_{client}_{version[2]}"
    ask(lab, client, server, version,
        f"create table {table} (number int auto_increment primary key, line text);"
        f"load data local infile '{lab.path(ROWS)}' into table {table} (line)")
    check(ask(lab, client, server, version, f"set session group_concat_max_len = 100000000;"
              f"select sha2(group_concat(line, '\\n' order by number separator ''), 256)"
              f"from {table}"), lab.hashes[ROWS] + "\n")
    got = ask(lab, client, server, version, f"select line from {table} order by number", "--quick")
    check(sha256(got.encode()), lab.hashes[ROWS])


def reconnections(lab, client, library, version):
    """The client says goodbye and comes again in the same process."""
    server = lab.shared(server_for_all, library)
    name = f"reconnections-{client}-{library}-{version}"
    lab.write(name, f"{USED};\nconnect\n" * 10)
    program = lab.run(client, client_command(server, version), stdin=name)
    check(program.output().decode(), f"{CIPHERS[version]}\nTLSv{version}\n" * 10)


def another_certificate(lab, client, library, version):
    """FLUSH SSL makes the running server read its files anew."""
    server = lab.shared(server_for_all, library)
    asked = (lab, client, server.port, version, *LOGIN, *STARTTLS)
    for name, bits in (("rsa", "2048"), ("ecdsa", "256")):
        for kind in ("pem", "key"):
            shutil.copy(lab.path(f"{name}.{kind}"), lab.path(f"{server.name}.{kind}"))
        ask(lab, client, server, version, "flush ssl")
        check(s_client.key_bits(*asked), bits)
    check(ask(lab, client, server, version, "select 1"), "1\n")


def resumption(lab, client, library, version):
    server = lab.shared(server_for_all, library)
    s_client.resume(lab, client, server.port, version, *LOGIN, *STARTTLS)


CASES = {
    "verify-server-cert": verified,
    "refusals": refusals,
    "client-certificate": client_certificate,
    "required-cipher": required_cipher,
    "rows.4MB": rows_both_ways,
    "reconnections": reconnections,
    "another-certificate": another_certificate,
    "resumption": resumption,
}


def replication(lab, client, library):
    master = lab.shared(server_for_all, library)
    replica = Server(lab, client)
    table = f"followed_{client}"
    position = ask(lab, "system", master, "1.3", "select @@gtid_binlog_pos").strip()
    ask(lab, "system", replica, "1.3",
        f"set global gtid_slave_pos='{position}'; change master to master_host='{HOST}', "
        f"master_port={master.port}, master_user='owner', master_password='secret', master_ssl=1, "
        f"master_ssl_ca='{lab.path('ca.pem')}', master_ssl_verify_server_cert=1, "
        "master_use_gtid=slave_pos; start slave")
    position = ask(lab, "system", master, "1.3", f"create table {table} (line text) select "
                   "repeat(md5(seq), 30) line from seq_1_to_3000; select @@gtid_binlog_pos").strip()
    check(ask(lab, "system", replica, "1.3", f"select master_gtid_wait('{position}', 10)"), "0\n")
    digest = f"checksum table {table}"
    check(ask(lab, "system", replica, "1.3", digest), ask(lab, "system", master, "1.3", digest))
    replica.program.check_mapped()
    replica.program.stop()


def cases(report, lab):
    lab.text_payload(ROWS, seed=9, size=4 * 1024 * 1024)
    for client, server, version in pairs():
        for name, function in CASES.items():
            report.case(f"mariadb-{client}.mariadbd-{server}.tls{version}.{name}", function, lab,
                        client, server, version)
    for client, server in PAIRINGS[:3]:
        report.case(f"mariadbd-{client}.mariadbd-{server}.replication", replication, lab, client,
                    server)
