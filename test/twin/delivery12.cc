// Records below TLS 1.3: how data is cut, empty records, alerts and the end of a connection.
#include "support/older.h"

namespace {
using namespace twin;

struct Kind {
  const char* name;
  int version;
  const char* suite;
};
constexpr Kind kKinds[] = {{"1.0-cbc", TLS1_VERSION, "AES128-SHA"},
                           {"1.0-null", TLS1_VERSION, "NULL-SHA:@SECLEVEL=0"},
                           {"1.1-cbc", TLS1_1_VERSION, "AES128-SHA"},
                           {"1.2-cbc", TLS1_2_VERSION, "AES128-SHA256"},
                           {"1.2-gcm", TLS1_2_VERSION, "AES128-GCM-SHA256"},
                           {"1.2-ccm8", TLS1_2_VERSION, "AES128-CCM8"},
                           {"1.2-chacha20", TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305"}};

Setup setup_of(const Kind& kind) {
  auto side = [=](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, kind.suite); };
  return at_version(kind.version, {.client_context = side, .server_context = side});
}

// TLS 1.0 sends an empty fragment before data where the first block of a record is predictable.
void fragments(const Kind& kind) {
  for (uint64_t options : {uint64_t{0}, uint64_t{SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS}}) {
    for (size_t limit : {size_t{0}, size_t{512}, size_t{4000}}) {
      Setup setup = setup_of(kind);
      for (auto* side : {&setup.client_context, &setup.server_context}) {
        auto before = *side;
        *side = [=](SSL_CTX* c) {
          before(c);
          SSL_CTX_set_options(c, options);
          if (limit) SSL_CTX_set_max_send_fragment(c, limit);
        };
      }
      Peers peers = connected(setup);
      Log log;
      log.lengths = true;
      log.watch_messages(peers.client.get());
      out("options %#lx, at most %zu:", options, limit);
      for (size_t size : {size_t{1}, size_t{16}, size_t{511}, size_t{513}, size_t{9000}}) {
        out("  %s | %s", transfer(peers.client.get(), peers.server.get(), sample(size)).c_str(),
            transfer(peers.server.get(), peers.client.get(), sample(size)).c_str());
      }
      out("  write of nothing: %s",
          outcome(peers.client.get(), SSL_write(peers.client.get(), "", 0)).c_str());
      print("records", log.lines);
    }
  }
}

// One write in several records; what a read gives of them, and what is pending.
void reads(const Kind& kind) {
  for (bool read_ahead : {false, true}) {
    Peers peers = connected(setup_of(kind));
    SSL_set_read_ahead(peers.server.get(), read_ahead);
    std::string data = sample(40000);
    out("write: %s",
        outcome(peers.client.get(), SSL_write(peers.client.get(), data.data(), 40000)).c_str());
    char buffer[20000];
    for (int size : {1, 100, 20000, 20000, 10, 20000, 20000}) {
      int returned = SSL_read(peers.server.get(), buffer, size);
      // How much is read ahead depends on the buffer.
      bool has = !read_ahead && SSL_has_pending(peers.server.get());
      out("read of %d: %s, pending %d %d", size, outcome(peers.server.get(), returned).c_str(),
          SSL_pending(peers.server.get()), has);
    }
    SSL_write(peers.client.get(), "abc", 3);
    out("peek: %s", outcome(peers.server.get(), SSL_peek(peers.server.get(), buffer, 2)).c_str());
    out("read: %s", read_said(peers.server.get()).c_str());
  }
}

// Both directions a byte at a time, with retries between: the wants of every call.
void byte_by_byte(const Kind& kind) {
  Faults client, server;
  client.read = client.write = server.read = server.write = {.piece = 1, .retry_between = true};
  Peers peers = make_peers(setup_of(kind));
  link_memory(peers, &client, &server);
  Lines trace;
  Result result = handshake(peers, [&](const Side& side) {
    std::string line = text("%s %s, want %d", SSL_is_server(side.ssl) ? "server" : "client",
                            error_name(side.error), SSL_want(side.ssl));
    if (std::find(trace.begin(), trace.end(), line) == trace.end()) trace.push_back(line);
  });
  print("trace", trace);
  out("%s", result.said().c_str());
  out("%s | %s", transfer(peers.client.get(), peers.server.get(), sample(300)).c_str(),
      transfer(peers.server.get(), peers.client.get(), sample(300)).c_str());
  Lines writes;
  for (int i = 0; i < 600; i++) {
    int returned = SSL_write(peers.client.get(), "hello", 5);
    writes.push_back(outcome_and_want(peers.client.get(), returned));
    if (returned > 0) break;
  }
  print_runs("write", writes);
}

void shut(const char* who, SSL* ssl) {
  int returned = SSL_shutdown(ssl);
  out("%s SSL_shutdown: %s, flags %d", who, outcome_and_want(ssl, returned).c_str(),
      SSL_get_shutdown(ssl));
}

void shutdowns(const Kind& kind) {
  {
    Peers peers = connected(setup_of(kind));
    shut("client", peers.client.get());
    out("server reads: %s", read_said(peers.server.get()).c_str());
    out("server writes: %s",
        outcome(peers.server.get(), SSL_write(peers.server.get(), "more", 4)).c_str());
    out("client still reads: %s", read_said(peers.client.get()).c_str());
    out("client writes: %s",
        outcome(peers.client.get(), SSL_write(peers.client.get(), "more", 4)).c_str());
    shut("server", peers.server.get());
    shut("client", peers.client.get());
    shut("client", peers.client.get());
  }
  {
    Peers peers = connected(setup_of(kind));
    SSL_write(peers.server.get(), "unread", 6);
    shut("client", peers.client.get());
    shut("client", peers.client.get());
    out("client reads: %s", read_said(peers.client.get()).c_str());
    shut("server", peers.server.get());
    shut("client", peers.client.get());
  }
  {
    Peers peers = connected(setup_of(kind));
    SSL_set_quiet_shutdown(peers.client.get(), 1);
    shut("quiet client", peers.client.get());
    BIO_set_mem_eof_return(SSL_get_wbio(peers.client.get()), 0);
    out("server reads at the end of file: %s", read_said(peers.server.get()).c_str());
  }
  {
    Peers peers = connected(setup_of(kind));
    SSL_set_options(peers.server.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    BIO_set_mem_eof_return(SSL_get_wbio(peers.client.get()), 0);
    out("server ignores it: %s, flags %d", read_said(peers.server.get()).c_str(),
        SSL_get_shutdown(peers.server.get()));
  }
  {
    Peers peers = make_peers(setup_of(kind));
    link_memory(peers);
    shut("client before", peers.client.get());
    Side client{peers.client.get()}, server{peers.server.get()};
    client.step();
    server.step();
    shut("client within", client.ssl);
    shut("server within", server.ssl);
    out("then %s", handshake(peers).said().c_str());
  }
}

/// Puts bytes where `ssl` reads next.
void put(SSL* ssl, const std::string& bytes) {
  BIO_write(SSL_get_rbio(ssl), bytes.data(), static_cast<int>(bytes.size()));
}

std::string record(int type, const std::string& content, int version = TLS1_2_VERSION) {
  size_t size = content.size();
  return std::string{static_cast<char>(type), static_cast<char>(version >> 8),
                     static_cast<char>(version), static_cast<char>(size >> 8),
                     static_cast<char>(size)} +
         content;
}

std::string alert(int level, int description) {
  return record(SSL3_RT_ALERT, {static_cast<char>(level), static_cast<char>(description)});
}

// The suite without encryption lets anybody write records as the MAC is the only secret; before
// the first Finished nothing is protected at all.
void alerts_in_the_handshake() {
  for (bool at_server : {false, true}) {
    for (int level : {1, 2, 3}) {
      for (int description : {0, 10, 41, 90, 100, 112, 200}) {
        Peers peers = make_peers(setup_of(kKinds[3]));
        link_memory(peers);
        Alerts client, server;
        client.watch(peers.client.get());
        server.watch(peers.server.get());
        Side first{peers.client.get()};
        first.step();
        if (at_server) {
          Side second{peers.server.get()};
          second.step();
        }
        put(at_server ? peers.server.get() : peers.client.get(), alert(level, description));
        Result result = handshake(peers);
        out("%s, level %d, %d: %s", at_server ? "server" : "client", level, description,
            result.said().c_str());
        out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
      }
    }
  }
}

void many_warnings() {
  for (int count : {1, 4, 5, 6}) {
    for (int description : {90, 112}) {
      Peers peers = make_peers(setup_of(kKinds[3]));
      link_memory(peers);
      Side client{peers.client.get()};
      client.step();
      for (int i = 0; i < count; i++) put(peers.client.get(), alert(1, description));
      tell_with_alerts(peers, text("%d warnings %d", count, description).c_str());
    }
  }
}

void strange_records() {
  struct Strange {
    const char* name;
    std::string bytes;
  };
  const Strange kStrange[] = {
      {"alert of one byte", record(SSL3_RT_ALERT, "\x01")},
      {"alert of four bytes", record(SSL3_RT_ALERT, std::string("\x01\x5a\x01\x5a", 4))},
      {"empty alert", record(SSL3_RT_ALERT, "")},
      {"empty handshake", record(SSL3_RT_HANDSHAKE, "")},
      {"empty application data", record(SSL3_RT_APPLICATION_DATA, "")},
      {"application data", record(SSL3_RT_APPLICATION_DATA, "early")},
      {"change_cipher_spec", record(SSL3_RT_CHANGE_CIPHER_SPEC, "\x01")},
      {"change_cipher_spec of 2", record(SSL3_RT_CHANGE_CIPHER_SPEC, "\x02")},
      {"heartbeat", record(24, std::string("\x01\x00\x00", 3))},
      {"unknown type", record(99, "what")},
      {"HelloRequest", record(SSL3_RT_HANDSHAKE, std::string(4, '\0'))},
      {"HelloRequest with a body", record(SSL3_RT_HANDSHAKE, std::string("\0\0\0\x01\0", 5))},
      {"Finished",
       record(SSL3_RT_HANDSHAKE, std::string("\x14\0\0\x0c", 4) + std::string(12, 'f'))},
      {"ServerHelloDone", record(SSL3_RT_HANDSHAKE, std::string("\x0e\0\0\0", 4))},
      {"unknown message", record(SSL3_RT_HANDSHAKE, std::string("\x63\0\0\0", 4))},
      {"version 2.0", record(SSL3_RT_ALERT, std::string("\x01\x5a", 2), 0x0200)},
      {"too long", record(SSL3_RT_HANDSHAKE, std::string(18500, 'x'))},
      {"HTTP", "GET / HTTP/1.0\r\n\r\n"}};
  for (const Strange& strange : kStrange) {
    for (int steps : {0, 1, 2, 3}) {
      // An empty handshake record before a version is chosen may be one of TLS 1.3 (RFC 8446 5.1).
      if (strange.bytes == record(SSL3_RT_HANDSHAKE, "") && steps < 2) continue;
      Peers peers = make_peers(setup_of(kKinds[3]));
      link_memory(peers);
      Side client{peers.client.get()}, server{peers.server.get()};
      for (int i = 0; i < steps; i++) (i % 2 == 0 ? client : server).step();
      bool at_server = steps % 2 == 0;
      // What the reader has not read yet comes first.
      put(at_server ? peers.server.get() : peers.client.get(), strange.bytes);
      Alerts of_client, of_server;
      of_client.watch(peers.client.get());
      of_server.watch(peers.server.get());
      Result result = handshake(peers);
      out("%s at the %s after %d steps: %s", strange.name, at_server ? "server" : "client", steps,
          result.said().c_str());
      out("  alerts: client %s | server %s", of_client.text_or_none(), of_server.text_or_none());
    }
  }
}

// After the handshake everything is protected: a plain record is a bad one.
void plain_records_afterwards() {
  for (const Kind& kind : kKinds) {
    for (int type :
         {SSL3_RT_ALERT, SSL3_RT_APPLICATION_DATA, SSL3_RT_CHANGE_CIPHER_SPEC, SSL3_RT_HANDSHAKE}) {
      for (size_t size : {0, 1, 2, 100}) {
        Peers peers = connected(setup_of(kind));
        put(peers.client.get(), record(type, sample(size), kind.version));
        std::string said = read_said(peers.client.get());
        out("%s, type %d of %zu: %s | server %s", kind.name, type, size, said.c_str(),
            read_said(peers.server.get()).c_str());
      }
    }
  }
}

// A record whose last byte was changed, and the same record twice.
void tampered() {
  for (const Kind& kind : kKinds) {
    for (bool twice : {false, true}) {
      Peers peers = connected(setup_of(kind));
      SSL_write(peers.server.get(), "hello", 5);
      BIO* wire = SSL_get_rbio(peers.client.get());
      char* data;
      long size = BIO_get_mem_data(wire, &data);
      std::string bytes(data, static_cast<size_t>(size));
      (void)BIO_reset(wire);
      if (!twice) bytes.back() = static_cast<char>(bytes.back() ^ 1);
      put(peers.client.get(), twice ? bytes + bytes : bytes);
      Alerts alerts;
      alerts.watch(peers.client.get());
      std::string first = read_said(peers.client.get()), second = read_said(peers.client.get());
      out("%s, %s: %s, %s, alerts %s", kind.name, twice ? "twice" : "changed", first.c_str(),
          second.c_str(), alerts.text_or_none());
      out("  server: %s", read_said(peers.server.get()).c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases;
  struct Part {
    const char* name;
    void (*run)(const Kind&);
  };
  for (const Part& part : {Part{"fragments", fragments}, Part{"reads", reads},
                           Part{"byte-by-byte", byte_by_byte}, Part{"shutdowns", shutdowns}}) {
    for (const Kind& kind : kKinds) {
      cases.push_back({text("%s.%s", part.name, kind.name), [=] { part.run(kind); }});
    }
  }
  cases.push_back({"alerts-in-the-handshake", alerts_in_the_handshake});
  cases.push_back({"many-warnings", many_warnings});
  cases.push_back({"strange-records", strange_records});
  cases.push_back({"plain-records-afterwards", plain_records_afterwards});
  cases.push_back({"tampered", tampered});
  return run(cases, argc, argv);
}
