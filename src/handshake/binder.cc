#include "handshake/binder.h"

#include "crypto/key_schedule.h"
#include "handshake/psk.h"

namespace handfast {

bool compute_binder(const Handshake& hs, const Session& session, bool external, View truncated,
                    Secret& out) {
  const EVP_MD* md = hs.algorithms->hash(session.cipher->hash);
  EarlySecret early;
  TrafficSecret binder_key;
  Digest hash;
  return md != nullptr && early.start(md, session.master_key.view()) &&
         early.binder_key(external, binder_key) && hs.transcript.hash_with(md, truncated, hash) &&
         binder_key.verify_data(hash.view(), out);
}

SessionRef session_of_key(View key) {
  SessionRef session(new_session());
  if (session == nullptr || !session->master_key.assign(key)) return nullptr;
  session->version = TLS1_3_VERSION;
  session->cipher = find_cipher_suite(TLS1_3_CK_AES_128_GCM_SHA256 & 0xffff);
  session->cipher_id = TLS1_3_CK_AES_128_GCM_SHA256;
  return session;
}

bool start_early_secret(const Handshake& hs, EarlySecret& early) {
  return early.start(hs.transcript.md(), hs.resuming ? hs.conn.session->master_key.view() : View());
}

}  // namespace handfast
