// SSL_read, SSL_write, SSL_peek, their _ex forms, and the modes that change them.
#include "support/loggers.h"

namespace {
using namespace twin;

/// A call, its value, what SSL_get_error and SSL_want say.
void said(const char* call, SSL* ssl, int returned) {
  out("%s: %s", call, outcome_and_want(ssl, returned).c_str());
}

void said_ex(const char* call, SSL* ssl, int returned, size_t count) {
  out("%s: %s, count %zu", call, outcome_and_want(ssl, returned).c_str(), count);
}

void waiting(const char* when, SSL* ssl) {
  out("%s: pending %d, has_pending %d", when, SSL_pending(ssl), SSL_has_pending(ssl));
}

void read_and_write() {
  Peers p = connected();
  char buffer[64];
  said("read, nothing there", p.server.get(), SSL_read(p.server.get(), buffer, sizeof buffer));
  said("write", p.client.get(), SSL_write(p.client.get(), "hello", 5));
  waiting("before the read", p.server.get());
  said("read", p.server.get(), SSL_read(p.server.get(), buffer, 3));
  waiting("in the middle", p.server.get());
  said("read the rest", p.server.get(), SSL_read(p.server.get(), buffer, sizeof buffer));
  waiting("after", p.server.get());
  said("read, all gone", p.server.get(), SSL_read(p.server.get(), buffer, sizeof buffer));
  out("other way: %s", transfer(p.server.get(), p.client.get(), sample(300)).c_str());
}

void read_ex_and_write_ex() {
  Peers p = connected();
  char buffer[64];
  size_t count = 99;
  int returned = SSL_read_ex(p.server.get(), buffer, sizeof buffer, &count);
  said_ex("read_ex, nothing there", p.server.get(), returned, count);
  count = 99;
  returned = SSL_write_ex(p.client.get(), "hello", 5, &count);
  said_ex("write_ex", p.client.get(), returned, count);
  count = 99;
  returned = SSL_peek_ex(p.server.get(), buffer, sizeof buffer, &count);
  said_ex("peek_ex", p.server.get(), returned, count);
  count = 99;
  returned = SSL_read_ex(p.server.get(), buffer, 2, &count);
  said_ex("read_ex", p.server.get(), returned, count);
  count = 99;
  returned = SSL_read_ex(p.server.get(), buffer, 0, &count);
  said_ex("read_ex of nothing", p.server.get(), returned, count);
  count = 99;
  returned = SSL_write_ex(p.client.get(), "", 0, &count);
  said_ex("write_ex of nothing", p.client.get(), returned, count);
}

void peek() {
  Peers p = connected();
  char buffer[64] = {};
  said("peek, nothing there", p.server.get(), SSL_peek(p.server.get(), buffer, sizeof buffer));
  SSL_write(p.client.get(), "first", 5);
  SSL_write(p.client.get(), "second", 6);
  for (int size : {2, 5, 64, 64}) {
    int returned = SSL_peek(p.server.get(), buffer, size);
    out("peek of %d: %d %.*s, pending %d", size, returned, std::max(returned, 0), buffer,
        SSL_pending(p.server.get()));
  }
  for (int size : {3, 3, 64, 64}) {
    int returned = SSL_read(p.server.get(), buffer, size);
    out("read of %d: %d %.*s, pending %d", size, returned, std::max(returned, 0), buffer,
        SSL_pending(p.server.get()));
  }
  errors();
}

void zero_length() {
  Peers p = connected();
  char buffer[4];
  said("write of nothing", p.client.get(), SSL_write(p.client.get(), "", 0));
  out("a record was sent: %d", BIO_ctrl_pending(SSL_get_wbio(p.client.get())) > 0);
  said("read after it", p.server.get(), SSL_read(p.server.get(), buffer, 4));
  said("read of nothing", p.server.get(), SSL_read(p.server.get(), buffer, 0));
  said("peek of nothing", p.server.get(), SSL_peek(p.server.get(), buffer, 0));
  SSL_write(p.client.get(), "abc", 3);
  said("read of nothing, data there", p.server.get(), SSL_read(p.server.get(), buffer, 0));
  waiting("then", p.server.get());
  said("peek of nothing, data there", p.server.get(), SSL_peek(p.server.get(), buffer, 0));
  said("read", p.server.get(), SSL_read(p.server.get(), buffer, 4));
}

void bad_lengths() {
  Peers p = connected();
  char buffer[4];
  said("read of -1", p.client.get(), SSL_read(p.client.get(), buffer, -1));
  said("peek of -1", p.client.get(), SSL_peek(p.client.get(), buffer, -1));
  said("write of -1", p.client.get(), SSL_write(p.client.get(), buffer, -1));
  out("still works: %s", transfer(p.client.get(), p.server.get(), "x").c_str());
}

void before_the_role() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL> ssl(SSL_new(context.get()));
  char buffer[4];
  said("read", ssl.get(), SSL_read(ssl.get(), buffer, 4));
  said("peek", ssl.get(), SSL_peek(ssl.get(), buffer, 4));
  said("write", ssl.get(), SSL_write(ssl.get(), buffer, 4));
  waiting("new", ssl.get());
}

// SSL_read and SSL_write drive the handshake.
void implicit_handshake() {
  Peers p = make_peers();
  link_memory(p);
  char buffer[16] = {};
  said("client write", p.client.get(), SSL_write(p.client.get(), "hello", 5));
  said("server read", p.server.get(), SSL_read(p.server.get(), buffer, 16));
  said("client write", p.client.get(), SSL_write(p.client.get(), "hello", 5));
  said("server read", p.server.get(), SSL_read(p.server.get(), buffer, 16));
  out("%s, %s", buffer, SSL_state_string_long(p.server.get()));
}

void retried_write(const char* title, long mode, bool same_buffer, int second_length,
                   int first_length = 5000) {
  Faults faults;
  Peers p = make_peers();
  link_memory(p, &faults, nullptr);
  require(handshake(p).good(), "handshake");
  if (mode) SSL_set_mode(p.client.get(), mode);
  faults.write.stall_at = faults.write.passed + 100;
  std::string data = sample(40000), copy = data;
  said(title, p.client.get(), SSL_write(p.client.get(), data.data(), first_length));
  faults.write.stall_at = -1;
  const std::string& again = same_buffer ? data : copy;
  said("again", p.client.get(), SSL_write(p.client.get(), again.data(), second_length));
}

void moving_write_buffer() {
  retried_write("same buffer", 0, true, 5000);
  retried_write("same buffer, shorter", 0, true, 4999);
  retried_write("same buffer, longer", 0, true, 6000);
  retried_write("other buffer", 0, false, 5000);
  retried_write("other buffer, moving allowed", SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, false, 5000);
  retried_write("other buffer, moving, shorter", SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, false, 10);
  retried_write("large, same buffer", 0, true, 40000, 40000);
  retried_write("large, partial", SSL_MODE_ENABLE_PARTIAL_WRITE, true, 40000, 40000);
  retried_write("large, partial and moving, shorter",
                SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, false, 20000,
                40000);
}

void partial_write() {
  for (long mode : {0L, long{SSL_MODE_ENABLE_PARTIAL_WRITE}}) {
    Faults faults;
    Peers p = make_peers();
    link_memory(p, &faults, nullptr);
    require(handshake(p).good(), "handshake");
    SSL_set_mode(p.client.get(), mode);
    std::string data = sample(100000);
    size_t done = 0;
    // Room for 20000 bytes more at each call.
    for (int call = 1; done < data.size() && call < 20; call++) {
      faults.write.stall_at = faults.write.passed + 20000;
      int returned =
          SSL_write(p.client.get(), data.data() + done, static_cast<int>(data.size() - done));
      said(text("mode %ld call %d", mode, call).c_str(), p.client.get(), returned);
      if (returned > 0) done += static_cast<size_t>(returned);
    }
    std::string got(data.size(), '\0');
    size_t received = 0, count = 0;
    while (SSL_read_ex(p.server.get(), got.data() + received, got.size() - received, &count)) {
      received += count;
    }
    out("arrived %zu, equal %d", received, got == data);
    errors();
  }
}

void large_write() {
  for (size_t size : {16383u, 16384u, 16385u, 32768u, 100000u, 1048576u}) {
    Peers p = connected();
    std::string data = sample(size);
    int written = SSL_write(p.client.get(), data.data(), static_cast<int>(size));
    size_t most = 0;
    std::string got(size, '\0');
    size_t received = 0, count = 0;
    while (SSL_read_ex(p.server.get(), got.data() + received, size - received, &count)) {
      received += count;
      most = std::max(most, count);
    }
    out("write of %zu: %d, arrived equal %d, largest read %zu", size, written, got == data, most);
    errors();
  }
}

std::string records_of(const Setup& setup, size_t size) {
  Peers p = connected(setup);
  Log log;
  log.lengths = true;
  log.watch_messages(p.client.get());
  std::string data = sample(size);
  SSL_write(p.client.get(), data.data(), static_cast<int>(size));
  std::string all;
  for (const std::string& line : log.lines) all += line + "; ";
  return all;
}

void max_send_fragment() {
  for (long size : {511L, 512L, 1000L, 16384L, 16385L, 0L, -1L}) {
    Peers p = connected();
    long set = SSL_set_max_send_fragment(p.client.get(), size);
    long set_split = SSL_set_split_send_fragment(p.client.get(), size);
    out("%ld: fragment %ld, split %ld", size, set, set_split);
    errors();
  }
  for (long size : {512L, 1000L, 16384L}) {
    Setup setup;
    setup.client_context = [=](SSL_CTX* c) { SSL_CTX_set_max_send_fragment(c, size); };
    out("%ld: %s", size, records_of(setup, 2200).c_str());
  }
  Setup split;
  split.client_context = [](SSL_CTX* c) { SSL_CTX_set_split_send_fragment(c, 600); };
  out("split: %s", records_of(split, 2200).c_str());
  split.client_context = [](SSL_CTX* c) {
    SSL_CTX_set_split_send_fragment(c, 600);
    out("pipelines %ld", static_cast<long>(SSL_CTX_set_max_pipelines(c, 3)));
    out("too many %ld", static_cast<long>(SSL_CTX_set_max_pipelines(c, 33)));
  };
  out("pipelines: %s", records_of(split, 2200).c_str());
}

void max_fragment_length() {
  for (uint8_t code : {TLSEXT_max_fragment_length_512, TLSEXT_max_fragment_length_4096}) {
    Setup setup;
    setup.client_context = [=](SSL_CTX* c) {
      out("set %d", SSL_CTX_set_tlsext_max_fragment_length(c, code));
    };
    Peers p = connected(setup);
    out("server: %d, client: %d",
        SSL_SESSION_get_max_fragment_length(SSL_get_session(p.server.get())),
        SSL_SESSION_get_max_fragment_length(SSL_get_session(p.client.get())));
    out("%s", records_of(setup, 5000).c_str());
  }
  Owned<SSL_CTX> context = new_context();
  out("wrong value %d", SSL_CTX_set_tlsext_max_fragment_length(context.get(), 7));
  out("%s", errors().c_str());
}

void read_ahead() {
  for (int ahead : {0, 1}) {
    Peers p = make_peers({.server = [=](SSL* ssl) { SSL_set_read_ahead(ssl, ahead); }});
    link_memory(p);
    require(handshake(p).good(), "handshake");
    for (int i = 0; i < 3; i++) SSL_write(p.client.get(), "record", 6);
    char buffer[16];
    waiting("before", p.server.get());
    for (int i = 0; i < 4; i++) {
      said("read", p.server.get(), SSL_read(p.server.get(), buffer, 16));
      out("read_ahead %d: pending %d, has_pending %d, left in the BIO %d",
          SSL_get_read_ahead(p.server.get()) != 0, SSL_pending(p.server.get()),
          SSL_has_pending(p.server.get()), BIO_ctrl_pending(SSL_get_rbio(p.server.get())) > 0);
    }
  }
}

void has_pending_of_part() {
  Peers p = connected();
  SSL_write(p.client.get(), "0123456789", 10);
  char record[128], buffer[16];
  BIO* wire = SSL_get_wbio(p.client.get());
  int size = BIO_read(wire, record, sizeof record);
  int put = 0;
  for (int part : {3, 5, 9, size}) {
    BIO_write(wire, record + put, part - put);
    put = part;
    said(text("read with %s of the record", part == size ? "all" : "part").c_str(), p.server.get(),
         SSL_read(p.server.get(), buffer, 4));
    waiting("then", p.server.get());
  }
}

void release_buffers() {
  Peers p = make_peers({.client = [](SSL* ssl) { SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS); },
                        .server = [](SSL* ssl) { SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS); }});
  link_memory(p);
  require(handshake(p).good(), "handshake");
  for (size_t size : {1u, 20000u, 5u}) {
    out("%s", transfer(p.client.get(), p.server.get(), sample(size)).c_str());
    out("%s", transfer(p.server.get(), p.client.get(), sample(size)).c_str());
  }
  out("SSL_alloc_buffers %d, SSL_free_buffers %d", SSL_alloc_buffers(p.client.get()),
      SSL_free_buffers(p.client.get()));
  SSL_write(p.server.get(), "abc", 3);
  char buffer[4];
  said("read of a part", p.client.get(), SSL_read(p.client.get(), buffer, 1));
  out("SSL_free_buffers with data: %d", SSL_free_buffers(p.client.get()));
  said("read of the rest", p.client.get(), SSL_read(p.client.get(), buffer, 4));
}

// A blocking BIO: without AUTO_RETRY a KeyUpdate ends the read early.
void auto_retry() {
  for (bool automatic : {false, true}) {
    Peers p = make_peers({.server = [=](SSL* ssl) {
      automatic ? SSL_set_mode(ssl, SSL_MODE_AUTO_RETRY) : SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
    }});
    link_memory(p);
    require(handshake(p).good(), "handshake");
    SSL_key_update(p.client.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
    SSL_write(p.client.get(), "after", 5);
    char buffer[16];
    said(automatic ? "automatic" : "not automatic", p.server.get(),
         SSL_read(p.server.get(), buffer, 16));
    said("next", p.server.get(), SSL_read(p.server.get(), buffer, 16));
  }
}

void modes() {
  Owned<SSL_CTX> context = new_context();
  out("context %#lx", static_cast<long>(SSL_CTX_get_mode(context.get())));
  out("set %#lx", static_cast<long>(SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS)));
  Owned<SSL> ssl(SSL_new(context.get()));
  out("connection %#lx", static_cast<long>(SSL_get_mode(ssl.get())));
  out("set %#lx", static_cast<long>(SSL_set_mode(ssl.get(), SSL_MODE_ENABLE_PARTIAL_WRITE)));
  out("clear %#lx", static_cast<long>(SSL_clear_mode(ssl.get(), SSL_MODE_AUTO_RETRY)));
  out("context %#lx", static_cast<long>(SSL_CTX_get_mode(context.get())));
}

void read_while_a_write_waits() {
  Faults faults;
  Peers p = make_peers();
  link_memory(p, &faults, nullptr);
  require(handshake(p).good(), "handshake");
  faults.write.stall_at = faults.write.passed + 10;
  said("write stalls", p.client.get(), SSL_write(p.client.get(), "hello", 5));
  SSL_write(p.server.get(), "incoming", 8);
  char buffer[16];
  said("read meanwhile", p.client.get(), SSL_read(p.client.get(), buffer, 16));
  said("read again", p.client.get(), SSL_read(p.client.get(), buffer, 16));
  SSL_key_update(p.server.get(), SSL_KEY_UPDATE_REQUESTED);
  SSL_write(p.server.get(), "more", 4);
  said("read of a KeyUpdate that asks back", p.client.get(), SSL_read(p.client.get(), buffer, 16));
  faults.write.stall_at = -1;
  said("write goes on", p.client.get(), SSL_write(p.client.get(), "hello", 5));
  said("read", p.client.get(), SSL_read(p.client.get(), buffer, 16));
  said("server reads", p.server.get(), SSL_read(p.server.get(), buffer, 16));
}

// A BIO that asks for retries in one direction and has not taken back those of the other.
void flags_of_both_directions() {
  for (int other : {BIO_FLAGS_READ, BIO_FLAGS_WRITE, BIO_FLAGS_READ | BIO_FLAGS_WRITE}) {
    Faults faults;
    Peers p = make_peers();
    link_memory(p, &faults, nullptr);
    require(handshake(p).good(), "handshake");
    faults.keep_flags = true;
    char buffer[16];
    for (BIO* bio : {SSL_get_rbio(p.client.get()), SSL_get_wbio(p.client.get())}) {
      BIO_set_flags(bio, other | BIO_FLAGS_SHOULD_RETRY);
    }
    faults.read.stall_at = faults.read.passed;
    said(text("read with %d", other).c_str(), p.client.get(), SSL_read(p.client.get(), buffer, 16));
    faults.write.stall_at = faults.write.passed + 10;
    said(text("write with %d", other).c_str(), p.client.get(), SSL_write(p.client.get(), "x", 1));
  }
}

void bio_errors() {
  for (int64_t at : {0, 3, 7}) {
    Faults faults;
    Peers p = make_peers();
    link_memory(p, nullptr, &faults);
    require(handshake(p).good(), "handshake");
    char buffer[16];
    SSL_write(p.client.get(), "hello", 5);
    faults.read.fail_at = faults.read.passed + at;
    errno = 0;
    said(text("read fails after %d", static_cast<int>(at)).c_str(), p.server.get(),
         SSL_read(p.server.get(), buffer, 16));
    faults.write.fail_at = faults.write.passed + at;
    said(text("write fails after %d", static_cast<int>(at)).c_str(), p.server.get(),
         SSL_write(p.server.get(), buffer, 16));
    faults.read.fail_at = faults.write.fail_at = -1;
    said("write retried", p.server.get(), SSL_write(p.server.get(), buffer, 16));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"read-and-write", read_and_write},
              {"read_ex-and-write_ex", read_ex_and_write_ex},
              {"peek", peek},
              {"zero-length", zero_length},
              {"bad-lengths", bad_lengths},
              {"before-the-role", before_the_role},
              {"implicit-handshake", implicit_handshake},
              {"moving-write-buffer", moving_write_buffer},
              {"partial-write", partial_write},
              {"large-write", large_write},
              {"max-send-fragment", max_send_fragment},
              {"max-fragment-length", max_fragment_length},
              {"read-ahead", read_ahead},
              {"has-pending-of-part", has_pending_of_part},
              {"release-buffers", release_buffers},
              {"auto-retry", auto_retry},
              {"modes", modes},
              {"read-while-a-write-waits", read_while_a_write_waits},
              {"flags-of-both-directions", flags_of_both_directions},
              {"bio-errors", bio_errors}},
             argc, argv);
}
