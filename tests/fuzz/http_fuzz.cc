// A fuzz target for cpp/http: whatever comes, whole or cut anywhere, is read alike, and nothing breaks.
//
// The first byte decides how the rest is cut. libFuzzer calls LLVMFuzzerTestOneInput(), and so does driver.cc.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "http/chunked_body.h"
#include "http/proxy_header.h"
#include "http/request_head.h"
#include "http/trusted_proxies.h"

using namespace gevent::http;

namespace {

// Pieces of sizes that follow from a seed; 0: all in one.
class Cuts {
 public:
  explicit Cuts(std::uint8_t seed) noexcept : seed_(seed), state_(seed * 2654435761u) {}
  std::size_t next(std::size_t left) noexcept {
    if (seed_ == 0) return left;
    state_ = state_ * 1664525u + 1013904223u;
    const std::size_t size = seed_ % 4 == 1 ? 1 : 1 + (state_ >> 24) % (seed_ % 4 == 2 ? 4u : 64u);
    return std::min(size, left);
  }

 private:
  std::uint8_t seed_;
  std::uint32_t state_;
};

void put(std::string& text, std::string_view part) {
  text += part;
  text += '|';
}

// Everything that is found out about one connection.
std::string read_connection(const std::string& bytes, std::uint8_t seed) {
  std::string found;
  Cuts cuts(seed);
  std::size_t at = 0;
  RequestHeadReader reader;
  for (int request = 0; request < 8 && at < bytes.size(); ++request) {
    reader.begin({});
    std::string piece;  // of its own, so that reading beyond it is noticed
    while (at < bytes.size() && reader.state() == RequestHeadReader::State::kReading) {
      piece = bytes.substr(at, cuts.next(bytes.size() - at));
      at += reader.feed(piece.data(), piece.size());
    }
    if (reader.state() == RequestHeadReader::State::kReading)
      return found + (reader.begun() ? "unfinished" : "nothing");
    if (reader.state() == RequestHeadReader::State::kRefused) {
      put(found, std::to_string(reader.refusal().status) + reader.refusal().reason);
      put(found, reader.refused_line());
      return found + std::to_string(at);
    }
    const RequestHead& head = reader.head();
    put(found, head.line);
    put(found, head.method);
    put(found, head.path);
    put(found, head.query);
    put(found, head.authority);
    for (const Field& field : head.fields) {
      put(found, field.name);
      put(found, field.unfolded());
    }
    put(found,
        std::to_string(head.content_length) + (head.keep_alive ? "kept" : "closed") + (head.chunked ? "chunked" : ""));
    const bool kept = head.keep_alive;
    if (head.chunked) {
      ChunkedBody chunks;
      std::string body;
      while (at < bytes.size() &&
             (chunks.state() == ChunkedBody::State::kFraming || chunks.state() == ChunkedBody::State::kData)) {
        piece = bytes.substr(at, cuts.next(bytes.size() - at));
        std::string given(piece.size(), '\0');
        const ChunkedBody::Decoded done = chunks.decode(piece.data(), piece.size(), given.data(), given.size(), false);
        at += done.taken;
        body += given.substr(0, done.given);
      }
      put(found, body);
      put(found, std::to_string(static_cast<int>(chunks.state())));
      if (chunks.state() == ChunkedBody::State::kRefused) return found + chunks.refusal().reason + std::to_string(at);
    } else {
      at += std::min<std::uint64_t>(head.content_length, bytes.size() - at);
    }
    if (!kept) break;
  }
  return found + std::to_string(at);
}

void read_proxy_header(const std::string& bytes) {
  ProxyHeader header;
  std::size_t at = 0;
  while (header.state() == ProxyHeader::State::kReading && at < bytes.size()) {
    const std::string piece = bytes.substr(at, header.wanted());
    if (piece.empty()) std::abort();
    header.feed(piece.data(), piece.size());
    at += piece.size();
  }
}

// What a proxy that is trusted says, in either way, is an address or nothing.
void believe(const std::string& bytes) {
  static const TrustedProxies trusted = [] {
    TrustedProxies made;
    made.trust({gevent::IpAddress::of_bytes("\x0a\0\0\0", 4), 8});
    return made;
  }();
  for (const ProxyFields& fields :
       {ProxyFields{"10.0.0.1", bytes, {}, {}, {}}, ProxyFields{"10.0.0.1", {}, bytes, bytes, bytes}}) {
    const ForwardedFacts facts = trusted.believe(fields);
    if (facts.client && !gevent::IpAddress::parse(facts.client->address)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read_connection(bytes, 0);
  const std::string cut = read_connection(bytes, static_cast<std::uint8_t>(data[0] | 1u));
  const std::string other = read_connection(bytes, static_cast<std::uint8_t>((data[0] & ~1u) + 2u));
  if (whole != cut || whole != other) {
    std::fprintf(stderr, "whole: %s\ncut:   %s\nother: %s\n", whole.c_str(), cut.c_str(), other.c_str());
    std::abort();
  }
  read_proxy_header(bytes);
  believe(bytes);
  return 0;
}
