// What a handshake over datagrams sends, so that it can be sent again (RFC 6347 section 4.2.4).
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// Sends hs.scratch, a message with the header of TLS, as one of DTLS; it is in the transcript and
// in the flight then.
[[nodiscard]] Verdict send_datagram_message(Handshake& hs);
[[nodiscard]] Verdict send_datagram_change_cipher_spec(Handshake& hs);
// Has the peer's the form that its version asks for?
[[nodiscard]] bool is_change_cipher_spec(const Handshake& hs, View content);
// The peer's has come.
void count_change_cipher_spec(Handshake& hs);
// As send_datagram_message(), without either: HelloVerifyRequest (RFC 6347 4.2.1).
[[nodiscard]] Verdict send_unrepeated(Handshake& hs);
// `whole`: a message with the header of DTLS, or a change_cipher_spec. The first after the
// peer's answer begins a new flight.
[[nodiscard]] Verdict send_in_flight(Handshake& hs, ContentType type, View whole);
// Puts a message into datagrams of the output, in fragments where it must be.
[[nodiscard]] Verdict put_into_datagrams(Connection& connection, const SentMessage& message);
// Is the flight at hand the last of the handshake? Then the peer has to ask for it again.
[[nodiscard]] bool in_last_flight(const Handshake& hs);
// The handshake is over: the next one counts its messages anew.
void end_datagram_handshake(Handshake& hs);

}  // namespace handfast
