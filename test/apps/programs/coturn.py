"""coturn's server, and its client turnutils_uclient, over DTLS: relayed data between two clients."""

import re

from dtls import Crowd
from programs import PAIRINGS, require

PACKAGES = "coturn"
SERVER, CLIENT = "/usr/bin/turnserver", "/usr/bin/turnutils_uclient"
NEEDS = [SERVER, CLIENT]

CONFIGURATION = """
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port={plain}
tls-listening-port={port}
cert={key}.pem
pkey={key}.key
lt-cred-mech
user=somebody:secret
realm=example.org
allow-loopback-peers
no-cli
log-file=stdout
simple-log
verbose
pidfile={folder}/turn-{port}.pid
userdb={folder}/turn-{port}.db
relay-threads=1
"""
MESSAGES = 40


def start_server(lab, library, key, more=""):
    port = lab.free_port()
    text = CONFIGURATION.format(plain=lab.free_port(), port=port, key=key, folder=lab.folder)
    server = lab.start(library, [SERVER, "-c", lab.write(f"turn-{port}.conf", text + more)])
    server.listens(port, protocol="udp")
    server.check_all_mapped()
    return server, port


def relayed(lab, client, server, key, more="", *options):
    """Each message of one client reaches the other through the server."""
    running, port = start_server(lab, server, key, more)
    program = lab.run(client, [CLIENT, "-S", "-u", "somebody", "-w", "secret", "-p", port, "-y", "-c",
                               "-n", MESSAGES // 2, "-z", "1", "-l", "800", "-E", "ca.pem", *options,
                               "127.0.0.1"])
    program.succeed()
    text = program.text()
    require(f"tot_send_msgs={MESSAGES}, tot_recv_msgs={MESSAGES}" in text,
            f"{program}: {text[-300:]}")
    connected = re.findall(r"client session connected with cipher (\S+), method=(\S+)", text)
    require(len(connected) >= 2 and {method for _, method in connected} == {"DTLSv1.2"},
            f"the client has connected with {connected}")
    running.wait_for("method=DTLSv1.2")
    return connected[0][0]


def chosen_cipher(lab, client, server, cipher, key):
    found = relayed(lab, client, server, key, "", "-F", cipher)
    require(found == cipher, f"the cipher is {found}")


def cases(report, lab):
    # The client sleeps for seconds between its steps.
    with Crowd(report, lab, at_a_time=12) as crowd:
        for client, server in PAIRINGS[:3]:
            def case(name, function, *arguments):
                crowd.case(f"turnutils-{client}.turnserver-{server}.{name}", function, client,
                           server, *arguments)

            case("relayed.ecdsa", relayed, "ecdsa")
            case("relayed.rsa", relayed, "rsa")
            case("client-certificate", relayed, "ecdsa", "CA-file=ca.pem\n", "-i", "client.pem",
                 "-k", "client.key")
            case("cipher", chosen_cipher, "ECDHE-RSA-CHACHA20-POLY1305", "rsa")
