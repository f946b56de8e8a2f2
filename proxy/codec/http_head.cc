#include "codec/http_head.h"

#include <string>

#include <llhttp.h>

#include "base/text.h"
#include "codec/octets.h"

namespace culvert {
namespace {

using MessageKind = HeadScanner::Kind;

constexpr std::size_t kMaxMethod = 64;

/// llhttp accepts only a fixed list of methods and checks targets by other rules than a proxy's.
/// Both are parsed here, and llhttp gets a constant request line instead.
constexpr std::string_view kStandIn = "GET / HTTP/1.1\r\n";
constexpr std::string_view kStandInStatus = "HTTP/1.1 200 OK\r\n";

/// A mistake: its text, and its Errc if a client made it.
struct Fault {
  std::string_view text;
  Errc code = Errc::http_request_error;
  explicit operator bool() const { return !text.empty(); }
};

/// Cuts the next line off `rest`, without its CRLF, which HeadScanner has checked.
std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find(kCrlf);
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kCrlf.size());
  return line;
}

// Start lines are parsed here alone, as llhttp accepts more there than RFC 9112 allows.

/// RFC 9112 section 2.3: case-sensitive, one digit on each side of the point.  A later version than
/// 1.1 is treated as 1.1 (RFC 9110 section 2.5).
Fault parse_version(std::string_view text, MessageHead& out) {
  if (text == "HTTP/1.1" || text == "HTTP/1.0") {
    out.major = 1;
    out.minor = text.back() - '0';
    return {};
  }
  if (text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
      is_digit(text[7])) {
    out.major = out.minor = 1;
    if (text[5] == '1') return {};
    return {"the HTTP version is neither 1.1 nor 1.0", Errc::version_not_supported};
  }
  return {"the HTTP version is malformed"};
}

/// RFC 9112 section 3: method SP request-target SP HTTP-version.
Fault take_request_line(std::string_view line, const HeadLimits& limits, RequestHead& out) {
  if (line.find('\t') != std::string_view::npos) return {"the request line contains a tab"};
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  out.method = line.substr(0, first);
  if (!is_token(out.method)) return {"the method is not a token"};
  if (first == last) return {"the request line has no HTTP version"};
  out.target = line.substr(first + 1, last - first - 1);
  if (const Fault fault = parse_version(line.substr(last + 1), out)) return fault;
  if (out.method.size() > kMaxMethod) {
    return {"the method is too long", Errc::method_not_implemented};
  }
  if (out.target.empty()) return {"the request line has two spaces in a row"};
  if (out.target.size() > limits.target) {
    return {"the request target is too long", Errc::http_uri_too_long};
  }
  // A host has no bytes beyond ASCII; in a path they are encoded when it is rewritten.
  const std::size_t end = span_of(out.target, kTargetRaw);
  if (end == out.target.size()) return {};
  return {out.target[end] == ' ' ? "the request line has more than two spaces"
                                 : "the request target has control bytes"};
}

/// RFC 9112 section 4: HTTP-version SP status-code SP [ reason-phrase ]; many servers leave the
/// second space out when there is no phrase.
Fault parse_status_line(std::string_view line, ResponseHead& out) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return {"the status line has no status code"};
  if (const Fault fault = parse_version(line.substr(0, space), out)) return fault;
  const std::string_view code = line.substr(space + 1, 3);
  std::string_view rest = line.substr(space + 1 + code.size());
  if (code.size() != 3 || !is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]) ||
      code[0] == '0' || (!rest.empty() && rest[0] != ' ')) {
    return {"the status code is not a number from 100 to 999"};
  }
  out.status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  if (!rest.empty()) rest.remove_prefix(1);
  out.reason = rest;
  if (!all_of_kind(rest, kFieldText)) return {"the reason phrase contains control bytes"};
  return {};
}

/// The name in a field line whose colon is at `colon`.  RFC 9112 section 5.1: blanks before the
/// colon are removed from a response, and are a mistake in a request.
std::string_view name_of_line(std::string_view line, std::size_t colon, MessageKind kind) {
  std::string_view name = line.substr(0, colon);
  if (kind == MessageKind::request) return name;
  while (!name.empty() && is_space_or_tab(name.back())) name.remove_suffix(1);
  return name;
}

/// field-name ":" OWS field-value OWS (RFC 9112 section 5).
Fault take_field_line(std::string_view line, MessageKind kind, Field& out) {
  if (is_space_or_tab(line[0])) return {"a line begins with white space (obs-fold)"};
  const std::size_t colon = line.find(':');
  if (colon == 0) return {"a field name is empty"};
  if (colon == std::string_view::npos) return {"a field line has no colon"};
  out.name = name_of_line(line, colon, kind);
  out.value = trim(line.substr(colon + 1));
  out.blank_before_colon = out.name.size() != colon;
  const std::size_t end = span_of(out.name, kToken);
  if (end < out.name.size()) {
    return {is_space_or_tab(out.name[end]) ? "a field name contains white space"
                                           : "a field name is not a token"};
  }
  if (!all_of_kind(out.value, kFieldText)) return {"a field value contains control bytes"};
  return {};
}

/// What llhttp's callbacks fill.
struct Collector {
  std::vector<Field>& fields;
  std::size_t limit;
  bool complete = false;
};

Collector& collector_of(llhttp_t* parser) { return *static_cast<Collector*>(parser->data); }

int on_field_name(llhttp_t* parser, const char* at, std::size_t length) noexcept {
  Collector& collector = collector_of(parser);
  if (collector.fields.size() == collector.limit) return HPE_USER;
  collector.fields.push_back({{at, length}, {}});
  return 0;
}

int on_field_value(llhttp_t* parser, const char* at, std::size_t length) noexcept {
  std::vector<Field>& fields = collector_of(parser).fields;
  if (fields.empty()) return -1;
  fields.back().value = trim({at, length});
  return 0;
}

int on_headers_complete(llhttp_t* parser) noexcept {
  collector_of(parser).complete = true;
  return HPE_PAUSED;  // bodies are not parsed by llhttp
}

const llhttp_settings_t& settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t result;
    llhttp_settings_init(&result);
    result.on_header_field = on_field_name;
    result.on_header_value = on_field_value;
    result.on_headers_complete = on_headers_complete;
    return result;
  }();
  return kSettings;
}

Fault fault_of_llhttp(llhttp_errno_t error) {
  switch (error) {
    case HPE_USER:
      return {"there are too many header fields", Errc::http_request_too_large};
    case HPE_INVALID_CONTENT_LENGTH:
      return {"Content-Length is not one number"};
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return {"Content-Length stands there twice, or next to Transfer-Encoding"};
    case HPE_INVALID_TRANSFER_ENCODING:
      return {"Transfer-Encoding stands next to Content-Length, or does not end in chunked"};
    default:
      return {"the head is malformed"};
  }
}

llhttp_errno_t run_llhttp(llhttp_type_t type, std::string_view start_line, std::string_view lines,
                          Collector& collector) {
  llhttp_t parser;
  llhttp_init(&parser, type, &settings());
  parser.data = &collector;
  const llhttp_errno_t error = llhttp_execute(&parser, start_line.data(), start_line.size());
  return error != HPE_OK ? error : llhttp_execute(&parser, lines.data(), lines.size());
}

/// After Content-Length's number llhttp accepts spaces but no tabs, which are white space as well
/// (RFC 9110 section 5.6.3).
void replace_last_tabs(std::string& lines) {
  bool at_end = false;
  for (std::size_t i = lines.size(); i-- > 0;) {
    char& c = lines[i];
    if (c == '\t' && at_end) c = ' ';
    at_end = c == '\r' || c == '\n' || (c == ' ' && at_end);
  }
}

bool is_framing_field(std::string_view name) {
  return iequals(name, "content-length") || iequals(name, "transfer-encoding");
}

/// Moves blanks before a colon behind it, and hides the framing fields.
void relax_response(std::string& lines) {
  std::size_t end = 0;
  for (std::size_t begin = 0; (end = lines.find(kCrlf, begin)) != begin; begin = end + 2) {
    const std::size_t colon = lines.find(':', begin);
    if (end == std::string::npos || colon >= end) return;
    const auto line = std::string_view(lines).substr(begin, end - begin);
    const std::string_view name = name_of_line(line, colon - begin, MessageKind::response);
    const bool framing = is_framing_field(name);
    const std::size_t name_end = begin + name.size();
    lines[colon] = ' ';
    lines[name_end] = ':';
    if (framing) lines[begin] = 'X';
  }
}

/// llhttp is stricter than RFC 9112 in what these functions replace; each byte keeps its place.
llhttp_errno_t run_relaxed(llhttp_type_t type, std::string_view start_line, std::string_view lines,
                           MessageKind kind, Collector& collector) {
  std::string relaxed(lines);
  replace_last_tabs(relaxed);
  if (kind == MessageKind::response) relax_response(relaxed);
  collector.fields.clear();
  const llhttp_errno_t error = run_llhttp(type, start_line, relaxed, collector);
  const auto in_lines = [&](std::string_view view) {
    return view.data() == nullptr
               ? view
               : lines.substr(static_cast<std::size_t>(view.data() - relaxed.data()), view.size());
  };
  for (Field& field : collector.fields) field = {in_lines(field.name), in_lines(field.value)};
  return error;
}

bool is_same(const Field& ours, const Field& theirs) {
  return ours.name.data() == theirs.name.data() && ours.name.size() == theirs.name.size() &&
         ours.value == theirs.value;
}

/// Lets llhttp parse `start_line` and `lines`, the field lines with the empty line after them.
/// `kind` is that of the message, `type` that of the start line.
Fault parse_fields(llhttp_type_t type, std::string_view start_line, std::string_view lines,
                   const HeadLimits& limits, MessageKind kind, std::vector<Field>& fields) {
  fields.clear();
  Collector collector{fields, limits.fields};
  llhttp_errno_t error = run_llhttp(type, start_line, lines, collector);
  const bool may_be_relaxed = kind == MessageKind::response
                                  ? error != HPE_PAUSED && error != HPE_USER
                                  : error == HPE_INVALID_CONTENT_LENGTH;
  if (may_be_relaxed) error = run_relaxed(type, start_line, lines, kind, collector);

  // Our own view of each line names a mistake better, also notes what was removed, and must be the
  // same as llhttp's: where the packaged 8.1.0 is lenient, it would not be.
  std::size_t count = 0;
  bool same = collector.complete;
  for (std::string_view line = next_line(lines); !line.empty(); line = next_line(lines)) {
    Field ours;
    if (const Fault fault = take_field_line(line, kind, ours)) return fault;
    same = same && count < fields.size() && is_same(ours, fields[count]);
    if (same) fields[count] = ours;
    ++count;
  }
  if (error != HPE_PAUSED) return fault_of_llhttp(error);
  if (!same || count != fields.size() || !lines.empty()) return {"the head is malformed"};
  return {};
}

Result<void> result_of(const Fault& fault, bool request) {
  if (!fault) return {};
  return Error{.code = request ? fault.code : Errc::http_protocol_error,
               .side = request ? Side::client : Side::upstream,
               .sys = 0,
               .text = std::string(fault.text)};
}

}  // namespace

const Field* MessageHead::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (iequals(field.name, name)) return &field;
  }
  return nullptr;
}

Result<void> parse_request_line(std::string_view line, const HeadLimits& limits, RequestHead& out) {
  return result_of(take_request_line(line, limits, out), true);
}

Result<void> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out) {
  Fault fault = take_request_line(next_line(head), limits, out);
  if (!fault) {
    fault = parse_fields(HTTP_REQUEST, kStandIn, head, limits, MessageKind::request, out.fields);
  }
  return result_of(fault, true);
}

Result<void> parse_response_head(std::string_view head, const HeadLimits& limits,
                                 ResponseHead& out) {
  const std::string_view whole = head;
  Fault fault = parse_status_line(next_line(head), out);
  if (!fault) {
    // llhttp accepts only known versions.
    constexpr std::size_t kMinor = 7;
    const std::string_view status_line =
        whole[kMinor] > '1' ? kStandInStatus : whole.substr(0, whole.size() - head.size());
    fault =
        parse_fields(HTTP_RESPONSE, status_line, head, limits, MessageKind::response, out.fields);
  }
  return result_of(fault, false);
}

Result<void> parse_trailers(std::string_view lines, const HeadLimits& limits,
                            HeadScanner::Kind kind, std::vector<Field>& out) {
  return result_of(parse_fields(HTTP_REQUEST, kStandIn, lines, limits, kind, out),
                   kind == MessageKind::request);
}

}  // namespace culvert
