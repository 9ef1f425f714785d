#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/result.h"

namespace defang::rest {

/// Header names compare without case; order is kept; a name may occur more than once.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  std::optional<std::string> find(std::string_view name) const;  // the first
  std::string get(std::string_view name) const;                  // empty when absent
  bool has(std::string_view name) const { return find(name).has_value(); }
  void set(std::string_view name, std::string value);  // replaces all of that name
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void remove(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// A body that is not held in memory. read() fills the buffer and returns how much, 0 at the end; rewind() allows a
/// retry.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual std::uint64_t size_bytes() const = 0;
  virtual Result<std::size_t> read(char* buffer, std::size_t size) = 0;
  virtual Result<void> rewind() = 0;
};

/// Takes a response body piece by piece; an error ends the request.
using BodySink = std::function<Result<void>(std::string_view piece)>;

constexpr std::chrono::minutes kTotalLimit(5);  // Resource Manager itself gives up after four

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // absolute; sent verbatim, never re-encoded (signed poll URLs, wire facts 1.4)
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> source;  // instead of `body`
  BodySink sink;                       // takes the body of a 2xx answer; HttpResponse::body is then empty
  /// Asked once connected, just before each piece goes out: an error breaks the request off, and is its result.
  std::function<std::optional<Error>()> refusal;
  std::chrono::milliseconds idle_limit{120000};  // without a byte either way
  /// From the look-up of the name to the last byte. Nothing: kTotalLimit, and for streams as long as something moves.
  std::optional<std::chrono::milliseconds> total_limit;
};

struct HttpResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

/// Sends one request. Retries, sign-in and logging are policies above it (rest/pipeline.h). Answers in gzip are
/// unpacked. Errors: unreachable with code name-not-found, connect-failed, connection-lost, time-out, tls-failed;
/// stopped.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  virtual Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) = 0;
};

struct TransportOptions {
  std::string ca_file;      // SSL_CERT_FILE; empty: the table of known places
  std::string https_proxy;  // HTTPS_PROXY; empty: none
  std::string no_proxy;     // NO_PROXY
  std::chrono::milliseconds connect_limit{15000};
};
/// Boost.Beast over OpenSSL; names by c-ares and the hosts file; `localhost` and `*.localhost` are loopback (RFC 6761).
Result<std::unique_ptr<HttpTransport>> make_beast_transport(const TransportOptions& options);

}  // namespace defang::rest
