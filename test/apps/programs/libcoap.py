"""libcoap's client and server, built with OpenSSL, and their twins built with GnuTLS."""

from dtls import Crowd
from programs import PAIRINGS, require, sha256

PACKAGES = "libcoap3-bin"
CLIENT, SERVER = "/usr/bin/coap-client", "/usr/bin/coap-server"
NEEDS = [f"{CLIENT}-openssl", f"{SERVER}-openssl", f"{CLIENT}-gnutls", f"{SERVER}-gnutls"]

# Of ours with the system's library, and with GnuTLS at the other end.
ALL = [*PAIRINGS[:3], ("ours", "gnutls"), ("gnutls", "ours")]
# Blocks of 1024 bytes each.
PAYLOAD_SIZE = 20_000
WELCOME = b"This is a test server made with libcoap"
IDENTITY = ["-u", "somebody", "-k", "a common secret"]


def program(base, library):
    """The command, and the library that its process has to have loaded."""
    return (f"{base}-gnutls", None) if library == "gnutls" else (f"{base}-openssl", library)


def start_server(lab, library, *options, address="127.0.0.1"):
    plain, port = lab.free_port(), lab.free_port()
    while port != plain + 1:
        plain, port = port, lab.free_port()
    command, loaded = program(SERVER, library)
    server = lab.start(loaded, [command, "-A", address, "-p", plain, *options])
    server.listens(port, protocol="udp")
    if loaded:
        server.check_mapped()
    return server, port


def certified(name, *options):
    return "-c", f"{name}.pem", "-j", f"{name}.key", *options


def request(lab, library, port, *options, path="", host="127.0.0.1"):
    command, loaded = program(CLIENT, library)
    client = lab.run(loaded, [command, "-B", "10", *options, f"coaps://{host}:{port}/{path}"])
    client.succeed()
    return client


def get(lab, client, server, server_options, client_options):
    _, port = start_server(lab, server, *server_options)
    answer = request(lab, client, port, *client_options)
    require(WELCOME in answer.output(), f"{answer} prints {answer.output()!r}")


def ipv6(lab, client, server):
    _, port = start_server(lab, server, *certified("ecdsa", "-n"), address="::1")
    answer = request(lab, client, port, "-R", "ca.pem", host="[::1]")
    require(WELCOME in answer.output(), f"{answer} prints {answer.output()!r}")


def put_and_get(lab, client, server):
    """In many blocks, each in a datagram."""
    _, port = start_server(lab, server, *certified("rsa", "-n"), "-d", "5")
    request(lab, client, port, "-R", "ca.pem", "-m", "put", "-f", "payload", path="kept")
    answer = lab.path(f"answer-{port}")
    request(lab, client, port, "-R", "ca.pem", "-o", answer, path="kept")
    with open(answer, "rb") as file:
        require(sha256(file.read()) == lab.hashes["payload"], "another checksum came back")


def refused(lab, client, server, server_options, client_options):
    _, port = start_server(lab, server, *server_options)
    answer = request(lab, client, port, *client_options)
    require(WELCOME not in answer.output(), f"{answer} has connected")


def cases(report, lab):
    lab.payload("payload", PAYLOAD_SIZE)
    with Crowd(report, lab) as crowd:
        for client, server in ALL:
            pair_cases(crowd, client, server)


def pair_cases(crowd, client, server):
    def case(name, function, *arguments):
        crowd.case(f"coap-client-{client}.coap-server-{server}.{name}", function, client, server,
                   *arguments)

    for key in ("ecdsa", "rsa"):
        case(f"certificate-{key}", get, certified(key, "-n"), ["-R", "ca.pem"])
    case("client-certificate", get, certified("ecdsa", "-R", "ca.pem"),
         certified("client", "-R", "ca.pem"))
    case("pre-shared-key", get, ["-h", "a hint", "-k", IDENTITY[-1]], IDENTITY)
    case("ipv6", ipv6)
    case("put-and-get", put_and_get)
    case("lost-datagrams", get, certified("ecdsa", "-n", "-l", "2"),
         ["-R", "ca.pem", "-l", "1"])
    case("unknown-issuer", refused, certified("ecdsa", "-n"), ["-R", "client.pem"])
    case("no-client-certificate", refused, certified("ecdsa", "-R", "ca.pem"),
         ["-R", "ca.pem"])
