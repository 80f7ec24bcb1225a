// The functions of SSL_CTX_set_srp_password(3) by themselves: what they return and what stays.
#include "support/srp.h"

namespace {
using namespace twin;

char* give_password(SSL*, void*) {
  return OPENSSL_strdup("secret");
}

int accept_parameters(SSL*, void*) {
  return 1;
}

int know_user(SSL*, int*, void*) {
  return SSL_ERROR_NONE;
}

char* chars(const char* string) {
  return const_cast<char*>(string);
}

void setters() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX* c = context.get();
  std::string longest(255, 'u'), too_long(256, 'u');
  for (const char* name : {"user", "", longest.c_str(), too_long.c_str(), "again"}) {
    out("user name of %zu: %s", std::strlen(name),
        answer(SSL_CTX_set_srp_username(c, chars(name))).c_str());
    Owned<SSL> ssl(SSL_new(c));
    const char* stays = SSL_get_srp_username(ssl.get());
    out("  stays %zu", stays ? std::strlen(stays) : 0);
  }
  out("no user name: %s", answer(SSL_CTX_set_srp_username(c, nullptr)).c_str());
  out("password: %s", answer(SSL_CTX_set_srp_password(c, chars("secret"))).c_str());
  out("empty password: %s", answer(SSL_CTX_set_srp_password(c, chars(""))).c_str());
  out("strength: %s", answer(SSL_CTX_set_srp_strength(c, 2048)).c_str());
  out("negative strength: %s", answer(SSL_CTX_set_srp_strength(c, -1)).c_str());
  out("argument: %s", answer(SSL_CTX_set_srp_cb_arg(c, c)).c_str());
  out("no argument: %s", answer(SSL_CTX_set_srp_cb_arg(c, nullptr)).c_str());
  out("user name callback: %s", answer(SSL_CTX_set_srp_username_callback(c, know_user)).c_str());
  out("parameters callback: %s",
      answer(SSL_CTX_set_srp_verify_param_callback(c, accept_parameters)).c_str());
  out("password callback: %s",
      answer(SSL_CTX_set_srp_client_pwd_callback(c, give_password)).c_str());
  out("no callbacks: %d %d %d", SSL_CTX_set_srp_username_callback(c, nullptr),
      SSL_CTX_set_srp_verify_param_callback(c, nullptr),
      SSL_CTX_set_srp_client_pwd_callback(c, nullptr));
}

void controls() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  char name[] = "user";
  for (int command : {SSL_CTRL_SET_TLS_EXT_SRP_USERNAME, SSL_CTRL_SET_TLS_EXT_SRP_PASSWORD,
                      SSL_CTRL_SET_TLS_EXT_SRP_STRENGTH, SSL_CTRL_SET_SRP_ARG,
                      SSL_CTRL_SET_TLS_EXT_SRP_USERNAME_CB, SSL_CTRL_SET_SRP_VERIFY_PARAM_CB,
                      SSL_CTRL_SET_SRP_GIVE_CLIENT_PWD_CB}) {
    out("%d: SSL %s, SSL_CTX %s, callbacks %s %s", command,
        answer(SSL_ctrl(ssl.get(), command, 0, name)).c_str(),
        answer(SSL_CTX_ctrl(context.get(), command, 0, name)).c_str(),
        answer(SSL_callback_ctrl(ssl.get(), command, nullptr)).c_str(),
        answer(SSL_CTX_callback_ctrl(context.get(), command, nullptr)).c_str());
  }
  out("%s", srp_line(ssl.get()).c_str());
}

/// `returned` is what the call before gave.
void tell(const char* title, int returned, SSL* ssl) {
  out("%s %d: %s", title, returned, srp_line(ssl).c_str());
}

void copies() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> before(SSL_new(context.get()));
  out("nothing set: %s", srp_line(before.get()).c_str());
  log_in(context.get());
  Owned<SSL> ssl(SSL_new(context.get()));
  out("after SSL_new: %s", srp_line(ssl.get()).c_str());
  out("an older SSL: %s", srp_line(before.get()).c_str());
  log_in(context.get(), "other", "changed");
  out("context changed: %s", srp_line(ssl.get()).c_str());
  out("older SSL: %s", srp_line(before.get()).c_str());
  Owned<SSL> copy(SSL_dup(ssl.get()));
  out("SSL_dup: %s", srp_line(copy.get()).c_str());
  tell("SSL_clear", SSL_clear(ssl.get()), ssl.get());
  tell("SSL_SRP_CTX_free", SSL_SRP_CTX_free(ssl.get()), ssl.get());
  out("again %d", SSL_SRP_CTX_free(ssl.get()));
  tell("SSL_SRP_CTX_init", SSL_SRP_CTX_init(ssl.get()), ssl.get());
  tell("SSL_CTX_SRP_CTX_free", SSL_CTX_SRP_CTX_free(context.get()), ssl.get());
  out("older SSL: %s", srp_line(before.get()).c_str());
  tell("SSL_SRP_CTX_free", SSL_SRP_CTX_free(ssl.get()), ssl.get());
  log_in(context.get());
  out("SSL_CTX_SRP_CTX_free %d", SSL_CTX_SRP_CTX_free(context.get()));
  out("SSL_CTX_SRP_CTX_init %d", SSL_CTX_SRP_CTX_init(context.get()));
  tell("SSL_SRP_CTX_init", SSL_SRP_CTX_init(ssl.get()), ssl.get());
  out("without an object: %d %d %d %d", SSL_SRP_CTX_free(nullptr), SSL_SRP_CTX_init(nullptr),
      SSL_CTX_SRP_CTX_free(nullptr), SSL_CTX_SRP_CTX_init(nullptr));
}

void server_parameters() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL* s = ssl.get();
  Number n = small(23), g = small(5), salt = small(7), v = small(9);
  out("nothing: %s",
      answer(SSL_set_srp_server_param(s, nullptr, nullptr, nullptr, nullptr, nullptr)).c_str());
  out("N: %d", SSL_set_srp_server_param(s, n.get(), nullptr, nullptr, nullptr, nullptr));
  const BIGNUM* kept = SSL_get_srp_N(s);
  out("a copy %d", kept != n.get() && BN_cmp(kept, n.get()) == 0);
  out("g: %d", SSL_set_srp_server_param(s, nullptr, g.get(), nullptr, nullptr, nullptr));
  out("salt: %d", SSL_set_srp_server_param(s, nullptr, nullptr, salt.get(), nullptr, nullptr));
  out("verifier and info: %d",
      SSL_set_srp_server_param(s, nullptr, nullptr, nullptr, v.get(), chars("about the user")));
  out("%s", srp_line(s).c_str());
  Number other = small(1000003);
  out("another N: %d",
      SSL_set_srp_server_param(s, other.get(), nullptr, nullptr, nullptr, nullptr));
  out("in its place %d, %s", SSL_get_srp_N(s) == kept, srp_line(s).c_str());
  tell("info again",
       SSL_set_srp_server_param(s, n.get(), g.get(), salt.get(), v.get(), chars("else")), s);
}

void password_parameters() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  for (const char* group : {"1024", "1536", "2048", "3072", "4096", "6144", "8192", "512", ""}) {
    Owned<SSL> ssl(SSL_new(context.get()));
    int made = SSL_set_srp_server_param_pw(ssl.get(), "user", "secret", group);
    out("group %s: %s, %s", group, answer(made).c_str(), srp_line(ssl.get()).c_str());
  }
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL* s = ssl.get();
  tell("default group", SSL_set_srp_server_param_pw(s, "user", "secret", nullptr), s);
  auto complete = [&] {
    return SSL_set_srp_server_param(s, nullptr, nullptr, nullptr, nullptr, nullptr);
  };
  out("complete: %d", complete());
  out("no user: %d", SSL_set_srp_server_param_pw(s, nullptr, "secret", "1024"));
  tell("complete", complete(), s);
  tell("no password", SSL_set_srp_server_param_pw(s, "user", nullptr, "2048"), s);
}

void public_values() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL* s = ssl.get();
  int alert = -1;
  out("A without parameters: %s", answer(SRP_Calc_A_param(s)).c_str());
  out("B without parameters: %d", SSL_srp_server_param_with_username(s, &alert));
  out("  alert %d [%s]", alert, errors().c_str());
  out("parameters: %d", SSL_set_srp_server_param_pw(s, "user", "secret", "1024"));
  out("A: %s", answer(SRP_Calc_A_param(s)).c_str());
  alert = -1;
  out("B: %d", SSL_srp_server_param_with_username(s, &alert));
  out("  alert %d [%s]", alert, errors().c_str());
  for (int said : {-1, 0, 1, 2, 3}) {
    Owned<SSL_CTX> other(SSL_CTX_new(TLS_method()));
    SSL_CTX_set_srp_cb_arg(other.get(), &said);
    SSL_CTX_set_srp_username_callback(other.get(), [](SSL* about, int* ad, void* argument) {
      out("  asked: %s, alert %d", srp_line(about).c_str(), *ad);
      *ad = 99;
      return *static_cast<int*>(argument);
    });
    Owned<SSL> asked(SSL_new(other.get()));
    alert = -1;
    int result = SSL_srp_server_param_with_username(asked.get(), &alert);
    out("callback %d: %d, alert %d [%s]", said, result, alert, errors().c_str());
  }
}

/// SSL_get1_supported_ciphers after each of the setters.
void supported() {
  const std::vector<Case> setters = {
      {"nothing", [] {}},
      {"user name", [] {}},
      {"no user name", [] {}},
      {"password", [] {}},
      {"strength", [] {}},
      {"argument", [] {}},
      {"user name callback", [] {}},
      {"parameters callback", [] {}},
      {"password callback", [] {}},
  };
  for (size_t i = 0; i < setters.size(); i++) {
    for (bool server : {false, true}) {
      Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
      SSL_CTX* c = context.get();
      SSL_CTX_set_cipher_list(c, "SRP:@SECLEVEL=0");
      SSL_CTX_set_ciphersuites(c, "");
      if (i == 1) SSL_CTX_set_srp_username(c, chars("user"));
      if (i == 2) SSL_CTX_set_srp_username(c, nullptr);
      if (i == 3) SSL_CTX_set_srp_password(c, chars("secret"));
      if (i == 4) SSL_CTX_set_srp_strength(c, 1024);
      if (i == 5) SSL_CTX_set_srp_cb_arg(c, nullptr);
      if (i == 6) SSL_CTX_set_srp_username_callback(c, nullptr);
      if (i == 7) SSL_CTX_set_srp_verify_param_callback(c, nullptr);
      if (i == 8) SSL_CTX_set_srp_client_pwd_callback(c, nullptr);
      Owned<SSL> ssl(SSL_new(c));
      server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
      auto count = [&] {
        STACK_OF(SSL_CIPHER)* suites = SSL_get1_supported_ciphers(ssl.get());
        int number = suites ? sk_SSL_CIPHER_num(suites) : 0;
        sk_SSL_CIPHER_free(suites);
        return number;
      };
      int with = count();
      SSL_SRP_CTX_free(ssl.get());
      out("%s, server %d: %d suites, then %d", setters[i].name.c_str(), server, with, count());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run(
      {
          {"setters", setters},
          {"controls", controls},
          {"copies", copies},
          {"server_parameters", server_parameters},
          {"password_parameters", password_parameters},
          {"public_values", public_values},
          {"supported", supported},
      },
      argc, argv);
}
