#include "config/cipher_list.h"

#include <openssl/conf.h>
#include <openssl/err.h>

#include <cstring>

#include "config/cipher_order.h"
#include "crypto/cipher_class.h"

#include "wire/bytes.h"

namespace handfast {

namespace {

using Step = CipherOrder::Step;

constexpr std::string_view kDefaultWord = "DEFAULT";

bool is_separator(char c) {
  return c == ':' || c == ' ' || c == ';' || c == ',';
}

bool is_word_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '.' || c == '=';
}

bool begins_with(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && std::memcmp(text.data(), word.data(), word.size()) == 0;
}

// Removes and returns the word at the beginning of the text; it may be empty.
std::string_view take_word(std::string_view& text) {
  size_t length = 0;
  while (length < text.size() && is_word_character(text[length])) ++length;
  std::string_view word(text.data(), length);
  text.remove_prefix(length);
  return word;
}

void skip_to_separator(std::string_view& text) {
  while (!text.empty() && !is_separator(text.front())) text.remove_prefix(1);
}

// Narrows one set of a pattern by another; false when nothing is left.
bool narrow(uint32_t& set, uint32_t by) {
  if (by == 0) return true;
  set = set == 0 ? by : set & by;
  return set != 0;
}

// Narrows the classes of strength and default apart from each other.
bool narrow_strength(uint32_t& set, uint32_t by) {
  uint32_t strength = set & kStrengthMask;
  uint32_t rest = set & kNotDefault;
  // OpenSSL's COMPLEMENTOFDEFAULT+HIGH means HIGH, and the other way round both: kept so.
  if (strength == 0 && (by & kStrengthMask) != 0) rest = 0;
  if (!narrow(strength, by & kStrengthMask) || !narrow(rest, by & kNotDefault)) return false;
  set = strength | rest;
  return true;
}

class RuleParser {
 public:
  RuleParser(CipherOrder& order, CipherStringEffects& effects) : order_(order), effects_(effects) {}

  // False with the reason in the queue.
  bool apply(std::string_view rules) {
    bool ok = true;
    while (!rules.empty()) {
      if (is_separator(rules.front())) {
        rules.remove_prefix(1);
        continue;
      }
      if (rules.front() == '@') {
        rules.remove_prefix(1);
        std::string_view word = take_word(rules);
        if (word.empty()) return invalid();
        ok = special(word) && ok;
        skip_to_separator(rules);
      } else if (!apply_selection(rules)) {
        return false;
      }
    }
    return ok;
  }

 private:
  static bool invalid() {
    ERR_raise(ERR_LIB_SSL, SSL_R_INVALID_COMMAND);
    return false;
  }

  bool special(std::string_view word) {
    if (word == "STRENGTH") {
      order_.sort_by_strength();
      return true;
    }
    constexpr std::string_view kLevel = "SECLEVEL=";
    if (word.size() == kLevel.size() + 1 && begins_with(word, kLevel) && word.back() >= '0' &&
        word.back() <= '5') {
      effects_.security_level = word.back() - '0';
      return true;
    }
    return invalid();
  }

  static Step take_step(std::string_view& rules) {
    Step step = Step::add;
    switch (rules.front()) {
      case '-':
        step = Step::remove;
        break;
      case '+':
        step = Step::move_last;
        break;
      case '!':
        step = Step::kill;
        break;
      default:
        return step;
    }
    rules.remove_prefix(1);
    return step;
  }

  // [-+!]word[+word…]; what is not known is passed over.
  bool apply_selection(std::string_view& rules) {
    Step step = take_step(rules);
    CipherPattern pattern;
    const CipherSuite* only = nullptr;
    for (;;) {
      std::string_view word = take_word(rules);
      if (word.empty()) return invalid();
      bool more = !rules.empty() && rules.front() == '+';
      if (more) rules.remove_prefix(1);
      if (!narrow_by_word(word, pattern, only)) {
        skip_to_separator(rules);
        return true;
      }
      if (!more) break;
    }
    order_.apply(step, pattern, only);
    return true;
  }

  bool narrow_by_word(std::string_view word, CipherPattern& pattern, const CipherSuite*& only) {
    only = order_.find(word);
    CipherPattern by;
    if (only != nullptr) {
      // The protocol version of a suite named in full does not count.
      by = {only->kx, only->auth, only->enc, only->mac, 0, only->strength};
    } else {
      const CipherPattern* alias = find_cipher_alias(word);
      if (alias == nullptr) return false;
      by = *alias;
    }
    if (by.min_tls != 0 && pattern.min_tls != 0 && by.min_tls != pattern.min_tls) return false;
    if (by.min_tls != 0) pattern.min_tls = by.min_tls;
    return narrow(pattern.kx, by.kx) && narrow(pattern.auth, by.auth) &&
           narrow(pattern.enc, by.enc) && narrow(pattern.mac, by.mac) &&
           narrow_strength(pattern.strength, by.strength);
  }

  CipherOrder& order_;
  CipherStringEffects& effects_;
};

struct SuiteB {
  std::string_view word;
  uint32_t flags;
  const char* rules;
};

// RFC 6460; the longest words first, as only the beginning of a string is compared.
constexpr SuiteB kSuiteB[] = {
    {"SUITEB128ONLY", SSL_CERT_FLAG_SUITEB_128_LOS_ONLY, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"SUITEB128C2", SSL_CERT_FLAG_SUITEB_128_LOS, "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"SUITEB128", SSL_CERT_FLAG_SUITEB_128_LOS,
     "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"SUITEB192", SSL_CERT_FLAG_SUITEB_192_LOS, "ECDHE-ECDSA-AES256-GCM-SHA384"},
};

// Replaces the rules when Suite B is asked for, now or earlier.
bool apply_suite_b(const Method& method, CipherStringEffects& effects, std::string_view& rules) {
  const SuiteB* found = nullptr;
  for (const SuiteB& row : kSuiteB) {
    if (found == nullptr && begins_with(rules, row.word)) found = &row;
  }
  uint32_t flags = effects.certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS;
  for (const SuiteB& row : kSuiteB) {
    if (found == nullptr && flags == row.flags && row.word != "SUITEB128C2") found = &row;
  }
  if (found == nullptr) return true;
  bool has_tls12 = method.datagram ? method.max_version == DTLS1_2_VERSION
                                   : method.max_version >= TLS1_2_VERSION;
  if (!has_tls12) {
    ERR_raise(ERR_LIB_SSL, SSL_R_AT_LEAST_TLS_1_2_NEEDED_IN_SUITEB_MODE);
    return false;
  }
  effects.certificate_flags &= ~static_cast<uint32_t>(SSL_CERT_FLAG_SUITEB_128_LOS);
  effects.certificate_flags |= found->flags;
  rules = found->rules;
  return true;
}

bool apply_rules(std::string_view rules, CipherOrder& order, CipherStringEffects& effects) {
  RuleParser parser(order, effects);
  if (begins_with(rules, kDefaultWord)) {
    if (!parser.apply(kDefaultCipherList)) return false;
    rules.remove_prefix(kDefaultWord.size());
  }
  return parser.apply(rules);
}

bool push(STACK_OF(SSL_CIPHER) * list, const CipherSuite* suite) {
  return sk_SSL_CIPHER_push(list, suite) > 0;
}

bool usable13(const Context& context, const CipherSuite& suite) {
  return context.algorithms.cipher(suite.cipher) != nullptr &&
         context.algorithms.hash(suite.hash) != nullptr;
}

bool push_suites13(const Context& context, std::span<const CipherSuite* const> suites,
                   STACK_OF(SSL_CIPHER) * list) {
  for (const CipherSuite* suite : suites) {
    if (usable13(context, *suite) && !push(list, suite)) return false;
  }
  return true;
}

struct NamedSuites {
  Array<const CipherSuite*> suites;
  bool any_known = false;
};

int add_named_suite(const char* name, int length, void* argument) {
  if (name == nullptr) return 1;
  const CipherSuite* suite = find_cipher_suite_by_name(name, static_cast<size_t>(length));
  if (suite == nullptr || suite->standard_name == nullptr ||
      std::string_view(name, static_cast<size_t>(length)) != suite->standard_name) {
    return 1;
  }
  auto& named = *static_cast<NamedSuites*>(argument);
  // An older version's suite is known but has no place here: its own list is SSL_set_cipher_list.
  named.any_known = true;
  return suite->min_tls != TLS1_3_VERSION || named.suites.push_back(suite) ? 1 : 0;
}

bool malloc_failure_raised() {
  ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return false;
}

}  // namespace

bool make_cipher_list(const Context& context, std::span<const CipherSuite* const> suites13,
                      const char* text, CipherStringEffects& effects, CipherStackPtr& list) {
  if (text == nullptr) return false;
  std::string_view rules(text);
  CipherStringEffects changed = effects;
  CipherOrder order;
  if (!apply_suite_b(*context.method, changed, rules)) return false;
  if (!order.fill(context.missing_algorithms)) return malloc_failure_raised();
  if (!apply_rules(rules, order, changed)) return false;
  CipherStackPtr made(sk_SSL_CIPHER_new_null());
  if (made == nullptr || !push_suites13(context, suites13, made.get())) {
    return malloc_failure_raised();
  }
  bool any = false;
  for (const CipherOrder::Entry& entry : order.entries()) {
    if (!entry.enabled) continue;
    any = true;
    if (!push(made.get(), entry.suite)) return malloc_failure_raised();
  }
  if (!any) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_CIPHER_MATCH);
    return false;
  }
  effects = changed;
  list = std::move(made);
  return true;
}

bool parse_ciphersuites(const char* names, Array<const CipherSuite*>& suites) {
  NamedSuites named;
  if (*names != '\0' &&
      (CONF_parse_list(names, ':', 1, add_named_suite, &named) <= 0 || !named.any_known)) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_CIPHER_MATCH);
    return false;
  }
  suites = std::move(named.suites);
  return true;
}

CipherStackPtr replace_ciphersuites(const Context& context, const STACK_OF(SSL_CIPHER) * list,
                                    std::span<const CipherSuite* const> suites13) {
  CipherStackPtr made(sk_SSL_CIPHER_new_null());
  if (made == nullptr || !push_suites13(context, suites13, made.get())) return nullptr;
  for (int i = 0; i < sk_SSL_CIPHER_num(list); ++i) {
    const CipherSuite* suite = sk_SSL_CIPHER_value(list, i);
    if (suite->min_tls != TLS1_3_VERSION && !push(made.get(), suite)) return nullptr;
  }
  return made;
}

bool set_default_ciphers(Context& context) {
  Policy* policy = context.policy.edit();
  Array<const CipherSuite*> suites;
  if (policy == nullptr || !parse_ciphersuites(kDefaultCiphersuites, suites)) return false;
  CipherStringEffects effects{policy->security_level, policy->certificate_flags};
  // Without any suite the reason is not the string.
  ERR_set_mark();
  bool made =
      make_cipher_list(context, suites.view(), kDefaultCipherList, effects, context.ciphers);
  ERR_pop_to_mark();
  if (!made) return false;
  policy->ciphersuites13 = std::move(suites);
  return true;
}

}  // namespace handfast
