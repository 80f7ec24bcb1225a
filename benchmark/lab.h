// What every measurement needs: certificates, contexts, a connection pair over memory, and clocks.
// Only the public API of libssl and libcrypto, so that one program measures any libssl.so.3.
#ifndef HANDFAST_BENCHMARK_LAB_H_
#define HANDFAST_BENCHMARK_LAB_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

template <auto free_function>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};

using ContextPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<SSL_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Deleter<SSL_SESSION_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free>>;

// Ends the program with `what` and OpenSSL's error queue unless `ok`: a measurement of something
// that went wrong is worse than none.
void check(bool ok, const char* what);

enum class KeyKind { kEcdsaP256, kRsa2048 };

// How a server lets a session be resumed: by what the ticket holds, or by what its own cache holds.
enum class Resumption { kNone, kTicket, kSessionId };

// The longest datagram on a link, without the headers of UDP and IPv4.
constexpr long kMtu = 1472;

struct Setup {
  KeyKind key = KeyKind::kEcdsaP256;
  int version = TLS1_3_VERSION;  // or DTLS's, whose datagrams the link then keeps apart
  const char* suite = nullptr;   // A suite of that version; null for the library's default.
  bool tickets = false;          // TLS 1.3: leave the number of tickets at the library's default.
  Resumption resumption = Resumption::kNone;
  bool encrypt_then_mac = true;
  bool release_buffers = false;
};

// A server with one certificate issued by a CA, and a client that trusts the CA alone, verifies the
// chain and the host name. One version of the protocol, with X25519.
struct Contexts {
  explicit Contexts(const Setup& setup);

  ContextPtr client;
  ContextPtr server;
};

SslPtr new_client(const Contexts& contexts);
SslPtr new_server(const Contexts& contexts);

// Bytes on their way in one direction.
struct Pipe {
  std::vector<unsigned char> bytes;
  std::size_t begin = 0;
  std::size_t end = 0;
  // Where the datagrams end, and the first that has not been read.
  std::vector<std::size_t> ends;
  std::size_t next = 0;

  void clear() {
    begin = end = next = 0;
    ends.clear();
  }
};

// The two BIOs of a connection in memory. They copy bytes and do nothing else, so that next to no
// time of the transport is counted as time of the library.
class Link {
 public:
  explicit Link(const Setup& setup = {});
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void attach_client(SSL* ssl);
  void attach_server(SSL* ssl);
  void clear();

 private:
  struct End {
    Pipe* in;
    Pipe* out;
    bool datagrams;
  };
  static int write_bytes(BIO* bio, const char* data, std::size_t size, std::size_t* written);
  static int read_bytes(BIO* bio, char* data, std::size_t size, std::size_t* read);
  static long control(BIO* bio, int command, long number, void* pointer);
  static BIO_METHOD* method();

  Pipe to_server_;
  Pipe to_client_;
  End client_end_;
  End server_end_;
  BioPtr client_bio_;
  BioPtr server_bio_;
};

// One SSL_do_handshake(). True if it has finished, false if it waits for the peer; ends the program
// on anything else.
bool advance(SSL* ssl);

bool is_datagram_version(int version);

// Hands the turn to each side until both are done, and checks that the version asked for and X25519
// came out.
void finish_handshake(SSL* client, SSL* server);
void check_negotiated(SSL* ssl, bool resumed = false);

// CPU time of the calling thread and wall-clock time, in nanoseconds.
std::int64_t thread_cpu_ns();
std::int64_t wall_ns();

double median(std::vector<double> values);

// Writes one measured value to standard output, as a JSON object on a line of its own.
void print_row(const std::string& row, const char* unit, double value,
               bool higher_is_better = false);

}  // namespace bench

#endif  // HANDFAST_BENCHMARK_LAB_H_
