#include "handshake/keys12.h"

#include "crypto/prf.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "message/finished.h"
#include "wire/version.h"

namespace handfast {
namespace {

constexpr size_t kMasterSecretLength = 48;  // RFC 5246 8.1
constexpr size_t kVerifyDataLength = 12;    // RFC 5246 7.4.9

HashId hash_of(const Handshake& hs) {
  return handshake_hash(*hs.negotiated->suite, hs.negotiated->version);
}

View client_random(const Handshake& hs) {
  return hs.negotiated->client_random;
}

View server_random(const Handshake& hs) {
  return hs.negotiated->server_random;
}

uint16_t version_of_records(const Handshake& hs) {
  return record_version(hs.datagram, hs.negotiated->version);
}

RecordKeyLengths key_lengths(const Handshake& hs) {
  return record_key_lengths(*hs.algorithms, *hs.negotiated->suite, version_of_records(hs));
}

// RFC 5246 6.3. From here on the suite is the current one: SSL_get_current_cipher(3).
Verdict expand_keys(Handshake& hs) {
  if (!hs.key_block.empty()) return success();
  Session& session = *hs.conn.session;
  if (session.cipher == nullptr) {
    session.cipher = hs.negotiated->suite;
    session.cipher_id = SSL_CIPHER_get_id(session.cipher);
  }
  RecordKeyLengths lengths = key_lengths(hs);
  if (!hs.key_block.resize(2 * (lengths.mac_key + lengths.key + lengths.iv))) {
    return malloc_failure();
  }
  bool ok = hs.key_block.empty() ||
            prf(*hs.algorithms, hash_of(hs), hs.conn.session->master_key.view(), "key expansion",
                {server_random(hs), client_random(hs)}, hs.key_block.span());
  return ok ? success() : internal_error();
}

Verdict verify_data(const Handshake& hs, bool server, Secret& out) {
  Digest hash;
  bool ok = hs.transcript.hash(hash) &&
            prf(*hs.algorithms, hash_of(hs), hs.conn.session->master_key.view(),
                server ? "server finished" : "client finished", {hash.view()},
                out.storage(kVerifyDataLength));
  return ok ? success() : internal_error();
}

}  // namespace

Verdict start_transcript12(Handshake& hs) {
  const EVP_MD* md = hs.algorithms->hash(hash_of(hs));
  if (md == nullptr) return internal_error(SSL_R_NO_SUITABLE_DIGEST_ALGORITHM);
  return hs.transcript.start(md, true) ? success() : internal_error();
}

Verdict derive_master_secret(Handshake& hs, View premaster) {
  Secret master;
  std::span<uint8_t> out = master.storage(kMasterSecretLength);
  bool ok = false;
  if (hs.extended_master_secret) {
    Digest hash;
    ok = hs.transcript.hash(hash) &&
         prf(*hs.algorithms, hash_of(hs), premaster, "extended master secret", {hash.view()}, out);
  } else {
    ok = prf(*hs.algorithms, hash_of(hs), premaster, "master secret",
             {client_random(hs), server_random(hs)}, out);
  }
  if (!ok) return internal_error();
  return hs.conn.session->master_key.assign(master.view()) ? success() : malloc_failure();
}

RecordKeys record_keys12(const Handshake& hs, bool server) {
  RecordKeyLengths lengths = key_lengths(hs);
  size_t side = server ? 1 : 0;
  View block = hs.key_block.view();
  RecordKeys keys;
  keys.mac_key = block.subspan(side * lengths.mac_key, lengths.mac_key);
  keys.key = block.subspan(2 * lengths.mac_key + side * lengths.key, lengths.key);
  keys.iv = block.subspan(2 * (lengths.mac_key + lengths.key) + side * lengths.iv, lengths.iv);
  return keys;
}

Verdict change_write_keys(Handshake& hs) {
  HANDFAST_CHECK(expand_keys(hs));
  HANDFAST_CHECK(send_change_cipher_spec(hs));
  return hs.conn.channel.writer.change_keys(*hs.algorithms, *hs.negotiated->suite,
                                            version_of_records(hs), record_keys12(hs, hs.server),
                                            hs.encrypt_then_mac);
}

Verdict change_read_keys(Handshake& hs) {
  HANDFAST_CHECK(expand_keys(hs));
  return hs.conn.channel.reader.change_keys(*hs.algorithms, *hs.negotiated->suite,
                                            version_of_records(hs), record_keys12(hs, !hs.server),
                                            hs.encrypt_then_mac);
}

Verdict send_finished12(Handshake& hs) {
  HANDFAST_CHECK(verify_data(hs, hs.server, hs.negotiated->own_finished));
  log_secret(hs.conn, "CLIENT_RANDOM", hs.conn.session->master_key.view());
  Finished finished;
  finished.verify_data = hs.negotiated->own_finished.view();
  return send(hs, finished);
}

Verdict check_finished12(Handshake& hs) {
  HANDFAST_CHECK(at_record_boundary(hs));
  Finished finished;
  HANDFAST_CHECK(parse(hs.message.body, finished));
  Secret expected;
  HANDFAST_CHECK(verify_data(hs, !hs.server, expected));
  if (finished.verify_data.size() != expected.size()) {
    return fatal(Alert::decode_error, SSL_R_BAD_DIGEST_LENGTH);
  }
  // RFC 5246 7.4.9: "Recipients of Finished messages MUST verify that the contents are correct."
  if (!equal_constant_time(finished.verify_data, expected.view())) {
    return fatal(Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED);
  }
  hs.negotiated->peer_finished = expected;
  return absorb(hs);
}

}  // namespace handfast
