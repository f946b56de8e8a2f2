#pragma once

#include <string>
#include <vector>

namespace culvert {

class ServerCertificate;

/// How clients are told to use the proxy at `url` ("http://127.0.0.1:3128"), a line each.  With
/// `sign_in` they need a user and a password.  Empty: proxy variables cannot name any listener.
std::vector<std::string> client_hints(std::string url, bool sign_in);

/// `url` ("https://10.0.0.1:3128") by a name that the certificate there is for.
std::string verifiable_url(const std::string& url, const ServerCertificate& certificate);

}  // namespace culvert
