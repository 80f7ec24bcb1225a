"""Net-SNMP's agent and its clients over DTLS (the Transport Security Model, RFC 5591 and 6353)."""

import shutil

from programs import PAIRINGS, require

PACKAGES = "snmpd snmp"
AGENT, GET, WALK = "/usr/sbin/snmpd", "/usr/bin/snmpget", "/usr/bin/snmpbulkwalk"
NEEDS = [AGENT, GET, WALK]

CONFIGURATION = """
[snmp] localCert agent
[snmp] trustCert ca
certSecName 10 manager --sn somebody
rouser -s tsm somebody authpriv
sysContact the one who knows
"""
CONTACT, SYSTEM = ".1.3.6.1.2.1.1.4.0", ".1.3.6.1.2.1.1"


def prepare(lab):
    """Certificates where the programs look for them."""
    for folder in ("certs", "private", "ca-certs"):
        (lab.folder / "tls" / folder).mkdir(parents=True)
    for own, name in (("agent", "rsa"), ("manager", "client"), ("stranger", "ecdsa")):
        shutil.copy(lab.path(f"{name}.pem"), lab.folder / "tls" / "certs" / f"{own}.crt")
        shutil.copy(lab.path(f"{name}.key"), lab.folder / "tls" / "private" / f"{own}.key")
    shutil.copy(lab.path("ca.pem"), lab.folder / "tls" / "ca-certs" / "ca.crt")
    lab.write("agent.conf", CONFIGURATION)


def variables(lab, name):
    folder = lab.folder / f"kept-{name}"
    return {"SNMPCONFPATH": str(lab.folder), "SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""}


def start_agent(lab, library):
    port = lab.free_port()
    agent = lab.start(library, [AGENT, "-f", "-Lo", "-C", "-c", "agent.conf",
                                f"dtlsudp:127.0.0.1:{port}"],
                      environment=variables(lab, f"agent-{port}"))
    agent.listens(port, protocol="udp")
    agent.check_mapped()
    return agent, port


def ask(lab, library, port, command, identity, patience, *words):
    return lab.run(library, [*command, "-v3", "--defSecurityModel=tsm", "-u", "somebody", "-l",
                             "authPriv", "-T", f"our_identity={identity}", "-T",
                             "their_identity=agent", "-t", patience, "-r", "0",
                             f"dtlsudp:127.0.0.1:{port}", *words],
                   environment=variables(lab, f"client-{port}"))


def one_value(lab, client, server):
    port = lab.shared(start_agent, server)
    answer = ask(lab, client, port, [GET], "manager", 15, CONTACT)
    answer.succeed()
    require('STRING: "the one who knows"' in answer.text(), f"the answer is {answer.text()}")


def many_values(lab, client, server):
    """In several datagrams."""
    port = lab.shared(start_agent, server)
    answer = ask(lab, client, port, [WALK, "-Cr5"], "manager", 15, SYSTEM)
    answer.succeed()
    require(len(answer.output().splitlines()) > 10, f"the answer is {answer.text()}")


def stranger(lab, client, server):
    """A certificate of the same authority, of which the agent knows no user."""
    port = lab.shared(start_agent, server)
    answer = ask(lab, client, port, [GET], "stranger", 1, CONTACT)
    require(answer.process.returncode != 0, f"the answer is {answer.text()}")


def cases(report, lab):
    prepare(lab)
    for client, server in PAIRINGS[:3]:
        for function in (one_value, many_values, stranger):
            report.case(f"snmp-{client}.snmpd-{server}.{function.__name__.replace('_', '-')}",
                        function, lab, client, server)
