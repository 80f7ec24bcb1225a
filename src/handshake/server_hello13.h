// What a TLS 1.3 server makes of a ClientHello, and the hellos it answers with.
#pragma once

#include "handshake/handshake.h"
#include "message/server_hello.h"
#include "pki/signer.h"

namespace handfast {

// Chooses suite, session, protocol, group and certificate for the ClientHello in hs.client_hello
// and asks the application. hs.retry_needed: a HelloRetryRequest must ask for another share
// (hs.retry_group) or a cookie. Without it hs.group is nullptr when a pre-shared key does alone.
Flow negotiate13(Handshake& hs, Signer& signer);

// The first of the client's shares whose group we have; nullptr: none.
[[nodiscard]] const Group* first_usable_share(const Handshake& hs);

// The HelloRetryRequest with what `hs` has to ask for; `block` holds its extensions.
[[nodiscard]] Verdict fill_hello_retry_request(Handshake& hs, Bytes& block, ServerHello& out);
[[nodiscard]] Verdict send_hello_retry_request(Handshake& hs);
[[nodiscard]] Verdict send_server_hello(Handshake& hs);
// Makes our share of hs.group, if there is one, and the shared secret.
[[nodiscard]] Verdict agree_key(Handshake& hs, Bytes& shared_secret);

}  // namespace handfast
