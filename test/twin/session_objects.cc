// SSL_SESSION_new(3), its getters and setters; d2i_SSL_SESSION(3), PEM and text forms.
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>
#include <utility>
#include <vector>

#include "support/peers.h"
#include "support/session_der.h"

using twin::out;
using twin::Owned;

namespace {

std::string hex(const void* data, size_t size) {
  std::string result;
  for (size_t i = 0; i < size; i++) {
    result += twin::text("%02x", static_cast<const unsigned char*>(data)[i]);
  }
  return result.empty() ? "-" : result;
}

std::string hex(const std::string& bytes) {
  return hex(bytes.data(), bytes.size());
}

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string i2d(const SSL_SESSION* session) {
  int length = i2d_SSL_SESSION(session, nullptr);
  if (length <= 0) return "";
  std::string der(static_cast<size_t>(length), '\0');
  auto* position = reinterpret_cast<unsigned char*>(der.data());
  length = i2d_SSL_SESSION(session, &position);
  if (bytes(der) + der.size() != position) return "i2d moved its pointer elsewhere";
  return der;
}

Owned<SSL_SESSION> d2i(const std::string& der) {
  const unsigned char* position = bytes(der);
  return Owned<SSL_SESSION>(d2i_SSL_SESSION(nullptr, &position, static_cast<long>(der.size())));
}

std::string printed(const SSL_SESSION* session) {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  int returned = SSL_SESSION_print(memory.get(), session);
  char* data = nullptr;
  long size = BIO_get_mem_data(memory.get(), &data);
  return twin::text("print %d\n", returned) + std::string(data, static_cast<size_t>(size));
}

const char* or_none(const char* text) {
  return text ? text : "(none)";
}

// Everything that getters say, except the time.
void describe(SSL_SESSION* session) {
  unsigned int length = 77;
  const unsigned char* id = SSL_SESSION_get_id(session, &length);
  out("version %04x, id %s", SSL_SESSION_get_protocol_version(session), hex(id, length).c_str());
  id = SSL_SESSION_get0_id_context(session, &length);
  out("id context %s", hex(id, length).c_str());
  const SSL_CIPHER* cipher = SSL_SESSION_get0_cipher(session);
  out("cipher %s", cipher ? SSL_CIPHER_get_name(cipher) : "(none)");
  unsigned char key[600];
  size_t size = SSL_SESSION_get_master_key(session, nullptr, 0);
  out("master key %zu: %s", size,
      hex(key, SSL_SESSION_get_master_key(session, key, sizeof key)).c_str());
  out("timeout %ld, compression %u", SSL_SESSION_get_timeout(session),
      SSL_SESSION_get_compress_id(session));
  out("host name %s", or_none(SSL_SESSION_get0_hostname(session)));
  const unsigned char* data = nullptr;
  SSL_SESSION_get0_ticket(session, &data, &size);
  out("ticket %d: %s, hint %lu", SSL_SESSION_has_ticket(session), hex(data, size).c_str(),
      SSL_SESSION_get_ticket_lifetime_hint(session));
  SSL_SESSION_get0_alpn_selected(session, &data, &size);
  out("alpn %d: %s", data != nullptr, hex(data, size).c_str());
  void* appdata = nullptr;
  int returned = SSL_SESSION_get0_ticket_appdata(session, &appdata, &size);
  out("appdata %d: %s", returned, hex(appdata, size).c_str());
  out("early data %u, fragment %u, resumable %d, peer %d", SSL_SESSION_get_max_early_data(session),
      SSL_SESSION_get_max_fragment_length(session), SSL_SESSION_is_resumable(session),
      SSL_SESSION_get0_peer(session) != nullptr);
}

// A cipher as an application gets hold of it.
const SSL_CIPHER* cipher(const char* code) {
  static Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  static Owned<SSL> ssl(SSL_new(context.get()));
  return SSL_CIPHER_find(ssl.get(), reinterpret_cast<const unsigned char*>(code));
}

void fresh() {
  Owned<SSL_SESSION> session(SSL_SESSION_new());
  long age = static_cast<long>(time(nullptr)) - SSL_SESSION_get_time(session.get());
  out("made now: %d", age >= 0 && age < 5);
  describe(session.get());
  out("der %s", hex(i2d(session.get())).c_str());
}

void nothing() {
  out("time %ld %ld", SSL_SESSION_get_time(nullptr), SSL_SESSION_set_time(nullptr, 1));
  out("timeout %ld %ld", SSL_SESSION_get_timeout(nullptr), SSL_SESSION_set_timeout(nullptr, 1));
  out("i2d %d", i2d_SSL_SESSION(nullptr, nullptr));
  out("print %d", SSL_SESSION_print(nullptr, nullptr));
  SSL_SESSION_free(nullptr);
}

void lengths() {
  Owned<SSL_SESSION> session(SSL_SESSION_new());
  std::string data = twin::sample(600);
  for (unsigned int size : {1u, 32u, 33u, 0u}) {
    int id = SSL_SESSION_set1_id(session.get(), bytes(data), size);
    int context = SSL_SESSION_set1_id_context(session.get(), bytes(data), size);
    out("%u: id %d, context %d [%s]", size, id, context, twin::errors().c_str());
  }
  for (size_t size : {0, 48, 512, 513}) {
    out("key %zu: %d", size, SSL_SESSION_set1_master_key(session.get(), bytes(data), size));
    out("is %zu", SSL_SESSION_get_master_key(session.get(), nullptr, 0));
  }
  unsigned char part[10];
  size_t got = SSL_SESSION_get_master_key(session.get(), part, sizeof part);
  out("first bytes %s", hex(part, got).c_str());
}

void setters() {
  Owned<SSL_SESSION> session(SSL_SESSION_new());
  std::string data = twin::sample(48);
  SSL_SESSION* s = session.get();
  out("id %d", SSL_SESSION_set1_id(s, bytes(data), 32));
  out("context %d", SSL_SESSION_set1_id_context(s, bytes(data), 5));
  out("key %d", SSL_SESSION_set1_master_key(s, bytes(data), 48));
  out("version %d", SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION));
  out("cipher %d", SSL_SESSION_set_cipher(s, cipher("\x13\x02")));
  out("time %ld", SSL_SESSION_set_time(s, 1700000000));
  out("is %ld", SSL_SESSION_get_time(s));
  for (long timeout : {-1L, 0L, 100L}) {
    out("timeout %ld", SSL_SESSION_set_timeout(s, timeout));
  }
  out("host name %d", SSL_SESSION_set1_hostname(s, "example.org"));
  out("alpn %d", SSL_SESSION_set1_alpn_selected(s, bytes("h2"), 2));
  out("appdata %d", SSL_SESSION_set1_ticket_appdata(s, "secret", 6));
  out("early data %d", SSL_SESSION_set_max_early_data(s, 16384));
  describe(s);
  out("der %s", hex(i2d(s)).c_str());
  out("%s", printed(s).c_str());
  out("no host name %d", SSL_SESSION_set1_hostname(s, nullptr));
  out("no alpn %d", SSL_SESSION_set1_alpn_selected(s, nullptr, 0));
  out("no appdata %d", SSL_SESSION_set1_ticket_appdata(s, nullptr, 0));
  out("no id %d", SSL_SESSION_set1_id(s, bytes(data), 0));
  out("no cipher %d", SSL_SESSION_set_cipher(s, nullptr));
  describe(s);
}

int on_duplicate(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** from, int, long, void*) {
  out("duplicating %s", static_cast<char*>(*from));
  return 1;
}

void on_free(void*, void* value, CRYPTO_EX_DATA*, int, long, void*) {
  if (value) out("freeing %s", static_cast<const char*>(value));
}

void ex_data() {
  int index = SSL_SESSION_get_ex_new_index(0, nullptr, nullptr, on_duplicate, on_free);
  Owned<SSL_SESSION> session(SSL_SESSION_new());
  out("set %d", SSL_SESSION_set_ex_data(session.get(), index, const_cast<char*>("one")));
  Owned<SSL_SESSION> copy(SSL_SESSION_dup(session.get()));
  out("copy has %s", static_cast<const char*>(SSL_SESSION_get_ex_data(copy.get(), index)));
  SSL_SESSION_set_ex_data(copy.get(), index, const_cast<char*>("two"));
  session.reset();
  copy.reset();
}

void references() {
  SSL_SESSION* session = SSL_SESSION_new();
  out("up_ref %d", SSL_SESSION_up_ref(session));
  SSL_SESSION_free(session);
  out("alive: timeout %ld", SSL_SESSION_get_timeout(session));
  SSL_SESSION_free(session);
}

void duplicate() {
  Owned<SSL_SESSION> session = d2i(twin::session_der(twin::full_session()));
  Owned<SSL_SESSION> copy(SSL_SESSION_dup(session.get()));
  out("equal %d", i2d(session.get()) == i2d(copy.get()));
  out("same peer %d", SSL_SESSION_get0_peer(session.get()) == SSL_SESSION_get0_peer(copy.get()));
  SSL_SESSION_set1_hostname(copy.get(), "other");
  out("host name %s", or_none(SSL_SESSION_get0_hostname(session.get())));
  describe(copy.get());
}

void decode_and_encode(const char* name, const twin::SessionFields& fields) {
  std::string der = twin::session_der(fields);
  Owned<SSL_SESSION> session = d2i(der);
  out("-- %s: %d [%s]", name, session != nullptr, twin::errors().c_str());
  if (!session) return;
  describe(session.get());
  if (fields.count("time")) {
    out("time %ld", SSL_SESSION_get_time(session.get()));
    out("%s", printed(session.get()).c_str());
    std::string again = i2d(session.get());
    out("%s", again == der ? "the same again" : hex(again).c_str());
  }
}

void der() {
  decode_and_encode("full", twin::full_session());
  decode_and_encode("minimal", twin::minimal_session());
  twin::SessionFields fields = twin::full_session();
  for (const auto& [name, value] : twin::full_session()) {
    if (twin::mandatory(name) || name == "time") continue;
    fields.erase(name);
    decode_and_encode(("without " + name).c_str(), fields);
    fields = twin::full_session();
  }
}

void der_versions() {
  for (int version :
       {0x0002, 0x0300, 0x0301, 0x0303, 0x0304, 0x0100, 0xfeff, 0xfefd, 0x0200, 0x0403}) {
    twin::SessionFields fields = twin::full_session();
    fields["protocol_version"] = twin::der_integer(version);
    Owned<SSL_SESSION> session = d2i(twin::session_der(fields));
    out("%04x: %d [%s]", version, session != nullptr, twin::errors().c_str());
    if (session) out("%s", printed(session.get()).c_str());
  }
}

// What is refused. Whether a reason is in the queue is compared where the system gives one.
void der_refused() {
  auto refuse = [](const char* field, const std::string& value, bool reasons) {
    twin::SessionFields fields = twin::full_session();
    fields[field] = value;
    std::string der = twin::session_der(fields);
    const unsigned char* position = bytes(der);
    SSL_SESSION* session = d2i_SSL_SESSION(nullptr, &position, static_cast<long>(der.size()));
    std::string errors = twin::errors();
    out("%s %s: %d, moved %d [%s]", field, hex(value.substr(0, 8)).c_str(), session != nullptr,
        position != bytes(der), reasons ? errors.c_str() : "");
    SSL_SESSION_free(session);
  };
  refuse("form_version", twin::der_integer(2), true);
  refuse("form_version", twin::der_integer(0), true);
  refuse("cipher", twin::der_octets("\x13"), true);
  refuse("cipher", twin::der_octets("\x13\x01\x02"), true);
  refuse("cipher", twin::der_octets("\x7f\x7f"), false);
  refuse("id", twin::der_octets(twin::sample(33)), false);
  refuse("master_key", twin::der_octets(twin::sample(513)), false);
  refuse("id_context", twin::explicit_tag(4, twin::der_octets(twin::sample(33))), false);
  refuse("compression", twin::explicit_tag(11, twin::der_octets("\x01\x02")), true);
  refuse("time", twin::explicit_tag(1, twin::der_octets("x")), true);
  refuse("hostname", twin::explicit_tag(6, twin::der_integer(1)), true);
}

void der_truncated() {
  std::string der = twin::session_der(twin::full_session());
  int read = 0;
  for (size_t size = 0; size < der.size(); size++) {
    const unsigned char* position = bytes(der);
    SSL_SESSION* session = d2i_SSL_SESSION(nullptr, &position, static_cast<long>(size));
    read += session != nullptr;
    SSL_SESSION_free(session);
    ERR_clear_error();
  }
  out("%d of the beginnings are sessions", read);
}

void der_into_existing() {
  std::string der = twin::session_der(twin::full_session()) + "more";
  Owned<SSL_SESSION> session(SSL_SESSION_new());
  SSL_SESSION* target = session.get();
  const unsigned char* position = bytes(der);
  SSL_SESSION* returned = d2i_SSL_SESSION(&target, &position, static_cast<long>(der.size()));
  out("same object %d %d, rest %ld", returned == session.get(), target == session.get(),
      static_cast<long>(bytes(der) + der.size() - position));
  describe(session.get());
  SSL_SESSION* none = nullptr;
  position = bytes(der);
  returned = d2i_SSL_SESSION(&none, &position, static_cast<long>(der.size()));
  out("new object %d", returned == none && none != nullptr);
  SSL_SESSION_free(none);
  std::string rubbish(der.size(), '\x30');
  position = bytes(rubbish);
  returned = d2i_SSL_SESSION(&target, &position, static_cast<long>(rubbish.size()));
  out("rubbish %d, target kept %d [%s]", returned != nullptr, target == session.get(),
      twin::errors().c_str());
}

void pem() {
  Owned<SSL_SESSION> session = d2i(twin::session_der(twin::full_session()));
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  out("write %d", PEM_write_bio_SSL_SESSION(memory.get(), session.get()));
  char* data = nullptr;
  long size = BIO_get_mem_data(memory.get(), &data);
  out("%s", std::string(data, static_cast<size_t>(size)).c_str());
  Owned<SSL_SESSION> again(PEM_read_bio_SSL_SESSION(memory.get(), nullptr, nullptr, nullptr));
  out("read %d, equal %d", again != nullptr, again && i2d(again.get()) == i2d(session.get()));
  Owned<SSL_SESSION> none(PEM_read_bio_SSL_SESSION(memory.get(), nullptr, nullptr, nullptr));
  out("read again %d [%s]", none != nullptr, twin::errors().c_str());

  FILE* file = std::tmpfile();
  out("write to file %d", PEM_write_SSL_SESSION(file, session.get()));
  std::rewind(file);
  again.reset(PEM_read_SSL_SESSION(file, nullptr, nullptr, nullptr));
  out("read %d, equal %d", again != nullptr, again && i2d(again.get()) == i2d(session.get()));
  std::fclose(file);
}

void print_forms() {
  twin::SessionFields fields = twin::full_session();
  fields.erase("compression");
  Owned<SSL_SESSION> session = d2i(twin::session_der(fields));
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  out("keylog %d", SSL_SESSION_print_keylog(memory.get(), session.get()));
  char line[512] = "";
  BIO_gets(memory.get(), line, sizeof line);
  out("%s", line);
  SSL_SESSION_set1_id(session.get(), nullptr, 0);
  out("keylog without id %d", SSL_SESSION_print_keylog(memory.get(), session.get()));
  FILE* file = std::tmpfile();
  out("to file %d", SSL_SESSION_print_fp(file, session.get()));
  std::rewind(file);
  while (std::fgets(line, sizeof line, file)) std::fputs(line, stdout);
  std::fclose(file);
  SSL_SESSION_set_cipher(session.get(), nullptr);
  out("%s", printed(session.get()).c_str());
}

void of_connection() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  out("none %d %d", SSL_get_session(ssl.get()) == nullptr, SSL_get1_session(ssl.get()) == nullptr);
  Owned<SSL_SESSION> session = d2i(twin::session_der(twin::full_session()));
  out("set %d", SSL_set_session(ssl.get(), session.get()));
  out("is it %d, verify result %ld", SSL_get_session(ssl.get()) == session.get(),
      SSL_get_verify_result(ssl.get()));
  Owned<SSL_SESSION> counted(SSL_get1_session(ssl.get()));
  out("is it %d, reused %d", counted == session, SSL_session_reused(ssl.get()));
  Owned<SSL> other(SSL_new(context.get()));
  out("copy %d", SSL_copy_session_id(other.get(), ssl.get()));
  out("is it %d", SSL_get_session(other.get()) == session.get());
  out("reset %d", SSL_set_session(ssl.get(), nullptr));
  out("none %d", SSL_get_session(ssl.get()) == nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"fresh", fresh},
                    {"nothing", nothing},
                    {"lengths", lengths},
                    {"setters", setters},
                    {"ex_data", ex_data},
                    {"references", references},
                    {"duplicate", duplicate},
                    {"der", der},
                    {"der_versions", der_versions},
                    {"der_refused", der_refused},
                    {"der_truncated", der_truncated},
                    {"der_into_existing", der_into_existing},
                    {"pem", pem},
                    {"print_forms", print_forms},
                    {"of_connection", of_connection}},
                   argc, argv);
}
