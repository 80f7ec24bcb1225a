// Linux's TLS for sockets (kernel TLS) in this process, for machines whose kernel has none: the
// calls that libcrypto's socket BIOs and libssl make end here. For one source file of a program.
#pragma once

#include <dlfcn.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

namespace twin::kernel {

/// One direction of a socket.
struct Keys {
  bool on = false;
  uint16_t version = 0, type = 0;
  std::string key, salt, iv;
  uint64_t sequence = 0;
};

struct Socket {
  bool prepared = false;  ///< TCP_ULP "tls"
  Keys sending, receiving;
  std::string unsent;     ///< sealed, not taken by the socket yet
  std::string received;   ///< records
  std::string plaintext;  ///< of a record that was too long for the caller
  uint8_t plaintext_type = 0;
};

struct State {
  bool present = true;  ///< the kernel has TLS
  bool real = false;    ///< everything is left to the machine's kernel
  bool sends = true, receives = true;
  bool rekeys = false;     ///< as Linux 6.14 does
  bool corrupts = false;   ///< what is received next is not authentic
  size_t longest = 16384;  ///< bytes that one write takes
  bool blocks = false;     ///< every second write waits
  bool blocked = false;
  std::map<int, Socket> sockets;
  std::map<int, int> sent, opened;  ///< records by type
};

inline State& state() {
  static State value;
  return value;
}

inline Socket* find(int descriptor) {
  auto found = state().sockets.find(descriptor);
  return found == state().sockets.end() ? nullptr : &found->second;
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// --- records ---

inline const char* cipher_name(uint16_t type) {
  switch (type) {
    case TLS_CIPHER_AES_GCM_128:
      return "AES-128-GCM";
    case TLS_CIPHER_AES_GCM_256:
      return "AES-256-GCM";
    case TLS_CIPHER_AES_CCM_128:
      return "AES-128-CCM";
    default:
      return "ChaCha20-Poly1305";
  }
}

template <typename Info>
void take(Keys& keys, const void* data) {
  Info info;
  std::memcpy(&info, data, sizeof info);
  auto text = [](const auto& bytes) {
    return std::string(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  };
  keys = {true, info.info.version, info.info.cipher_type, text(info.key), "", text(info.iv), 0};
  if constexpr (sizeof info.iv < 12) keys.salt = text(info.salt);
  for (unsigned char byte : info.rec_seq) keys.sequence = keys.sequence << 8 | byte;
}

inline bool set_keys(Keys& keys, const void* data, size_t length) {
  tls_crypto_info info;
  if (length < sizeof info) return false;
  std::memcpy(&info, data, sizeof info);
  switch (info.cipher_type) {
    case TLS_CIPHER_AES_GCM_128:
      if (length != sizeof(tls12_crypto_info_aes_gcm_128)) return false;
      take<tls12_crypto_info_aes_gcm_128>(keys, data);
      return true;
    case TLS_CIPHER_AES_GCM_256:
      if (length != sizeof(tls12_crypto_info_aes_gcm_256)) return false;
      take<tls12_crypto_info_aes_gcm_256>(keys, data);
      return true;
    case TLS_CIPHER_AES_CCM_128:
      if (length != sizeof(tls12_crypto_info_aes_ccm_128)) return false;
      take<tls12_crypto_info_aes_ccm_128>(keys, data);
      return true;
    case TLS_CIPHER_CHACHA20_POLY1305:
      if (length != sizeof(tls12_crypto_info_chacha20_poly1305)) return false;
      take<tls12_crypto_info_chacha20_poly1305>(keys, data);
      return true;
    default:
      return false;
  }
}

inline std::string number(uint64_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes));
  return out;
}

inline bool explicit_nonce(const Keys& keys) {
  return keys.version == 0x0303 && keys.type != TLS_CIPHER_CHACHA20_POLY1305;
}

inline std::string nonce_of(const Keys& keys) {
  std::string nonce = keys.salt + keys.iv;
  if (explicit_nonce(keys)) return nonce;
  for (size_t i = 0; i < 8; i++) nonce[11 - i] ^= static_cast<char>(keys.sequence >> (8 * i));
  return nonce;
}

inline const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Seals or opens in place; `tag` is written or checked.
inline bool crypt(const Keys& keys, const std::string& nonce, const std::string& additional,
                  std::string& text, unsigned char* tag, bool seal) {
  static OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();  // whatever the program has loaded
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(library, cipher_name(keys.type), nullptr);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  bool ccm = keys.type == TLS_CIPHER_AES_CCM_128;
  int length = 0;
  auto* data = reinterpret_cast<unsigned char*>(text.data());
  int size = static_cast<int>(text.size());
  bool ok =
      EVP_CipherInit_ex(context, cipher, nullptr, nullptr, nullptr, seal) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, 12, nullptr) > 0 &&
      ((seal && !ccm) ||
       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, seal ? nullptr : tag) > 0) &&
      EVP_CipherInit_ex(context, nullptr, nullptr, bytes(keys.key), bytes(nonce), seal) == 1 &&
      (!ccm || EVP_CipherUpdate(context, nullptr, &length, nullptr, size) == 1) &&
      EVP_CipherUpdate(context, nullptr, &length, bytes(additional),
                       static_cast<int>(additional.size())) == 1 &&
      EVP_CipherUpdate(context, data, &length, data, size) == 1 &&
      EVP_CipherFinal_ex(context, data + length, &length) == 1 &&
      (!seal || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) > 0);
  EVP_CIPHER_CTX_free(context);
  EVP_CIPHER_free(cipher);
  return ok;
}

inline std::string header(uint8_t type, size_t length) {
  return number(type, 1) + number(0x0303, 2) + number(length, 2);
}

inline void next_record(Keys& keys) {
  keys.sequence++;
  if (!explicit_nonce(keys)) return;
  for (size_t i = keys.iv.size(); i-- > 0 && ++keys.iv[i] == 0;) {
  }
}

inline std::string sealed(Keys& keys, uint8_t type, std::string text) {
  unsigned char tag[16];
  std::string nonce = nonce_of(keys), record, additional;
  if (keys.version == 0x0304) {
    text += static_cast<char>(type);
    record = additional = header(23, text.size() + sizeof tag);
  } else {
    std::string visible = explicit_nonce(keys) ? keys.iv : "";
    additional = number(keys.sequence, 8) + header(type, text.size());
    record = header(type, visible.size() + text.size() + sizeof tag) + visible;
  }
  if (!crypt(keys, nonce, additional, text, tag, true)) std::abort();
  next_record(keys);
  return record + text + std::string(reinterpret_cast<char*>(tag), sizeof tag);
}

/// The plaintext of a whole record of TLS 1.2; false: not authentic.
inline bool opened(Keys& keys, const std::string& record, std::string& text) {
  size_t visible = explicit_nonce(keys) ? 8 : 0;
  if (record.size() < 5 + visible + 16) return false;
  std::string nonce = visible ? keys.salt + record.substr(5, 8) : nonce_of(keys);
  text = record.substr(5 + visible, record.size() - 5 - visible - 16);
  unsigned char tag[16];
  std::memcpy(tag, record.data() + record.size() - 16, 16);
  std::string additional =
      number(keys.sequence, 8) + header(static_cast<uint8_t>(record[0]), text.size());
  bool good = crypt(keys, nonce, additional, text, tag, false);
  next_record(keys);
  return good;
}

// --- the calls ---

inline bool flush(int descriptor, Socket& socket) {
  while (!socket.unsent.empty()) {
    ssize_t count = real<decltype(::send)>("send")(descriptor, socket.unsent.data(),
                                                   socket.unsent.size(), MSG_NOSIGNAL);
    if (count < 0) return false;
    socket.unsent.erase(0, static_cast<size_t>(count));
  }
  return true;
}

inline ssize_t send_record(int descriptor, Socket& socket, uint8_t type, const void* data,
                           size_t length) {
  if (!flush(descriptor, socket)) return -1;
  if (state().blocks && (state().blocked = !state().blocked)) {
    errno = EAGAIN;
    return -1;
  }
  size_t taken = type == 23 ? std::min({length, state().longest, size_t{16384}}) : length;
  state().sent[type]++;
  socket.unsent = sealed(socket.sending, type, {static_cast<const char*>(data), taken});
  (void)flush(descriptor, socket);
  return static_cast<ssize_t>(taken);
}

/// Takes the next whole record out of what came; 1, or as recv(2) says.
inline ssize_t receive_record(int descriptor, Socket& socket, std::string& record) {
  for (;;) {
    if (socket.received.size() >= 5) {
      auto at = [&](size_t i) {
        return static_cast<size_t>(static_cast<uint8_t>(socket.received[i]));
      };
      size_t whole = 5 + (at(3) << 8 | at(4));
      if (socket.received.size() >= whole) {
        record = socket.received.substr(0, whole);
        socket.received.erase(0, whole);
        return 1;
      }
    }
    char buffer[4096];
    ssize_t count = real<decltype(::recv)>("recv")(descriptor, buffer, sizeof buffer, 0);
    if (count <= 0) return count;
    socket.received.append(buffer, static_cast<size_t>(count));
  }
}

inline ssize_t receive(int descriptor, Socket& socket, msghdr* message) {
  if (socket.plaintext.empty()) {
    std::string record;
    ssize_t result = receive_record(descriptor, socket, record);
    if (result <= 0) return result;
    if (state().corrupts) record.back() = static_cast<char>(record.back() ^ 1);
    socket.plaintext_type = static_cast<uint8_t>(record[0]);
    if (!opened(socket.receiving, record, socket.plaintext)) {
      errno = EBADMSG;
      return -1;
    }
    state().opened[socket.plaintext_type]++;
  }
  size_t length = std::min(message->msg_iov[0].iov_len, socket.plaintext.size());
  std::memcpy(message->msg_iov[0].iov_base, socket.plaintext.data(), length);
  socket.plaintext.erase(0, length);
  cmsghdr* control = CMSG_FIRSTHDR(message);
  control->cmsg_level = SOL_TLS;
  control->cmsg_type = TLS_GET_RECORD_TYPE;
  control->cmsg_len = CMSG_LEN(1);
  *CMSG_DATA(control) = socket.plaintext_type;
  message->msg_controllen = control->cmsg_len;
  message->msg_flags = MSG_EOR;
  return static_cast<ssize_t>(length);
}

inline int set_option(int descriptor, int option, const void* data, size_t length) {
  Socket* socket = find(descriptor);
  bool sending = option == TLS_TX;
  if (!socket || !(sending ? state().sends : state().receives)) {
    errno = ENOPROTOOPT;
    return -1;
  }
  Keys& keys = sending ? socket->sending : socket->receiving;
  if (keys.on && !state().rekeys) {
    errno = EBUSY;
    return -1;
  }
  if (set_keys(keys, data, length)) return 0;
  errno = EINVAL;
  return -1;
}

}  // namespace twin::kernel

extern "C" {

int setsockopt(int descriptor, int level, int option, const void* value,
               socklen_t length) noexcept {
  using namespace twin::kernel;
  if (level == SOL_TLS && !state().real) return set_option(descriptor, option, value, length);
  if (state().real || level != SOL_TCP || option != TCP_ULP) {
    return real<decltype(setsockopt)>("setsockopt")(descriptor, level, option, value, length);
  }
  if (!state().present) {
    errno = ENOENT;
    return -1;
  }
  state().sockets[descriptor].prepared = true;
  return 0;
}

ssize_t write(int descriptor, const void* data, size_t length) {
  using namespace twin::kernel;
  Socket* socket = find(descriptor);
  if (socket && socket->sending.on) return send_record(descriptor, *socket, 23, data, length);
  return real<decltype(write)>("write")(descriptor, data, length);
}

ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
  using namespace twin::kernel;
  Socket* socket = find(descriptor);
  if (!socket || !socket->sending.on) {
    return real<decltype(sendmsg)>("sendmsg")(descriptor, message, flags);
  }
  cmsghdr* control = CMSG_FIRSTHDR(message);
  uint8_t type = control ? *CMSG_DATA(control) : 23;
  return send_record(descriptor, *socket, type, message->msg_iov[0].iov_base,
                     message->msg_iov[0].iov_len);
}

ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
  using namespace twin::kernel;
  Socket* socket = find(descriptor);
  if (socket && socket->receiving.on) return receive(descriptor, *socket, message);
  return real<decltype(recvmsg)>("recvmsg")(descriptor, message, flags);
}

ssize_t sendfile(int descriptor, int file, off_t* offset, size_t length) noexcept {
  using namespace twin::kernel;
  Socket* socket = find(descriptor);
  if (!socket || !socket->sending.on) {
    return real<decltype(sendfile)>("sendfile")(descriptor, file, offset, length);
  }
  std::string part(std::min(length, state().longest), '\0');
  ssize_t count = pread(file, part.data(), part.size(), *offset);
  if (count <= 0) return count;
  count = send_record(descriptor, *socket, 23, part.data(), static_cast<size_t>(count));
  if (count > 0) *offset += count;
  return count;
}

int close(int descriptor) {
  twin::kernel::state().sockets.erase(descriptor);
  return twin::kernel::real<decltype(close)>("close")(descriptor);
}

}  // extern "C"
