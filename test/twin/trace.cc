// SSL_trace as a message callback: its text for records and messages of TLS 1.3, whole and cut off.
#include "support/trace.h"

namespace {
using namespace twin;

std::string random() {
  return sample(32, 3);
}

std::string client_extensions() {
  std::string groups = all_of(
      {29, 23, 30, 25, 24, 256, 257, 258, 259, 260, 1, 3, 15, 19, 21, 22, 26, 28, 31, 0x6399}, 2);
  std::string schemes = all_of({0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b,
                                0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0303, 0x0203,
                                0x0301, 0x0201, 0x0302, 0x0202, 0x0402, 0x0502, 0x0602, 0x0a0a},
                               2);
  std::string shares = number(29, 2) + vector16(sample(32)) + number(23, 2) + vector16(sample(65));
  return extension(0, vector16(number(0, 1) + vector16("example.org"))) +
         extension(1, all_of({0, 1, 2, 3, 4, 5}, 1)) +
         extension(5, number(1, 1) + vector16("") + vector16("")) +
         extension(11, vector8(all_of({0, 1, 2, 3}, 1))) + extension(10, vector16(groups)) +
         extension(35, "") + extension(35, "a ticket") +
         extension(16, vector16(vector8("h2") + vector8("http/1.1"))) + extension(22, "") +
         extension(23, "") + extension(13, vector16(schemes)) +
         extension(50, vector16(schemes.substr(0, 4))) +
         extension(43, vector8(all_of({0x0304, 0x0303, 0x0302, 0x0301, 0x0300, 0x7f17}, 2))) +
         extension(45, vector8(all_of({0, 1, 2}, 1))) + extension(51, vector16(shares)) +
         extension(42, "") + extension(44, vector16("cookie")) + extension(49, "") +
         extension(0xff01, vector8("")) + extension(0xff01, vector8("verify data!")) +
         extension(13172, "") + extension(21, std::string(7, '\0')) + extension(4321, "unknown") +
         extension(41,
                   vector16(vector16("identity") + number(77, 4)) + vector16(vector8(sample(32))));
}

std::string client_hello() {
  std::string suites = all_of(
      {0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0xc02b, 0xc030, 0x009e, 0x00ff, 0x5600, 0xfafa}, 2);
  return message(SSL3_MT_CLIENT_HELLO, number(0x0303, 2) + random() + vector8(sample(32)) +
                                           vector16(suites) + vector8(all_of({0, 1, 64}, 1)) +
                                           vector16(client_extensions()));
}

std::string server_hello(const std::string& extensions) {
  return message(SSL3_MT_SERVER_HELLO, number(0x0303, 2) + random() + vector8(sample(32)) +
                                           number(0x1302, 2) + number(0, 1) + vector16(extensions));
}

std::string certificate() {
  return message(SSL3_MT_CERTIFICATE,
                 vector8("") + vector24(vector24(certificate_der()) +
                                        vector16(extension(5, "response") + extension(18, "scts")) +
                                        vector24("rubbish") + vector16("") +
                                        vector24(certificate_der() + "more") + vector16("")));
}

std::string ticket() {
  return message(SSL3_MT_NEWSESSION_TICKET, number(7200, 4) + number(0xfedcba98, 4) +
                                                vector8("nonce") + vector16(sample(100)) +
                                                vector16(extension(42, number(16384, 4))));
}

std::vector<Sample> messages() {
  std::string versions = extension(43, number(0x0304, 2));
  return {
      {"ClientHello", client_hello()},
      {"ServerHello",
       server_hello(versions + extension(51, number(29, 2) + vector16(sample(32))) +
                    extension(41, number(0, 2)) + extension(0xff01, vector8("both sides")))},
      {"HelloRetryRequest", server_hello(versions + extension(51, number(24, 2)))},
      {"EncryptedExtensions",
       message(SSL3_MT_ENCRYPTED_EXTENSIONS,
               vector16(extension(0, "") + extension(16, vector16(vector8("h2"))) +
                        extension(42, "") + extension(10, vector16(number(29, 2)))))},
      {"no EncryptedExtensions", message(SSL3_MT_ENCRYPTED_EXTENSIONS, vector16(""))},
      {"CertificateRequest",
       message(SSL3_MT_CERTIFICATE_REQUEST,
               vector8("context") + vector16(extension(13, vector16(all_of({0x0403, 0x0804}, 2))) +
                                             extension(47, vector16(vector16("a name")))))},
      {"Certificate", certificate()},
      {"no Certificate", message(SSL3_MT_CERTIFICATE, vector8("context") + vector24(""))},
      {"CertificateVerify",
       message(SSL3_MT_CERTIFICATE_VERIFY, number(0x0807, 2) + vector16(sample(64)))},
      {"Finished", message(SSL3_MT_FINISHED, sample(32))},
      {"NewSessionTicket", ticket()},
      {"empty NewSessionTicket", message(SSL3_MT_NEWSESSION_TICKET, "")},
      {"KeyUpdate", message(SSL3_MT_KEY_UPDATE, number(1, 1))},
      {"long KeyUpdate", message(SSL3_MT_KEY_UPDATE, number(256, 2))},
      {"EndOfEarlyData", message(SSL3_MT_END_OF_EARLY_DATA, "")},
      {"unknown", message(99, "what is it?")},
  };
}

void whole_messages() {
  Peers peers = connected();
  for (const Sample& one : messages()) {
    out("-- %s", one.name);
    bool by_client = one.bytes[0] == SSL3_MT_CLIENT_HELLO;
    SSL* sender = (by_client ? peers.client : peers.server).get();
    SSL* receiver = (by_client ? peers.server : peers.client).get();
    std::string sent = traced(sender, true, SSL3_RT_HANDSHAKE, one.bytes);
    out("%s", sent.c_str());
    out("the receiver says the same: %d",
        traced(receiver, false, SSL3_RT_HANDSHAKE, one.bytes) == sent);
  }
}

// As if the other side sent them.
void wrong_direction() {
  Peers peers = connected();
  for (const Sample& one : messages()) {
    out("-- %s", one.name);
    SSL* wrong = (one.bytes[0] == SSL3_MT_CLIENT_HELLO ? peers.server : peers.client).get();
    if (one.bytes[0] == SSL3_MT_CERTIFICATE) continue;
    out("%s", traced(wrong, true, SSL3_RT_HANDSHAKE, one.bytes).c_str());
  }
}

void cut_off() {
  Peers peers = connected();
  for (const Sample& one : messages()) {
    if (one.bytes[0] == SSL3_MT_CERTIFICATE) continue;
    for (size_t size = 0; size < one.bytes.size(); size++) {
      std::string text = traced_beginning(peers.client.get(), one, size);
      out("%s of %zu: %zu %08x", one.name, size, text.size(), fingerprint(text));
    }
  }
}

void records() {
  Peers peers = connected();
  SSL* ssl = peers.client.get();
  for (bool sent : {true, false}) {
    for (int type : {20, 21, 22, 23, 24}) {
      out("%s", traced(ssl, sent, SSL3_RT_HEADER,
                       number(type, 1) + number(0x0303, 2) + number(1000 + type, 2))
                    .c_str());
      out("%s", traced(ssl, sent, SSL3_RT_INNER_CONTENT_TYPE, number(type, 1)).c_str());
    }
    out("%s", traced(ssl, sent, SSL3_RT_HEADER, number(22, 1) + number(0x7f1c, 2) + number(1, 2))
                  .c_str());
    out("%s", traced(ssl, sent, SSL3_RT_HEADER, "abc").c_str());
    out("%s", traced(ssl, sent, SSL3_RT_CHANGE_CIPHER_SPEC, number(1, 1)).c_str());
    out("%s", traced(ssl, sent, SSL3_RT_CHANGE_CIPHER_SPEC, number(2, 1)).c_str());
    out("%s", traced(ssl, sent, SSL3_RT_CHANGE_CIPHER_SPEC, number(1, 2)).c_str());
    out("%s", traced(ssl, sent, SSL3_RT_APPLICATION_DATA, "data").c_str());
    for (int code : {0, 10, 47, 80, 109, 116, 120, 255}) {
      out("%s", traced(ssl, sent, SSL3_RT_ALERT, number(1, 1) + number(code, 1)).c_str());
      out("%s", traced(ssl, sent, SSL3_RT_ALERT, number(2, 1) + number(code, 1)).c_str());
    }
    out("%s", traced(ssl, sent, SSL3_RT_ALERT, number(2, 1)).c_str());
  }
}

// In a handshake of its own: every line but those with random values.
void as_callback() {
  Peers peers = make_peers();
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  SSL_set_msg_callback(peers.client.get(),
                       [](int sent, int version, int type, const void* data, size_t size, SSL* ssl,
                          void* to) { SSL_trace(sent, version, type, data, size, ssl, to); });
  SSL_set_msg_callback_arg(peers.client.get(), memory.get());
  SSL_set_num_tickets(peers.server.get(), 0);
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
  std::fputs(without_values(memory.get()).c_str(), stdout);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"whole_messages", whole_messages},
              {"wrong_direction", wrong_direction},
              {"cut_off", cut_off},
              {"records", records},
              {"as_callback", as_callback}},
             argc, argv);
}
