"""OpenVPN: both ends of its TLS mode, whose control channel is a TLS connection over memory BIOs and
whose data keys come from the exporter: point to point without a device, and a server with a tunnel
through which data go."""

import base64
import concurrent.futures
import pathlib
import re
import signal
import socket
import subprocess
import time

from programs import HOST, OPENSSL, PYTHON, clean_environment, require
from web import pairs

PACKAGES = "openvpn iproute2"
OPENVPN = "/usr/sbin/openvpn"
IP = "/usr/sbin/ip"
UNSHARE = "/usr/bin/unshare"
NSENTER = "/usr/bin/nsenter"
NEEDS = [OPENVPN]

VERSIONS = {"1.3": ["--tls-version-min", "1.3"], "1.2": ["--tls-version-max", "1.2"]}
# The case's server asks for a new handshake after so many seconds.
RENEGOTIATION_SECONDS = 2
SECONDS = 15  # for what OpenVPN is to do
PAYLOAD = "tunnelled"


def end(key, *options, ca="ca.pem"):
    return ["--verb", "4", "--ca", ca, "--cert", f"{key}.pem", "--key", f"{key}.key", *options]


def server_options(*options, key="ecdsa", **more):
    return ["--tls-server", "--dh", "none", *end(key, *options, **more)]


def client_options(*options, key="client", **more):
    return ["--tls-client", "--verify-x509-name", HOST, "name",
            "--connect-retry", "1", *end(key, *options, **more)]


def negotiated(version):
    return rf"Control Channel: TLSv{version}, cipher TLSv{version} "


def start_pair(lab, client, server, protocol, server_words, client_words):
    """Both ends, without a device: the data are their pings."""
    port = lab.free_port()
    listening = "tcp-server" if protocol == "tcp" else "udp"
    connecting = "tcp-client" if protocol == "tcp" else "udp"
    common = ["--dev", "null", "--ping", "1", "--ping-exit", "20"]
    accepting = lab.start(server, [OPENVPN, *common, "--proto", listening, "--local", "127.0.0.1",
                                   "--port", port, *server_words])
    accepting.wait_for("Listening for incoming|link local .bound.")
    program = lab.start(client, [OPENVPN, *common, "--proto", connecting, "--nobind",
                                 "--remote", "127.0.0.1", port, *client_words])
    return accepting, program


def stop(pair):
    for program in reversed(pair):
        terminate(program)
        require("SIGTERM" in program.text(), f"{program} ended on its own: {program.text()[-300:]}")


def terminate(program):
    """As often as it takes: OpenVPN forgets a signal that comes while it starts anew."""
    deadline = time.monotonic() + SECONDS
    while program.process.poll() is None:
        require(time.monotonic() < deadline, f"{program} does not end: {program.text()[-300:]}")
        program.process.terminate()
        try:
            program.process.wait(1)
        except subprocess.TimeoutExpired:
            continue


def point_to_point(lab, client, server, version, protocol):
    """The second handshake travels under a key that both ends have exported from the first."""
    pair = start_pair(lab, client, server, protocol,
                      server_options(*VERSIONS[version], "--reneg-sec", RENEGOTIATION_SECONDS),
                      client_options("--reneg-sec", "0"))
    for program in pair:
        program.wait_for("TLS_export=1", SECONDS)
        program.wait_for("Initialization Sequence Completed", SECONDS)
        program.wait_for(rf"{negotiated(version)}(.|\n)*{negotiated(version)}", SECONDS)
        program.check_mapped()
    for program in pair:
        await_ping(program)
        require("error" not in program.text(), f"{program}: {program.text()[-300:]}")
    stop(pair)


def await_ping(program):
    """Until it has taken something out of data packets; SIGUSR2 makes it say so."""
    deadline = time.monotonic() + SECONDS
    while not re.search("Auth read bytes,[1-9]", program.text()):
        require(time.monotonic() < deadline, f"{program} has received no ping")
        program.process.send_signal(signal.SIGUSR2)
        time.sleep(0.2)


def untrusted_server(lab, client, server, version):
    pair = start_pair(lab, client, server, "tcp", server_options(*VERSIONS[version]),
                      client_options(ca="rsa.pem"))
    await_refusal(pair[1], "self-signed certificate in certificate chain: CN=Test CA",
                  "unknown CA")
    stop(pair)


def untrusted_client(lab, client, server, version):
    pair = start_pair(lab, client, server, "tcp", server_options(*VERSIONS[version], ca="rsa.pem"),
                      client_options())
    await_refusal(pair[0], "self-signed certificate in certificate chain: CN=Test CA",
                  "unknown CA")
    stop(pair)


def wrong_purpose(lab, client, server, version):
    pair = start_pair(lab, client, server, "tcp", server_options(*VERSIONS[version], key="client"),
                      client_options())
    await_refusal(pair[1], "unsuitable certificate purpose: CN=test client",
                  "unsupported certificate")
    stop(pair)


def await_refusal(program, why, alert):
    program.wait_for(f"VERIFY ERROR: .*{why}", SECONDS)
    program.wait_for(f"Sent fatal SSL alert: {alert}", SECONDS)
    program.wait_for("SSL routines:.*:certificate verify failed", SECONDS)
    program.check_mapped()


def external_key(lab, client, server, version, key):
    """The client's key is held by whoever is at its management interface; libssl gets an object of
    a provider, which asks there for signatures."""
    path = lab.path(f"management-{client}-{server}-{version}-{key}")
    pair = start_pair(lab, client, server, "tcp", server_options(*VERSIONS[version]),
                      ["--tls-client", "--verb", "4", "--ca", "ca.pem", "--cert", f"{key}.pem",
                       "--management", path, "unix", "--management-hold",
                       "--management-external-key", "pss"])
    pair[1].wait_for("MANAGEMENT: unix domain socket listening")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(path)
        algorithm = sign_once(lab, connection.makefile("rw", newline="\n"), key)
        for program in pair:
            program.wait_for(negotiated(version), SECONDS)
            program.wait_for("Initialization Sequence Completed", SECONDS)
        pair[1].check_mapped()
        stop(pair)
    expected = "ECDSA" if key == "client" else "RSA_PKCS1_PSS_PADDING"
    require(algorithm.startswith(expected), f"the signature asked for is {algorithm}")


def sign_once(lab, management, key):
    """Lets OpenVPN begin and answers its request for a signature. Returns the algorithm's name."""
    management.write("version 3\nhold release\n")
    management.flush()
    lines = (re.match(r">PK_SIGN:([^,]*),(.*)$", line) for line in management)
    request = next(filter(None, lines), None)
    require(request, "OpenVPN has asked for no signature")
    data, algorithm = request.groups()
    options = ["-pkeyopt", "digest:sha256"]
    if "PSS" in algorithm:
        options += ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"]
    command = [OPENSSL, "pkeyutl", "-sign", "-inkey", lab.path(f"{key}.key"), *options]
    signature = subprocess.run(command, input=base64.b64decode(data), check=True,
                               capture_output=True, env=clean_environment()).stdout
    management.write("pk-sig\n" + base64.b64encode(signature).decode() + "\nEND\n")
    management.flush()
    return algorithm


class Network:
    """Two network namespaces with a cable between them: 192.0.2.1 (server), 192.0.2.2 (client)."""

    def __init__(self, lab):
        self.lab = lab
        self.pids = {}
        for side in ("server", "client"):
            holder = lab.start(None, [UNSHARE, "--net", "/bin/sh", "-c", "echo ready; exec cat"],
                               stdin="pipe")
            holder.wait_for("ready")
            self.pids[side] = holder.process.pid
        self.ip("server", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns",
                self.pids["client"])
        for number, side in enumerate(self.pids, 1):
            self.ip(side, "address", "add", f"192.0.2.{number}/24", "dev", "cable")
            self.ip(side, "link", "set", "cable", "up")

    def inside(self, side, command):
        return [NSENTER, f"--net=/proc/{self.pids[side]}/ns/net", *command]

    def ip(self, side, *words):
        self.lab.run(None, self.inside(side, [IP, *words])).succeed()


# The receiver sends everything back.
ECHO = """
import socket
with socket.create_server(("", 7000)) as server:
    print("ready", flush=True)
    connection, _ = server.accept()
    while data := connection.recv(65536):
        connection.sendall(data)
"""
SEND = """
import hashlib, socket, sys, threading
with open(sys.argv[2], "rb") as file:
    data = file.read()
connection = socket.create_connection((sys.argv[1], 7000), 10)
threading.Thread(target=connection.sendall, args=(data,)).start()
got = b""
while len(got) < len(data) and (more := connection.recv(65536)):
    got += more
print(hashlib.sha256(got).hexdigest())
"""


def tunnel(lab, client, server, version):
    """A server with users and addresses to give, and data through the tunnel both ways."""
    network = Network(lab)
    common = ["--dev", "tun", "--proto", "udp", "--script-security", "2", "--disable-dco"]
    accepting = lab.start(server, network.inside("server", [
        OPENVPN, *common, "--port", "1194", "--server", "10.8.0.0", "255.255.255.0",
        "--topology", "subnet", "--keepalive", "1", "10",
        "--auth-user-pass-verify", lab.path("check-user"), "via-file",
        *server_options(*VERSIONS[version])]))
    accepting.wait_for("Initialization Sequence Completed", SECONDS)
    program = lab.start(client, network.inside("client", [
        OPENVPN, *common, "--client", "--nobind", "--remote", "192.0.2.1", "1194",
        "--auth-user-pass", "user", *client_options(*VERSIONS[version])]))
    address = program.wait_for(r"PUSH_REPLY,.*ifconfig (10\.8\.0\.\d+) .*tls-ekm", SECONDS)[1]
    program.wait_for("Initialization Sequence Completed", SECONDS)
    for end_of_it in (accepting, program):
        end_of_it.wait_for(negotiated(version), SECONDS)
        end_of_it.check_mapped()
    receiver = lab.start(None, network.inside("client", [PYTHON, "-c", ECHO]))
    receiver.wait_for("ready")
    sender = lab.run(None, network.inside("server", [PYTHON, "-c", SEND, address, PAYLOAD]))
    require(sender.output().decode().strip() == lab.hashes[PAYLOAD],
            f"another checksum came back: {sender.text()}")
    stop((accepting, program))


def write_files(lab):
    lab.payload(PAYLOAD, 2 * 1024 * 1024)
    lab.write("user", "alice\nsecret\n")
    script = lab.write("check-user",
                       '#!/bin/sh\ntest "$(cat "$1")" = "$(printf "alice\\nsecret")"\n')
    pathlib.Path(script).chmod(0o700)


def why_no_tunnel():
    """Why there can be no tunnel here, or None."""
    if not pathlib.Path(IP).exists():
        return f"{IP} is not installed"
    for command in ([UNSHARE, "--net", IP, "link", "add", "test0", "type", "veth"],
                    [UNSHARE, "--net", IP, "tuntap", "add", "dev", "test0", "mode", "tun"]):
        if subprocess.run(command, capture_output=True).returncode != 0:
            return f"'{' '.join(command[2:])}' is not allowed here"
    return None


def all_cases():
    """(name, function, arguments) of each."""
    for start in pairs():
        name = "openvpn-{}.openvpn-{}.tls{}".format(*start)
        for protocol in ("tcp", "udp"):
            yield f"{name}.{protocol}", point_to_point, (*start, protocol)
        for function in (untrusted_server, untrusted_client, wrong_purpose):
            yield f"{name}.{function.__name__.replace('_', '-')}", function, start
        for key in ("client", "rsa"):
            yield f"{name}.external-key.{key}", external_key, (*start, key)
        yield f"{name}.tunnel", tunnel, start


def cases(report, lab):
    """They wait most of the time, for OpenVPN's clock: so all at once."""
    write_files(lab)
    impossible = why_no_tunnel()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        running = []
        for name, function, arguments in all_cases():
            if function is tunnel and impossible:
                report.skip(name, impossible)
            else:
                running.append(pool.submit(report.case, name, function, lab, *arguments))
        for case in running:
            case.result()
