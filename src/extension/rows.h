// The rows of the registry, each defined in the file of its name.
#pragma once

#include "extension/extension.h"

namespace handfast {

extern const Extension kRenegotiationInfo;
extern const Extension kServerName;
extern const Extension kMaxFragmentLength;
extern const Extension kSrp;
extern const Extension kEcPointFormats;
extern const Extension kSupportedGroups;
extern const Extension kSessionTicket;
extern const Extension kStatusRequest;
extern const Extension kNextProtocol;
extern const Extension kAlpn;
extern const Extension kUseSrtp;
extern const Extension kEncryptThenMac;
extern const Extension kSignedCertificateTimestamp;
extern const Extension kExtendedMasterSecret;
extern const Extension kSignatureAlgorithmsCert;
extern const Extension kPostHandshakeAuth;
extern const Extension kSignatureAlgorithms;
extern const Extension kSupportedVersions;
extern const Extension kPskKeyExchangeModes;
extern const Extension kKeyShare;
extern const Extension kCookie;
extern const Extension kEarlyData;
extern const Extension kCertificateAuthorities;
extern const Extension kPadding;
extern const Extension kPreSharedKey;

}  // namespace handfast
