"""openssl s_client and s_server over DTLS where datagrams are small, get lost, come twice or late."""

from datagrams import DISORDER, LOSSES, Relay, whole
from dtls import NAMES, PAIRINGS, VERSIONS, Crowd, certified, require_version, start_server
from programs import OPENSSL, require
from s_client import end_client, expect, say_words, start_client

PACKAGES = "openssl"
NEEDS = [OPENSSL]

# IPv4's header and UDP's, which -mtu counts.
HEADERS = 28


def connect(lab, client, server, version, to_server, to_client, mtu, *options):
    """A connection through a relay with these plans; returns the relay. Reads from a blocking socket
    would wait for another datagram behind one that counts for nothing."""
    common = [*VERSIONS[version], "-nbio", "-mtu", mtu]
    asked = start_server(lab, server, *common, *options, key="rsa")
    with Relay(asked.port, to_server, to_client) as relay:
        program = start_client(lab, client, asked, *common, *certified("client"), port=relay.port)
        say_words(program, asked.program)
        end_client(program)
        asked.program.succeed()
    require_version(program.text(), version)
    expect(program.text(), "Verification: OK")
    return relay


def disturbed(lab, client, server, version, plans):
    relay = connect(lab, client, server, version, *plans(), 400)
    require(relay.changed(), "nothing was disturbed")


def small(lab, client, server, version, mtu):
    """Each end keeps to the size that it was told."""
    relay = connect(lab, client, server, version, whole, whole, mtu, "-Verify", "2", "-CAfile",
                    "ca.pem", "-verify_return_error")
    largest = max(relay.to_server.sizes + relay.to_client.sizes)
    require(largest <= mtu - HEADERS, f"a datagram of {largest} bytes")


def cases(report, lab):
    with Crowd(report, lab, at_a_time=8) as crowd:
        for client, server in PAIRINGS:
            pair_cases(crowd.pair(client, server))


def pair_cases(case):
    for version in VERSIONS:
        kind = NAMES[version].lower()
        for name, plans in ((LOSSES | DISORDER) if version == "1.2" else DISORDER).items():
            case(f"{kind}.{name}", disturbed, version, plans)
        for mtu in (256, 400, 1400):
            case(f"{kind}.mtu-{mtu}", small, version, mtu)
