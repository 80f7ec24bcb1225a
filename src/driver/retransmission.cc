#include "driver/retransmission.h"

#include <openssl/bio.h>

#include <algorithm>
#include <utility>

#include "driver/datagram.h"
#include "driver/driver.h"
#include "driver/transport.h"
#include "handshake/flight.h"

namespace handfast {

namespace {

constexpr unsigned kMaxMicroseconds = 60000000;  // RFC 6347 4.2.4.1: at most 60 seconds
constexpr long kNearlyOver = 15000;
constexpr long kSecond = 1000000;
constexpr unsigned kMaxExpired = 12;
// RFC 6347 4.1.1.1: "If repeated retransmissions do not result in a response, and the PMTU is
// unknown, subsequent retransmissions SHOULD back off to a smaller record size".
constexpr unsigned kExpiredBeforeFallback = 2;

unsigned next_duration(Connection& connection, unsigned before) {
  const RetransmissionTimer& timer = connection.channel.datagram->timer;
  if (timer.callback != nullptr) return timer.callback(&connection, before);
  return before == 0 ? RetransmissionTimer::kInitialMicroseconds
                     : std::min(2 * before, kMaxMicroseconds);
}

void set_due(RetransmissionTimer& timer) {
  gettimeofday(&timer.due, nullptr);
  timer.due.tv_sec += timer.duration / kSecond;
  timer.due.tv_usec += timer.duration % kSecond;
  if (timer.due.tv_usec >= kSecond) {
    ++timer.due.tv_sec;
    timer.due.tv_usec -= kSecond;
  }
  timer.told = false;
}

void fall_back(Connection& connection) {
  DatagramChannel& datagram = *connection.channel.datagram;
  if ((connection.policy->options & SSL_OP_NO_QUERY_MTU) != 0) return;
  long mtu = BIO_ctrl(connection.wbio, BIO_CTRL_DGRAM_GET_FALLBACK_MTU, 0, nullptr);
  if (mtu >= 0) datagram.mtu = std::min(datagram.mtu, static_cast<size_t>(mtu));
}

// RFC 5246 7.4.1.1: a HelloRequest "may be ignored by the client". Only it waits for an answer
// outside of a handshake.
bool gives_up_hello_request(Connection& connection) {
  DatagramChannel& datagram = *connection.channel.datagram;
  if (connection.in_init || datagram.timer.expired < kMaxExpired) return false;
  datagram.forget_flight();
  tell_timer(connection);
  return true;
}

// What is sent here is told to the application, which must not drive the connection meanwhile.
class Driving {
 public:
  explicit Driving(Connection& connection)
      : connection_(connection), outer_(std::exchange(connection.driving, true)) {}
  ~Driving() { connection_.driving = outer_; }
  Driving(const Driving&) = delete;
  Driving& operator=(const Driving&) = delete;

 private:
  Connection& connection_;
  bool outer_;
};

// False: there have been too many, and the connection has failed.
bool count_expired(Connection& connection) {
  unsigned expired = ++connection.channel.datagram->timer.expired;
  if (expired > kExpiredBeforeFallback) fall_back(connection);
  if (expired <= kMaxExpired) return true;
  fail(connection, fatal(Alert::none, SSL_R_READ_TIMEOUT_EXPIRED));
  return false;
}

// Each message in datagrams of its own: what a path lost once it may lose again.
int send_again(Connection& connection) {
  if (!know_mtu(connection)) return -1;
  for (const SentMessage& message : connection.channel.datagram->flight.messages) {
    Verdict verdict = put_into_datagrams(connection, message);
    if (verdict.ok() && !connection.channel.end_datagram()) verdict = malloc_failure();
    if (!verdict.ok()) {
      fail(connection, verdict);
      return -1;
    }
  }
  return send_output(connection, true) == Outgoing::sent ? 1 : -1;
}

}  // namespace

bool time_left(const Connection& connection, timeval& left) {
  const RetransmissionTimer& timer = connection.channel.datagram->timer;
  if (!timer.on()) return false;
  timeval now;
  gettimeofday(&now, nullptr);
  left.tv_sec = timer.due.tv_sec - now.tv_sec;
  left.tv_usec = timer.due.tv_usec - now.tv_usec;
  if (left.tv_usec < 0) {
    --left.tv_sec;
    left.tv_usec += kSecond;
  }
  if (left.tv_sec < 0 || (left.tv_sec == 0 && left.tv_usec < kNearlyOver)) left = {};
  return true;
}

bool timer_is_over(const Connection& connection) {
  timeval left;
  return time_left(connection, left) && left.tv_sec == 0 && left.tv_usec == 0;
}

void start_timer(Connection& connection) {
  RetransmissionTimer& timer = connection.channel.datagram->timer;
  if (!timer.on()) timer.duration = next_duration(connection, 0);
  set_due(timer);
  tell_timer(connection);
}

int handle_timeout(Connection& connection) {
  if (!timer_is_over(connection)) return 0;
  if (gives_up_hello_request(connection)) return 0;
  Driving driving(connection);
  RetransmissionTimer& timer = connection.channel.datagram->timer;
  timer.duration = next_duration(connection, timer.duration);
  if (!count_expired(connection)) return -1;
  set_due(timer);
  tell_timer(connection);
  return send_again(connection);
}

int repeat_flight(Connection& connection) {
  Driving driving(connection);
  return count_expired(connection) ? send_again(connection) : -1;
}

void tell_timer(Connection& connection) {
  RetransmissionTimer& timer = connection.channel.datagram->timer;
  if (timer.told) return;
  timer.told = true;
  BIO_ctrl(connection.rbio, BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT, 0, &timer.due);
}

}  // namespace handfast
