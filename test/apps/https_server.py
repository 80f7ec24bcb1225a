"""A small HTTPS server: GET /NAME sends a file of the current folder, PUT answers with the SHA-256
of what it was sent.

usage: https_server.py VERSION CERTIFICATE KEY
       https_server.py plain

VERSION is TLSv1_2 or TLSv1_3; `plain` is HTTP without TLS, what a proxy has behind it."""

import hashlib
import http.server
import os
import socketserver
import ssl
import sys

CHUNK = 1 << 16


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = os.path.basename(self.path)
        with open(name, "rb") as file:
            self.reply_head(os.fstat(file.fileno()).st_size)
            while chunk := file.read(CHUNK):
                self.wfile.write(chunk)

    def do_PUT(self):
        digest = hashlib.sha256()
        left = int(self.headers["Content-Length"])
        while left > 0:
            chunk = self.rfile.read(min(left, CHUNK))
            if not chunk:
                raise ConnectionError("the client ended too early")
            digest.update(chunk)
            left -= len(chunk)
        reply = digest.hexdigest().encode()
        self.reply_head(len(reply))
        self.wfile.write(reply)

    def reply_head(self, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    address_family = 2  # AF_INET

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context

    def finish_request(self, request, client_address):
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)


def tls_context(version, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    context.load_cert_chain(certificate, key)
    return context


def main():
    Server(None if sys.argv[1] == "plain" else tls_context(*sys.argv[1:])).serve_forever()


main()
