"""The browser w3m, as client of a server in Python."""

from languages import PAIRINGS, only_version, prepare, python_services
from programs import HOST, require, sha256

PACKAGES = "w3m"
W3M = "/usr/bin/w3m"
NEEDS = [W3M]

VERSIONS = ("TLSv1.2", "TLSv1.3")


def settings(**options):
    """Each as w3m's -o."""
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def browse(lab, library, version, port, authority="ca.pem", **options):
    command = [W3M, "-dump_source", "-no-proxy",
               *settings(ssl_verify_server=1, ssl_ca_file=lab.path(authority), **options),
               f"https://{HOST}:{port}/payload"]
    # It wants a folder for its files.
    return lab.run(library, command, environment={"HOME": str(lab.folder)}
                   | only_version(lab, version))


def download(lab, client, server, version, service):
    ports = lab.shared(python_services, server)
    program = browse(lab, client, version, ports[f"{service}1{version[-1]}"])
    require(sha256(program.output()) == lab.hashes["payload"],
            f"{program}: another checksum arrived: {program.last_words()}")


def client_certificate(lab, client, server, version):
    ports = lab.shared(python_services, server)
    port = ports[f"auth1{version[-1]}"]
    program = browse(lab, client, version, port, ssl_cert_file=lab.path("client.pem"),
                     ssl_key_file=lab.path("client.key"))
    require(sha256(program.output()) == lab.hashes["payload"],
            f"{program}: another checksum arrived: {program.last_words()}")
    program = browse(lab, client, version, port)
    require(program.output() == b"", f"{program} needs no certificate")


def refused(lab, client, server, version):
    ports = lab.shared(python_services, server)
    program = browse(lab, client, version, ports[f"tls1{version[-1]}"], "client.pem")
    require(len(program.output()) < 1000, f"{program} has got something")
    require("rejected: unable to get local issuer certificate" in program.text(),
            f"{program}: {program.last_words()}")


def other_version(lab, client, server, version):
    """The server has only the other one."""
    ports = lab.shared(python_services, server)
    other = {"2": "3", "3": "2"}[version[-1]]
    program = browse(lab, client, version, ports[f"tls1{other}"])
    require(program.output() == b"", f"{program} has got something")
    require("alert protocol version" in program.text(), f"{program}: {program.last_words()}")


def cases(report, lab):
    prepare(lab)
    for client, server in PAIRINGS:
        for version in VERSIONS:
            def case(name, function, *arguments):
                label = version.replace(".", "_")
                report.case(f"w3m-{client}.python-{server}.{name}.{label}", function, lab, client,
                            server, version, *arguments)

            case("download.ecdsa", download, "tls")
            case("download.rsa", download, "rsa")
            case("client-certificate", client_certificate)
            case("unknown-issuer", refused)
            case("other-version", other_version)
