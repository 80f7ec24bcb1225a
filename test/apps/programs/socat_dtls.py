"""socat with OPENSSL-DTLS-CLIENT and OPENSSL-DTLS-SERVER addresses."""

from programs import HOST, PAIRINGS, require, sha256

PACKAGES = "socat"
SOCAT = "/usr/bin/socat"
NEEDS = [SOCAT]

OPTIONS = ["-d", "-d", "-t", "10"]
# Several datagrams, and no more than the buffer of a socket holds.
PAYLOAD_SIZE = 50_000
DEMAND = "verify=1,cafile=ca.pem"


def start_server(lab, library, direction, other, key="ecdsa", options="verify=0"):
    port = lab.free_port()
    listening = (f"OPENSSL-DTLS-SERVER:{port},bind=127.0.0.1,cert={key}.pem,key={key}.key,"
                 f"{options}")
    addresses = [other, listening] if direction == "to-client" else [listening, other]
    one_way = [] if direction == "both" else ["-u"]
    server = lab.start(library, [SOCAT, *OPTIONS, *one_way, *addresses])
    server.listens(port, protocol="udp")
    server.check_mapped()
    return server, port


def connecting(port, options="", name=HOST, authority="ca.pem"):
    return (f"OPENSSL-DTLS-CLIENT:127.0.0.1:{port},cafile={authority},commonname={name}"
            + (f",{options}" if options else ""))


def check(lab, program):
    require(sha256(program.output()) == lab.hashes["payload"], "another checksum arrived")


def to_server(lab, client, server, key, demand="verify=0", certificate=""):
    accepting, port = start_server(lab, server, "to-server", "-", key, demand)
    sending = lab.run(client, [SOCAT, *OPTIONS, "-u", "OPEN:payload",
                               connecting(port, certificate)])
    sending.succeed()
    accepting.succeed()
    check(lab, accepting)
    for program in (sending, accepting):
        # The name of the cipher's version, which has none of DTLS.
        require("SSL proto version used: TLSv1.2" in program.text(), f"{program}: another version")


def to_client(lab, client, server):
    """The client has something to say first: that is how it is known to the server."""
    accepting, port = start_server(lab, server, "to-client", "OPEN:payload")
    receiving = lab.run(client, [SOCAT, *OPTIONS, "-u", connecting(port), "-"])
    receiving.succeed()
    accepting.succeed()
    check(lab, receiving)


def echo(lab, client, server):
    """All comes back."""
    _, port = start_server(lab, server, "both", "PIPE")
    program = lab.start(client, [SOCAT, *OPTIONS, "-", connecting(port)], stdin="payload")
    program.receive(PAYLOAD_SIZE, lab.hashes["payload"])
    program.succeed()
    program.check_loaded()


def refused(lab, client, server, words, option, value):
    _, port = start_server(lab, server, "to-server", "-")
    program = lab.run(client, [SOCAT, *OPTIONS, "-u", "OPEN:payload", connecting(port, **{option: value})])
    require(program.process.returncode != 0, f"{program} has connected")
    require(words in program.text(), f"{program}: {program.last_words()}")


def no_client_certificate(lab, client, server):
    accepting, port = start_server(lab, server, "to-server", "-", options=DEMAND)
    lab.run(client, [SOCAT, *OPTIONS, "-u", "OPEN:payload", connecting(port)])
    require(accepting.wait() != 0, "the server has accepted no certificate")
    require("peer did not return a certificate" in accepting.text(),
            f"{accepting}: {accepting.last_words()}")


def cases(report, lab):
    lab.payload("payload", PAYLOAD_SIZE)
    for client, server in PAIRINGS[:3]:
        def case(name, function, *arguments):
            report.case(f"socat-dtls-{client}.socat-dtls-{server}.{name}", function, lab, client,
                        server, *arguments)

        case("to-server.ecdsa", to_server, "ecdsa")
        case("to-server.rsa", to_server, "rsa")
        case("to-client", to_client)
        case("echo", echo)
        case("client-certificate", to_server, "ecdsa", DEMAND, "cert=client.pem,key=client.key")
        case("no-client-certificate", no_client_certificate)
        case("wrong-name", refused, "certificate is valid but its commonName does not match",
             "name", "elsewhere.example")
        case("unknown-issuer", refused, "certificate verify failed", "authority", "client.pem")
