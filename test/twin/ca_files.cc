// PEM files of trusted certificates: what becomes of every kind of block, damage and file.
#include <openssl/pem.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/peers.h"

namespace {
using namespace twin;

std::string pem_of(const std::string& fixture_name) {
  std::ifstream file(fixture(fixture_name));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string contents(BIO* memory) {
  char* data = nullptr;
  long length = BIO_get_mem_data(memory, &data);
  return {data, static_cast<size_t>(length)};
}

std::string der_of(const std::string& name) {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  require(i2d_X509_bio(memory.get(), read_certificate(name).get()) == 1, name);
  return contents(memory.get());
}

std::string block(const std::string& label, const std::string& der, const char* header = "") {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  require(PEM_write_bio(memory.get(), label.c_str(), header,
                        reinterpret_cast<const unsigned char*>(der.data()),
                        static_cast<long>(der.size())) > 0,
          label);
  return contents(memory.get());
}

std::string certificate(const std::string& name) {
  return block("CERTIFICATE", der_of(name));
}

// With what TRUSTED CERTIFICATE adds.
std::string trusted(const std::string& name) {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  Owned<X509> marked = read_certificate(name);
  unsigned char alias[] = "an alias";
  X509_alias_set1(marked.get(), alias, sizeof alias - 1);
  X509_add1_trust_object(marked.get(), OBJ_nid2obj(NID_email_protect));
  require(PEM_write_bio_X509_AUX(memory.get(), marked.get()) == 1, name);
  return contents(memory.get());
}

std::string crl() {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(read_certificate("root").get()));
  ASN1_TIME* time = ASN1_TIME_set(nullptr, 1700000000);
  X509_CRL_set1_lastUpdate(list, time);
  X509_CRL_set1_nextUpdate(list, time);
  ASN1_TIME_free(time);
  Owned<EVP_PKEY> key = read_key("root");
  require(X509_CRL_sign(list, key.get(), EVP_sha256()) > 0, "CRL");
  require(PEM_write_bio_X509_CRL(memory.get(), list) == 1, "CRL");
  X509_CRL_free(list);
  return contents(memory.get());
}

std::string encrypted_key() {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  unsigned char password[] = "secret";
  require(
      PEM_write_bio_PrivateKey_traditional(memory.get(), read_key("server-rsa").get(),
                                           EVP_aes_128_cbc(), password, 6, nullptr, nullptr) == 1,
      "encrypted key");
  return contents(memory.get());
}

std::string replaced(std::string where, const std::string& what, const std::string& with) {
  for (size_t at = where.find(what); at != std::string::npos;
       at = where.find(what, at + with.size())) {
    where.replace(at, what.size(), with);
  }
  return where;
}

// Its base64 in one line.
std::string one_line(const std::string& pem) {
  size_t begin = pem.find('\n') + 1, end = pem.rfind("-----END");
  return pem.substr(0, begin) + replaced(pem.substr(begin, end - begin), "\n", "") + "\n" +
         pem.substr(end);
}

struct File {
  const char* what;
  std::string text;
};

std::vector<File> plain_files() {
  std::string root = certificate("root"), other = certificate("other-root"),
              leaf = certificate("server-p256");
  std::string old = block("X509 CERTIFICATE", der_of("root"));
  return {{"one", root},
          {"several", root + other + leaf},
          {"several, other order", leaf + other + root},
          {"old label", old + other},
          {"duplicates", root + other + root + root + other},
          {"the same under two labels", root + old},
          {"as written by hand", pem_of("root.pem") + pem_of("server-chain.pem")},
          {"text around", "Root\n====\n" + root + "\n\n# another\nkey: value\n" + other + "end\n"},
          {"no newline at the end", root.substr(0, root.size() - 1)},
          {"CRLF", replaced(root + other, "\n", "\r\n")},
          {"trailing blanks", replaced(root + other, "\n", " \t\n")},
          {"blank line before data", replaced(root, "CERTIFICATE-----\n", "CERTIFICATE-----\n\n")},
          {"one line", one_line(root)},
          {"byte order mark", "\xef\xbb\xbf" + root + other},
          {"a NUL between", root + std::string(1, '\0') + "\n" + other},
          {"a long line between", root + std::string(1000, 'x') + "\n" + other}};
}

std::vector<File> mixed_files() {
  std::string root = certificate("root"), other = certificate("other-root");
  std::string key = pem_of("server-rsa.key");
  return {{"trusted", trusted("root")},
          {"trusted and plain", trusted("root") + root + other},
          {"plain and trusted", root + trusted("other-root") + trusted("root")},
          {"CRL", crl()},
          {"certificate and CRL", root + crl() + other + crl()},
          {"CRL first", crl() + root + other},
          {"certificate and key", root + key + other},
          {"key first", key + root},
          {"key only", key},
          {"encrypted key", root + encrypted_key() + other},
          {"request", root + block("CERTIFICATE REQUEST", der_of("root")) + other},
          {"unknown block", root + block("SOMETHING", "bytes") + other},
          {"unknown block only", block("SOMETHING", "bytes")},
          {"DER", der_of("root")}};
}

std::vector<File> damaged_files() {
  std::string root = certificate("root"), other = certificate("other-root");
  std::string der = der_of("server-p256");
  std::string leaf = certificate("server-p256");
  size_t end = leaf.rfind("-----END");
  std::string no_end = leaf.substr(0, end);
  std::string broken = der;
  broken[1] = 0x05;
  auto between = [&](const std::string& middle) { return root + middle + other; };
  return {{"empty", ""},
          {"blank", " \n\n"},
          {"text", "no certificates here\n"},
          {"bad base64", between(leaf.substr(0, 100) + "!*" + leaf.substr(102))},
          {"bad base64 first", leaf.substr(0, 100) + "!*" + leaf.substr(102) + root},
          {"short data", between(leaf.substr(0, 90) + leaf.substr(94))},
          {"no certificate inside", between(block("CERTIFICATE", "bytes"))},
          {"empty block", between("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")},
          {"truncated DER", between(block("CERTIFICATE", der.substr(0, 200)))},
          {"broken DER only", block("CERTIFICATE", broken)},
          {"broken DER", between(block("CERTIFICATE", broken))},
          {"bytes after the DER", between(block("CERTIFICATE", der + "more"))},
          {"no end", root + no_end},
          {"no end in the middle", between(no_end)},
          {"other end", between(replaced(leaf, "END CERTIFICATE", "END X509 CERTIFICATE"))},
          {"begin only", root + "-----BEGIN CERTIFICATE-----\n"},
          {"broken begin", between(replaced(leaf, "CERTIFICATE-----\n", "CERTIFICATE----\n"))},
          {"a header", between(block("CERTIFICATE", der, "Comment: none\n"))}};
}

void print_store(X509_STORE* store) {
  STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(store);
  out("  %d objects", sk_X509_OBJECT_num(objects));
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    X509_OBJECT* object = sk_X509_OBJECT_value(objects, i);
    X509* certificate = X509_OBJECT_get0_X509(object);
    X509_CRL* list = X509_OBJECT_get0_X509_CRL(object);
    X509_NAME* name =
        list != nullptr ? X509_CRL_get_issuer(list) : X509_get_subject_name(certificate);
    char line[80];
    X509_NAME_oneline(name, line, sizeof line);
    int length = 0;
    bool alias = certificate != nullptr && X509_alias_get0(certificate, &length) != nullptr;
    out("    %s %s%s", list != nullptr ? "CRL" : "certificate", line, alias ? ", alias" : "");
  }
}

void print_names(const char* what, const STACK_OF(X509_NAME) * names) {
  out("  %s: %d%s", what, sk_X509_NAME_num(names), names == nullptr ? ", no list" : "");
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    char line[80];
    out("    %s", X509_NAME_oneline(sk_X509_NAME_value(names, i), line, sizeof line));
  }
}

struct TemporaryFile {
  TemporaryFile() { close(mkstemp(path)); }
  ~TemporaryFile() { unlink(path); }
  void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
  char path[32] = "/tmp/twin-ca-files-XXXXXX";
};

// An entry that was in the queue before shows who clears it.
void stale_error() {
  ERR_raise(ERR_LIB_USER, 1);
}

void load(const File& file) {
  TemporaryFile on_disk;
  on_disk.write(file.text);
  out(" %s", file.what);
  Owned<SSL_CTX> first(SSL_CTX_new(TLS_method())), second(SSL_CTX_new(TLS_method()));
  out("  first: %s", answer(SSL_CTX_load_verify_file(first.get(), on_disk.path)).c_str());
  print_store(SSL_CTX_get_cert_store(first.get()));
  out("  again: %s", answer(SSL_CTX_load_verify_file(first.get(), on_disk.path)).c_str());
  stale_error();
  out("  another context: %s",
      answer(SSL_CTX_load_verify_locations(second.get(), on_disk.path, nullptr)).c_str());
  print_store(SSL_CTX_get_cert_store(second.get()));
}

void subjects(const File& file) {
  TemporaryFile on_disk;
  on_disk.write(file.text);
  out(" %s", file.what);
  for (bool stale : {false, true}) {
    if (stale) stale_error();
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(on_disk.path);
    out("  errors: %s", errors().c_str());
    print_names("load", names);
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    names = sk_X509_NAME_new_null();
    if (stale) stale_error();
    out("  add: %s", answer(SSL_add_file_cert_subjects_to_stack(names, on_disk.path)).c_str());
    print_names("added", names);
    sk_X509_NAME_pop_free(names, X509_NAME_free);
  }
}

void encrypted_block() {
  const char* header =
      "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n";
  load({"encrypted", certificate("root") + block("CERTIFICATE", der_of("other-root"), header)});
}

template <std::vector<File> (*kFiles)(), void (*kShow)(const File&)>
void each() {
  for (const File& file : kFiles()) kShow(file);
}

void same_subjects() {
  // Certificates of one subject that are not the same.
  std::string der = der_of("root"), changed = der;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  load({"two of one subject", block("CERTIFICATE", der) + block("CERTIFICATE", changed) +
                                  certificate("other-root") + block("CERTIFICATE", der)});
  load({"in the other order", block("CERTIFICATE", changed) + block("CERTIFICATE", der)});
}

// A file that was replaced under the same name.
void replacement() {
  TemporaryFile file;
  for (const char* name : {"root", "other-root", "server-p256", "root"}) {
    file.write(certificate(name));
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    out("  %s", answer(SSL_CTX_load_verify_file(context.get(), file.path)).c_str());
    print_store(SSL_CTX_get_cert_store(context.get()));
  }
}

void unusual_files() {
  TemporaryFile gone;
  unlink(gone.path);
  std::string link = text("/tmp/twin-ca-link-%d", getpid());
  require(symlink(fixture("root.pem").c_str(), link.c_str()) == 0, "symlink");
  struct {
    const char* what;
    const char* path;
  } kCases[] = {{"missing", gone.path},
                {"directory", "/tmp"},
                {"no name", nullptr},
                {"empty name", ""},
                {"device", "/dev/null"},
                {"link", link.c_str()},
                {"through a file", "/dev/null/x"}};
  for (const auto& one : kCases) {
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    stale_error();
    out(" %s: %s", one.what, answer(SSL_CTX_load_verify_file(context.get(), one.path)).c_str());
    print_store(SSL_CTX_get_cert_store(context.get()));
  }
  unlink(link.c_str());
  // What can be read only once.
  require(mkfifo(gone.path, 0600) == 0, "mkfifo");
  for (const std::string& text : {certificate("root"), certificate("root") + crl(),
                                  block("CERTIFICATE", "bytes") + certificate("root")}) {
    std::thread writer([&] { gone.write(text); });
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    out(" pipe: %s", answer(SSL_CTX_load_verify_file(context.get(), gone.path)).c_str());
    print_store(SSL_CTX_get_cert_store(context.get()));
    writer.join();
  }
}

// The other ways to the same file.
void other_calls() {
  std::string unusual = crl() + trusted("other-root");
  for (const std::string& text : {certificate("root") + certificate("other-root"), unusual,
                                  std::string("nothing\n"), certificate("root") + "-----BEGIN"}) {
    TemporaryFile file;
    file.write(text);
    setenv("SSL_CERT_FILE", file.path, 1);
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method())), paths(SSL_CTX_new(TLS_method()));
    stale_error();
    out(" default file: %s", answer(SSL_CTX_set_default_verify_file(context.get())).c_str());
    print_store(SSL_CTX_get_cert_store(context.get()));
    stale_error();
    out(" default paths: %s", answer(SSL_CTX_set_default_verify_paths(paths.get())).c_str());
    print_store(SSL_CTX_get_cert_store(paths.get()));
    unsetenv("SSL_CERT_FILE");
    SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
    SSL_CONF_CTX_set_flags(conf, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER |
                                     SSL_CONF_FLAG_CERTIFICATE | SSL_CONF_FLAG_SHOW_ERRORS);
    SSL_CONF_CTX_set_ssl_ctx(conf, context.get());
    for (const char* command : {"VerifyCAFile", "ChainCAFile"}) {
      out(" %s: %s", command, answer(SSL_CONF_cmd(conf, command, file.path)).c_str());
    }
    SSL_CONF_CTX_free(conf);
    X509_STORE* store = nullptr;
    SSL_CTX_get0_verify_cert_store(context.get(), &store);
    if (store != nullptr) print_store(store);
    SSL_CTX_get0_chain_cert_store(context.get(), &store);
    if (store != nullptr) print_store(store);
  }
}

// What an application adds to a certificate of one store is not seen through another.
void marks() {
  TemporaryFile file;
  file.write(certificate("root"));
  for (int i = 0; i < 3; ++i) {
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    SSL_CTX_load_verify_file(context.get(), file.path);
    X509_STORE* store = SSL_CTX_get_cert_store(context.get());
    print_store(store);
    X509_OBJECT* object = sk_X509_OBJECT_value(X509_STORE_get0_objects(store), 0);
    unsigned char alias[] = "mine";
    X509_alias_set1(X509_OBJECT_get0_X509(object), alias, sizeof alias - 1);
    print_store(store);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"plain", each<plain_files, load>},
                    {"mixed", each<mixed_files, load>},
                    {"damaged", each<damaged_files, load>},
                    {"encrypted_block", encrypted_block},
                    {"same_subjects", same_subjects},
                    {"replacement", replacement},
                    {"unusual_files", unusual_files},
                    {"other_calls", other_calls},
                    {"marks", marks},
                    {"subjects_of_plain", each<plain_files, subjects>},
                    {"subjects_of_mixed", each<mixed_files, subjects>},
                    {"subjects_of_damaged", each<damaged_files, subjects>}},
                   argc, argv);
}
