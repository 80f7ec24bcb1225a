// Connections of DTLS with Mbed TLS, one after the other.
//
//   peer server|client NAME=VALUE...
//
// version     DTLSv1 or DTLSv1.2
// port        of 127.0.0.1
// suite       by its standard name
// ca          file with the issuer of the other's certificate; a server with it demands one
// certificate own, NAME for NAME.pem and NAME.key
// key         pre-shared, in hexadecimal digits, of "somebody"
// mtu         longest datagram of a handshake
// connections how many; a client resumes the first one's session in the others
// question    file that a client sends; the answer is as long
// renegotiate yes: a client does so before it sends
//
// A server sends back what came. Each end prints for each connection: version, suite, SHA-256 of
// what came, the other's name or "-".
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/sha256.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_cookie.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/timing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kLongest = 4000 };

static const char** options;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_source;
static mbedtls_ssl_config config;
static mbedtls_ssl_context ssl;
static mbedtls_timing_delay_context timer;
static mbedtls_x509_crt issuer, own;
static mbedtls_pk_context own_key;
static mbedtls_ssl_cookie_ctx cookies;
static mbedtls_ssl_cache_context cache;
static mbedtls_ssl_ticket_context tickets;

static int must(int result, const char* what) {
  if (result >= 0) return result;
  char text[200];
  mbedtls_strerror(result, text, sizeof text);
  fprintf(stderr, "%s: %s (-%#x)\n", what, text, (unsigned)-result);
  exit(1);
}

// The value of an option, or null.
static const char* option(const char* name) {
  size_t length = strlen(name);
  for (const char** one = options; *one; one++) {
    if (strncmp(*one, name, length) == 0 && (*one)[length] == '=') return *one + length + 1;
  }
  return NULL;
}

static int number(const char* name, int otherwise) {
  const char* value = option(name);
  return value ? atoi(value) : otherwise;
}

static void set_key(const char* digits) {
  static const char kName[] = "somebody";
  unsigned char key[32];
  size_t length = strlen(digits) / 2;
  for (size_t i = 0; i < length; i++) {
    char byte[] = {digits[2 * i], digits[2 * i + 1], 0};
    key[i] = (unsigned char)strtoul(byte, NULL, 16);
  }
  must(mbedtls_ssl_conf_psk(&config, key, length, (const unsigned char*)kName, strlen(kName)),
       "key");
}

static void set_certificates(int server) {
  const char* ca = option("ca");
  const char* name = option("certificate");
  mbedtls_x509_crt_init(&issuer);
  mbedtls_x509_crt_init(&own);
  mbedtls_pk_init(&own_key);
  if (ca) {
    must(mbedtls_x509_crt_parse_file(&issuer, ca), ca);
    mbedtls_ssl_conf_ca_chain(&config, &issuer, NULL);
  }
  mbedtls_ssl_conf_authmode(&config, ca ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
  if (!name) return;
  char file[100];
  snprintf(file, sizeof file, "%s.pem", name);
  must(mbedtls_x509_crt_parse_file(&own, file), file);
  snprintf(file, sizeof file, "%s.key", name);
  must(mbedtls_pk_parse_keyfile(&own_key, file, NULL), file);
  must(mbedtls_ssl_conf_own_cert(&config, &own, &own_key), server ? "server" : "client");
}

static void set_server(void) {
  mbedtls_ssl_cookie_init(&cookies);
  must(mbedtls_ssl_cookie_setup(&cookies, mbedtls_ctr_drbg_random, &random_source), "cookies");
  mbedtls_ssl_conf_dtls_cookies(&config, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check,
                                &cookies);
  mbedtls_ssl_cache_init(&cache);
  mbedtls_ssl_conf_session_cache(&config, &cache, mbedtls_ssl_cache_get, mbedtls_ssl_cache_set);
  mbedtls_ssl_ticket_init(&tickets);
  must(mbedtls_ssl_ticket_setup(&tickets, mbedtls_ctr_drbg_random, &random_source,
                                MBEDTLS_CIPHER_AES_256_GCM, 3600),
       "tickets");
  mbedtls_ssl_conf_session_tickets_cb(&config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
                                      &tickets);
}

static void set_up(int server) {
  static int suites[2];
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&random_source);
  must(mbedtls_ctr_drbg_seed(&random_source, mbedtls_entropy_func, &entropy, NULL, 0), "random");
  mbedtls_ssl_config_init(&config);
  must(mbedtls_ssl_config_defaults(&config, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                   MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT),
       "defaults");
  int version = strcmp(option("version"), "DTLSv1") == 0 ? MBEDTLS_SSL_MINOR_VERSION_2
                                                         : MBEDTLS_SSL_MINOR_VERSION_3;
  mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, version);
  mbedtls_ssl_conf_max_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, version);
  suites[0] = mbedtls_ssl_get_ciphersuite_id(option("suite"));
  mbedtls_ssl_conf_ciphersuites(&config, suites);
  mbedtls_ssl_conf_renegotiation(&config, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_source);
  set_certificates(server);
  if (option("key")) set_key(option("key"));
  if (server) set_server();
}

static void start(mbedtls_net_context* socket) {
  mbedtls_ssl_init(&ssl);
  must(mbedtls_ssl_setup(&ssl, &config), "connection");
  mbedtls_ssl_set_mtu(&ssl, (uint16_t)number("mtu", 1400));
  mbedtls_ssl_set_timer_cb(&ssl, &timer, mbedtls_timing_set_delay, mbedtls_timing_get_delay);
  mbedtls_ssl_set_bio(&ssl, socket, mbedtls_net_send, mbedtls_net_recv, mbedtls_net_recv_timeout);
}

static void report(const unsigned char* data, size_t length) {
  unsigned char hash[32];
  char name[100] = "-";
  mbedtls_sha256_ret(data, length, hash, 0);
  const mbedtls_x509_crt* peer = mbedtls_ssl_get_peer_cert(&ssl);
  if (peer) must(mbedtls_x509_dn_gets(name, sizeof name, &peer->subject), "name");
  int older = strcmp(mbedtls_ssl_get_version(&ssl), "DTLSv1.0") == 0;
  printf("%s %s ", older ? "DTLSv1" : mbedtls_ssl_get_version(&ssl),
         mbedtls_ssl_get_ciphersuite(&ssl));
  for (int i = 0; i < 32; i++) printf("%02x", hash[i]);
  printf(" %s\n", name);
  fflush(stdout);
}

static size_t receive(unsigned char* data, size_t size) {
  int received;
  do {
    received = mbedtls_ssl_read(&ssl, data, size);
  } while (received == MBEDTLS_ERR_SSL_WANT_READ || received == MBEDTLS_ERR_SSL_CLIENT_RECONNECT);
  return (size_t)must(received, "read");
}

// A handshake; a timer that runs out in it makes the call return.
static int finish(int (*function)(mbedtls_ssl_context*)) {
  int result;
  do {
    result = function(&ssl);
  } while (result == MBEDTLS_ERR_SSL_WANT_READ);
  return result;
}

static void serve_one(mbedtls_net_context* listening) {
  unsigned char address[16], data[kLongest], more[1];
  size_t length;
  mbedtls_net_context socket;
  mbedtls_net_init(&socket);
  must(mbedtls_net_accept(listening, &socket, address, sizeof address, &length), "accept");
  start(&socket);
  int result;
  do {
    // The first hello is answered with a cookie and forgotten.
    must(mbedtls_ssl_session_reset(&ssl), "reset");
    must(mbedtls_ssl_set_client_transport_id(&ssl, address, length), "address");
    result = finish(mbedtls_ssl_handshake);
  } while (result == MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED);
  must(result, "handshake");
  length = receive(data, sizeof data);
  must(mbedtls_ssl_write(&ssl, data, length), "write");
  result = mbedtls_ssl_read(&ssl, more, sizeof more);
  if (result != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) must(-1, "the client has not closed in order");
  report(data, length);
  mbedtls_ssl_free(&ssl);
  mbedtls_net_free(&socket);
}

static void serve(void) {
  mbedtls_net_context listening;
  mbedtls_net_init(&listening);
  must(mbedtls_net_bind(&listening, "127.0.0.1", option("port"), MBEDTLS_NET_PROTO_UDP), "bind");
  for (int i = number("connections", 1); i > 0; i--) serve_one(&listening);
}

static void connect_once(mbedtls_ssl_session* session, int first) {
  static unsigned char question[kLongest], answer[kLongest];
  FILE* file = fopen(option("question"), "rb");
  size_t length = fread(question, 1, sizeof question, file), received = 0;
  fclose(file);
  mbedtls_net_context socket;
  mbedtls_net_init(&socket);
  must(mbedtls_net_connect(&socket, "127.0.0.1", option("port"), MBEDTLS_NET_PROTO_UDP), "connect");
  start(&socket);
  must(mbedtls_ssl_set_hostname(&ssl, "localhost"), "name");
  if (!first) must(mbedtls_ssl_set_session(&ssl, session), "session");
  must(finish(mbedtls_ssl_handshake), "handshake");
  if (first) must(mbedtls_ssl_get_session(&ssl, session), "session");
  if (option("renegotiate")) must(finish(mbedtls_ssl_renegotiate), "renegotiation");
  must(mbedtls_ssl_write(&ssl, question, length), "write");
  while (received < length) received += receive(answer + received, length - received);
  must(mbedtls_ssl_close_notify(&ssl), "close");
  report(answer, received);
  mbedtls_ssl_free(&ssl);
  mbedtls_net_free(&socket);
}

static void ask(void) {
  mbedtls_ssl_session session;
  mbedtls_ssl_session_init(&session);
  int connections = number("connections", 1);
  for (int i = 0; i < connections; i++) connect_once(&session, i == 0);
  mbedtls_ssl_session_free(&session);
}

int main(int argc, const char** argv) {
  options = argv + 2;
  int server = argc > 2 && strcmp(argv[1], "server") == 0;
  set_up(server);
  server ? serve() : ask();
  return 0;
}
