// SSL_CTX_use_serverinfo_ex(3), SSL_CTX_use_serverinfo_file(3) in handshakes: both formats at each
// version, several entries, and each certificate with its own.
#include <openssl/pem.h>

#include "support/older.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
constexpr unsigned kType = 0x5678;
constexpr unsigned kPlaces = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                             SSL_EXT_TLS1_3_CERTIFICATE | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS;

std::string number(unsigned value, int bytes) {
  std::string result;
  while (bytes-- > 0) result += static_cast<char>(value >> (8 * bytes));
  return result;
}

/// An entry of format 2, or of format 1 without places.
std::string entry(unsigned type, const std::string& content, unsigned places = 0) {
  std::string result = places ? number(places, 4) : "";
  return result + number(type, 2) + number(static_cast<unsigned>(content.size()), 2) + content;
}

int nothing_added(SSL*, unsigned, unsigned, const unsigned char** data, size_t* length, X509*,
                  size_t, int*, void*) {
  *data = nullptr;
  *length = 0;
  return 1;
}

int show(SSL*, unsigned type, unsigned context, const unsigned char* data, size_t length, X509*,
         size_t index, int*, void*) {
  out("  client got %x in %x, entry %zu: %.*s", type, context, index, static_cast<int>(length),
      reinterpret_cast<const char*>(data));
  return 1;
}

void ask(SSL_CTX* c) {
  for (unsigned type = kType; type < kType + 3; type++) {
    SSL_CTX_add_custom_ext(c, type, kPlaces, nothing_added, nullptr, nullptr, show, nullptr);
  }
}

int use(SSL_CTX* c, unsigned version, const std::string& info) {
  return SSL_CTX_use_serverinfo_ex(c, version, reinterpret_cast<const unsigned char*>(info.data()),
                                   info.size());
}

void told(int version, const char* title, const std::function<void(SSL_CTX*)>& server,
          const char* certificate = "server-chain",
          const std::function<void(SSL_CTX*)>& client = nullptr) {
  Peers peers = make_peers(at_version(version, {.certificate = certificate,
                                                .client_context =
                                                    [=](SSL_CTX* c) {
                                                      ask(c);
                                                      if (client) client(c);
                                                    },
                                                .server_context = server}));
  link_memory(peers);
  std::string said = handshake(peers).said();
  out("%s, %s: %s", version_text(version), title, said.c_str());
  errors();
}

void formats() {
  for (int version : kVersions) {
    told(version, "format 1",
         [](SSL_CTX* c) { out("set %d", use(c, SSL_SERVERINFOV1, entry(kType, "old"))); });
    told(version, "format 1, three", [](SSL_CTX* c) {
      out("set %d", use(c, SSL_SERVERINFOV1,
                        entry(kType, "one") + entry(kType + 1, "") + entry(kType + 2, "three")));
    });
    for (unsigned places :
         {unsigned{SSL_EXT_TLS1_2_SERVER_HELLO}, unsigned{SSL_EXT_TLS1_3_CERTIFICATE},
          unsigned{SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS},
          unsigned{SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE}}) {
      told(version, text("format 2 in %x", places).c_str(), [=](SSL_CTX* c) {
        out("set %d", use(c, SSL_SERVERINFOV2, entry(kType, "new", places | SSL_EXT_CLIENT_HELLO)));
      });
    }
    told(version, "by the short name", [](SSL_CTX* c) {
      std::string info = entry(kType, "plain");
      out("set %d", SSL_CTX_use_serverinfo(c, reinterpret_cast<const unsigned char*>(info.data()),
                                           info.size()));
    });
  }
}

// The last setting counts.
void replaced() {
  for (int version : kVersions) {
    told(version, "twice", [](SSL_CTX* c) {
      out("set %d", use(c, SSL_SERVERINFOV1, entry(kType, "first")));
      std::string again = answer(use(c, SSL_SERVERINFOV1, entry(kType, "second")));
      out("set %s", again.c_str());
    });
    told(version, "then bad", [](SSL_CTX* c) {
      out("set %d", use(c, SSL_SERVERINFOV1, entry(kType, "first")));
      std::string again = answer(use(c, SSL_SERVERINFOV1, "bad"));
      out("set %s", again.c_str());
    });
  }
}

// Each certificate has its own; the one that is shown decides.
void of_certificates() {
  for (int version : kVersions) {
    for (const char* schemes : {"RSA-PSS+SHA256:RSA+SHA256", "ECDSA+SHA256", "ed25519"}) {
      told(
          version, schemes,
          [](SSL_CTX* c) {
            use_certificate(c, "server-rsa");
            out("RSA %d", use(c, SSL_SERVERINFOV1, entry(kType, "of RSA")));
            use_certificate(c, "server-p256");
            out("EC %d", use(c, SSL_SERVERINFOV1, entry(kType, "of EC")));
            use_certificate(c, "server-ed25519");
          },
          "", [=](SSL_CTX* c) { SSL_CTX_set1_sigalgs_list(c, schemes); });
    }
  }
}

// From a file with entries of both formats.
void from_files() {
  char path[] = "/tmp/twin-serverinfo-XXXXXX";
  close(mkstemp(path));
  FILE* file = std::fopen(path, "w");
  std::string first = entry(kType, "from a file");
  std::string second =
      entry(kType + 1, "and the next", SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS);
  PEM_write(file, "SERVERINFO FOR TWIN", "", reinterpret_cast<unsigned char*>(first.data()),
            static_cast<long>(first.size()));
  PEM_write(file, "SERVERINFOV2 FOR TWIN", "", reinterpret_cast<unsigned char*>(second.data()),
            static_cast<long>(second.size()));
  std::fclose(file);
  for (int version : kVersions) {
    told(version, "file", [&](SSL_CTX* c) {
      std::string said = answer(SSL_CTX_use_serverinfo_file(c, path));
      out("set %s", said.c_str());
    });
  }
  unlink(path);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"formats", formats},
              {"replaced", replaced},
              {"of_certificates", of_certificates},
              {"from_files", from_files}},
             argc, argv);
}
