#include "connection/connection.h"
#include "driver/driver.h"
#include "driver/transport.h"

namespace handfast {

// SSL_shutdown(3): 1 both close_notify are through, 0 ours is sent, -1 see SSL_get_error.
int shutdown(Connection& connection) {
  connection.error_raised = false;
  constexpr int kBoth = SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN;
  if (connection.policy->quiet_shutdown || connection.phase == Phase::before) {
    connection.shutdown = kBoth;
    return 1;
  }
  Entered entered(connection);
  if ((connection.shutdown & SSL_SENT_SHUTDOWN) == 0) {
    connection.shutdown |= SSL_SENT_SHUTDOWN;
    if (connection.write.sealed != 0) {
      // The alert must wait for the caller's unfinished SSL_write.
      connection.alert_unsent = true;
      return -1;
    }
    send_alert(connection, SSL3_AL_WARNING, Alert::close_notify);
    if (connection.alert_unsent) return -1;
    connection.want = SSL_NOTHING;
  } else if (connection.alert_unsent) {
    if (connection.write.sealed != 0) {
      fail(connection, internal_error(SSL_R_BAD_WRITE_RETRY));
      return -1;
    }
    if (send_output(connection, true) != Outgoing::sent) return -1;
  } else if ((connection.shutdown & SSL_RECEIVED_SHUTDOWN) == 0) {
    (void)await_close_notify(connection);
    if ((connection.shutdown & SSL_RECEIVED_SHUTDOWN) == 0) return -1;
  }
  if (connection.shutdown == kBoth) connection.want = SSL_NOTHING;
  return connection.shutdown == kBoth && !connection.alert_unsent ? 1 : 0;
}

}  // namespace handfast
