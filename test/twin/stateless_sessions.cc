// SSL_stateless: clients with a session, a key of their own or early data.
#include "support/hello_editor.h"
#include "support/resumption13.h"
#include "support/stateless.h"

namespace {
using namespace twin;

constexpr uint64_t kCompatible = SSL_OP_ENABLE_MIDDLEBOX_COMPAT;

void with_tickets(SSL_CTX* context) {
  SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
}

Setup with_early_data() {
  return {.client_context = [](SSL_CTX* c) { SSL_CTX_clear_options(c, kCompatible); },
          .server_context =
              [](SSL_CTX* c) {
                SSL_CTX_clear_options(c, kCompatible);
                SSL_CTX_set_max_early_data(c, 1000);
              }};
}

void resumption() {
  Both both({.client_context = with_tickets, .server_context = with_tickets});
  Owned<SSL_SESSION> session = first_session(both);
  renew(both);
  link_memory(both);
  SSL_set_session(both.client.get(), session.get());
  both.first_flight();
  both.replace_server();
  both.listen("second hello");
  both.finish();
  out("  reused %d %d", SSL_session_reused(both.client.get()),
      SSL_session_reused(both.server.get()));
}

void tickets_of_stateless_connections() {
  Both both({.client_context = with_tickets, .server_context = with_tickets});
  both.first_flight();
  both.replace_server();
  both.listen("second hello");
  both.finish();
  Owned<SSL_SESSION> session(SSL_get1_session(both.client.get()));
  for (SSL* ssl : {both.client.get(), both.server.get()}) {
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  renew(both);
  link_memory(both);
  SSL_set_session(both.client.get(), session.get());
  both.finish();
  out("  reused %d", SSL_session_reused(both.server.get()));
}

void early_data_after_it() {
  Both both(with_early_data());
  both.first_flight();
  both.replace_server();
  both.listen("second hello");
  std::string data;
  out("  read %s", read_early(both.server.get(), data).c_str());
  both.finish();
}

void early_data_before_it() {
  Both both(with_early_data());
  std::string data;
  both.connect();
  out("  read %s", read_early(both.server.get(), data).c_str());
  both.connect();
  both.listen();
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"resumption", resumption},
              {"tickets_of_stateless_connections", tickets_of_stateless_connections},
              {"early_data_after_it", early_data_after_it},
              {"early_data_before_it", early_data_before_it}},
             argc, argv);
}
