// ERR_load_SSL_strings(): the text of every reason code, and of none beside them.
#include "support/report.h"

namespace {

void texts() {
  for (int reason = 0; reason < 8192; reason++) {
    unsigned long code = ERR_PACK(ERR_LIB_SSL, 0, reason);
    if (const char* text = ERR_reason_error_string(code)) twin::out("%d %s", reason, text);
  }
}

void whole_message() {
  char message[256];
  ERR_error_string_n(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER), message, sizeof message);
  twin::out("%s", message);
  const char* library = ERR_lib_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER));
  twin::out("library: %s", library ? library : "none");
}

void load() {
  twin::out("returns %d", ERR_load_SSL_strings());
  twin::out("again %d", ERR_load_SSL_strings());
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run(
      {{"unloaded", texts}, {"load", load}, {"texts", texts}, {"message", whole_message}}, argc,
      argv);
}
