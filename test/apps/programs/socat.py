"""socat with OPENSSL and OPENSSL-LISTEN addresses."""

import json

from languages import PAIRINGS, prepare, python_services
from programs import HOST, require, sha256

PACKAGES = "socat"
SOCAT = "/usr/bin/socat"
NEEDS = [SOCAT]

VERSIONS = {"TLSv1_2": "TLS1.2", "TLSv1_3": "TLS1.3"}
OPTIONS = ["-d", "-d", "-t", "10"]
# Of a server: clients show a certificate.
DEMAND = "verify=1,cafile=ca.pem"


def only(version):
    name = VERSIONS[version]
    return f"openssl-min-proto-version={name},openssl-max-proto-version={name}"


def listening(version, key="ecdsa", options="verify=0"):
    return (f"OPENSSL-LISTEN:0,bind=127.0.0.1,cert={key}.pem,key={key}.key,{options},"
            f"{only(version)}")


def connecting(port, version, options="", name=HOST, authority="ca.pem"):
    return (f"OPENSSL:127.0.0.1:{port},cafile={authority},commonname={name},{only(version)}"
            + (f",{options}" if options else ""))


def start_server(lab, library, *addresses):
    server = lab.start(library, [SOCAT, *OPTIONS, *addresses])
    port = server.port()
    server.check_mapped()
    return server, port


def check_version(program, version):
    name = version.replace("_", ".")
    require(f"SSL proto version used: {name}" in program.text(), f"{program} does not say {name}")


def to_server(lab, client, server, version, key, demand="verify=0", certificate=""):
    accepting, port = start_server(lab, server, "-u", listening(version, key, demand), "-")
    sending = lab.run(client, [SOCAT, *OPTIONS, "-u", "OPEN:payload",
                               connecting(port, version, certificate)])
    sending.succeed()
    accepting.succeed()
    require(sha256(accepting.output()) == lab.hashes["payload"], "another checksum arrived")
    check_version(sending, version)
    check_version(accepting, version)


def to_client(lab, client, server, version):
    accepting, port = start_server(lab, server, "-u", "OPEN:payload", listening(version))
    receiving = lab.run(client, [SOCAT, *OPTIONS, "-u", connecting(port, version), "-"])
    receiving.succeed()
    accepting.succeed()
    require(sha256(receiving.output()) == lab.hashes["payload"], "another checksum arrived")


def echo(lab, client, server, version):
    """A child for each client sends everything back."""
    port = lab.shared(start_server, server, listening(version) + ",fork", "PIPE")
    clients = [lab.start(client, [SOCAT, *OPTIONS, "-", connecting(port, version)],
                         stdin="payload") for _ in range(3)]
    for program in clients:
        program.succeed()
        program.check_loaded()
        require(sha256(program.output()) == lab.hashes["payload"], "another checksum came back")


def no_client_certificate(lab, client, server, version):
    accepting, port = start_server(lab, server, "-u", listening(version, options=DEMAND), "-")
    # TLS 1.3's client is done before the server can refuse it: it has to read.
    lab.run(client, [SOCAT, *OPTIONS, "-u", connecting(port, version), "-"])
    require(accepting.wait() != 0, "the server has accepted no certificate")
    require("peer did not return a certificate" in accepting.text(),
            f"{accepting}: {accepting.last_words()}")


def refused(lab, client, server, version, words, option, value):
    accepting, port = start_server(lab, server, "-u", listening(version), "-")
    program = lab.run(client, [SOCAT, *OPTIONS, "-u", "OPEN:payload",
                               connecting(port, version, **{option: value})])
    require(program.process.returncode != 0, f"{program} has connected")
    require(words in program.text(), f"{program}: {program.last_words()}")
    accepting.wait()


def server_name(lab, client, server, version):
    """What a server in Python sees."""
    ports = lab.shared(python_services, server)
    service = f"tls{version[-3:].replace('1_', '1')}"
    (lab.folder / "request").write_text("FACTS\n")
    for option, name, expected in (("snihost=other.example", "other.example", "other.example"),
                                   ("nosni", HOST, None)):
        address = connecting(ports[service], version, option, name)
        program = lab.run(client, [SOCAT, *OPTIONS, "-", address], stdin="request")
        program.succeed()
        facts = json.loads(program.output())
        require(facts["sni"] == expected, f"the server was asked for {facts['sni']}")
        require(facts["version"] == version.replace("_", "."), f"negotiated: {facts}")


def cases(report, lab):
    prepare(lab)
    for client, server in PAIRINGS:
        for version in VERSIONS:
            def case(name, function, *arguments):
                report.case(f"socat-{client}.socat-{server}.{name}.{version}", function, lab,
                            client, server, version, *arguments)

            case("to-server.ecdsa", to_server, "ecdsa")
            case("to-server.rsa", to_server, "rsa")
            case("to-client", to_client)
            case("echo", echo)
            case("client-certificate", to_server, "ecdsa", DEMAND,
                 "cert=client.pem,key=client.key")
            case("no-client-certificate", no_client_certificate)
            case("wrong-name", refused, "certificate is valid but its commonName does not match",
                 "name", "elsewhere.example")
            case("unknown-issuer", refused, "certificate verify failed", "authority", "client.pem")
            case("server-name", server_name)
