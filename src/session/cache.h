// The internal session cache of an SSL_CTX.
#pragma once

#include <openssl/lhash.h>
#include <openssl/ssl.h>

#include <cstdint>

#include "session/session.h"
#include "wire/allocate.h"
#include "wire/array.h"

namespace handfast {

// Sessions by their key in a hash table (the one that SSL_CTX_sessions(3) hands out), and by their
// expiry in a heap. Each session is in at most one cache. Usable by any number of threads; no
// callback runs under its lock.
class SessionCache {
 public:
  // nullptr: memory.
  static Unique<SessionCache> create();
  SessionCache() = default;
  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;
  ~SessionCache();

  [[nodiscard]] size_t size() const;
  [[nodiscard]] LHASH_OF(SSL_SESSION) * table() const { return table_; }

  // Takes a reference of its own. A different session under the same key is dropped. False: it is
  // here already (its place by expiry is brought up to date), in another cache, or memory is short.
  bool add(Session& session);
  // A new reference; nullptr: not here. It may have timed out.
  [[nodiscard]] SessionRef find(const SessionKey& key) const;
  // What has this key leaves the cache.
  SessionRef remove(const SessionKey& key);
  // The session that times out first leaves the cache, if more than `limit` are there.
  SessionRef evict(size_t limit);
  // As evict, if it timed out before `now`; 0: any.
  SessionRef take_expired(long now);
  // The session's time or timeout has changed.
  void reorder(Session& session);

 private:
  struct Entry {
    long expiry;
    uint64_t sequence;  // of two that expire together, the older one goes first
    Session* session;
    bool operator<(const Entry& other) const {
      return expiry != other.expiry ? expiry < other.expiry : sequence < other.sequence;
    }
  };
  class ReadLock;
  class WriteLock;

  void place(size_t index, const Entry& entry);
  void sift(size_t index);
  SessionRef take(Session* session);

  CRYPTO_RWLOCK* lock_ = nullptr;
  LHASH_OF(SSL_SESSION) * table_ = nullptr;
  Array<Entry> heap_;
  uint64_t sequence_ = 0;
};

// --- The operations of the API, with the context's callbacks and statistics ---
// SSL_CTX_add_session(3), SSL_CTX_remove_session(3), SSL_CTX_flush_sessions(3).
bool add_session(SSL_CTX& context, Session& session);
bool remove_session(SSL_CTX& context, Session& session);
void flush_sessions(SSL_CTX& context, long now);

}  // namespace handfast
