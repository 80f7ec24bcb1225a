#include "driver/kernel_tls.h"

#include <sys/sendfile.h>

#include <cerrno>

#include "driver/transport.h"
#include "handshake/handshake.h"
#include "handshake/keys12.h"
#include "record/kernel_keys.h"

namespace handfast {

namespace {

// Of libcrypto's socket BIOs; <openssl/bio.h> keeps the numbers free, without names.
constexpr int kSetKtls = 72;
constexpr int kSetKtlsRecordType = 74;
constexpr long kSend = 1;
constexpr long kReceive = 0;

// Where the kernel does not have it, it says so here.
bool install(BIO* bio, long direction, KernelKeys& keys) {
  int question = direction == kSend ? BIO_CTRL_GET_KTLS_SEND : BIO_CTRL_GET_KTLS_RECV;
  return BIO_ctrl(bio, kSetKtls, direction, keys.for_bio()) > 0 &&
         BIO_ctrl(bio, question, 0, nullptr) > 0;
}

bool install_writing13(Connection& connection, const CipherSuite& suite) {
  TrafficKeys keys;
  size_t length = suite.cipher == CipherId::aes128_gcm ? 16 : 32;
  RecordWriter& writer = connection.channel.writer;
  if (!connection.write_secret.keys(length, keys)) return false;
  KernelKeys kernel(suite, TLS1_3_VERSION, keys.key.view(), keys.iv.view(),
                    writer.protection().sequence());
  if (!install(connection.wbio, kSend, kernel)) return false;
  writer.leave_to_kernel();
  return true;
}

bool install_writing12(Connection& connection, const Handshake& hs) {
  RecordWriter& writer = connection.channel.writer;
  RecordKeys keys = record_keys12(hs, hs.server);
  uint8_t nonce[Protection::kNonceLength];
  writer.protection().nonce_for_another(nonce);
  KernelKeys kernel(*hs.negotiated->suite, TLS1_2_VERSION, keys.key, nonce,
                    writer.protection().sequence());
  if (!install(connection.wbio, kSend, kernel)) return false;
  writer.leave_to_kernel();
  return true;
}

// Bytes that were received already are not the kernel's any more.
bool install_reading12(Connection& connection, const Handshake& hs) {
  Channel& channel = connection.channel;
  if (!channel.received().empty() || !channel.plaintext.empty()) return false;
  RecordKeys keys = record_keys12(hs, !hs.server);
  uint8_t nonce[Protection::kNonceLength];
  channel.reader.protection().nonce_for_another(nonce);
  KernelKeys kernel(*hs.negotiated->suite, TLS1_2_VERSION, keys.key, nonce,
                    channel.reader.protection().sequence());
  if (!install(connection.rbio, kReceive, kernel)) return false;
  channel.reader.leave_to_kernel();
  return true;
}

// The kernel makes records of full length, and has no padding.
bool settings_fit(const Connection& connection, uint16_t version) {
  bool pads = connection.policy->block_padding > 1 || connection.hooks->record_padding != nullptr;
  return (connection.policy->options & SSL_OP_ENABLE_KTLS) != 0 &&
         fragment_limit(connection) == kMaxPlaintextLength && (version < TLS1_3_VERSION || !pads);
}

}  // namespace

Verdict leave_to_kernel(Connection& connection, Handshake& hs) {
  if (hs.datagram) return success();
  RecordWriter& writer = connection.channel.writer;
  if (writer.in_kernel()) {
    bool current =
        !writer.kernel_keys_old() || install_writing13(connection, *hs.negotiated->suite);
    return current ? success() : internal_error();
  }
  uint16_t version = hs.negotiated->version;
  const CipherSuite& suite = *hs.negotiated->suite;
  if (hs.post_handshake || !settings_fit(connection, version) || !kernel_has(suite, version) ||
      connection.channel.unsent() || BIO_flush(connection.wbio) <= 0) {
    return success();
  }
  if (version == TLS1_3_VERSION) {
    (void)install_writing13(connection, suite);
    return success();
  }
  // The kernel has no second keys for a renegotiation.
  Policy* policy = connection.policy.edit();
  if (policy == nullptr) return malloc_failure();
  bool writing = install_writing12(connection, hs);
  bool reading = install_reading12(connection, hs);
  if (writing || reading) policy->options |= SSL_OP_NO_RENEGOTIATION;
  return success();
}

int write_to_kernel(Connection& connection) {
  Channel& channel = connection.channel;
  View left = channel.output.view().subspan(channel.output_begin);
  View content = left.subspan(kRecordHeaderLength, size_t{left[3]} * 256 + left[4]);
  bool data = left[0] == static_cast<uint8_t>(ContentType::application_data);
  if (!data) BIO_ctrl(connection.wbio, kSetKtlsRecordType, left[0], nullptr);
  int length = content.empty()
                   ? 0
                   : BIO_write(connection.wbio, content.data(), static_cast<int>(content.size()));
  if (length <= 0 && !content.empty()) return length;
  auto done = static_cast<size_t>(length);
  if (done == content.size()) return static_cast<int>(kRecordHeaderLength + done);
  // The rest is a record of its own: its header takes the place of what has been sent.
  uint8_t* header = channel.output.data() + channel.output_begin + done;
  size_t rest = content.size() - done;
  header[0] = static_cast<uint8_t>(ContentType::application_data);
  header[3] = static_cast<uint8_t>(rest >> 8);
  header[4] = static_cast<uint8_t>(rest);
  return length;
}

Verdict kernel_read_failure() {
  switch (errno) {
    case EBADMSG:
      return fatal(Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
    case EMSGSIZE:
      return fatal(Alert::record_overflow, SSL_R_PACKET_LENGTH_TOO_LONG);
    case EINVAL:
      return fatal(Alert::protocol_version, SSL_R_WRONG_VERSION_NUMBER);
    default:
      return success();
  }
}

ossl_ssize_t send_file(Connection& connection, int file, off_t offset, size_t size) {
  Entered entered(connection);
  connection.error_raised = false;
  if (send_output(connection, true) != Outgoing::sent) {
    if (!BIO_should_retry(connection.wbio)) connection.want = SSL_NOTHING;
    return -1;
  }
  connection.want = SSL_WRITING;
  ossl_ssize_t sent = sendfile(SSL_get_wfd(&connection), file, &offset, size);
  if (sent >= 0) {
    connection.want = SSL_NOTHING;
    return sent;
  }
  if (errno == EAGAIN || errno == EINTR || errno == EBUSY) {
    BIO_set_retry_write(connection.wbio);
  } else {
    ERR_raise(ERR_LIB_SSL, SSL_R_UNINITIALIZED);
    connection.error_raised = true;
  }
  return -1;
}

}  // namespace handfast
