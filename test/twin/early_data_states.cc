// Each call in each state of early data: what it says, and whether the connection goes on.
#include "support/resumption13.h"

namespace {
using namespace twin;

// A connection on its way, in the state under test.
struct Scene {
  Peers peers;
  Faults client_faults, server_faults;
  std::string got;       // by the server, as early data
  bool stopped = false;  // in the client's write of "early"

  Scene()
      : peers(tickets_peers({.server_context = [](SSL_CTX* context) {
          SSL_CTX_set_max_early_data(context, 1000);
          SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
        }})) {
    Owned<SSL_SESSION> session = first_session(peers);
    renew(peers);
    link_memory(peers, &client_faults, &server_faults);
    SSL_set_session(client(), session.get());
  }
  SSL* client() { return peers.client.get(); }
  SSL* server() { return peers.server.get(); }
  void write(const char* words) { require(write_early(client(), words)[0] == '1', "write_early"); }
  void read(size_t room = 4096) { read_early(server(), got, room); }
  void clear_faults() {
    client_faults = {};
    server_faults = {};
  }
};

struct State {
  const char* name;
  bool server;  // whose it is
  void (*reach)(Scene&);
  std::string_view skipped = "";  // a call in which the system's library loses its way
};

void stall(Scene& scene, int64_t bytes) {
  scene.client_faults.write.stall_at = scene.client_faults.write.passed + bytes;
}

const State kStates[] = {
    {"client-before", false, [](Scene&) {}},
    {"client-has-written", false, [](Scene& scene) { scene.write("early"); }},
    {"client-is-answered", false,
     [](Scene& scene) {
       scene.write("early");
       scene.read();
     },
     "SSL_peek"},
    {"client-finishes", false,
     [](Scene& scene) {
       scene.write("early");
       SSL_do_handshake(scene.client());
     }},
    {"client-finish-stalls", false,
     [](Scene& scene) {
       scene.write("early");
       scene.read();
       stall(scene, 9);
       SSL_do_handshake(scene.client());
     }},
    {"client-done", false,
     [](Scene& scene) {
       scene.write("early");
       scene.read();
       SSL_do_handshake(scene.client());
     }},
    {"server-before", true, [](Scene& scene) { scene.write("early"); }},
    {"server-awaits-hello", true, [](Scene& scene) { scene.read(); }},
    {"server-hello-in-part", true,
     [](Scene& scene) {
       stall(scene, 50);
       write_early(scene.client(), "early");
       scene.stopped = true;
       scene.read();
     }},
    {"server-answer-stalls", true,
     [](Scene& scene) {
       scene.write("early");
       scene.server_faults.write.stall_at = scene.server_faults.write.passed + 20;
       scene.read();
     }},
    {"server-data-in-part", true,
     [](Scene& scene) {
       scene.write("early");
       scene.read(2);
     }},
    {"server-awaits-data", true,
     [](Scene& scene) {
       scene.write("early");
       scene.read();
       scene.read();
     }},
    {"server-more-data-there", true,
     [](Scene& scene) {
       scene.write("early");
       scene.read();
       scene.write("more");
     }},
    {"server-end-there", true,
     [](Scene& scene) {
       scene.write("early");
       scene.read();
       SSL_do_handshake(scene.client());
     }},
    {"server-end-read", true,
     [](Scene& scene) {
       scene.write("early");
       scene.read();
       SSL_do_handshake(scene.client());
       scene.read();
     }},
    {"server-rejected", true,
     [](Scene& scene) {
       scene.write("early");
       SSL_set_max_early_data(scene.server(), 0);
       scene.read();
     }},
    {"server-rejected-and-done", true,
     [](Scene& scene) {
       scene.write("early");
       SSL_set_max_early_data(scene.server(), 0);
       scene.read();
       SSL_do_handshake(scene.client());
     }},
};

struct Call {
  const char* name;
  std::string (*make)(SSL*);
};

char buffer[100];

std::string kept(SSL* ssl, int result) {
  return outcome(ssl, result) +
         (result > 0 ? " " + std::string(buffer, static_cast<size_t>(result)) : "");
}

const Call kCalls[] = {
    {"SSL_do_handshake", [](SSL* ssl) { return outcome(ssl, SSL_do_handshake(ssl)); }},
    {"SSL_read", [](SSL* ssl) { return kept(ssl, SSL_read(ssl, buffer, sizeof buffer)); }},
    {"SSL_peek", [](SSL* ssl) { return kept(ssl, SSL_peek(ssl, buffer, sizeof buffer)); }},
    {"SSL_write", [](SSL* ssl) { return outcome(ssl, SSL_write(ssl, "late", 4)); }},
    {"SSL_write_early_data", [](SSL* ssl) { return write_early(ssl, "x"); }},
    {"SSL_read_early_data",
     [](SSL* ssl) {
       std::string more;
       std::string said = read_early(ssl, more);
       return said + " " + more;
     }},
    {"SSL_shutdown", [](SSL* ssl) { return outcome(ssl, SSL_shutdown(ssl)); }},
    {"SSL_key_update",
     [](SSL* ssl) { return answer(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)); }},
    {"SSL_new_session_ticket", [](SSL* ssl) { return answer(SSL_new_session_ticket(ssl)); }},
    {"SSL_verify_client_post_handshake",
     [](SSL* ssl) { return answer(SSL_verify_client_post_handshake(ssl)); }},
    {"SSL_pending",
     [](SSL* ssl) {
       return text("%d %d, finished %d, reused %d, status %s", SSL_pending(ssl),
                   SSL_has_pending(ssl), SSL_is_init_finished(ssl), SSL_session_reused(ssl),
                   status_name(SSL_get_early_data_status(ssl)));
     }},
    {"SSL_export_keying_material_early",
     [](SSL* ssl) {
       unsigned char out[16];
       return answer(SSL_export_keying_material_early(ssl, out, sizeof out, "x", 1, nullptr, 0));
     }},
};

// Both sides to their ends: what was stopped is repeated, the server reads what is early, then both
// handshake and exchange data.
std::string go_on(Scene& scene) {
  scene.clear_faults();
  if (scene.stopped) scene.write("early");
  std::string last;
  bool read_all = false;
  for (int i = 0; i < 8; ++i) {
    ERR_clear_error();
    int result = SSL_do_handshake(scene.client());
    last = outcome(scene.client(), result);
    char status = '?';
    while (!read_all && status != 'E') {
      status = read_early(scene.server(), scene.got)[0];
      read_all = status == 'F';
    }
    ERR_clear_error();
    if (!read_all) continue;
    result = SSL_do_handshake(scene.server());
    last += " | " + outcome(scene.server(), result);
  }
  last += ", early \"" + scene.got + "\"";
  if (last.find("1 NONE | 1 NONE") != 0) return last;
  last += ", up " + transfer(scene.client(), scene.server(), "up");
  last += ", down " + transfer(scene.server(), scene.client(), "down");
  return last;
}

void try_state(const State& state) {
  for (const Call& call : kCalls) {
    if (call.name == state.skipped) continue;
    Scene scene;
    state.reach(scene);
    SSL* ssl = state.server ? scene.server() : scene.client();
    ERR_clear_error();
    out("%s: %s", call.name, call.make(ssl).c_str());
    out("  state %d, in_init %d", static_cast<int>(SSL_get_state(ssl)), SSL_in_init(ssl));
    out("  %s", go_on(scene).c_str());
  }
  Scene scene;
  state.reach(scene);
  SSL* ssl = state.server ? scene.server() : scene.client();
  ERR_clear_error();
  out("SSL_clear: %s", answer(SSL_clear(ssl)).c_str());
  out("  state %d, in_init %d", static_cast<int>(SSL_get_state(ssl)), SSL_in_init(ssl));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases;
  for (const State& state : kStates) {
    cases.push_back({state.name, [&state] { try_state(state); }});
  }
  return run(cases, argc, argv);
}
