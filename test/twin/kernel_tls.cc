// Kernel TLS: SSL_OP_ENABLE_KTLS, BIO_get_ktls_send(3), SSL_sendfile(3), with a kernel that has it
// and with one that has not.
#include "support/fake_kernel.h"
#include "support/older.h"

#include <arpa/inet.h>

namespace {
using namespace twin;

struct Choice {
  int version;
  const char* suite;
  const char* certificate = "server-rsa";
};

constexpr Choice kChoices[] = {
    {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"},
    {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"},
    {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"},
    {TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256"},
    {TLS1_3_VERSION, "TLS_AES_128_CCM_8_SHA256"},
    {TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256"},
    {TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384"},
    {TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305"},
    {TLS1_2_VERSION, "AES128-CCM"},
    {TLS1_2_VERSION, "AES128-CCM8"},
    {TLS1_2_VERSION, "AES256-CCM"},
    {TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA"},
    {TLS1_1_VERSION, "ECDHE-RSA-AES128-SHA"},
};
constexpr Choice kNew = kChoices[1], kOld = kChoices[6];

/// Which side wants the kernel's help.
enum : int { kClient = 1, kServer = 2, kBoth = 3 };

/// A conversation over sockets.
struct Talk {
  Peers peers;
  std::unique_ptr<Sockets> sockets;
  Result result{};

  SSL* client() const { return peers.client.get(); }
  SSL* server() const { return peers.server.get(); }
};

void use_suite(SSL_CTX* context, const Choice& choice) {
  set_versions(context, choice.version, choice.version);
  bool set = choice.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(context, choice.suite)
                                              : SSL_CTX_set_cipher_list(context, choice.suite);
  require(set, choice.suite);
}

Talk begin(const Choice& choice, int wanted, const std::function<void(SSL*)>& set = nullptr) {
  bool present = kernel::state().present, real = kernel::state().real;
  kernel::state() = {};
  kernel::state().present = present;
  kernel::state().real = real;
  Setup setup;
  setup.certificate = choice.certificate;
  auto context = [&](SSL_CTX* c) { use_suite(c, choice); };
  auto side = [&](int which) {
    return [=](SSL* ssl) {
      if (wanted & which) SSL_set_options(ssl, SSL_OP_ENABLE_KTLS);
      if (set) set(ssl);
    };
  };
  setup.client_context = setup.server_context = context;
  setup.client = side(kClient);
  setup.server = side(kServer);
  Talk talk;
  talk.peers = make_peers(setup);
  talk.sockets = std::make_unique<Sockets>(false);
  link_sockets(talk.peers, *talk.sockets);
  return talk;
}

Talk connect(const Choice& choice, int wanted, const std::function<void(SSL*)>& set = nullptr) {
  Talk talk = begin(choice, wanted, set);
  talk.result = handshake(talk.peers);
  return talk;
}

std::string in_kernel(SSL* ssl) {
  return text("sends %d receives %d", static_cast<int>(BIO_get_ktls_send(SSL_get_wbio(ssl))),
              static_cast<int>(BIO_get_ktls_recv(SSL_get_rbio(ssl))));
}

std::string counts() {
  auto& kernel = kernel::state();
  return text("data records sealed %d opened %d, alerts sealed %d opened %d", kernel.sent[23],
              kernel.opened[23], kernel.sent[21], kernel.opened[21]);
}

/// What SSL_read gives in the end, with nothing that says to come again.
std::string read_all(SSL* ssl, size_t size) {
  std::string got(size, '\0');
  size_t done = 0, count = 0;
  while (done < size) {
    int result = SSL_read_ex(ssl, got.data() + done, size - done, &count);
    if (!result) return text("%zu, then ", done) + outcome(ssl, result);
    done += count;
  }
  return got == sample(size) ? text("%zu bytes equal", size) : "not the same";
}

void converse(const Talk& talk) {
  for (size_t size : {size_t{1}, size_t{100}, size_t{16384}, size_t{50000}}) {
    out("  to the server %s, to the client %s",
        transfer(talk.client(), talk.server(), sample(size)).c_str(),
        transfer(talk.server(), talk.client(), sample(size)).c_str());
  }
}

void close_both(const Talk& talk) {
  int first = SSL_shutdown(talk.client());
  int answer = SSL_shutdown(talk.server());
  int last = SSL_shutdown(talk.client());
  out("  shutdown %d %d %d", first, answer, last);
  ERR_clear_error();
}

void suites() {
  for (const Choice& choice : kChoices) {
    for (int wanted : {kClient, kServer, kBoth}) {
      Talk talk = connect(choice, wanted);
      out("%s %s, wanted by %s: %s", version_text(choice.version), choice.suite,
          wanted == kBoth     ? "both"
          : wanted == kClient ? "the client"
                              : "the server",
          talk.result.good() ? "good" : talk.result.said().c_str());
      if (!talk.result.good()) continue;
      out("  client %s, server %s", in_kernel(talk.client()).c_str(),
          in_kernel(talk.server()).c_str());
      converse(talk);
      close_both(talk);
      out("  %s", counts().c_str());
    }
  }
}

void absent() {
  kernel::state().present = false;
  for (const Choice& choice : {kNew, kOld}) {
    Talk talk = connect(choice, kBoth);
    out("%s: %s", version_text(choice.version), talk.result.said().c_str());
    out("  client %s, server %s", in_kernel(talk.client()).c_str(),
        in_kernel(talk.server()).c_str());
    converse(talk);
    out("  %s", counts().c_str());
    out("  sendfile %s",
        outcome(talk.client(), static_cast<int>(SSL_sendfile(talk.client(), 0, 0, 10, 0))).c_str());
    close_both(talk);
    out("  after close_notify %s",
        outcome(talk.client(), static_cast<int>(SSL_sendfile(talk.client(), 0, 0, 10, 0))).c_str());
  }
  kernel::state().present = true;
}

void one_direction() {
  for (const Choice& choice : {kNew, kOld}) {
    for (bool sends : {true, false}) {
      Talk talk = begin(choice, kBoth);
      kernel::state().sends = sends;
      kernel::state().receives = !sends;
      talk.result = handshake(talk.peers);
      out("%s, kernel only %s: %s", version_text(choice.version), sends ? "sends" : "receives",
          talk.result.said().c_str());
      out("  client %s, server %s", in_kernel(talk.client()).c_str(),
          in_kernel(talk.server()).c_str());
      converse(talk);
    }
  }
}

void settings() {
  struct {
    const char* title;
    std::function<void(SSL*)> set;
  } kSettings[] = {
      {"max_send_fragment", [](SSL* ssl) { SSL_set_max_send_fragment(ssl, 4000); }},
      {"max_fragment_length",
       [](SSL* ssl) { SSL_set_tlsext_max_fragment_length(ssl, TLSEXT_max_fragment_length_2048); }},
      {"split_send_fragment", [](SSL* ssl) { SSL_set_split_send_fragment(ssl, 2000); }},
      {"padding callback",
       [](SSL* ssl) {
         SSL_set_record_padding_callback(ssl, [](SSL*, int, size_t, void*) -> size_t { return 3; });
       }},
      {"block padding", [](SSL* ssl) { SSL_set_block_padding(ssl, 64); }},
      {"read_ahead", [](SSL* ssl) { SSL_set_read_ahead(ssl, 1); }},
      {"release buffers", [](SSL* ssl) { SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS); }},
  };
  for (const Choice& choice : {kNew, kOld}) {
    for (const auto& setting : kSettings) {
      Talk talk = connect(choice, kBoth, setting.set);
      out("%s, %s: %s", version_text(choice.version), setting.title, talk.result.said().c_str());
      out("  client %s, server %s", in_kernel(talk.client()).c_str(),
          in_kernel(talk.server()).c_str());
      converse(talk);
    }
    Talk talk = connect(choice, kBoth);
    int taken = SSL_set_record_padding_callback(
        talk.client(), [](SSL*, int, size_t, void*) -> size_t { return 3; });
    out("a padding callback afterwards: %d", taken);
    converse(talk);
  }
}

void slow_kernel() {
  for (const Choice& choice : {kNew, kOld}) {
    Talk talk = connect(choice, kBoth);
    kernel::state().longest = 1000;
    kernel::state().blocks = true;
    out("%s: %s", version_text(choice.version), talk.result.said().c_str());
    std::string data = sample(40000);
    size_t written = 0, waits = 0;
    std::string got(data.size(), '\0');
    for (size_t received = 0; received < data.size();) {
      size_t count = 0;
      if (written < data.size()) {
        if (SSL_write_ex(talk.client(), data.data(), data.size(), &count)) {
          written = count;
        } else if (SSL_get_error(talk.client(), 0) == SSL_ERROR_WANT_WRITE) {
          waits++;
        } else {
          out("  write: %s", outcome(talk.client(), 0).c_str());
          break;
        }
      }
      if (SSL_read_ex(talk.server(), got.data() + received, got.size() - received, &count)) {
        received += count;
      }
    }
    ERR_clear_error();
    out("  %s, the writer %s", got == data ? "equal" : "not the same",
        waits > 10 ? "waited often" : "did not wait");
    int closed = SSL_shutdown(talk.client());
    for (int i = 0; i < 4 && closed < 0; i++) closed = SSL_shutdown(talk.client());
    out("  shutdown %d", closed);
  }
}

void file_sending() {
  std::string data = sample(70000);
  FILE* file = std::tmpfile();
  require(file != nullptr, "tmpfile");
  std::fwrite(data.data(), 1, data.size(), file);
  std::fflush(file);
  int descriptor = fileno(file);
  for (const Choice& choice : {kNew, kOld}) {
    Talk talk = begin(choice, kServer);
    out("%s before the handshake: %s", version_text(choice.version),
        outcome(talk.server(), static_cast<int>(SSL_sendfile(talk.server(), descriptor, 0, 10, 0)))
            .c_str());
    talk.result = handshake(talk.peers);
    out("%s", talk.result.said().c_str());
    out("client, without: %s",
        outcome(talk.client(), static_cast<int>(SSL_sendfile(talk.client(), descriptor, 0, 10, 0)))
            .c_str());
    std::string got;
    for (off_t offset = 0; offset < static_cast<off_t>(data.size());) {
      ossl_ssize_t sent = SSL_sendfile(talk.server(), descriptor, offset, data.size(), 0);
      if (sent <= 0 &&
          SSL_get_error(talk.server(), static_cast<int>(sent)) != SSL_ERROR_WANT_WRITE) {
        out("  stopped: %s", outcome(talk.server(), static_cast<int>(sent)).c_str());
        break;
      }
      if (sent > 0) offset += sent;
      char buffer[20000];
      size_t count = 0;
      while (SSL_read_ex(talk.client(), buffer, sizeof buffer, &count)) got.append(buffer, count);
    }
    ERR_clear_error();
    out("  %s, want %d", got == data ? "the file came" : "another thing came",
        SSL_want(talk.server()));
    out("  at its end: %s", outcome(talk.server(), static_cast<int>(SSL_sendfile(
                                                       talk.server(), descriptor,
                                                       static_cast<off_t>(data.size()), 9, 0)))
                                .c_str());
    out("  data between: %s", transfer(talk.server(), talk.client(), sample(1000)).c_str());
    kernel::state().blocks = true;
    kernel::state().blocked = false;
    int blocked = static_cast<int>(SSL_sendfile(talk.server(), descriptor, 0, 100, 0));
    out("  full: %s, want %d", outcome(talk.server(), blocked).c_str(), SSL_want(talk.server()));
    kernel::state().blocks = false;
    out("  no file: %s",
        outcome(talk.server(), static_cast<int>(SSL_sendfile(talk.server(), -1, 0, 100, 0)))
            .c_str());
    out("  afterwards: %s", transfer(talk.client(), talk.server(), sample(10)).c_str());
    close_both(talk);
    out("  closed: %s",
        outcome(talk.server(), static_cast<int>(SSL_sendfile(talk.server(), descriptor, 0, 10, 0)))
            .c_str());
  }
  std::fclose(file);
}

void alerts() {
  for (const Choice& choice : {kNew, kOld}) {
    Talk talk = connect(choice, kBoth);
    SSL_shutdown(talk.client());
    char byte;
    out("%s: read %s, shutdown %d", version_text(choice.version),
        outcome(talk.server(), SSL_read(talk.server(), &byte, 1)).c_str(),
        SSL_get_shutdown(talk.server()));
    out("  %s", counts().c_str());
  }
  // What the kernel cannot open, only TLS 1.2 notices there.
  Talk talk = connect(kOld, kBoth);
  require(SSL_write(talk.client(), "data", 4) == 4, "SSL_write");
  kernel::state().corrupts = true;
  char byte;
  out("not authentic: %s", outcome(talk.server(), SSL_read(talk.server(), &byte, 1)).c_str());
  kernel::state().corrupts = false;
  out("the peer: %s", outcome(talk.client(), SSL_read(talk.client(), &byte, 1)).c_str());
}

void renegotiation() {
  Talk talk = connect(kOld, kBoth);
  out("%s", talk.result.said().c_str());
  out("options %d", (SSL_get_options(talk.client()) & SSL_OP_NO_RENEGOTIATION) != 0);
  out("client: %s", answer(SSL_renegotiate(talk.client())).c_str());
  out("server: %s", answer(SSL_renegotiate(talk.server())).c_str());
  out("%s", transfer(talk.client(), talk.server(), sample(100)).c_str());

  Talk half = connect(kOld, kServer);
  out("only the server: client %s", answer(SSL_renegotiate(half.client())).c_str());
  Result result = handshake(half.peers);
  out("%s", result.said().c_str());
}

void key_updates() {
  for (bool rekeys : {true, false}) {
    Talk talk = connect(kNew, kClient);
    kernel::state().rekeys = rekeys;
    out("kernel that %s new keys", rekeys ? "takes" : "has no");
    require(SSL_key_update(talk.server(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1, "SSL_key_update");
    out("  the peer's own: %s", transfer(talk.server(), talk.client(), sample(100)).c_str());
    require(SSL_key_update(talk.client(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1, "SSL_key_update");
    out("  ours: %s", transfer(talk.client(), talk.server(), sample(100)).c_str());
  }
  Talk talk = connect(kNew, kClient);
  kernel::state().rekeys = true;
  require(SSL_key_update(talk.server(), SSL_KEY_UPDATE_REQUESTED) == 1, "SSL_key_update");
  out("asked for: %s", transfer(talk.server(), talk.client(), sample(100)).c_str());
  out("  %s", transfer(talk.client(), talk.server(), sample(100)).c_str());
}

/// The kernel of this machine, with TCP over the loopback.
void machine() {
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  require(bind(listener, generic, length) == 0 && listen(listener, 1) == 0 &&
              getsockname(listener, generic, &length) == 0 &&
              ::connect(client, generic, length) == 0,
          "loopback");
  int server = accept(listener, nullptr, nullptr);
  close(listener);
  auto set_real = kernel::real<decltype(setsockopt)>("setsockopt");
  if (set_real(client, SOL_TCP, TCP_ULP, "tls", sizeof "tls") != 0) {
    out("SKIP: the kernel has no TLS: %s", std::strerror(errno));
  } else {
    kernel::state().real = true;
    for (int descriptor : {client, server}) fcntl(descriptor, F_SETFL, O_NONBLOCK);
    Talk talk = begin(kNew, kBoth);
    SSL_set_fd(talk.client(), client);
    SSL_set_fd(talk.server(), server);
    talk.result = handshake(talk.peers);
    out("%s", talk.result.said().c_str());
    out("client %s, server %s", in_kernel(talk.client()).c_str(), in_kernel(talk.server()).c_str());
    converse(talk);
    kernel::state().real = false;
  }
  close(client);
  close(server);
}

void several_records() {
  // The data of several records may come in one read.
  Talk talk = connect(kOld, kBoth);
  for (int i = 0; i < 3; i++) {
    std::string part = sample(300).substr(static_cast<size_t>(i) * 100, 100);
    require(SSL_write(talk.client(), part.data(), 100) == 100, "SSL_write");
  }
  out("%s", read_all(talk.server(), 300).c_str());
  char buffer[10];
  require(SSL_write(talk.client(), "0123456789", 10) == 10, "SSL_write");
  out("peek %d, read %d, pending %d", SSL_peek(talk.server(), buffer, 4),
      SSL_read(talk.server(), buffer, 4), SSL_pending(talk.server()));
  out("has pending %d", SSL_has_pending(talk.server()));
  out("rest %d: %.6s", SSL_read(talk.server(), buffer, 10), buffer);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"suites", suites},
              {"absent", absent},
              {"one_direction", one_direction},
              {"settings", settings},
              {"slow_kernel", slow_kernel},
              {"file_sending", file_sending},
              {"alerts", alerts},
              {"renegotiation", renegotiation},
              {"key_updates", key_updates},
              {"several_records", several_records},
              {"machine", machine}},
             argc, argv);
}
