#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace culvert {

class ServerCertificate;

/// How clients are told to use the proxy at `url` ("http://127.0.0.1:3128"), a line each.  With
/// `sign_in` they need a user and a password.  Empty: proxy variables cannot name any listener.
/// `registry` is the program of that name as it is called here; empty: there is none.
std::vector<std::string> client_hints(std::string url, bool sign_in, std::string_view registry);

/// The registry of the distribution project: "registry", or "docker-registry" in Debian; empty if
/// neither is there.
std::string_view find_registry();

/// `url`, if it names every address ("http://0.0.0.0:3128"), by one of this machine to which its
/// own clients connect.
std::string local_url(std::string url);

/// `url` ("https://10.0.0.1:3128") by a name that the certificate there is for.
std::string verifiable_url(const std::string& url, const ServerCertificate& certificate);

}  // namespace culvert
