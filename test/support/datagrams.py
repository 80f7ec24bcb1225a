"""A network that does to datagrams what it is told, the same in every run."""

import itertools
import socket
import struct
import threading

# What a record of DTLS begins with: its type, and at an offset its length.
CHANGE_CIPHER_SPEC, HANDSHAKE = 20, 22
HEADER, LENGTH = 13, 11


def records(datagram):
    """The type of each record of DTLS in it."""
    at = 0
    while at + HEADER <= len(datagram):
        yield datagram[at]
        at += HEADER + struct.unpack_from(">H", datagram, at + LENGTH)[0]


def shakes_hands(datagram):
    return any(kind in (CHANGE_CIPHER_SPEC, HANDSHAKE) for kind in records(datagram))


class Path:
    """One direction. It gives `plan` each datagram of a handshake and its number among them, and
    passes on what that returns; all others go through, for applications do not send theirs again.
    `sizes` has the size of each, `changed` counts those with which the plan did something."""

    def __init__(self, plan):
        self.plan = plan
        self.numbers = itertools.count()
        self.sizes = []
        self.changed = 0

    def passes(self, datagram):
        self.sizes.append(len(datagram))
        if not shakes_hands(datagram):
            return [datagram]
        passed = self.plan(next(self.numbers), datagram)
        self.changed += passed != [datagram]
        return passed


def whole(_, datagram):
    return [datagram]


def lost(*numbers):
    return lambda number, datagram: [] if number in numbers else [datagram]


class LostChange:
    """The first datagram with a change of keys is lost: a flight that ends a handshake."""

    def __init__(self):
        self.lost = False

    def __call__(self, _, datagram):
        if self.lost or CHANGE_CIPHER_SPEC not in records(datagram):
            return [datagram]
        self.lost = True
        return []


def twice(_, datagram):
    return [datagram, datagram]


class Swapped:
    """The datagrams of these numbers come behind the one that follows them."""

    def __init__(self, *numbers):
        self.numbers = numbers
        self.held = []

    def __call__(self, number, datagram):
        if number in self.numbers:
            self.held.append(datagram)
            return []
        held, self.held = self.held, []
        return [datagram, *held]


# Plans for the datagrams to the server and for those to the client. After a loss a timer of one second
# has to run out.
LOSSES = {
    "lost-hello": lambda: (lost(0), whole),
    "lost-cookie": lambda: (whole, lost(0)),
    "lost-second-hello": lambda: (lost(1), whole),
    "lost-beginning-of-the-server's-flight": lambda: (whole, lost(1)),
    "lost-middle-of-the-server's-flight": lambda: (whole, lost(3)),
    "lost-end-of-the-client": lambda: (LostChange(), whole),
    "lost-end-of-the-server": lambda: (whole, LostChange()),
}
DISORDER = {
    "doubled": lambda: (twice, twice),
    "reordered": lambda: (Swapped(2), Swapped(1, 3)),
}


class Relay:
    """Stands between one client and the server on `port` of 127.0.0.1, with a plan each way."""

    def __init__(self, port, to_server=whole, to_client=whole):
        self.to_server, self.to_client = Path(to_server), Path(to_client)
        self.outside = socket.socket(type=socket.SOCK_DGRAM)
        self.outside.bind(("127.0.0.1", 0))
        self.inside = socket.socket(type=socket.SOCK_DGRAM)
        self.inside.connect(("127.0.0.1", port))
        self.port = self.outside.getsockname()[1]
        self.client = None
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self._from_client, self._from_server)]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in (self.outside, self.inside):
            # Wakes the thread that reads from it.
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join()
        self.outside.close()
        self.inside.close()

    def changed(self):
        """How many datagrams the plans have disturbed."""
        return self.to_server.changed + self.to_client.changed

    def _from_client(self):
        while datagram := self._receive(self.outside):
            for one in self.to_server.passes(datagram):
                self._send(self.inside.send, one)

    def _from_server(self):
        while datagram := self._receive(self.inside):
            for one in self.to_client.passes(datagram):
                self._send(self.outside.sendto, one, self.client)

    def _receive(self, end):
        """The next datagram; an empty one at the end."""
        while True:
            try:
                datagram, sender = end.recvfrom(1 << 16)
            except ConnectionRefusedError:
                continue  # the other end has gone, which is nothing to a network
            except OSError:
                return b""
            if end is self.outside and datagram:
                self.client = sender
            return datagram

    @staticmethod
    def _send(function, *arguments):
        try:
            function(*arguments)
        except OSError:
            pass
