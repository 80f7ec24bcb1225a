// SSL_alert_type_string(3): every value that an alert, or a wrong caller, can give.
#include <utility>

#include "support/report.h"

namespace {

constexpr std::pair<const char*, const char* (*)(int)> kFunctions[] = {
    {"type", [](int value) { return SSL_alert_type_string(value); }},
    {"type_long", [](int value) { return SSL_alert_type_string_long(value); }},
    {"desc", [](int value) { return SSL_alert_desc_string(value); }},
    {"desc_long", [](int value) { return SSL_alert_desc_string_long(value); }},
};

// A line wherever the answer changes says as much as a line for each value.
void every_value(const char* (*function)(int), int first, int last) {
  std::string before;
  for (int value = first; value <= last; value++) {
    std::string now = function(value);
    if (value == first || now != before) twin::out("%d: %s", value, now.c_str());
    before = now;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<twin::Case> cases;
  for (auto [name, function] : kFunctions) {
    cases.push_back({name, [function = function] { every_value(function, 0, 65535); }});
    cases.push_back({std::string(name) + "_outside", [function = function] {
                       every_value(function, -1024, -1);
                       every_value(function, 65536, 66560);
                     }});
  }
  return twin::run(cases, argc, argv);
}
