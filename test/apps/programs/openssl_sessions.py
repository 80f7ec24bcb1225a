"""openssl s_client and s_server: sessions kept in files (-sess_out, -sess_in) and early data."""

import re

from programs import OPENSSL, PAIRINGS, require, sha256
from s_client import VERSIONS, Server, expect, talk

PACKAGES = "openssl"
NEEDS = [OPENSSL]

ALPN = "-alpn", "first,second"
EARLY = "-early_data", *ALPN
# What s_server takes unless it is told otherwise, and more. Both are whole lines.
FITTING, LONGER = 16384, 64 * 940


def start(lab, library, version, *options):
    server = Server(lab, library, VERSIONS[version], "-cert", "ecdsa.pem", "-key", "ecdsa.key",
                    *options)
    return server.program, server


def first(lab, library, server, version, session, *options):
    text, _ = talk(lab, library, server, VERSIONS[version], "-sess_out", session, *options)
    expect(text, f"^New, TLSv{version}", "Verification: OK")
    return text


def second(lab, library, server, version, session, *options, kind="Reused"):
    text, _ = talk(lab, library, server, VERSIONS[version], "-sess_in", session, *options)
    expect(text, f"^{kind}, TLSv{version}")
    return text


def session_file(lab, *names):
    return lab.path("-".join(("session", *names)) + ".pem")


def ticket(lab, client, server, version):
    """Twice with one session: a ticket can be used again."""
    asked = lab.shared(start, server, version)
    session = session_file(lab, client, server, version, "ticket")
    expect(first(lab, client, asked, version, session), "TLS session ticket:")
    for _ in range(2):
        second(lab, client, asked, version, session)


def session_of_the_server(lab, client, server, version):
    """The server keeps the sessions; in TLS 1.3 the tickets are their names."""
    asked = lab.shared(start, server, version, "-no_ticket")
    session = session_file(lab, client, server, version, "id")
    text = first(lab, client, asked, version, session)
    require(version == "1.3" or "TLS session ticket:" not in text, "there is a ticket")
    second(lab, client, asked, version, session)


def unknown_session(lab, client, server, version):
    """Another server cannot know it, and makes a new one."""
    session = session_file(lab, client, server, version, "unknown")
    first(lab, client, lab.shared(start, server, version), version, session)
    second(lab, client, lab.shared(start, server, version, "-no_ticket"), version, session,
           kind="New")


def other_client(lab, client, server, version):
    """A session that a client on the other library has kept; both say the same of it."""
    asked = lab.shared(start, server, version)
    session = session_file(lab, client, server, version, "other")
    first(lab, "system" if client == "ours" else "ours", asked, version, session)
    second(lab, client, asked, version, session)
    texts = {library: lab.run(library, [OPENSSL, "sess_id", "-in", session, "-noout", "-text"])
             for library in ("ours", "system")}
    require(f"Protocol  : TLSv{version}" in texts["ours"].text(), "openssl sess_id says nothing")
    require(texts["ours"].text() == texts["system"].text(), "openssl sess_id says something else")


def without_key_exchange(lab, client, server):
    """Two that have no group in common still have the session's key."""
    asked = lab.shared(start, server, "1.3", "-allow_no_dhe_kex", "-groups", "P-384")
    session = session_file(lab, client, server, "psk-ke")
    options = ["-allow_no_dhe_kex", "-groups"]
    text = first(lab, client, asked, "1.3", session, *options, "P-384")
    expect(text, "Server Temp Key: ECDH, .*384")
    text = second(lab, client, asked, "1.3", session, *options, "X25519")
    require("Server Temp Key" not in text, "there is a key of the server all the same")


def other_hash(lab, client, server):
    """A session counts for the hash of its cipher suite only."""
    asked = lab.shared(start, server, "1.3")
    session = session_file(lab, client, server, "hash")
    first(lab, client, asked, "1.3", session, "-ciphersuites", "TLS_AES_128_GCM_SHA256")
    second(lab, client, asked, "1.3", session, "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")
    second(lab, client, asked, "1.3", session, "-ciphersuites", "TLS_AES_256_GCM_SHA384",
           kind="New")


def early(lab, library, server, session, size, *options):
    """Sends early data with that session. Returns what each end says."""
    return talk(lab, library, server, VERSIONS["1.3"], "-sess_in", session, "-early_data",
                f"early-{size}", *options)


def check_accepted(lab, answer, size):
    text, told = answer
    expect(text, "^Reused, TLSv1.3", "^Early data was accepted")
    require(b"Early data received:\n" in told, "the server does not say so")
    # s_server writes data at once and keeps back what it says: that stands amid the data's lines.
    lines = b"".join(re.findall(rb"^[0-9a-f]{63}\n", told, re.MULTILINE))
    require(sha256(lines) == lab.hashes[f"early-{size}"], "another checksum arrived")


def check_rejected(answer, kind):
    text, told = answer
    expect(text, f"^{kind}, TLSv1.3", "^Early data was rejected")
    require(b"Early data was rejected" in told, "the server does not say so")


def prepared(lab, client, server, name, *options, client_options=ALPN):
    """A server that takes early data, and a session of it."""
    asked = lab.shared(start, server, "1.3", *EARLY, *options)
    session = session_file(lab, client, server, name)
    first(lab, client, asked, "1.3", session, *client_options)
    return asked, session


def early_data(lab, client, server):
    """And the same again, which is a replay: the server has forgotten the session."""
    asked, session = prepared(lab, client, server, "early")
    check_accepted(lab, early(lab, client, asked, session, FITTING, *ALPN), FITTING)
    check_rejected(early(lab, client, asked, session, FITTING, *ALPN), "New")


def more_early_data(lab, client, server):
    """In several records, by a ticket that is good more than once."""
    asked, session = prepared(lab, client, server, "more", "-max_early_data", LONGER,
                              "-recv_max_early_data", LONGER, "-no_anti_replay")
    for _ in range(2):
        check_accepted(lab, early(lab, client, asked, session, LONGER, *ALPN), LONGER)


def early_data_before_retry(lab, client, server):
    """A HelloRetryRequest makes them void. The session that a server of ours has found for the first
    ClientHello is there for the second; the system's has forgotten it (docs/differences.md)."""
    asked, session = prepared(lab, client, server, "retry", "-groups", "P-384")
    check_rejected(early(lab, client, asked, session, FITTING, *ALPN, "-groups", "X25519:P-384"),
                   "Reused" if server == "ours" else "New")


def early_data_of_another_protocol(lab, client, server):
    """They are for the application protocol of the session, in which the client has to agree."""
    asked, session = prepared(lab, client, server, "alpn", client_options=("-alpn", "second"))
    check_rejected(early(lab, client, asked, session, FITTING, "-alpn", "second,first"), "Reused")


def cases(report, lab):
    for size in (FITTING, LONGER):
        lab.text_payload(f"early-{size}", seed=size, size=size)
    for client, server in PAIRINGS:
        pair = f"s_client-{client}.s_server-{server}"
        for version in ("1.2", "1.3"):
            for function in (ticket, session_of_the_server, unknown_session, other_client):
                report.case(f"{pair}.tls{version}.{function.__name__.replace('_', '-')}", function,
                            lab, client, server, version)
        for function in (without_key_exchange, other_hash, early_data, more_early_data,
                         early_data_before_retry, early_data_of_another_protocol):
            report.case(f"{pair}.tls1.3.{function.__name__.replace('_', '-')}", function, lab,
                        client, server)
