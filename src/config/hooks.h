// The application's callbacks. Which of them an SSL takes with it when it is made, and which it
// looks up in its SSL_CTX each time, is behaviour that programs rely on: Hooks are the first kind,
// LiveHooks the second. test/twin/context_settings.cc holds this table against the system's libssl.
#pragma once

#include <openssl/ssl.h>

#include "config/cow.h"

namespace handfast {

using MessageCallback = void (*)(int write_p, int version, int content_type, const void* buffer,
                                 size_t length, SSL* ssl, void* argument);
using InfoCallback = void (*)(const SSL* ssl, int type, int value);

// Copied from SSL_CTX by SSL_new.
struct Hooks : Shared {
  MessageCallback message = nullptr;
  void* message_argument = nullptr;
  // Set on the SSL only; an SSL without one uses the context's (live).
  InfoCallback info = nullptr;
  size_t (*record_padding)(SSL* ssl, int type, size_t length, void* argument) = nullptr;
  void* record_padding_argument = nullptr;
  GEN_SESSION_CB generate_session_id = nullptr;
  int (*not_resumable_session)(SSL* ssl, int is_forward_secure) = nullptr;
  SSL_psk_client_cb_func psk_client = nullptr;
  SSL_psk_server_cb_func psk_server = nullptr;
  SSL_psk_find_session_cb_func psk_find_session = nullptr;
  SSL_psk_use_session_cb_func psk_use_session = nullptr;
  SSL_async_callback_fn async = nullptr;
  void* async_argument = nullptr;
  SSL_allow_early_data_cb_fn allow_early_data = nullptr;
  void* allow_early_data_argument = nullptr;
  pem_password_cb* password = nullptr;
  void* password_argument = nullptr;
  // SSL_set_tlsext_debug_callback: on the SSL only.
  void (*extension_debug)(SSL* ssl, int client_server, int type, const unsigned char* data,
                          int length, void* argument) = nullptr;
  void* extension_debug_argument = nullptr;
  // SSL_set_session_secret_cb, SSL_set_session_ticket_ext_cb: on the SSL only.
  tls_session_secret_cb_fn session_secret = nullptr;
  void* session_secret_argument = nullptr;
  tls_session_ticket_ext_cb_fn session_ticket_extension = nullptr;
  void* session_ticket_extension_argument = nullptr;

  [[nodiscard]] bool copy_from(const Hooks& other);
  // What SSL_dup(3) takes over; the rest stays.
  void copy_duplicated(const Hooks& other);
};

// Read from the SSL_CTX at use; the SSL_CTX is the one of the moment (SSL_set_SSL_CTX).
struct LiveHooks {
  InfoCallback info = nullptr;
  SSL_client_hello_cb_fn client_hello = nullptr;
  void* client_hello_argument = nullptr;
  int (*server_name)(SSL* ssl, int* alert, void* argument) = nullptr;
  void* server_name_argument = nullptr;
  SSL_CTX_alpn_select_cb_func alpn_select = nullptr;
  void* alpn_select_argument = nullptr;
  SSL_CTX_npn_advertised_cb_func npn_advertised = nullptr;
  void* npn_advertised_argument = nullptr;
  SSL_CTX_npn_select_cb_func npn_select = nullptr;
  void* npn_select_argument = nullptr;
  int (*status)(SSL* ssl, void* argument) = nullptr;
  void* status_argument = nullptr;
  SSL_CTX_keylog_cb_func keylog = nullptr;
  int (*client_certificate)(SSL* ssl, X509** certificate, EVP_PKEY** key) = nullptr;
  int (*verify)(X509_STORE_CTX* store, void* argument) = nullptr;  // replaces X509_verify_cert
  void* verify_argument = nullptr;
  int (*new_session)(SSL* ssl, SSL_SESSION* session) = nullptr;
  void (*remove_session)(SSL_CTX* ctx, SSL_SESSION* session) = nullptr;
  SSL_SESSION* (*get_session)(SSL* ssl, const unsigned char* id, int length, int* copy) = nullptr;
  int (*ticket_key)(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    HMAC_CTX* hmac, int encrypt) = nullptr;
  int (*ticket_key_evp)(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, int encrypt) = nullptr;
  SSL_CTX_generate_session_ticket_fn generate_ticket = nullptr;
  SSL_CTX_decrypt_session_ticket_fn decrypt_ticket = nullptr;
  void* ticket_argument = nullptr;
  int (*generate_cookie)(SSL* ssl, unsigned char* cookie, unsigned int* length) = nullptr;
  int (*verify_cookie)(SSL* ssl, const unsigned char* cookie, unsigned int length) = nullptr;
  int (*generate_stateless_cookie)(SSL* ssl, unsigned char* cookie, size_t* length) = nullptr;
  int (*verify_stateless_cookie)(SSL* ssl, const unsigned char* cookie, size_t length) = nullptr;
};

}  // namespace handfast
