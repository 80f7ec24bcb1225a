// ASYNC_start_job(3): the whole call runs on a fibre, and what it meets there, a callback of the
// application or an engine, may pause it.
#include <openssl/err.h>

#include "connection/connection.h"
#include "driver/driver.h"

namespace handfast {
namespace {

int perform(Connection& connection, const Call& call, size_t& done) {
  const View content = {static_cast<const uint8_t*>(call.buffer), call.length};
  switch (call.kind) {
    case Call::Kind::handshake:
      return do_handshake(connection);
    case Call::Kind::read:
    case Call::Kind::peek:
      return read(connection, {const_cast<uint8_t*>(content.data()), content.size()},
                  call.kind == Call::Kind::peek, done);
    case Call::Kind::write:
      return write(connection, content, done);
    case Call::Kind::shutdown:
      return shutdown(connection);
  }
  return -1;
}

// libcrypto keeps a copy as long as the job lives.
struct Arguments {
  Connection* connection;
  Call call;
};

int job_main(void* memory) {
  auto* arguments = static_cast<Arguments*>(memory);
  Connection& connection = *arguments->connection;
  return perform(connection, arguments->call, connection.job.done);
}

int wake_application(void* memory) {
  auto* connection = static_cast<Connection*>(memory);
  const Hooks& hooks = *connection->hooks;
  return hooks.async == nullptr ? 0 : hooks.async(connection, hooks.async_argument);
}

// SSL_set_async_callback(3): a callback that is set later is not for the jobs of this connection.
bool make_wait_context(Connection& connection) {
  if (connection.job.wait != nullptr) return true;
  connection.job.wait.reset(ASYNC_WAIT_CTX_new());
  if (connection.job.wait == nullptr) return false;
  return connection.hooks->async == nullptr ||
         ASYNC_WAIT_CTX_set_callback(connection.job.wait.get(), wake_application, &connection) == 1;
}

int refuse(Connection& connection, int reason) {
  connection.error_raised = true;
  ERR_raise(ERR_LIB_SSL, reason);
  return -1;
}

int wait(Connection& connection, int want) {
  connection.error_raised = false;
  connection.want = want;
  return -1;
}

// Starts the job, or goes on with the one that waits.
int run_job(Connection& connection, const Call& call, size_t& done) {
  if (!make_wait_context(connection)) return refuse(connection, ERR_R_MALLOC_FAILURE);
  Job& job = connection.job;
  Arguments arguments = {&connection, call};
  const bool resumed = job.paused != nullptr;
  const auto outside = static_cast<uint8_t>(connection.entered - job.entered);
  if (!resumed) job.kind = call.kind;
  job.entered = 0;
  job.running = true;
  connection.want = SSL_NOTHING;
  int result = -1;
  int ended =
      ASYNC_start_job(&job.paused, job.wait.get(), &result, job_main, &arguments, sizeof arguments);
  job.running = false;
  switch (ended) {
    case ASYNC_FINISH:
      job.paused = nullptr;
      if (result > 0) done = job.done;
      return result;
    case ASYNC_PAUSE:
      job.entered = static_cast<uint8_t>(connection.entered - outside);
      return wait(connection, SSL_ASYNC_PAUSED);
    case ASYNC_NO_JOBS:
      return wait(connection, SSL_ASYNC_NO_JOBS);
    default:
      // What a lost fibre has begun cannot go on.
      job.entered = static_cast<uint8_t>(connection.entered - outside);
      if (resumed) connection.phase = Phase::failed;
      return refuse(connection, SSL_R_FAILED_TO_INIT_ASYNC);
  }
}

}  // namespace

int run_call(Connection& connection, const Call& call, size_t& done) {
  Job& job = connection.job;
  const bool asynchronous = job.waits() || (connection.policy->mode & SSL_MODE_ASYNC) != 0;
  if (!asynchronous) return perform(connection, call, done);
  const bool inside = ASYNC_get_current_job() != nullptr;
  if (!job.waits() && inside) return perform(connection, call, done);
  // A job cannot go on inside another, nor can its result be that of another call; but a handshake
  // is what every call needs.
  const bool other = job.waits() && job.kind != call.kind;
  if (inside || (other && job.kind != Call::Kind::handshake)) {
    return wait(connection, SSL_ASYNC_PAUSED);
  }
  // SSL_free in a callback is put off until the fibre has ended.
  Entered entered(connection);
  int result = run_job(connection, call, done);
  if (!other || result <= 0 || job.waits()) return result;
  return run_job(connection, call, done);
}

}  // namespace handfast
