"""A POP3 server with one letter, the file `letter`, for whoever logs in.

usage: pop3_server.py VERSION

Prints `listening {"pop3s": PORT, "pop3": PORT}`; the second begins TLS with STLS (RFC 2595) and
lets nobody in without. VERSION is TLSv1_2 or TLSv1_3."""

import json
import pathlib
import socketserver
import ssl
import sys
import threading


class Session(socketserver.StreamRequestHandler):
    def setup(self):
        self.secure = self.server.name == "pop3s"
        if self.secure:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self):
        self.letter = pathlib.Path("letter").read_bytes()
        self.say("+OK ready")
        while (words := self.rfile.readline().decode().split()):
            verb = words[0].upper()
            handler = getattr(self, f"do_{verb}", None)
            if handler is None or not self.secure and verb not in ("CAPA", "STLS", "QUIT"):
                self.say("-ERR no")
                continue
            handler(*words[1:])
            if verb == "QUIT":
                break

    def do_CAPA(self):
        self.say("+OK\r\nUSER\r\nUIDL" + ("" if self.secure else "\r\nSTLS") + "\r\n.")

    def do_STLS(self):
        self.say("+OK begin")
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.secure = True
        super().setup()

    def do_USER(self, _):
        self.say("+OK")

    def do_PASS(self, _):
        self.say("+OK")

    def do_STAT(self):
        self.say(f"+OK 1 {len(self.letter)}")

    def do_LIST(self, number=None):
        self.say(f"+OK 1 {len(self.letter)}" + ("" if number else f"\r\n1 {len(self.letter)}\r\n."))

    def do_UIDL(self, number=None):
        self.say("+OK 1 the-letter" if number else "+OK\r\n1 the-letter\r\n.")

    def do_RETR(self, _):
        self.say("+OK")
        self.wfile.write(self.letter)
        self.say(".")

    def do_DELE(self, _):
        self.say("+OK")

    def do_QUIT(self):
        self.say("+OK goodbye")
        if isinstance(self.request, ssl.SSLSocket):
            try:
                self.request.unwrap()
            except OSError:
                pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, name, context):
        super().__init__(("127.0.0.1", 0), Session)
        self.name = name
        self.context = context


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[1]]
    context.load_cert_chain("rsa.pem", "rsa.key")
    servers = [Server(name, context) for name in ("pop3s", "pop3")]
    for server in servers:
        threading.Thread(target=server.serve_forever).start()
    print("listening", json.dumps({server.name: server.server_address[1] for server in servers}),
          flush=True)


main()
