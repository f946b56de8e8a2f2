// Heads, chunks and handshakes, each as one connection meets them.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <string_view>

#include "codec/body_framing.h"
#include "codec/chunked.h"
#include "codec/connection_options.h"
#include "codec/forward_head.h"
#include "codec/http_head.h"
#include "codec/request_target.h"
#include "codec/socks.h"

using namespace culvert;
using namespace std::string_literals;

namespace {

constexpr std::string_view kConnect =
    "CONNECT registry.example:443 HTTP/1.1\r\nHost: registry.example:443\r\n"
    "User-Agent: Go-http-client/1.1\r\n\r\n";

// What docker asks of a registry.
constexpr std::string_view kGet =
    "GET http://registry.example/v2/library/debian/manifests/12 HTTP/1.1\r\n"
    "Host: registry.example\r\nUser-Agent: docker/24.0.5 go/go1.20 kernel/6.1 os/linux "
    "arch/amd64\r\n"
    "Accept: application/vnd.docker.distribution.manifest.v2+json\r\n"
    "Accept: application/vnd.docker.distribution.manifest.list.v2+json\r\n"
    "Accept: application/vnd.oci.image.index.v1+json\r\nAccept-Encoding: gzip\r\n"
    "Connection: keep-alive\r\nProxy-Connection: keep-alive\r\n\r\n";

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 08:00:00 GMT\r\nServer: registry\r\n"
    "Content-Type: application/vnd.docker.distribution.manifest.v2+json\r\n"
    "Docker-Content-Digest: sha256:0123456789abcdef\r\nEtag: \"sha256:0123456789abcdef\"\r\n"
    "Content-Length: 1024\r\nConnection: keep-alive\r\n\r\n";

void fail(benchmark::State& state, const Error& error) { state.SkipWithError(error.text.c_str()); }

void parse_request(benchmark::State& state, std::string_view bytes) {
  HeadScanner scanner(HeadScanner::Kind::request);
  RequestHead head;
  RequestTarget target;
  for (auto _ : state) {
    scanner.reset();
    const auto end = scanner.scan(bytes);
    if (!end || !*end) return state.SkipWithError("no head");
    if (auto fine = parse_request_head(bytes, HeadLimits{}, head); !fine) {
      return fail(state, fine.error());
    }
    if (auto fine = parse_request_target(head, target); !fine) return fail(state, fine.error());
    benchmark::DoNotOptimize(target);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(parse_request, connect, kConnect);
BENCHMARK_CAPTURE(parse_request, get, kGet);

/// A head of `fields` fields that we know nothing of.
void parse_many_fields(benchmark::State& state) {
  std::string bytes = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n";
  for (std::int64_t i = 1; i < state.range(0); ++i) {
    bytes += "X-Field-" + std::to_string(i) + ": some value\r\n";
  }
  parse_request(state, bytes + "\r\n");
  state.SetComplexityN(state.range(0));
}
BENCHMARK(parse_many_fields)->Arg(8)->Arg(32)->Arg(90)->Complexity(benchmark::oN);

void rewrite_request(benchmark::State& state) {
  RequestHead head;
  RequestTarget target;
  if (!parse_request_head(kGet, HeadLimits{}, head) || !parse_request_target(head, target)) {
    return state.SkipWithError("no head");
  }
  std::string out;
  for (auto _ : state) {
    const auto options = connection_options(head);
    const auto framing = request_framing(head);
    if (!options || !framing) return state.SkipWithError("no framing");
    RequestForward forward;
    forward.pseudonym = "culvert-1";
    forward.framing = *framing;
    out.clear();
    append_request_head(head, target, *options, forward, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(rewrite_request);

void rewrite_response(benchmark::State& state) {
  ResponseHead head;
  std::string out;
  for (auto _ : state) {
    if (!parse_response_head(kAnswer, HeadLimits{}, head)) return state.SkipWithError("no head");
    const auto options = connection_options(head);
    const auto framing = response_framing(head, "GET");
    if (!options || !framing) return state.SkipWithError("no framing");
    ResponseForward forward;
    forward.pseudonym = "culvert-1";
    forward.framing = *framing;
    out.clear();
    append_response_head(head, *options, forward, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(rewrite_response);

void socks5(benchmark::State& state, bool password) {
  const HostPort target = HostPort::parse("registry.example:443").value();
  std::optional<Credentials> credentials;
  if (password) credentials = Credentials{"user", Secret("secret")};
  const std::string choice = password ? "\x05\x02"s : "\x05\x00"s;
  const std::string granted = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
  for (auto _ : state) {
    const auto handshake = make_socks5_handshake(target, credentials);
    for (const std::string_view reply :
         {std::string_view(choice), std::string_view("\x01\x00", 2), std::string_view(granted)}) {
      if (!password && reply[0] == 1) continue;
      benchmark::DoNotOptimize(handshake->take_output());
      if (!handshake->consume(reply)) return state.SkipWithError("refused");
    }
    if (!handshake->done()) return state.SkipWithError("not done");
  }
}
BENCHMARK_CAPTURE(socks5, open, false);
BENCHMARK_CAPTURE(socks5, password, true);

/// 64 KiB in chunks of `size`, taken apart and framed anew.
void chunks(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  constexpr std::size_t kBody = 64 * 1024;
  std::string bytes;
  for (std::size_t done = 0; done < kBody; done += size) {
    append_chunk_start(size, bytes);
    bytes.append(size, 'x');
    bytes += kChunkEnd;
  }
  append_last_chunk({}, bytes);
  ChunkedDecoder decoder(HeadScanner::Kind::response);
  std::string out;
  for (auto _ : state) {
    decoder.reset();
    out.clear();
    for (std::string_view rest = bytes; !decoder.done();) {
      const auto step = decoder.consume(rest);
      if (!step) return fail(state, step.error());
      rest.remove_prefix(step->used);
      if (step->body.empty()) continue;
      append_chunk_start(step->body.size(), out);
      out += step->body;
      out += kChunkEnd;
    }
    append_last_chunk(decoder.trailers(), out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBody));
}
BENCHMARK(chunks)->Arg(16)->Arg(1024)->Arg(16384);

}  // namespace
