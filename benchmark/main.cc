// libssl_bench MEASUREMENT [--quick]: measures whichever libssl.so.3 the loader has found and
// prints JSON lines, the first of them naming the library's file.

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "measure.h"

namespace {

using bench::KeyKind;
using bench::measure_bulk;
using bench::measure_handshake;
using bench::Resumption;

struct Measurement {
  const char* name;
  bool counts_memory;
  void (*run)(const char* name, bool quick);
};

constexpr const char* kGcm12 = "ECDHE-ECDSA-AES128-GCM-SHA256";
constexpr const char* kCbc12 = "ECDHE-ECDSA-AES128-SHA";

constexpr Measurement kMeasurements[] = {
    {"handshake.ecdsa-p256", false,
     [](const char* name, bool quick) { measure_handshake(name, {}, quick); }},
    {"handshake.rsa-2048", false,
     [](const char* name, bool quick) {
       measure_handshake(name, {.key = KeyKind::kRsa2048}, quick);
     }},
    {"handshake.ecdsa-p256-tickets", false,
     [](const char* name, bool quick) { measure_handshake(name, {.tickets = true}, quick); }},
    {"resumption.ticket", false,
     [](const char* name, bool quick) {
       measure_handshake(name, {.tickets = true, .resumption = Resumption::kTicket}, quick);
     }},
    {"resumption.session-id", false,
     [](const char* name, bool quick) {
       measure_handshake(name, {.tickets = true, .resumption = Resumption::kSessionId}, quick);
     }},
    {"bulk.aes-128-gcm", false,
     [](const char* name, bool quick) {
       measure_bulk(name, {.suite = "TLS_AES_128_GCM_SHA256"}, quick);
     }},
    {"bulk.aes-256-gcm", false,
     [](const char* name, bool quick) {
       measure_bulk(name, {.suite = "TLS_AES_256_GCM_SHA384"}, quick);
     }},
    {"bulk.chacha20-poly1305", false,
     [](const char* name, bool quick) {
       measure_bulk(name, {.suite = "TLS_CHACHA20_POLY1305_SHA256"}, quick);
     }},
    {"tls12.handshake.ecdsa-p256", false,
     [](const char* name, bool quick) {
       measure_handshake(name, {.version = TLS1_2_VERSION, .suite = kGcm12}, quick);
     }},
    {"tls12.handshake.rsa-2048", false,
     [](const char* name, bool quick) {
       measure_handshake(name,
                         {.key = KeyKind::kRsa2048,
                          .version = TLS1_2_VERSION,
                          .suite = "ECDHE-RSA-AES128-GCM-SHA256"},
                         quick);
     }},
    {"tls12.resumption.ticket", false,
     [](const char* name, bool quick) {
       measure_handshake(
           name, {.version = TLS1_2_VERSION, .suite = kGcm12, .resumption = Resumption::kTicket},
           quick);
     }},
    {"tls12.resumption.session-id", false,
     [](const char* name, bool quick) {
       measure_handshake(
           name, {.version = TLS1_2_VERSION, .suite = kGcm12, .resumption = Resumption::kSessionId},
           quick);
     }},
    {"tls12.bulk.aes-128-gcm", false,
     [](const char* name, bool quick) {
       measure_bulk(name, {.version = TLS1_2_VERSION, .suite = kGcm12}, quick);
     }},
    {"tls12.bulk.aes-128-cbc-sha", false,
     [](const char* name, bool quick) {
       measure_bulk(name, {.version = TLS1_2_VERSION, .suite = kCbc12, .encrypt_then_mac = false},
                    quick);
     }},
    {"tls12.bulk.aes-128-cbc-sha-etm", false,
     [](const char* name, bool quick) {
       measure_bulk(name, {.version = TLS1_2_VERSION, .suite = kCbc12}, quick);
     }},
    {"tls12.rsa-oracle", false,
     [](const char* name, bool quick) { bench::measure_rsa_oracle(name, quick); }},
    {"dtls12.handshake.ecdsa-p256", false,
     [](const char* name, bool quick) {
       measure_handshake(name, {.version = DTLS1_2_VERSION, .suite = kGcm12}, quick);
     }},
    {"dtls12.handshake.rsa-2048", false,
     [](const char* name, bool quick) {
       measure_handshake(name,
                         {.key = KeyKind::kRsa2048,
                          .version = DTLS1_2_VERSION,
                          .suite = "ECDHE-RSA-AES128-GCM-SHA256"},
                         quick);
     }},
    {"dtls12.resumption.ticket", false,
     [](const char* name, bool quick) {
       measure_handshake(
           name, {.version = DTLS1_2_VERSION, .suite = kGcm12, .resumption = Resumption::kTicket},
           quick);
     }},
    {"dtls12.resumption.session-id", false,
     [](const char* name, bool quick) {
       measure_handshake(
           name,
           {.version = DTLS1_2_VERSION, .suite = kGcm12, .resumption = Resumption::kSessionId},
           quick);
     }},
    {"dtls12.bulk.aes-128-gcm", false,
     [](const char* name, bool quick) {
       measure_bulk(name, {.version = DTLS1_2_VERSION, .suite = kGcm12}, quick);
     }},
    {"throughput", false, [](const char*, bool quick) { bench::measure_threads(quick); }},
    {"context", false, [](const char*, bool quick) { bench::measure_contexts(quick); }},
    {"ca-bundle", false, [](const char*, bool quick) { bench::measure_bundle(quick); }},
    {"connection", false, [](const char*, bool quick) { bench::measure_connections(quick); }},
    {"memory", true, [](const char*, bool quick) { bench::measure_memory(quick); }},
    {"session-cache", true, [](const char*, bool quick) { bench::measure_session_cache(quick); }},
    {"mallocs", true, [](const char*, bool quick) { bench::measure_mallocs(quick); }},
};

int usage() {
  std::fputs("usage: libssl_bench MEASUREMENT [--quick]\nmeasurements:\n", stderr);
  for (const Measurement& measurement : kMeasurements) {
    std::fprintf(stderr, "  %s\n", measurement.name);
  }
  return 2;
}

void print_library() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/libssl.so.3") == std::string::npos) continue;
    std::printf("{\"library\": \"%s\"}\n", line.substr(line.find('/')).c_str());
    return;
  }
  bench::check(false, "no libssl.so.3 in /proc/self/maps");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return usage();
  const bool quick = argc > 2 && std::strcmp(argv[2], "--quick") == 0;
  for (const Measurement& measurement : kMeasurements) {
    if (std::strcmp(measurement.name, argv[1]) != 0) continue;
    if (measurement.counts_memory) bench::install_counting_allocator();
    print_library();
    measurement.run(measurement.name, quick);
    return 0;
  }
  return usage();
}
