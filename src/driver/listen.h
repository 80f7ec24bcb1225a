// DTLSv1_listen(3): a server that keeps nothing about a client before it has shown a cookie.
#pragma once

#include "connection/connection.h"

namespace handfast {

// 1: a hello with a cookie of ours is there, and `connection` goes on with it; its sender is in
// `client`. 0: nothing of the kind yet. -1: failed, see the error queue.
int listen(Connection& connection, BIO_ADDR* client);

}  // namespace handfast
