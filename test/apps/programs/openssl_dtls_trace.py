"""openssl s_client and s_server over DTLS with -trace: both ends tell the same as with the system's
library at both ends."""

import pathlib
import re

from dtls import NAMES, PAIRINGS, VERSIONS, Crowd, certified, start_server
from programs import OPENSSL, require
from s_client import end_client, say_words, start_client

PACKAGES = "openssl"
NEEDS = [OPENSSL]

SYSTEM = "system", "system"
KEY = ["-psk", "0011223344", "-cipher", "DHE-PSK-AES128-CBC-SHA:@SECLEVEL=0"]
# With an AEAD the system's library sends more in a datagram than it may (docs/differences.md).
SMALL = ["-mtu", "300", "-cipher", "ECDHE-RSA-AES256-SHA:@SECLEVEL=0"]
# What client and server are told. RSA signatures are equally long each time.
PROFILES = {
    "plain": ([], []),
    "all-extensions": (["-alpn", "one", "-use_srtp", "SRTP_AES128_CM_SHA1_80", "-status"],
                       ["-alpn", "one,two", "-use_srtp", "SRTP_AES128_CM_SHA1_80"]),
    "client-certificate": (certified("device"), ["-Verify", "1", "-CAfile", "ca.pem"]),
    "key": (KEY, KEY),
    "small-datagrams": (SMALL, SMALL),
}
TRIES = 5


def without_secrets(text):
    """What is the same in two connections: numbers, names and lengths, but no random bytes."""
    text = re.sub(r"(?<!sequence_number=)\b[0-9A-F]{8,}\b", "…", text)
    text = re.sub(r"^    .*(?:[0-9a-f]{2}[ :-]){4,}.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"gmt_unix_time=0x\w+", "gmt_unix_time=…", text)


def received(text):
    """The system's library prints nonsense about a message that it sends in parts."""
    records = re.split(r"^(?=(?:Sent|Received) Record$)", text, flags=re.MULTILINE)
    return "".join(record for record in records if record.startswith("Received"))


def sent_again(text):
    """On a busy machine a timer may run out, and one message is there twice."""
    headers = re.findall(r"^(Sent|Received) Record\n.*\n.*\n.*\n.*\n.*\n    (.*\n    .*)$", text,
                         re.MULTILINE)
    return len(headers) != len(set(headers))


def traces(lab, client, server, version, name):
    """What client and server print."""
    client_options, server_options = PROFILES[name]
    paths = [lab.path(f"trace-{end}-{client}-{server}-{version}-{name}") for end in "cs"]
    for _ in range(TRIES):
        common = ["-mtu", "4000", *VERSIONS[version], "-trace"]
        asked = start_server(lab, server, *common, "-msgfile", paths[1], *server_options, key="rsa")
        program = start_client(lab, client, asked, *common, "-msgfile", paths[0], *client_options)
        say_words(program, asked.program)
        end_client(program)
        asked.program.succeed()
        texts = [pathlib.Path(path).read_text(errors="replace") for path in paths]
        require(all("Finished, Length=12" in text for text in texts), "the trace is not complete")
        if not any(map(sent_again, texts)):
            texts = map(received, texts) if name == "small-datagrams" else texts
            return [without_secrets(text) for text in texts]
    raise AssertionError(f"timers have run out in {TRIES} connections")


def same(lab, client, server, version, name, reference):
    for end, expected, found in zip(("client", "server"), reference.result(),
                                    traces(lab, client, server, version, name)):
        for number, lines in enumerate(zip(expected.splitlines(), found.splitlines()), 1):
            require(lines[0] == lines[1],
                    f"{end}, line {number}: '{lines[1]}' and not '{lines[0]}'")
        require(expected == found, f"{end}: {len(found)} letters and not {len(expected)}")


def cases(report, lab):
    lab.make_certificate("device", "/CN=device", ["-newkey", "rsa:2048"],
                         ["extendedKeyUsage=clientAuth"])
    with Crowd(report, lab) as crowd:
        references = {(version, name): crowd.pool.submit(traces, lab, *SYSTEM, version, name)
                      for version in VERSIONS for name in PROFILES}
        for client, server in PAIRINGS:
            case = crowd.pair(client, server)
            for (version, name), reference in references.items():
                case(f"{NAMES[version].lower()}.trace.{name}", same, version, name, reference)
