"""Mosquitto: broker, mosquitto_pub and mosquitto_sub, with certificates and with TLS-PSK, a bridge
between brokers, and openssl s_client."""

import shutil
import signal

import s_client
from programs import HOST, Failure, require
from web import pairs

PACKAGES = "mosquitto mosquitto-clients"
BROKER = "/usr/sbin/mosquitto"
PUBLISH = "/usr/bin/mosquitto_pub"
SUBSCRIBE = "/usr/bin/mosquitto_sub"
NEEDS = [BROKER, PUBLISH, SUBSCRIBE]

LARGE = "large"
LINES = "lines"
IDENTITY = "sensor"
SECONDS = 10  # for what a broker is to do
KEY = "00112233445566778899aabbccddeeff"
CERTIFICATE = ["--cert", "client.pem", "--key", "client.key"]
PSK = ["--psk", KEY, "--psk-identity", IDENTITY]
# MQTT 3.1.1: a CONNECT of client "s", and the CONNACK that accepts it.
CONNECT = (b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01s", "\x20\x02\x00\x00")


class Ports:
    """Of the listeners of one broker."""

    def __init__(self, lab):
        self.tls, self.certificate, self.psk, self.plain = (lab.free_port() for _ in range(4))


def configuration(ports, key):
    """Everybody may use public/, who has an identity also users/<identity>/."""
    return f"""
user root
per_listener_settings false
allow_anonymous true
acl_file acl
psk_file psk
max_inflight_messages 0
listener {ports.plain} 127.0.0.1
listener {ports.tls} 127.0.0.1
certfile {key}.pem
keyfile {key}.key
listener {ports.certificate} 127.0.0.1
certfile ecdsa.pem
keyfile ecdsa.key
cafile ca.pem
require_certificate true
use_identity_as_username true
listener {ports.psk} 127.0.0.1
psk_hint hint
use_identity_as_username true
"""


def broker(lab, library, version, key="ecdsa", bridge=""):
    ports = Ports(lab)
    path = lab.write(f"mosquitto-{ports.plain}.conf", configuration(ports, key) + bridge)
    program = lab.start(library, [BROKER, "-v", "-c", path], environment=limit(lab, version))
    program.wait_for("mosquitto version .* running")
    program.check_mapped()
    return program, (program, ports)


def limit(lab, version):
    """Mosquitto itself can only set the lowest version, Debian's system default both."""
    return {"OPENSSL_CONF": lab.write(
        f"tls{version}.cnf",
        "openssl_conf=all\n[all]\nssl_conf=ssl\n[ssl]\nsystem_default=default\n"
        f"[default]\nMinProtocol=TLSv{version}\nMaxProtocol=TLSv{version}\n")}


def write_files(lab):
    lab.payload(LARGE, 3 * 1024 * 1024)
    lab.text_payload(LINES, seed=5, size=64 * 500)
    lab.write("psk", f"{IDENTITY}:{KEY}\n")
    lab.write("acl", "pattern readwrite public/#\npattern readwrite users/%u/#\n")


def command(program, port, topic, *options):
    trust = [] if "--psk" in options else ["--cafile", "ca.pem"]
    return [program, "-h", HOST, "-p", port, "-t", topic, "-q", "1", *trust, *options]


def publish(lab, library, port, topic, *options, **more):
    client = lab.run(library, command(PUBLISH, port, topic, *options), **more)
    require(client.process.returncode == 0, f"{client}: {client.text()}")


def subscribe(lab, library, program, port, topic, *options):
    """A subscriber to a topic that nobody else uses, known to the broker."""
    name = f"to-{topic}"
    client = lab.start(library, command(SUBSCRIBE, port, topic, "-i", name, "-W", "20", *options))
    program.wait_for(f"Sending SUBACK to {name}", SECONDS)
    client.check_mapped()
    return client


def check_received(client, expected):
    client.succeed()
    got = client.output()
    require(got == expected, f"{len(got)} bytes came that are not the {len(expected)} expected")


def content(lab, name):
    return (lab.folder / name).read_bytes()


def large_message(lab, client, *server):
    """It is kept by the broker: the subscriber comes later."""
    program, ports = lab.shared(broker, *server)
    topic = f"public/large-{client}"
    publish(lab, client, ports.tls, topic, "-r", "-f", LARGE)
    subscriber = subscribe(lab, client, program, ports.tls, topic, "-N", "-C", "1")
    check_received(subscriber, content(lab, LARGE))


def many_messages(lab, client, *server):
    program, ports = lab.shared(broker, *server)
    expected = content(lab, LINES)
    topic = f"public/lines-{client}"
    subscriber = subscribe(lab, client, program, ports.tls, topic, "-C", expected.count(b"\n"))
    publish(lab, client, ports.tls, topic, "-l", stdin=LINES)
    check_received(subscriber, expected)


def in_its_own_name(lab, client, program, port, user, *options):
    """Publishes where only that user may."""
    topic = f"users/{user}/{client}"
    subscriber = subscribe(lab, client, program, port, topic, "-C", "1", *options)
    publish(lab, client, port, topic, "-m", f"from {user}", *options)
    check_received(subscriber, f"from {user}\n".encode())


def client_certificate(lab, client, *server):
    program, ports = lab.shared(broker, *server)
    in_its_own_name(lab, client, program, ports.certificate, "test client", *CERTIFICATE)


def psk(lab, client, *server):
    program, ports = lab.shared(broker, *server)
    in_its_own_name(lab, client, program, ports.psk, IDENTITY, *PSK)


def refused(lab, library, port, *options):
    client = lab.run(library, command(PUBLISH, port, "public/x", "-d", "-m", "x", *options))
    require(client.process.returncode != 0, f"{client} was served")
    return client


def no_client_certificate(lab, client, *server):
    program, ports = broker(lab, *server)[1]
    refused(lab, client, ports.certificate)
    program.wait_for("peer did not return a certificate")
    program.stop()


def wrong_psk(lab, client, *server):
    program, ports = broker(lab, *server)[1]
    refused(lab, client, ports.psk, "--psk", KEY[::-1], "--psk-identity", IDENTITY)
    program.wait_for("binder does not verify" if server[1] == "1.3" else
                     "decryption failed or bad record mac", SECONDS)
    program.stop()


def unknown_psk(lab, client, *server):
    program, ports = broker(lab, *server)[1]
    refused(lab, client, ports.psk, "--psk", KEY, "--psk-identity", "stranger")
    program.wait_for("no suitable signature algorithm" if server[1] == "1.3" else
                     "psk identity not found", SECONDS)
    program.stop()


def untrusted_server(lab, client, *server):
    _, ports = lab.shared(broker, *server)
    program = refused(lab, client, ports.tls, "--cafile", "client.pem")
    require("certificate verify failed" in program.text(), f"{program}: {program.text()}")


def bridged(lab, client, server, port_name, *options):
    """A broker that passes what it is sent to another one, as a TLS client."""
    far, ports = lab.shared(broker, *server)
    topic = f"public/bridge-{port_name}-{client}"
    lines = ["connection there", f"address {HOST}:{getattr(ports, port_name)}",
             f"topic {topic} out 1", "remote_clientid bridge", *options]
    bridge, near = broker(lab, client, server[1], bridge="\n".join(lines) + "\n")[1]
    bridge.wait_for("Received CONNACK on connection", SECONDS)
    subscriber = subscribe(lab, "system", far, ports.tls, topic, "-N", "-C", "1")
    plain = [PUBLISH, "-h", HOST, "-p", near.plain, "-t", topic, "-q", "1", "-f", LARGE]
    lab.run(None, plain).succeed()
    check_received(subscriber, content(lab, LARGE))
    bridge.stop()


def certificate_bridge(lab, client, *server):
    bridged(lab, client, server, "certificate", "bridge_cafile ca.pem",
            "bridge_certfile client.pem", "bridge_keyfile client.key")


def psk_bridge(lab, client, *server):
    bridged(lab, client, server, "psk", f"bridge_identity {IDENTITY}", f"bridge_psk {KEY}")


def another_certificate(lab, client, *server):
    """SIGHUP makes the running broker read its files anew. It keeps the RSA certificate beside the
    ECDSA one, which s_client likes better."""
    copy_certificate(lab, "rsa")
    program, ports = broker(lab, *server, key="changing")[1]
    asked = (lab, client, ports.tls, server[1], *CONNECT)
    require(s_client.key_bits(*asked) == "2048", "no RSA certificate at first")
    copy_certificate(lab, "ecdsa")
    program.process.send_signal(signal.SIGHUP)
    program.wait_for("Reloading config")
    require(s_client.key_bits(*asked) == "256", "no ECDSA certificate in the end")
    program.check_mapped()
    program.stop()


def copy_certificate(lab, name):
    for kind in ("pem", "key"):
        shutil.copy(lab.path(f"{name}.{kind}"), lab.path(f"changing.{kind}"))


def resumption(lab, client, *server):
    _, ports = lab.shared(broker, *server)
    s_client.resume(lab, client, ports.tls, server[1], *CONNECT)


def other_version(lab, client, server, version):
    """The system default of the broker's configuration is what counts."""
    _, ports = lab.shared(broker, server, version)
    other = "1.2" if version == "1.3" else "1.3"
    try:
        s_client.converse(lab, client, ports.tls, other, *CONNECT)
    except Failure as failure:
        require("alert protocol version" in str(failure), str(failure))
    else:
        raise Failure(f"the broker also speaks TLS {other}")


CASES = {
    "message.3MB": large_message,
    "messages": many_messages,
    "client-certificate": client_certificate,
    "psk": psk,
    "no-client-certificate": no_client_certificate,
    "wrong-psk": wrong_psk,
    "unknown-psk": unknown_psk,
    "untrusted-server": untrusted_server,
    "bridge.certificate": certificate_bridge,
    "bridge.psk": psk_bridge,
    "another-certificate": another_certificate,
    "resumption": resumption,
    "other-version": other_version,
}


def cases(report, lab):
    write_files(lab)
    for client, server, version in pairs():
        for name, function in CASES.items():
            report.case(f"mosquitto-{client}.broker-{server}.tls{version}.{name}", function, lab,
                        client, server, version)
