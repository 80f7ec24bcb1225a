#include "session/cache.h"

#include <algorithm>
#include <ctime>

#include "config/context.h"

namespace handfast {
namespace {

const SessionKey& key_of(const void* item) {
  return *static_cast<const SessionKey*>(item);
}

View id_of(const SessionKey& key) {
  return {key.id, key.id_length};
}

// FNV-1a over the whole id: ids of an application may differ in their last bytes only.
unsigned long hash(const void* item) {
  uint64_t value = 0xcbf29ce484222325u;
  for (uint8_t byte : id_of(key_of(item))) value = (value ^ byte) * 0x100000001b3u;
  return value;
}

int compare(const void* left, const void* right) {
  const SessionKey &a = key_of(left), &b = key_of(right);
  return a.version == b.version && equal(id_of(a), id_of(b)) ? 0 : 1;
}

OPENSSL_LHASH* raw(LHASH_OF(SSL_SESSION) * table) {
  return reinterpret_cast<OPENSSL_LHASH*>(table);
}

Session* session_of(void* item) {
  return static_cast<Session*>(static_cast<SessionKey*>(item));
}

Session* retrieve(LHASH_OF(SSL_SESSION) * table, const SessionKey& key) {
  return session_of(OPENSSL_LH_retrieve(raw(table), &key));
}

SessionRef counted(Session* session) {
  if (session != nullptr) up_ref(session);
  return SessionRef(session);
}

}  // namespace

class SessionCache::ReadLock {
 public:
  explicit ReadLock(CRYPTO_RWLOCK* lock) : lock_(lock) { CRYPTO_THREAD_read_lock(lock); }
  ~ReadLock() { CRYPTO_THREAD_unlock(lock_); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  CRYPTO_RWLOCK* lock_;
};

class SessionCache::WriteLock {
 public:
  explicit WriteLock(CRYPTO_RWLOCK* lock) : lock_(lock) { CRYPTO_THREAD_write_lock(lock); }
  ~WriteLock() { CRYPTO_THREAD_unlock(lock_); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  CRYPTO_RWLOCK* lock_;
};

Unique<SessionCache> SessionCache::create() {
  Unique<SessionCache> cache(make<SessionCache>());
  if (cache == nullptr) return nullptr;
  cache->lock_ = CRYPTO_THREAD_lock_new();
  cache->table_ = reinterpret_cast<LHASH_OF(SSL_SESSION)*>(OPENSSL_LH_new(hash, compare));
  if (cache->lock_ == nullptr || cache->table_ == nullptr) return nullptr;
  return cache;
}

SessionCache::~SessionCache() {
  for (Entry& entry : heap_) {
    entry.session->cache = nullptr;
    free_session(entry.session);
  }
  OPENSSL_LH_free(raw(table_));
  CRYPTO_THREAD_lock_free(lock_);
}

size_t SessionCache::size() const {
  ReadLock lock(lock_);
  return heap_.size();
}

void SessionCache::place(size_t index, const Entry& entry) {
  heap_[index] = entry;
  entry.session->cache_index = index;
}

// Restores the heap's order around `index`, whose entry is new or changed.
void SessionCache::sift(size_t index) {
  Entry entry = heap_[index];
  while (index > 0 && entry < heap_[(index - 1) / 2]) {
    place(index, heap_[(index - 1) / 2]);
    index = (index - 1) / 2;
  }
  for (size_t child = 2 * index + 1; child < heap_.size(); child = 2 * index + 1) {
    if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
    if (entry < heap_[child]) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, entry);
}

// Out of table and heap; the cache's reference goes to the caller.
SessionRef SessionCache::take(Session* session) {
  OPENSSL_LH_delete(raw(table_), static_cast<SessionKey*>(session));
  size_t index = session->cache_index;
  Entry last = heap_.back();
  heap_.erase(heap_.size() - 1);
  if (index < heap_.size()) {
    place(index, last);
    sift(index);
  }
  session->cache = nullptr;
  return SessionRef(session);
}

bool SessionCache::add(Session& session) {
  SessionRef replaced;  // freed after the lock
  WriteLock lock(lock_);
  SessionCache* holder = nullptr;
  if (!session.cache.compare_exchange_strong(holder, this)) {
    if (holder == this) {
      heap_[session.cache_index] = {expiry(session), sequence_++, &session};
      sift(session.cache_index);
    }
    return false;
  }
  if (Session* other = retrieve(table_, session)) replaced = take(other);
  OPENSSL_LH_insert(raw(table_), static_cast<SessionKey*>(&session));
  if (OPENSSL_LH_error(raw(table_)) != 0 ||
      !heap_.push_back({expiry(session), sequence_++, &session})) {
    OPENSSL_LH_delete(raw(table_), static_cast<SessionKey*>(&session));
    session.cache = nullptr;
    return false;
  }
  up_ref(&session);
  sift(heap_.size() - 1);
  return true;
}

SessionRef SessionCache::find(const SessionKey& key) const {
  ReadLock lock(lock_);
  return counted(retrieve(table_, key));
}

SessionRef SessionCache::remove(const SessionKey& key) {
  WriteLock lock(lock_);
  Session* session = retrieve(table_, key);
  return session == nullptr ? nullptr : take(session);
}

SessionRef SessionCache::evict(size_t limit) {
  WriteLock lock(lock_);
  return heap_.size() > limit ? take(heap_[0].session) : nullptr;
}

SessionRef SessionCache::take_expired(long now) {
  WriteLock lock(lock_);
  if (heap_.empty() || (now != 0 && now <= heap_[0].expiry)) return nullptr;
  return take(heap_[0].session);
}

void SessionCache::reorder(Session& session) {
  WriteLock lock(lock_);
  if (session.cache != this) return;
  heap_[session.cache_index] = {expiry(session), sequence_++, &session};
  sift(session.cache_index);
}

namespace {

// A session has left the cache, or shall not be resumed although it was never in it.
void retire(Context& context, Session& session) {
  session.not_resumable = true;
  if (context.live.remove_session != nullptr) context.live.remove_session(&context, &session);
}

}  // namespace

bool add_session(Context& context, Session& session) {
  if ((context.session_cache_mode & SSL_SESS_CACHE_UPDATE_TIME) != 0) {
    session.time = std::time(nullptr);
  }
  // Room is made before, so that a session of short life is not the first to go.
  size_t limit = session.cache == context.sessions.get() ? 0 : context.session_cache_size;
  while (limit > 0) {
    SessionRef evicted = context.sessions->evict(limit - 1);
    if (evicted == nullptr) break;
    ++context.statistics.cache_full;
    retire(context, *evicted);
  }
  return context.sessions->add(session);
}

bool remove_session(Context& context, Session& session) {
  if (session.id_length == 0) return false;
  SessionRef removed = context.sessions->remove(session);
  retire(context, session);
  return removed != nullptr;
}

void flush_sessions(Context& context, long now) {
  while (SessionRef expired = context.sessions->take_expired(now)) retire(context, *expired);
}

}  // namespace handfast
