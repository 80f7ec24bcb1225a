"""A server that asks for the client's certificate when the connection stands, and a client that shows
it then, twice.

usage: post_handshake_auth.py server CA CERTIFICATE KEY
       post_handshake_auth.py client CA CERTIFICATE KEY PORT

The server answers each line with the name of the client whom it knows, `nobody` before the first
`who` line; the client prints the answers."""

import socket
import ssl
import sys

HOST = "localhost"
ADDRESS = "127.0.0.1"


def context(server, authority, certificate, key):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_verify_locations(authority)
    made.load_cert_chain(certificate, key)
    made.verify_mode = ssl.CERT_REQUIRED
    made.post_handshake_auth = True
    return made


def name(connection):
    certificate = connection.getpeercert()
    return certificate["subject"][0][0][1] if certificate else "nobody"


def serve(tls):
    listener = socket.create_server((ADDRESS, 0))
    while True:
        plain, _ = listener.accept()
        with tls.wrap_socket(plain, server_side=True) as connection:
            for line in connection.makefile():
                known = name(connection)
                # The request leaves with the answer to this line, the client's comes with the next.
                if line.strip() == "who":
                    connection.verify_client_post_handshake()
                connection.sendall(known.encode() + b"\n")


def ask(tls, port):
    with socket.create_connection((ADDRESS, port)) as plain:
        with tls.wrap_socket(plain, server_hostname=HOST) as connection:
            answers = connection.makefile()
            for line in ("hello", "who", "hello", "who", "hello"):
                connection.sendall(line.encode() + b"\n")
                print(answers.readline().strip(), flush=True)


def main():
    role, *files = sys.argv[1:5]
    tls = context(role == "server", *files)
    serve(tls) if role == "server" else ask(tls, int(sys.argv[5]))


main()
