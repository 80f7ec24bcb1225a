// DTLSv1_listen(3), DTLSv1_get_timeout(3), DTLSv1_handle_timeout(3), DTLS_set_timer_cb(3),
// DTLS_get_data_mtu(3), SSL_set_mtu(3), DTLS_set_link_mtu(3).
#include <openssl/err.h>

#include "api/control_table.h"
#include "connection/connection.h"
#include "driver/datagram.h"
#include "driver/listen.h"
#include "driver/retransmission.h"

namespace handfast {

namespace {

using On = Control::On;

constexpr long kLeast{kMinLinkMtu};
constexpr long kMaxOverhead = 48;  // of IPv6 and UDP: the BIO, which knows it, may come later

DatagramChannel* datagram_of(ControlTarget& target) {
  return target.ssl->channel.datagram.get();
}

long get_timeout(ControlTarget& target, long, void* parg) {
  if (datagram_of(target) == nullptr) return 0;
  return time_left(*target.ssl, *static_cast<timeval*>(parg)) ? 1 : 0;
}

long handle_timeout_now(ControlTarget& target, long, void*) {
  // Inside a callback of the connection it is never time.
  if (datagram_of(target) == nullptr || target.ssl->driving) return 0;
  Entered entered(*target.ssl);
  return handle_timeout(*target.ssl);
}

long set_mtu(ControlTarget& target, long mtu, void*) {
  DatagramChannel* datagram = datagram_of(target);
  if (datagram == nullptr || mtu < kLeast - kMaxOverhead) return 0;
  datagram->mtu = static_cast<size_t>(mtu);
  return mtu;
}

long set_link_mtu(ControlTarget& target, long mtu, void*) {
  DatagramChannel* datagram = datagram_of(target);
  if (datagram == nullptr || mtu < kLeast) return 0;
  datagram->link_mtu = static_cast<size_t>(mtu);
  return 1;
}

long get_link_min_mtu(ControlTarget& target, long, void*) {
  return datagram_of(target) == nullptr ? 0 : kLeast;
}

constexpr Control kControls[] = {
    {DTLS_CTRL_GET_TIMEOUT, On::ssl, get_timeout},
    {DTLS_CTRL_HANDLE_TIMEOUT, On::ssl, handle_timeout_now},
    {SSL_CTRL_SET_MTU, On::ssl, set_mtu},
    {DTLS_CTRL_SET_LINK_MTU, On::ssl, set_link_mtu},
    {DTLS_CTRL_GET_LINK_MIN_MTU, On::ssl, get_link_min_mtu},
};

}  // namespace

std::span<const Control> datagram_controls() {
  return kControls;
}

}  // namespace handfast

extern "C" {

int DTLSv1_listen(SSL* ssl, BIO_ADDR* client) {
  return handfast::listen(*ssl, client);
}

void DTLS_set_timer_cb(SSL* ssl, DTLS_timer_cb callback) {
  if (ssl->channel.datagram != nullptr) ssl->channel.datagram->timer.callback = callback;
}

size_t DTLS_get_data_mtu(const SSL* ssl) {
  const handfast::Channel& channel = ssl->channel;
  if (channel.datagram == nullptr || SSL_get_current_cipher(ssl) == nullptr) return 0;
  return channel.fitting(channel.datagram->mtu);
}

}  // extern "C"
