"""A server with Python's ssl, on sockets and in asyncio: one port a service, a thread a connection.
Prints the ports, then answers the requests that test/support/languages.py describes."""

import asyncio
import hashlib
import json
import os
import socket
import ssl
import sys
import threading

VERSIONS = {12: ssl.TLSVersion.TLSv1_2, 13: ssl.TLSVersion.TLSv1_3}


def context(version, key):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = made.maximum_version = VERSIONS[version]
    made.load_cert_chain(f"{key}.pem", f"{key}.key")
    made.set_alpn_protocols(["h2", "http/1.1"])
    return made


def by_name(version):
    other = context(version, "other")

    def choose(connection, name, _):
        connection.server_name = name
        if name == "unknown.example":
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if name == "other.example":
            connection.context = other
        return None

    made = context(version, "ecdsa")
    made.sni_callback = choose
    return made


def asking(version, mode):
    made = context(version, "ecdsa")
    made.verify_mode = mode
    made.load_verify_locations("ca.pem")
    return made


def services():
    made = {}
    for version in VERSIONS:
        made[f"tls{version}"] = by_name(version)
        made[f"rsa{version}"] = context(version, "rsa")
        made[f"auth{version}"] = asking(version, ssl.CERT_REQUIRED)
        made[f"plain{version}"] = context(version, "ecdsa")
        made[f"asyncio{version}"] = context(version, "rsa")
        made[f"p384_{version}"] = context(version, "ecdsa")
        made[f"p384_{version}"].set_ecdh_curve("secp384r1")
    made["asyncio-plain13"] = context(13, "ecdsa")
    made["pha13"] = asking(13, ssl.CERT_OPTIONAL)
    made["pha13"].post_handshake_auth = True
    return made


def facts(tls):
    """`tls` is an SSLSocket or an SSLObject."""
    certificate = tls.getpeercert()
    return json.dumps({
        "version": tls.version(),
        "cipher": tls.cipher()[0],
        "shared": [name for name, _, _ in tls.shared_ciphers()],
        "sni": getattr(tls, "server_name", None),
        "alpn": tls.selected_alpn_protocol(),
        "peer": certificate["subject"][0][0][1] if certificate else None,
        "reused": tls.session_reused,
        "hits": tls.context.session_stats()["hits"],
        "binding": tls.get_channel_binding("tls-unique").hex(),
    }).encode() + b"\n"


def contents(name):
    with open(os.path.basename(name), "rb") as file:
        return file.read()


def http(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Connection:
    """One client's requests, on a socket that may begin or end its TLS on the way."""

    def __init__(self, client, made):
        self.context = made
        self.adopt(client)

    def adopt(self, client):
        self.client = client
        self.input = client.makefile("rb")

    def serve(self):
        while (words := self.input.readline().decode().split()):
            getattr(self, f"do_{words[0]}")(*words[1:])
            if words[0] in ("GET", "BYE", "DROP"):
                break
        self.client.close()
        self.input.close()

    def do_FACTS(self):
        self.client.sendall(facts(self.client))

    def do_SEND(self, name):
        with open(name, "rb") as file:
            self.client.sendfile(file)

    def do_TAKE(self, size):
        self.client.sendall(hashlib.sha256(self.input.read(int(size))).hexdigest().encode() + b"\n")

    def do_GET(self, name, _):
        while self.input.readline() != b"\r\n":
            pass
        self.client.sendall(http(contents(name)))
        self.do_BYE()

    def do_AUTHENTICATE(self):
        try:
            self.client.verify_client_post_handshake()
            self.client.sendall(b"asked\n")
        except ssl.SSLError as error:
            self.client.sendall(f"not asked: {error.reason}\n".encode())

    def do_STARTTLS(self):
        self.client.sendall(b"go\n")
        self.adopt(self.context.wrap_socket(self.client, server_side=True))

    def do_STOPTLS(self):
        self.adopt(self.client.unwrap())
        self.client.sendall(b"in the clear\n")

    def do_BYE(self):
        """The end of TLS, whether or not the client answers with its own."""
        try:
            self.client = self.client.unwrap()
        except OSError:
            pass

    def do_DROP(self):
        """The end of the connection without the end of TLS."""
        self.client.shutdown(socket.SHUT_RDWR)


def serve(name, listener, made):
    def one(client):
        try:
            if not name.startswith("plain"):
                client = made.wrap_socket(client, server_side=True)
            Connection(client, made).serve()
        except OSError as error:
            print(f"{name}: {error}", file=sys.stderr)
            client.close()

    while True:
        client, _ = listener.accept()
        threading.Thread(target=one, args=(client,), daemon=True).start()


async def answer_streams(reader, writer, made):
    while (words := (await reader.readline()).decode().split()):
        if words[0] == "FACTS":
            writer.write(facts(writer.get_extra_info("ssl_object")))
        elif words[0] == "SEND":
            writer.write(contents(words[1]))
        elif words[0] == "TAKE":
            data = await reader.readexactly(int(words[1]))
            writer.write(hashlib.sha256(data).hexdigest().encode() + b"\n")
        elif words[0] == "STARTTLS":
            writer.write(b"go\n")
            await writer.start_tls(made)
        else:
            break
        await writer.drain()
    writer.close()


async def serve_streams(listeners, made):
    async def start(name):
        async def answer(reader, writer):
            try:
                await answer_streams(reader, writer, made[name])
            except OSError as error:
                print(f"{name}: {error}", file=sys.stderr)

        await asyncio.start_server(answer, sock=listeners[name],
                                   ssl=None if "plain" in name else made[name])

    for name in listeners:
        await start(name)
    await asyncio.Event().wait()


def main():
    made = services()
    listeners = {name: socket.create_server(("127.0.0.1", 0)) for name in made}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    streams = {name: listener for name, listener in listeners.items() if "asyncio" in name}
    for name in listeners.keys() - streams.keys():
        threading.Thread(target=serve, args=(name, listeners[name], made[name]),
                         daemon=True).start()
    print("listening", json.dumps(ports), flush=True)
    asyncio.run(serve_streams(streams, made))


main()
