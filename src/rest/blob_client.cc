#include "rest/blob_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "rest/azure_error.h"
#include "rest/url.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

constexpr std::string_view kVersion = "2022-11-02";  // the version that was recorded
// One request below, blocks from here on, so many at a time. A block blob may have 50,000 of them.
constexpr std::size_t kBlockBytes = std::size_t{8} * 1024 * 1024;
constexpr std::size_t kBlocksAtOnce = 4;

class TextSource : public BodySource {
 public:
  explicit TextSource(std::string text) : own_(std::move(text)), text_(own_) {}
  /// Of somebody who keeps it until the request is over.
  explicit TextSource(const std::string* text) : text_(*text) {}
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;
  std::uint64_t size_bytes() const override { return text_.size(); }
  Result<std::size_t> read(char* buffer, std::size_t size) override {
    const std::size_t got = text_.copy(buffer, size, at_);
    at_ += got;
    return got;
  }
  Result<void> rewind() override {
    at_ = 0;
    return {};
  }

 private:
  std::string own_;
  std::string_view text_;
  std::size_t at_ = 0;
};

/// "Fri, 02 Jan 2026 03:04:05 GMT" (RFC 9110 5.6.7), whatever the locale.
std::string http_date(std::chrono::system_clock::time_point when) {
  constexpr auto kDays = std::to_array<const char*>({"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"});
  constexpr auto kMonths =
      std::to_array<const char*>({"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays.at(static_cast<std::size_t>(parts.tm_wday)),
                     parts.tm_mday, kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/// "2026-01-02T03:04:05Z": signatures hold no parts of a second.
std::string sas_time(std::chrono::system_clock::time_point when) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  return to_iso8601(since_epoch).substr(0, 19) + "Z";
}

std::string encode_path(std::string_view name) {
  std::vector<std::string> parts;
  for (const std::string& part : split(name, '/')) parts.push_back(percent_encode(part));
  return join(parts, "/");
}

void add_conditions(Headers& headers, const BlobClient::Conditions& conditions) {
  if (!conditions.if_match.empty()) headers.set("If-Match", conditions.if_match);
  if (!conditions.if_none_match.empty()) headers.set("If-None-Match", conditions.if_none_match);
  if (!conditions.lease_id.empty()) headers.set("x-ms-lease-id", conditions.lease_id);
}

void add_options(Headers& headers, const BlobClient::PutOptions& options) {
  headers.set("x-ms-blob-content-type", options.content_type);
  for (const auto& [name, value] : options.metadata) headers.set("x-ms-meta-" + name, value);
  add_conditions(headers, options.conditions);
}

BlobClient::Properties properties_of(const Headers& headers) {
  BlobClient::Properties properties{.size_bytes = to_number(headers.get("Content-Length")).value_or(0),
                                    .etag = headers.get("ETag"),
                                    .metadata = {},
                                    .lease_state = headers.get("x-ms-lease-state")};
  for (const auto& [name, value] : headers.fields()) {
    const std::string lower = to_lower(name);
    if (lower.starts_with("x-ms-meta-")) properties.metadata[lower.substr(10)] = value;
  }
  return properties;
}

bool is_missing(const HttpResponse& response) { return response.status == 404; }

std::string unescape_xml(std::string text) {
  for (const auto& [from, to] :
       {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}}) {
    text = replace_all(std::move(text), from, to);
  }
  return text;
}

std::string between(const std::string& text, const std::string& begin, const std::string& end, std::size_t from = 0) {
  const auto at = text.find(begin, from);
  if (at == std::string::npos) return "";
  const auto to = text.find(end, at + begin.size());
  return to == std::string::npos ? "" : text.substr(at + begin.size(), to - at - begin.size());
}

/// Ids must be base64 of the same length. With the content in it, what was sent before the last run broke off is known.
std::string block_id(std::uint64_t number, const std::string& md5) {
  return base64(fmt::format("{:08}-{}", number, md5));
}

/// The next block, shorter at the end of the body.
Result<void> read_block(BodySource& body, std::string& block) {
  constexpr std::size_t kStep = std::size_t{64} * 1024;
  block.clear();
  block.reserve(kBlockBytes);  // growing would leave holes of all sizes behind
  while (block.size() < kBlockBytes) {
    const std::size_t filled = block.size();
    const std::size_t wanted = std::min(kStep, kBlockBytes - filled);
    block.resize(filled + wanted);
    TRY_ASSIGN(const std::size_t got, body.read(block.data() + filled, wanted));
    block.resize(filled + got);
    if (got == 0) break;
  }
  return {};
}

/// A body on its way as blocks: several threads read in turn and send at the same time.
struct BlockUpload {
  using Send = std::function<Result<void>(const std::string& id, const std::string& md5, const std::string& block)>;
  BodySource& body;
  std::string first;  // what was read of the body already
  const std::set<std::string>& known;
  const Send& send;

  std::mutex mutex = {};
  std::vector<std::string> ids = {};
  bool read_all = false;
  std::optional<Error> error = {};

  void work() {
    std::string block;  // one a thread: what is allocated here and freed there piles up
    while (const auto number = take(block)) {
      const std::string md5 = md5_base64(block);
      const std::string id = block_id(*number, md5);
      auto sent = known.contains(id) ? Result<void>() : send(id, md5, block);
      const std::scoped_lock lock(mutex);
      if (!sent && !error) error = sent.error();
      ids[*number] = id;
    }
  }

 private:
  std::optional<std::size_t> take(std::string& block) {
    const std::scoped_lock lock(mutex);
    if (read_all || error) return std::nullopt;
    if (ids.empty())
      block = std::exchange(first, "");
    else if (auto read = read_block(body, block); !read)
      error = std::move(read).error();
    read_all = error || block.size() < kBlockBytes;
    if (error || block.empty()) return std::nullopt;
    ids.emplace_back();
    return ids.size() - 1;
  }
};

}  // namespace

std::shared_ptr<BodySource> text_source(std::string text) { return std::make_shared<TextSource>(std::move(text)); }

std::string string_to_sign(const HttpRequest& request, const std::string& account, std::uint64_t content_length) {
  std::string text = request.method + "\n";
  for (const char* name : {"Content-Encoding", "Content-Language"}) text += request.headers.get(name) + "\n";
  text += (content_length == 0 ? "" : std::to_string(content_length)) + "\n";
  for (const char* name : {"Content-MD5", "Content-Type", "Date", "If-Modified-Since", "If-Match", "If-None-Match",
                           "If-Unmodified-Since", "Range"}) {
    text += request.headers.get(name) + "\n";
  }
  std::map<std::string, std::string> own;
  for (const auto& [name, value] : request.headers.fields()) {
    const std::string lower = to_lower(name);
    if (lower.starts_with("x-ms-")) own[lower] = trim(value);
  }
  for (const auto& [name, value] : own) text += name + ":" + value + "\n";
  const Url url = Url::parse(request.url).value_or(Url{});
  text += "/" + account + url.path();
  std::map<std::string, std::vector<std::string>> parameters;
  for (auto& [name, value] : query_pairs(url.query())) parameters[to_lower(name)].push_back(std::move(value));
  for (auto& [name, values] : parameters) {
    std::ranges::sort(values);
    text += "\n" + name + ":" + join(values, ",");
  }
  return text;
}

BlobClient::BlobClient(StorageAccount account, Pipeline& pipeline, Clock& clock)
    : account_(std::move(account)), pipeline_(pipeline), clock_(clock) {
  while (account_.blob_endpoint.ends_with('/')) account_.blob_endpoint.pop_back();
}

std::string BlobClient::url_of(const std::string& container, const std::string& blob) const {
  return fmt::format("{}/{}/{}", account_.blob_endpoint, percent_encode(container), encode_path(blob));
}

Result<HttpResponse> BlobClient::send(HttpRequest request, std::stop_token stop, const Call& call) {
  request.headers.set("x-ms-date", http_date(clock_.now()));
  request.headers.set("x-ms-version", std::string(kVersion));
  const std::uint64_t length = request.source ? request.source->size_bytes() : request.body.size();
  const std::string text = string_to_sign(request, account_.name, length);
  const std::string signature = base64(hmac_sha256(from_base64(account_.key.reveal()), text));
  request.headers.set("Authorization", fmt::format("SharedKey {}:{}", account_.name, signature));
  TRY_ASSIGN(HttpResponse response, pipeline_.send(request, call, std::move(stop)));
  if (response.status < 400 || is_missing(response)) return response;
  return fail(
      error_of(response).during(fmt::format("{} {}", request.method, request.url.substr(0, request.url.find('?')))));
}

Result<void> BlobClient::create_container(const std::string& container, std::stop_token stop) {
  auto response =
      send({.method = "PUT",
            .url = fmt::format("{}/{}?restype=container", account_.blob_endpoint, percent_encode(container))},
           stop);
  if (!response && response.error().code == "ContainerAlreadyExists") return {};  // ST-6
  if (!response) return fail(std::move(response).error());
  return is_missing(*response) ? Result<void>(fail(error_of(*response))) : Result<void>();
}

Result<std::string> BlobClient::put(const std::string& container, const std::string& blob,
                                    std::shared_ptr<BodySource> body, const PutOptions& options, std::stop_token stop) {
  const std::string url = url_of(container, blob);
  std::string first;
  TRY(read_block(*body, first));
  if (first.size() == kBlockBytes) return put_blocks(url, std::move(first), *body, options, stop);
  HttpRequest request{.method = "PUT",
                      .url = url,
                      .headers = {{"x-ms-blob-type", "BlockBlob"}, {"Content-MD5", md5_base64(first)}},
                      .body = std::move(first)};
  add_options(request.headers, options);
  TRY_ASSIGN(const HttpResponse response, send(std::move(request), stop));
  if (is_missing(response)) return fail(error_of(response));
  return response.headers.get("ETag");
}

Result<std::set<std::string>> BlobClient::uncommitted_blocks(const std::string& url, std::stop_token stop) {
  TRY_ASSIGN(const HttpResponse response, send({.url = url + "?comp=blocklist&blocklisttype=uncommitted"}, stop));
  std::set<std::string> ids;
  if (is_missing(response)) return ids;
  for (auto at = response.body.find("<Block>"); at != std::string::npos; at = response.body.find("<Block>", at + 1))
    ids.insert(between(response.body, "<Name>", "</Name>", at));
  return ids;
}

Result<std::string> BlobClient::put_blocks(const std::string& url, std::string first, BodySource& body,
                                           const PutOptions& options, std::stop_token stop) {
  TRY_ASSIGN(const auto known, uncommitted_blocks(url, stop));
  const BlockUpload::Send send_one = [&](const std::string& id, const std::string& md5,
                                         const std::string& block) -> Result<void> {
    HttpRequest request{.method = "PUT",
                        .url = with_query(url + "?comp=block", "blockid", id),
                        .headers = {{"Content-MD5", md5}},
                        .source = std::make_shared<TextSource>(&block)};
    if (!options.conditions.lease_id.empty()) request.headers.set("x-ms-lease-id", options.conditions.lease_id);
    TRY_ASSIGN(const HttpResponse response, send(std::move(request), stop));
    return is_missing(response) ? Result<void>(fail(error_of(response))) : Result<void>();
  };
  BlockUpload upload{.body = body, .first = std::move(first), .known = known, .send = send_one};
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < kBlocksAtOnce; ++i) {
    clock_.add_worker();
    threads.emplace_back([&] {
      upload.work();
      clock_.remove_worker();
    });
  }
  clock_.remove_worker();  // this thread only waits for them
  threads.clear();
  clock_.add_worker();
  if (upload.error) return fail(std::move(*upload.error));
  std::string list = R"(<?xml version="1.0" encoding="utf-8"?><BlockList>)";
  for (const std::string& id : upload.ids) list += fmt::format("<Latest>{}</Latest>", id);
  HttpRequest commit{.method = "PUT",
                     .url = url + "?comp=blocklist",
                     .headers = {{"Content-Type", "application/xml"}},
                     .body = list + "</BlockList>"};
  add_options(commit.headers, options);
  TRY_ASSIGN(const HttpResponse response, send(std::move(commit), stop));
  if (is_missing(response)) return fail(error_of(response));
  return response.headers.get("ETag");
}

Result<std::optional<BlobClient::Blob>> BlobClient::get(const std::string& container, const std::string& blob,
                                                        std::stop_token stop) {
  TRY_ASSIGN(HttpResponse response, send({.url = url_of(container, blob)}, stop));
  if (is_missing(response)) return std::optional<Blob>();
  return Blob{std::move(response.body), response.headers.get("ETag")};
}

Result<void> BlobClient::download(const std::string& container, const std::string& blob, BodySink sink,
                                  std::stop_token stop) {
  TRY_ASSIGN(const HttpResponse response, send({.url = url_of(container, blob), .sink = std::move(sink)}, stop));
  return is_missing(response) ? Result<void>(fail(error_of(response))) : Result<void>();
}

Result<std::string> BlobClient::get_range(const std::string& container, const std::string& blob, std::uint64_t from,
                                          std::uint64_t to, std::stop_token stop) {
  if (to <= from) return std::string();
  auto response = send(
      {.url = url_of(container, blob), .headers = {{"x-ms-range", fmt::format("bytes={}-{}", from, to - 1)}}}, stop);
  if (!response && response.error().code == "InvalidRange") return std::string();  // begins at or beyond the end
  if (!response) return fail(std::move(response).error());
  if (is_missing(*response)) return fail(error_of(*response));
  return std::move(response->body);
}

Result<std::optional<BlobClient::Properties>> BlobClient::look_at(const std::string& container, const std::string& blob,
                                                                  std::stop_token stop) {
  TRY_ASSIGN(const HttpResponse response, send({.method = "HEAD", .url = url_of(container, blob)}, stop));
  if (is_missing(response)) return std::optional<Properties>();
  return properties_of(response.headers);
}

Result<void> BlobClient::remove(const std::string& container, const std::string& blob, const Conditions& conditions,
                                std::stop_token stop) {
  HttpRequest request{.method = "DELETE", .url = url_of(container, blob)};
  add_conditions(request.headers, conditions);
  TRY(send(std::move(request), stop));
  return {};
}

Result<std::vector<std::string>> BlobClient::list(const std::string& container, const std::string& prefix,
                                                  std::stop_token stop) {
  std::vector<std::string> names;
  std::string marker;
  do {
    std::string url =
        fmt::format("{}/{}?restype=container&comp=list", account_.blob_endpoint, percent_encode(container));
    if (!prefix.empty()) url = with_query(url, "prefix", prefix);
    if (!marker.empty()) url = with_query(url, "marker", marker);
    TRY_ASSIGN(const HttpResponse response, send({.url = url}, stop));
    if (is_missing(response)) return fail(error_of(response));
    for (auto at = response.body.find("<Blob>"); at != std::string::npos; at = response.body.find("<Blob>", at + 1)) {
      names.push_back(unescape_xml(between(response.body, "<Name>", "</Name>", at)));
    }
    marker = unescape_xml(between(response.body, "<NextMarker>", "</NextMarker>"));
  } while (!marker.empty());
  return names;
}

Result<void> BlobClient::create_append_blob(const std::string& container, const std::string& blob,
                                            std::stop_token stop) {
  auto response = send({.method = "PUT",
                        .url = url_of(container, blob),
                        .headers = {{"x-ms-blob-type", "AppendBlob"}, {"If-None-Match", "*"}}},
                       stop);
  if (!response && response.error().code == "BlobAlreadyExists") return {};
  if (!response) return fail(std::move(response).error());
  return is_missing(*response) ? Result<void>(fail(error_of(*response))) : Result<void>();
}

Result<void> BlobClient::append(const std::string& container, const std::string& blob, const std::string& text,
                                std::stop_token stop) {
  TRY_ASSIGN(const HttpResponse response,
             // Past the fence: what a run tells of itself changes nothing that another one writes.
             send({.method = "PUT", .url = url_of(container, blob) + "?comp=appendblock", .body = text}, stop,
                  {.fence = Call::Fence::nothing}));
  return is_missing(response) ? Result<void>(fail(error_of(response))) : Result<void>();
}

Result<HttpResponse> BlobClient::lease(const std::string& action, const std::string& container, const std::string& blob,
                                       Headers headers, std::stop_token stop) {
  headers.set("x-ms-lease-action", action);
  TRY_ASSIGN(HttpResponse response,
             send({.method = "PUT", .url = url_of(container, blob) + "?comp=lease", .headers = std::move(headers)},
                  stop, {.fence = Call::Fence::nothing}));
  if (is_missing(response)) return fail(error_of(response));
  return response;
}

Result<std::string> BlobClient::acquire_lease(const std::string& container, const std::string& blob,
                                              std::chrono::seconds duration, const std::string& proposed_id,
                                              std::stop_token stop) {
  Headers headers{{"x-ms-lease-duration", std::to_string(duration.count())}};
  // With an id of our own a repeated request finds its own lease instead of a stranger's.
  if (!proposed_id.empty()) headers.set("x-ms-proposed-lease-id", proposed_id);
  TRY_ASSIGN(const HttpResponse response, lease("acquire", container, blob, std::move(headers), stop));
  return response.headers.get("x-ms-lease-id");
}

Result<void> BlobClient::renew_lease(const std::string& container, const std::string& blob, const std::string& lease_id,
                                     std::stop_token stop) {
  TRY(lease("renew", container, blob, {{"x-ms-lease-id", lease_id}}, stop));
  return {};
}

Result<void> BlobClient::release_lease(const std::string& container, const std::string& blob,
                                       const std::string& lease_id, std::stop_token stop) {
  TRY(lease("release", container, blob, {{"x-ms-lease-id", lease_id}}, stop));
  return {};
}

Result<void> BlobClient::break_lease(const std::string& container, const std::string& blob, std::stop_token stop) {
  TRY(lease("break", container, blob, {{"x-ms-lease-break-period", "0"}}, stop));
  return {};
}

std::string BlobClient::blob_sas(const std::string& container, const std::string& blob, const std::string& permissions,
                                 std::chrono::system_clock::duration valid_for) const {
  // "Create a service SAS", Microsoft Learn: the fields since version 2020-12-06. The start is left out, since clocks
  // differ.
  const std::string expiry = sas_time(clock_.now() + valid_for);
  const std::string resource = fmt::format("/blob/{}/{}/{}", account_.name, container, blob);
  const bool secure = account_.blob_endpoint.starts_with("https:");
  const std::string protocol = secure ? "https" : "https,http";
  const std::string text =
      fmt::format("{}\n\n{}\n{}\n\n\n{}\n{}\nb\n\n\n\n\n\n\n", permissions, expiry, resource, protocol, kVersion);
  const std::string signature = base64(hmac_sha256(from_base64(account_.key.reveal()), text));
  std::string url = url_of(container, blob);
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"sv", kVersion},
                                    {"sr", "b"},
                                    {"spr", protocol},
                                    {"se", expiry},
                                    {"sp", permissions},
                                    {"sig", signature}}) {
    url = with_query(url, name, value);
  }
  return url;
}

Result<void> put_to_sas(Pipeline& unsigned_pipeline, const std::string& url, std::shared_ptr<BodySource> body,
                        std::stop_token stop) {
  // The signature is in the URL; an Authorization header beside it would be refused (ST-5).
  HttpRequest request{.method = "PUT",
                      .url = url,
                      .headers = {{"x-ms-blob-type", "BlockBlob"}, {"x-ms-version", std::string(kVersion)}},
                      .source = std::move(body)};
  TRY_ASSIGN(const HttpResponse response, unsigned_pipeline.send(std::move(request), {}, stop));
  if (response.status >= 400) return fail(error_of(response).during("uploading to " + url.substr(0, url.find('?'))));
  return {};
}

}  // namespace defang::rest
