#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/http_head.h"

namespace culvert {

/// The connection options of a message (RFC 9110 section 7.6.1): the options of all its Connection
/// fields, and close or keep-alive of the Proxy-Connection field that old clients send.  Views
/// point into the head's buffer.
class ConnectionOptions {
 public:
  bool close() const { return close_; }
  bool keep_alive() const { return keep_alive_; }
  bool upgrade() const { return upgrade_; }

  /// True if the options make `field_name` a hop-by-hop field.  Fields that are meant for every
  /// recipient, such as Host or Content-Length, cannot be made so: a message that names them is
  /// meant to deceive a later hop.
  bool names(std::string_view field_name) const;

 private:
  friend Result<ConnectionOptions> connection_options(const RequestHead& head);
  friend Result<ConnectionOptions> connection_options(const ResponseHead& head);

  bool gather(const MessageHead& head);
  void add(std::string_view option);

  std::vector<std::string_view> names_;  // options that may be field names; few messages have any
  bool close_ = false;
  bool keep_alive_ = false;
  bool upgrade_ = false;
};

/// Fails if there are more options than legitimate senders use.
Result<ConnectionOptions> connection_options(const RequestHead& head);
Result<ConnectionOptions> connection_options(const ResponseHead& head);

/// Whether the connection that the message came on can carry another one after it (RFC 9112 section
/// 9.3).  A client that speaks HTTP/1.0 gets its connection closed even if it requests keep-alive,
/// as that section demands of a proxy; keep-alive of an HTTP/1.0 server is honoured.
bool persists(const RequestHead& head, const ConnectionOptions& options);
bool persists(const ResponseHead& head, const ConnectionOptions& options);

}  // namespace culvert
