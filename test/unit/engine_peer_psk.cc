// The peer with pre-shared keys and early data (RFC 8446 sections 4.2.10, 4.2.11 and 4.6.1).
#include "engine_support.h"
#include "extension/extension.h"
#include "message/new_session_ticket.h"

namespace handfast::engine_test {

namespace {

const EVP_MD* hash_of(const SharedKey& key) {
  return algorithms().hash(find_cipher_suite(key.suite)->hash);
}

Octets u32(uint32_t value) {
  return u16(static_cast<uint16_t>(value >> 16)) + u16(static_cast<uint16_t>(value));
}

// RFC 8446 4.2.11.2: over everything in `before` and the ClientHello up to its binders.
Octets binder(const SharedKey& key, const Transcript& before, View truncated) {
  EarlySecret early;
  TrafficSecret binder_key;
  Digest digest;
  Secret out;
  EXPECT_TRUE(early.start(hash_of(key), key.key) && early.binder_key(key.external, binder_key) &&
              before.hash_with(hash_of(key), truncated, digest) &&
              binder_key.verify_data(digest.view(), out));
  return octets(out.view());
}

struct Offer {
  std::vector<Octets> identities;
  std::vector<Octets> binders;
  size_t binders_length = 0;  // of the whole list, with its length
};

bool read_offer(View body, Offer& offer) {
  Reader reader(body);
  View identities, binders, one;
  uint32_t age = 0;
  if (!reader.vector16(identities) || !reader.vector16(binders) || !reader.empty()) return false;
  for (Reader list(identities); !list.empty();) {
    if (!list.vector16(one) || !list.u32(age)) return false;
    offer.identities.push_back(octets(one));
  }
  for (Reader list(binders); !list.empty();) {
    if (!list.vector8(one)) return false;
    offer.binders.push_back(octets(one));
  }
  offer.binders_length = 2 + binders.size();
  return true;
}

}  // namespace

Octets Ticket13::message() const {
  return engine_test::message(
      SSL3_MT_NEWSESSION_TICKET,
      u32(lifetime) + u32(age_add) + vector8(nonce) + vector16(ticket) + build(extensions));
}

// --- Client ---

void Peer::offer_keys(HelloParts& parts) const {
  if (script_.keys.empty()) return;
  Octets identities, binders;
  for (const SharedKey& key : script_.keys) {
    identities = identities + vector16(key.identity) + u32(key.age);
    binders = binders + vector8(Octets(static_cast<size_t>(EVP_MD_get_size(hash_of(key)))));
  }
  set(parts.extensions, TLSEXT_TYPE_psk_kex_modes, vector8({1}));
  if (script_.early_data && hellos_ == 0) set(parts.extensions, TLSEXT_TYPE_early_data, {});
  set(parts.extensions, TLSEXT_TYPE_psk, vector16(identities) + vector16(binders));
}

// Only where the list still has the form of the right one.
void Peer::fill_binders(const HelloParts& parts, Octets& whole) const {
  Offer offer;
  if (parts.extensions.empty() || parts.extensions.back().type != TLSEXT_TYPE_psk ||
      !read_offer(parts.extensions.back().body, offer)) {
    return;
  }
  size_t start = whole.size() - offer.binders_length;
  View truncated = View(whole).first(start);
  for (size_t i = 0; i < offer.binders.size() && i < script_.keys.size(); ++i) {
    Octets right = binder(script_.keys[i], transcript_, truncated);
    if (right.size() == offer.binders[i].size()) offer.binders[i] = right;
  }
  if (script_.binders) script_.binders(offer.binders);
  Octets list;
  for (const Octets& one : offer.binders) list = list + vector8(one);
  std::copy(list.begin(), list.end(), whole.begin() + static_cast<ptrdiff_t>(start) + 2);
}

TrafficSecret Peer::early_secret(const SharedKey& key) const {
  EarlySecret early;
  Transcript hello;
  Digest digest;
  TrafficSecret secret;
  EXPECT_TRUE(early.start(hash_of(key), key.key) && hello.add(hello_) &&
              hello.start(hash_of(key)) && hello.hash(digest) &&
              early.client_early_traffic(digest.view(), secret));
  return secret;
}

void Peer::send_early_data() {
  const SharedKey& key = script_.keys.at(0);
  own_secret_ = early_secret(key);
  EXPECT_TRUE(writer_.change_keys(algorithms(), *find_cipher_suite(key.suite), own_secret_).ok());
  script_.early_data(*this);
}

bool Peer::take_ticket(Ticket13& out) {
  Octets whole = take_message();
  if (whole.empty() || whole[0] != SSL3_MT_NEWSESSION_TICKET) return false;
  NewSessionTicket13 parsed;
  if (!parse(View(whole).subspan(4), parsed).ok()) return false;
  out = {parsed.lifetime, parsed.age_add, octets(parsed.nonce), octets(parsed.ticket),
         split(parsed.extensions)};
  return true;
}

// --- Server ---

// The SSL has each key that it offers.
void Peer::check_offer(const Octets& hello, const Transcript& before) {
  offered_.clear();
  Extension* extension = find(hello_extensions_, TLSEXT_TYPE_psk);
  if (extension == nullptr) return;
  EXPECT_EQ(hello_extensions_.back().type, TLSEXT_TYPE_psk);
  Offer offer;
  ASSERT_TRUE(read_offer(extension->body, offer));
  ASSERT_EQ(offer.identities.size(), offer.binders.size());
  offered_ = offer.identities;
  View truncated = View(hello).first(hello.size() - offer.binders_length);
  for (size_t i = 0; i < offered_.size(); ++i) {
    for (const SharedKey& key : script_.keys) {
      if (key.identity != offered_[i]) continue;
      EXPECT_EQ(offer.binders[i], binder(key, before, truncated)) << "identity " << i;
    }
  }
}

void Peer::choose_key(Extensions& extensions) const {
  for (size_t i = 0; i < offered_.size(); ++i) {
    for (const SharedKey& key : script_.keys) {
      if (key.identity != offered_[i]) continue;
      return set(extensions, TLSEXT_TYPE_psk, u16(static_cast<uint16_t>(i)));
    }
  }
}

void Peer::receive_early_data() {
  const SharedKey* first = nullptr;
  for (const SharedKey& key : script_.keys) {
    if (!offered_.empty() && key.identity == offered_[0]) first = &key;
  }
  ASSERT_NE(first, nullptr);
  const CipherSuite& suite = *find_cipher_suite(first->suite);
  EXPECT_TRUE(reader_.change_keys(algorithms(), suite, early_secret(*first)).ok());
  for (Arrived arrived; take_record(arrived);) {
    EXPECT_EQ(arrived.type, ContentType::application_data);
    early_.append(arrived.content.begin(), arrived.content.end());
  }
  if (!script_.accept_early_data) reader_.skip_early_data(1 << 20, false);
}

// A second ClientHello comes in the clear.
void Peer::restart_reader() {
  reader_ = RecordReader();
  reader_.allow_change_cipher_spec(true);
  reader_.allow_plaintext_alert(true);
  reader_.skip_early_data(1 << 20, true);
}

// --- Both ---

void Peer::note_choice(const Extensions& extensions) {
  chosen_ = nullptr;
  for (const Extension& extension : extensions) {
    if (extension.type != TLSEXT_TYPE_psk || extension.body.size() != 2) continue;
    size_t index = static_cast<size_t>(extension.body[0]) << 8 | extension.body[1];
    for (size_t i = 0; i < script_.keys.size(); ++i) {
      bool same = server_ ? index < offered_.size() && script_.keys[i].identity == offered_[index]
                          : index == i;
      if (same) chosen_ = &script_.keys[i];
    }
    EXPECT_TRUE(server_ || chosen_ != nullptr);
  }
}

void Peer::keep_resumption_secret() {
  EXPECT_TRUE(master_.resumption_master(hash().view(), resumption_secret_));
}

SharedKey Peer::key_of(const Ticket13& ticket) const {
  SharedKey key{ticket.ticket, Octets(static_cast<size_t>(EVP_MD_get_size(md_))), ticket.age_add};
  key.suite = script_.suite;
  EXPECT_TRUE(hkdf_expand_label(md_, resumption_secret_.view(), as_view("resumption"), ticket.nonce,
                                key.key));
  return key;
}

}  // namespace handfast::engine_test
