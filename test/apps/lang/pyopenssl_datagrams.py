"""pyOpenSSL over UDP: its connections read and write memory, and sockets carry that."""

import socket

from OpenSSL import SSL

SECONDS = 10
LARGEST = 1 << 16
SRTP = [b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"]
LABEL = b"EXTRACTOR-dtls_srtp"


class Datagrams:
    """One end. `peer` is None until the first datagram has come."""

    def __init__(self, context, end, peer=None):
        self.end = end
        self.peer = peer
        end.settimeout(SECONDS)
        self.tls = SSL.Connection(context, None)

    def flush(self):
        try:
            while True:
                self.end.sendto(self.tls.bio_read(LARGEST), self.peer)
        except SSL.WantReadError:
            pass

    def take(self):
        """One datagram of the peer's."""
        data, self.peer = self.end.recvfrom(LARGEST)
        self.tls.bio_write(data)

    def until(self, step, *arguments):
        while True:
            try:
                return step(*arguments)
            except SSL.WantReadError:
                self.flush()
                self.take()
            finally:
                if self.peer:
                    self.flush()

    def send(self, data):
        self.until(self.tls.send, data)

    def receive(self):
        return self.until(self.tls.recv, LARGEST)


def bound():
    end = socket.socket(type=socket.SOCK_DGRAM)
    end.bind(("127.0.0.1", 0))
    return end
