// Certificate Transparency with timestamps of a log: from the TLS extension, a stapled OCSP
// response and the certificate itself; SSL_CTX_set_ctlog_list_file(3), SSL_CTX_enable_ct(3).
#include "support/transparency.h"
#include "support/older.h"
#include "support/temporary_file.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
const char* const kLeaf = "server-p256";

uint64_t milliseconds(long seconds_from_now) {
  return (static_cast<uint64_t>(std::time(nullptr)) + static_cast<uint64_t>(seconds_from_now)) *
         1000;
}

std::string list_of_logs() {
  return "enabled_logs=one\n" + TransparencyLog("server-p256").section("one");
}

const char* source_name(sct_source_t source) {
  switch (source) {
    case SCT_SOURCE_TLS_EXTENSION:
      return "TLS extension";
    case SCT_SOURCE_X509V3_EXTENSION:
      return "certificate";
    case SCT_SOURCE_OCSP_STAPLED_RESPONSE:
      return "OCSP";
    default:
      return "unknown";
  }
}

const char* status_name(sct_validation_status_t status) {
  switch (status) {
    case SCT_VALIDATION_STATUS_NOT_SET:
      return "not set";
    case SCT_VALIDATION_STATUS_UNKNOWN_LOG:
      return "unknown log";
    case SCT_VALIDATION_STATUS_VALID:
      return "valid";
    case SCT_VALIDATION_STATUS_INVALID:
      return "invalid";
    case SCT_VALIDATION_STATUS_UNVERIFIED:
      return "unverified";
    case SCT_VALIDATION_STATUS_UNKNOWN_VERSION:
      return "unknown version";
    default:
      return "?";
  }
}

void print(const STACK_OF(SCT) * timestamps) {
  for (int i = 0; i < sk_SCT_num(timestamps); i++) {
    const SCT* one = sk_SCT_value(timestamps, i);
    out("    %s, %s, version %d, entry %d", source_name(SCT_get_source(one)),
        status_name(SCT_get_validation_status(one)), SCT_get_version(one),
        SCT_get_log_entry_type(one));
  }
}

int answer_of_callback = 1;

int judge(const CT_POLICY_EVAL_CTX* context, const STACK_OF(SCT) * timestamps, void* argument) {
  out("  asked: %d timestamps, certificate %d, issuer %d, logs %d, argument %s",
      sk_SCT_num(timestamps), CT_POLICY_EVAL_CTX_get0_cert(context) != nullptr,
      CT_POLICY_EVAL_CTX_get0_issuer(context) != nullptr,
      CT_POLICY_EVAL_CTX_get0_log_store(context) != nullptr, static_cast<const char*>(argument));
  print(timestamps);
  // What their validation left in the queue is no matter of the handshake.
  ERR_clear_error();
  return answer_of_callback;
}

/// How the server brings its timestamps.
struct Sources {
  Octets extension{}, ocsp{};
};

int staple(SSL* ssl, void* response) {
  const Octets& bytes = *static_cast<Octets*>(response);
  SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(bytes.data(), bytes.size()),
                                  static_cast<long>(bytes.size()));
  return SSL_TLSEXT_ERR_OK;
}

void serve(SSL_CTX* c, Sources& sources) {
  if (!sources.extension.empty()) {
    unsigned places =
        SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE;
    Octets info = big_endian(places, 4) + big_endian(TLSEXT_TYPE_signed_certificate_timestamp, 2) +
                  vector_of(sources.extension, 2);
    require(SSL_CTX_use_serverinfo_ex(c, SSL_SERVERINFOV2,
                                      reinterpret_cast<const unsigned char*>(info.data()),
                                      info.size()) == 1,
            "serverinfo");
  }
  if (!sources.ocsp.empty()) {
    SSL_CTX_set_tlsext_status_cb(c, staple);
    SSL_CTX_set_tlsext_status_arg(c, &sources.ocsp);
  }
}

void told(Peers& peers, const char* title) {
  link_memory(peers);
  tell_with_alerts(peers, title);
  const STACK_OF(SCT)* timestamps = SSL_get0_peer_scts(peers.client.get());
  out("  %s, %d timestamps",
      X509_verify_cert_error_string(SSL_get_verify_result(peers.client.get())),
      sk_SCT_num(timestamps));
  print(timestamps);
}

void with(const char* title, Sources sources, bool strict = false, bool logs = true) {
  for (int version : kVersions) {
    TemporaryFile file(list_of_logs());
    Peers peers = make_peers(at_version(
        version, {.certificate = kLeaf,
                  .client_context =
                      [&](SSL_CTX* c) {
                        if (logs) SSL_CTX_set_ctlog_list_file(c, file.path);
                        if (strict) {
                          SSL_CTX_enable_ct(c, SSL_CT_VALIDATION_STRICT);
                        } else {
                          SSL_CTX_set_ct_validation_callback(c, judge, const_cast<char*>("mine"));
                        }
                      },
                  .server_context = [&](SSL_CTX* c) { serve(c, sources); }}));
    told(peers, text("%s, %s", title, version_text(version)).c_str());
  }
}

struct Timestamps {
  Owned<X509> leaf = read_certificate(kLeaf);
  TransparencyLog known{"server-p256"}, unknown{"client-p256"};
  Octets good = known.timestamp(leaf.get(), milliseconds(-3600));
  Octets bad = known.timestamp(leaf.get(), milliseconds(-3600), false);
  Octets future = known.timestamp(leaf.get(), milliseconds(86400));
  Octets stranger = unknown.timestamp(leaf.get(), milliseconds(-3600));
  Octets of_another = known.timestamp(read_certificate("server-rsa").get(), milliseconds(-3600));
  Octets next_version = "\1" + good.substr(1);
};

void from_extension() {
  Timestamps have;
  with("good", {.extension = timestamp_list({have.good})});
  with("bad signature", {.extension = timestamp_list({have.bad})});
  with("from the future", {.extension = timestamp_list({have.future})});
  with("unknown log", {.extension = timestamp_list({have.stranger})});
  with("of another certificate", {.extension = timestamp_list({have.of_another})});
  with("next version", {.extension = timestamp_list({have.next_version})});
  with("several", {.extension = timestamp_list(
                       {have.bad, have.good, have.stranger, have.future, have.next_version})});
  with("none", {});
  with("no logs", {.extension = timestamp_list({have.good})}, false, false);
}

void malformed_lists() {
  Timestamps have;
  Octets good = timestamp_list({have.good});
  with("cut off", {.extension = good.substr(0, good.size() - 1)});
  with("longer", {.extension = good + "x"});
  with("empty list", {.extension = Octets(2, 0)});
  with("empty timestamp", {.extension = vector_of(Octets(2, 0), 2)});
  with("nonsense", {.extension = "nonsense"});
}

void from_ocsp() {
  Timestamps have;
  with("good", {.ocsp = ocsp_response(have.leaf.get(), timestamp_list({have.good}))});
  with("bad", {.ocsp = ocsp_response(have.leaf.get(), timestamp_list({have.bad}))});
  with("no response", {.ocsp = "no OCSP response"});
  with("both ways", {.extension = timestamp_list({have.stranger}),
                     .ocsp = ocsp_response(have.leaf.get(), timestamp_list({have.good}))});
}

void strict() {
  Timestamps have;
  with("good", {.extension = timestamp_list({have.good})}, true);
  with("bad", {.extension = timestamp_list({have.bad})}, true);
  with("one good", {.extension = timestamp_list({have.bad, have.good})}, true);
  with("by OCSP", {.ocsp = ocsp_response(have.leaf.get(), timestamp_list({have.good}))}, true);
  with("none", {}, true);
}

void refused() {
  Timestamps have;
  for (int answer : {0, -1, 2}) {
    answer_of_callback = answer;
    with(text("answer %d", answer).c_str(), {.extension = timestamp_list({have.good})});
  }
  answer_of_callback = 1;
}

/// A certificate of the root for the key of the leaf, with timestamps inside.
Owned<X509> with_embedded(bool valid) {
  Owned<X509> issuer = read_certificate("root"), like = read_certificate(kLeaf);
  Owned<EVP_PKEY> issuer_key = read_key("root"), key = read_key(kLeaf);
  Owned<X509> made(X509_new());
  X509* x = made.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 4711);
  X509_set_issuer_name(x, X509_get_subject_name(issuer.get()));
  X509_set_subject_name(x, X509_get_subject_name(like.get()));
  X509_gmtime_adj(X509_getm_notBefore(x), -86400);
  X509_gmtime_adj(X509_getm_notAfter(x), 86400);
  X509_set_pubkey(x, key.get());
  const EVP_MD* md = EVP_PKEY_is_a(issuer_key.get(), "ED25519") ? nullptr : EVP_sha256();
  X509_sign(x, issuer_key.get(), md);
  Octets body = der([=](unsigned char** out) { return i2d_re_X509_tbs(x, out); });
  Octets entry = sha256(public_key_of(issuer_key.get())) + vector_of(body, 3);
  Octets list = timestamp_list(
      {TransparencyLog("server-p256").timestamp(1, entry, milliseconds(-3600), valid)});
  STACK_OF(SCT)* timestamps = parsed_list(list);
  X509_add1_ext_i2d(x, NID_ct_precert_scts, timestamps, 0, 0);
  SCT_LIST_free(timestamps);
  X509_sign(x, issuer_key.get(), md);
  return made;
}

void from_certificate() {
  for (bool valid : {true, false}) {
    Owned<X509> certificate = with_embedded(valid);
    for (int version : kVersions) {
      TemporaryFile file(list_of_logs());
      Peers peers = make_peers(at_version(
          version, {.certificate = "",
                    .client_context =
                        [&](SSL_CTX* c) {
                          SSL_CTX_set_ctlog_list_file(c, file.path);
                          SSL_CTX_set_ct_validation_callback(c, judge, const_cast<char*>("mine"));
                        },
                    .server_context =
                        [&](SSL_CTX* c) {
                          SSL_CTX_use_certificate(c, certificate.get());
                          SSL_CTX_use_PrivateKey(c, read_key(kLeaf).get());
                        }}));
      told(peers, text("valid %d, %s", valid, version_text(version)).c_str());
    }
  }
}

// Who is not asked: no verified chain, an error of verification, no callback, DANE's own trust.
void not_asked() {
  Timestamps have;
  Sources sources{.extension = timestamp_list({have.good})};
  const std::pair<const char*, std::function<void(SSL*)>> kCases[] = {
      {"not trusted",
       [](SSL* ssl) {
         SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
         SSL_set0_verify_cert_store(ssl, X509_STORE_new());
       }},
      {"not verified", [](SSL* ssl) { SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr); }},
      {"no callback", [](SSL* ssl) { SSL_set_ct_validation_callback(ssl, nullptr, nullptr); }},
      {"by its own name", [](SSL* ssl) {
         X509_VERIFY_PARAM_set_flags(SSL_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
         X509_STORE* store = X509_STORE_new();
         X509_STORE_add_cert(store, read_certificate(kLeaf).get());
         SSL_set0_verify_cert_store(ssl, store);
       }}};
  for (const auto& [name, change] : kCases) {
    for (int version : kVersions) {
      Peers peers = make_peers(at_version(
          version, {.certificate = kLeaf,
                    .client_context =
                        [](SSL_CTX* c) {
                          SSL_CTX_set_ct_validation_callback(c, judge, const_cast<char*>("mine"));
                        },
                    .server_context = [&](SSL_CTX* c) { serve(c, sources); }}));
      change(peers.client.get());
      told(peers, text("%s, %s", name, version_text(version)).c_str());
    }
  }
}

void files() {
  TransparencyLog one("server-p256"), two("client-p256");
  const std::string kContents[] = {
      "",
      "enabled_logs=\n",
      "enabled_logs=one\n" + one.section("one"),
      "enabled_logs=one,two\n" + one.section("one") + two.section("two"),
      "enabled_logs=one,missing\n" + one.section("one"),
      "enabled_logs=one\n[one]\nkey = AAAA\n",
      "enabled_logs=one\n[one]\ndescription = a log\n",
      "enabled_logs=one\n[one]\ndescription = a log\nkey = AAAA\n",
      "enabled_logs=one\n[one]\ndescription = a log\nkey = ?\n",
      "[broken\n"};
  for (const std::string& content : kContents) {
    TemporaryFile file(content);
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    const CTLOG_STORE* before = SSL_CTX_get0_ctlog_store(context.get());
    int set = SSL_CTX_set_ctlog_list_file(context.get(), file.path);
    std::string said = answer(set);
    out("%zu bytes: %s, the same store %d", content.size(), said.c_str(),
        SSL_CTX_get0_ctlog_store(context.get()) == before);
    setenv("CTLOG_FILE", file.path, 1);
    out("  by default: %s", answer(SSL_CTX_set_default_ctlog_list_file(context.get())).c_str());
  }
  setenv("CTLOG_FILE", "/nonexistent", 1);
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  out("missing: %s", answer(SSL_CTX_set_default_ctlog_list_file(context.get())).c_str());
  out("  %s", answer(SSL_CTX_set_ctlog_list_file(context.get(), "/nonexistent")).c_str());
  unsetenv("CTLOG_FILE");
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"from_extension", from_extension},
              {"malformed_lists", malformed_lists},
              {"from_ocsp", from_ocsp},
              {"strict", strict},
              {"refused", refused},
              {"from_certificate", from_certificate},
              {"not_asked", not_asked},
              {"files", files}},
             argc, argv);
}
