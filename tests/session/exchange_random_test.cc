// Exchanges of every shape one after the other, in pieces of random size: what arrives is what was
// sent, read by a second parser.

#include <array>
#include <deque>
#include <random>

#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/strict_http.h"

using namespace culvert;
using namespace culvert::test;

namespace {

using std::string;

class Dialogue {
 public:
  explicit Dialogue(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }

  string body() {
    constexpr std::array<std::size_t, 5> kSizes = {0, 1, 100, 5'000, 90'000};
    string out(below(kSizes[below(kSizes.size())] + 1), ' ');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  /// `bytes` as fields and body in a framing drawn by lot.
  string framed(const string& bytes) {
    if (below(2) == 0) {
      return "Content-Length: " + std::to_string(bytes.size()) + "\r\n\r\n" + bytes;
    }
    string out = "Transfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < bytes.size();) {
      const string piece = bytes.substr(at, 1 + below(4'000));
      out += fmt_hex(piece.size()) + (below(3) == 0 ? ";name=\"value\"" : "") + "\r\n" + piece;
      out += "\r\n";
      at += piece.size();
    }
    return out + "0\r\n" + (below(2) == 0 ? "X-Trailer: 1\r\n" : "") + "\r\n";
  }

  /// Takes a piece of random size off the front.
  string piece_of(string& bytes) {
    const string piece = bytes.substr(0, 1 + below(below(8) == 0 ? 60'000 : 900));
    bytes.erase(0, piece.size());
    return piece;
  }

 private:
  static string fmt_hex(std::size_t value) {
    string out;
    for (; value > 0; value /= 16) out.insert(out.begin(), "0123456789abcdef"[value % 16]);
    return out;
  }

  std::mt19937 random_;
};

struct Sent {
  string method;
  string body;      ///< of the request
  string response;  ///< its body
  string status;
};

void run(unsigned seed) {
  CAPTURE(seed);
  Dialogue dialogue(seed);
  PlainScene scene;
  string from_client;
  std::deque<Sent> to_answer;
  std::deque<Sent> to_hear;
  constexpr std::size_t kCount = 12;
  for (std::size_t i = 0; i < kCount; ++i) {
    constexpr std::array kMethods = {"GET", "POST", "PUT", "HEAD"};
    Sent sent;
    sent.method = kMethods[dialogue.below(kMethods.size())];
    from_client +=
        sent.method + " http://a.example/" + std::to_string(i) + " HTTP/1.1\r\nHost: a.example\r\n";
    if (sent.method[0] == 'P') {
      sent.body = dialogue.body();
      from_client += dialogue.framed(sent.body);
    } else {
      from_client += "\r\n";
    }
    sent.status = dialogue.below(4) == 0 ? "204" : "200";
    if (sent.method != "HEAD" && sent.status == "200") sent.response = dialogue.body();
    to_answer.push_back(sent);
    to_hear.push_back(sent);
  }

  string at_target, from_target, received;
  int idle = 0;
  while (idle < 20) {
    const std::size_t before = from_client.size() + from_target.size() + to_answer.size();
    if (string piece = dialogue.piece_of(from_client); !piece.empty()) {
      from_client.insert(0, piece.substr(scene.client().send(piece)));
    }
    scene.settle();
    at_target += scene.at_target();
    StrictReader reader(at_target);
    if (const auto request = to_answer.empty() ? std::nullopt : reader.request()) {
      at_target.erase(0, at_target.size() - reader.rest().size());
      const Sent sent = to_answer.front();
      to_answer.pop_front();
      CHECK(request->first == sent.method);
      CHECK(request->body == sent.body);
      if (dialogue.below(4) == 0) from_target += "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
      from_target += "HTTP/1.1 " + sent.status + " Fine\r\n";
      from_target += sent.status == "204"    ? "\r\n"
                     : sent.method == "HEAD" ? "Content-Length: 77\r\n\r\n"
                                             : dialogue.framed(sent.response);
    }
    if (!from_target.empty()) {
      const string piece = dialogue.piece_of(from_target);
      from_target.insert(0, piece.substr(scene.target().send(piece)));
    }
    received += scene.receive();
    idle = from_client.size() + from_target.size() + to_answer.size() == before ? idle + 1 : 0;
  }

  CHECK(scene.dialed() == 1);
  StrictReader reader(received);
  while (!to_hear.empty()) {
    const auto response = reader.response(to_hear.front().method);
    REQUIRE(response);
    if (response->second == "103") continue;
    CHECK(response->second == to_hear.front().status);
    CHECK(response->body == to_hear.front().response);
    to_hear.pop_front();
  }
  CHECK(reader.rest().empty());
  CHECK_FALSE(scene.client().ended());
}

}  // namespace

TEST_CASE("RFC 9112 9.3.2: any exchanges in any pieces arrive as they were sent") {
  for (unsigned seed = 0; seed < 40; ++seed) run(seed);
}
