// Names of protocol versions.
#pragma once

namespace handfast {

// As SSL_get_version(3) prints them: "TLSv1.3", …; "unknown" for what has no name.
const char* version_name(int version);

}  // namespace handfast
