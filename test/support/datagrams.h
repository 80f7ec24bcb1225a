// Datagrams between two ends of one process: kept apart, with accidents on their way, and told.
#pragma once

#include <openssl/bio.h>
#include <sys/time.h>

#include <deque>
#include <map>
#include <utility>

#include "hello_editor.h"
#include "loggers.h"

namespace twin {

using Datagrams = std::vector<std::string>;

/// What arrives in the place of the datagram that is the `nth` to leave, from 0.
using Fate = std::function<Datagrams(size_t nth, const std::string& datagram)>;

/// One direction.
struct Way {
  std::deque<std::string> arrived{};  ///< wait for their reader
  Datagrams sent{};                   ///< those that left since tell_sent
  size_t count = 0;
  Fate fate{};

  void send(const std::string& datagram) {
    size_t nth = count++;
    sent.push_back(datagram);
    if (!fate) return arrived.push_back(datagram);
    for (const std::string& one : fate(nth, datagram)) arrived.push_back(one);
  }
  void clear() {
    arrived.clear();
    sent.clear();
    count = 0;
  }
};

/// One end, and how its BIO answers.
struct Port {
  Way *in, *out;
  long query_mtu = 1472, overhead = 28, fallback_mtu = 548;
  size_t limit = SIZE_MAX;     ///< larger datagrams cannot be written
  bool limit_is_mtu = true;    ///< what BIO_CTRL_DGRAM_MTU_EXCEEDED says then
  bool stalled = false;        ///< writes ask for a retry
  BIO_ADDR* peer = nullptr;    ///< whom BIO_CTRL_DGRAM_GET_PEER tells; null: not supported
  std::map<int, int> asked{};  ///< how often each BIO_CTRL_DGRAM_* came
  long set_mtu = 0;            ///< the last BIO_CTRL_DGRAM_SET_MTU
  bool timer = false;          ///< a next timeout is set
  bool exceeded = false;
};

inline int port_read(BIO* bio, char* data, int size) {
  Port& port = *static_cast<Port*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (port.in->arrived.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::string datagram = port.in->arrived.front();
  port.in->arrived.pop_front();
  size_t length = std::min(datagram.size(), static_cast<size_t>(size));
  std::copy_n(datagram.data(), length, data);
  return static_cast<int>(length);
}

inline int port_write(BIO* bio, const char* data, int size) {
  Port& port = *static_cast<Port*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (port.stalled) {
    BIO_set_retry_write(bio);
    return -1;
  }
  if (static_cast<size_t>(size) > port.limit) {
    port.exceeded = port.limit_is_mtu;
    return -1;
  }
  port.out->send({data, static_cast<size_t>(size)});
  return size;
}

inline long port_control(BIO* bio, int command, long argument, void* pointer) {
  Port& port = *static_cast<Port*>(BIO_get_data(bio));
  if (command >= BIO_CTRL_DGRAM_CONNECT && command <= BIO_CTRL_DGRAM_GET_MTU_OVERHEAD) {
    port.asked[command]++;
  }
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
      return port.query_mtu;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
      return port.overhead;
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return port.fallback_mtu;
    case BIO_CTRL_DGRAM_SET_MTU:
      return port.set_mtu = argument;
    case BIO_CTRL_DGRAM_MTU_EXCEEDED:
      return std::exchange(port.exceeded, false);
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: {
      auto* next = static_cast<timeval*>(pointer);
      port.timer = next->tv_sec != 0 || next->tv_usec != 0;
      return 1;
    }
    case BIO_CTRL_DGRAM_GET_PEER:
      if (!port.peer) return 0;
      BIO_ADDR_rawmake(static_cast<BIO_ADDR*>(pointer), AF_INET, "\x7f\0\0\1", 4,
                       BIO_ADDR_rawport(port.peer));
      return 16;
    default:
      return 0;
  }
}

inline BIO* new_port_bio(Port* port) {
  static BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    BIO_meth_set_read(made, port_read);
    BIO_meth_set_write(made, port_write);
    BIO_meth_set_ctrl(made, port_control);
    return made;
  }();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, port);
  BIO_set_init(bio, 1);
  return bio;
}

/// Both directions and both ends; must outlive the connections.
struct Net {
  Way to_server, to_client;
  Port client{&to_client, &to_server}, server{&to_server, &to_client};

  Net() = default;
  Net(const Net&) = delete;
  Net& operator=(const Net&) = delete;
  void clear() {
    to_server.clear();
    to_client.clear();
  }
};

inline void link_datagrams(Peers& peers, Net& net) {
  BIO* client = new_port_bio(&net.client);
  BIO* server = new_port_bio(&net.server);
  SSL_set_bio(peers.client.get(), client, client);
  SSL_set_bio(peers.server.get(), server, server);
}

/// The records of a datagram; what is no whole record stays in one piece.
inline Datagrams records_of(const std::string& datagram) {
  Datagrams records;
  for (size_t at = 0; at < datagram.size();) {
    size_t left = datagram.size() - at, size = left;
    if (left >= 13) size = std::min(left, 13 + number(datagram, at + 11, 2));
    records.push_back(datagram.substr(at, size));
    at += size;
  }
  return records;
}

/// "handshake feff 0:1 ServerHello seq 1 0+90/90": version, epoch and sequence number; of epoch 0
/// the message, its number, where the fragment begins, its length and that of the whole.
inline std::string describe_record(const std::string& record, bool lengths) {
  if (record.size() < 13 || record.size() != 13 + number(record, 11, 2)) {
    return text("%zu bytes that are no record", record.size());
  }
  int type = static_cast<unsigned char>(record[0]);
  size_t epoch = number(record, 3, 2), length = record.size() - 13;
  std::string line = text("%s %04zx %zu:%zu", content_name(type), number(record, 1, 2), epoch,
                          number(record, 5, 6));
  if (type == SSL3_RT_ALERT && epoch == 0 && length == 2) {
    return line + text(" %s %s", SSL_alert_type_string_long(record[13] << 8),
                       SSL_alert_desc_string_long(static_cast<unsigned char>(record[14])));
  }
  if (type != SSL3_RT_HANDSHAKE || epoch != 0 || length < 12) {
    return lengths ? line + text(" %zu", length) : line;
  }
  int message = static_cast<unsigned char>(record[13]);
  line += text(" %s seq %zu", message_name(message), number(record, 17, 2));
  if (!lengths || message == SSL3_MT_NEWSESSION_TICKET) return line;
  return line +
         text(" %zu+%zu/%zu", number(record, 19, 3), number(record, 22, 3), number(record, 14, 3));
}

inline std::string describe(const std::string& datagram, bool lengths = true) {
  std::string line;
  for (const std::string& record : records_of(datagram)) {
    line += (line.empty() ? "" : " | ") + describe_record(record, lengths);
  }
  return line;
}

/// What left in one direction since the last time, a datagram a line.
inline void tell_sent(const char* title, Way& way, bool lengths = true) {
  out("%s:", title);
  for (const std::string& datagram : way.sent) out("  %s", describe(datagram, lengths).c_str());
  way.sent.clear();
}

inline void tell_sent(Net& net, bool lengths = true) {
  tell_sent("from the client", net.to_server, lengths);
  tell_sent("from the server", net.to_client, lengths);
}

/// Which questions a BIO was asked, not how often.
inline std::string asked(const Port& port) {
  static const std::map<int, const char*> kNames = {
      {BIO_CTRL_DGRAM_QUERY_MTU, "QUERY_MTU"},
      {BIO_CTRL_DGRAM_SET_MTU, "SET_MTU"},
      {BIO_CTRL_DGRAM_MTU_EXCEEDED, "MTU_EXCEEDED"},
      {BIO_CTRL_DGRAM_SET_PEER, "SET_PEER"},
      {BIO_CTRL_DGRAM_GET_PEER, "GET_PEER"},
      {BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT, "SET_NEXT_TIMEOUT"},
      {BIO_CTRL_DGRAM_GET_FALLBACK_MTU, "GET_FALLBACK_MTU"},
      {BIO_CTRL_DGRAM_GET_MTU_OVERHEAD, "GET_MTU_OVERHEAD"}};
  std::string names;
  for (const auto& [command, count] : port.asked) {
    auto name = kNames.find(command);
    names += (names.empty() ? "" : " ") +
             (name == kNames.end() ? text("%d", command) : std::string(name->second));
  }
  return names;
}

/// Fates.
inline Fate lose(std::vector<size_t> which) {
  return [which](size_t nth, const std::string& datagram) {
    bool lost = std::find(which.begin(), which.end(), nth) != which.end();
    return lost ? Datagrams{} : Datagrams{datagram};
  };
}

inline Fate lose_all() {
  return [](size_t, const std::string&) { return Datagrams{}; };
}

inline Fate each_twice() {
  return [](size_t, const std::string& datagram) { return Datagrams{datagram, datagram}; };
}

/// Changes the `which`th.
inline Fate change(size_t which, const std::function<void(std::string&)>& how) {
  return [=](size_t nth, const std::string& datagram) {
    std::string changed = datagram;
    if (nth == which) how(changed);
    return Datagrams{changed};
  };
}

}  // namespace twin
