"""openssl s_client and s_server over DTLS: sessions kept in files, pre-shared keys, ALPN, SRTP."""

import re

from dtls import NAMES, PAIRINGS, VERSIONS, Crowd, require_version, start_server, talk_to_the_last
from programs import OPENSSL, require
from s_client import Server, expect, talk

PACKAGES = "openssl"
NEEDS = [OPENSSL]

# What each way of agreeing with a pre-shared key needs of the server.
KEY_CIPHERS = {"PSK-AES128-CBC-SHA": ["-nocert"], "DHE-PSK-AES128-CBC-SHA": ["-nocert"],
               "ECDHE-PSK-AES256-CBC-SHA": ["-nocert"],
               "RSA-PSK-AES128-CBC-SHA": ["-cert", "rsa.pem", "-key", "rsa.key"]}
SRTP = "SRTP_AEAD_AES_256_GCM", "SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"


def session_file(lab, *names):
    return lab.path("-".join(("dtls-session", *names)) + ".pem")


def connect(lab, library, server, version, kind, *options):
    text, _ = talk(lab, library, server, *VERSIONS[version], *options)
    require_version(text, version)
    expect(text, f"^{kind}, TLSv1")
    return text


def resumed(lab, client, server, version, way):
    """By ticket, or by the name of a session that the server keeps."""
    options = ["-no_ticket"] if way == "id" else []
    asked = start_server(lab, server, *VERSIONS[version], *options, connections=3)
    session = session_file(lab, client, server, version, way)
    text = connect(lab, client, asked, version, "New", "-sess_out", session)
    require(("TLS session ticket:" in text) == (way == "ticket"), f"it is no {way}")
    for _ in range(2):
        connect(lab, client, asked, version, "Reused", "-sess_in", session)
    asked.program.succeed()
    require("   2 session cache hits" in asked.program.text(), "the server has not counted")


def unknown_session(lab, client, server, version):
    """Another server makes a new one."""
    session = session_file(lab, client, server, version, "unknown")
    for option, kind in (("-sess_out", "New"), ("-sess_in", "New")):
        asked = start_server(lab, server, *VERSIONS[version])
        connect(lab, client, asked, version, kind, option, session)


def other_client(lab, client, server, version):
    """A session that a client on the other library has kept; both say the same of it."""
    asked = start_server(lab, server, *VERSIONS[version], connections=2)
    session = session_file(lab, client, server, version, "other")
    connect(lab, "system" if client == "ours" else "ours", asked, version, "New", "-sess_out",
            session)
    connect(lab, client, asked, version, "Reused", "-sess_in", session)
    texts = {library: lab.run(library, [OPENSSL, "sess_id", "-in", session, "-noout", "-text"])
             for library in ("ours", "system")}
    require(f"Protocol  : {NAMES[version]}" in texts["ours"].text(), "openssl sess_id says nothing")
    require(texts["ours"].text() == texts["system"].text(), "openssl sess_id says something else")


def other_version(lab, client, server):
    """A session of DTLS 1.0 is no session of DTLS 1.2."""
    session = session_file(lab, client, server, "version")
    asked = start_server(lab, server, "-dtls", "-cipher", "ALL:@SECLEVEL=0", connections=2)
    connect(lab, client, asked, "1.0", "New", "-sess_out", session)
    text, _ = talk(lab, client, asked, "-dtls", "-cipher", "ALL:@SECLEVEL=0", "-sess_in", session)
    require_version(text, "1.2")
    expect(text, "^New, TLSv1")


def pre_shared_key(lab, client, server, version, suite, certificate):
    key = ["-psk", "00112233445566778899aabbccddeeff", "-psk_identity", "somebody"]
    options = [VERSIONS[version][0], "-cipher", f"{suite}:@SECLEVEL=0", *key]
    asked = Server(lab, server, *options, *certificate, "-naccept", "1", "-psk_hint", "a hint",
                   protocol="udp")
    text, _ = talk_to_the_last(lab, client, asked, *options)
    require_version(text, version)
    expect(text, f"^    Cipher    : {suite}$", "^    PSK identity: somebody$",
           "^    PSK identity hint: a hint$")


def application_protocol(lab, client, server):
    asked = start_server(lab, server, "-dtls", "-alpn", "coap,other")
    text, told = talk_to_the_last(lab, client, asked, "-dtls", "-alpn", "other,coap")
    expect(text, "^ALPN protocol: coap$")
    require("ALPN protocols selected: coap\n" in told, "the server says something else")


def exported_keys(text):
    return re.search(r"Label: 'EXTRACTOR-dtls_srtp'\n +Length: 60 bytes\n +"
                     r"Keying material: ([0-9A-F]{120})\n", text)


def srtp(lab, client, server, version):
    """The server's first choice among what both have, and equal keys."""
    export = ["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "60"]
    asked = start_server(lab, server, *VERSIONS[version], "-use_srtp", ":".join(SRTP[1:]), *export)
    text, told = talk_to_the_last(lab, client, asked, *VERSIONS[version], "-use_srtp",
                                  ":".join((SRTP[0], *SRTP[:0:-1])), *export)
    chosen = f"SRTP Extension negotiated, profile={SRTP[1]}\n"
    require(chosen in text and chosen in told, "not the profile that the server likes best")
    keys = [exported_keys(said) for said in (text, told)]
    require(all(keys) and keys[0][1] == keys[1][1], "the ends have exported other keys")


def no_common_srtp_profile(lab, client, server):
    asked = start_server(lab, server, "-dtls", "-use_srtp", SRTP[0])
    text, told = talk_to_the_last(lab, client, asked, "-dtls", "-use_srtp", SRTP[2])
    require("SRTP Extension negotiated" not in text + told, "they have agreed on one")


def cases(report, lab):
    with Crowd(report, lab) as crowd:
        for client, server in PAIRINGS:
            pair_cases(crowd.pair(client, server))


def pair_cases(case):
    for version in VERSIONS:
        kind = NAMES[version].lower()
        for way in ("ticket", "id"):
            case(f"{kind}.session-{way}", resumed, version, way)
        case(f"{kind}.unknown-session", unknown_session, version)
        case(f"{kind}.other-client", other_client, version)
        case(f"{kind}.srtp", srtp, version)
        for suite, certificate in KEY_CIPHERS.items():
            case(f"{kind}.{suite.lower()}", pre_shared_key, version, suite, certificate)
    case("other-version", other_version)
    case("alpn", application_protocol)
    case("no-common-srtp-profile", no_common_srtp_profile)
