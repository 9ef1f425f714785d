#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "rest/http_transport.h"
#include "rest/pipeline.h"
#include "support/clock.h"
#include "support/result.h"
#include "support/secret.h"

namespace defang::rest {

/// A storage account as listKeys and its primaryEndpoints describe it.
struct StorageAccount {
  std::string name;
  std::string blob_endpoint;  // "https://name.blob.core.windows.net"; a slash at the end is fine
  Secret key;                 // base64, as listKeys answers
};

/// Text as a request body that can be sent again.
std::shared_ptr<BodySource> text_source(std::string text);

/// Blob storage with an account key ("Shared Key"). Errors carry storage's codes: BlobAlreadyExists, ConditionNotMet,
/// LeaseAlreadyPresent, LeaseIdMismatchWithLeaseOperation ...
class BlobClient {
 public:
  /// `pipeline` does not sign in.
  BlobClient(StorageAccount account, Pipeline& pipeline, Clock& clock);

  struct Conditions {
    std::string if_match, if_none_match;  // an ETag, or "*"
    std::string lease_id;
  };
  struct PutOptions {
    std::string content_type = "application/octet-stream";
    std::map<std::string, std::string> metadata;
    Conditions conditions;
  };
  struct Properties {
    std::uint64_t size_bytes = 0;
    std::string etag;
    std::map<std::string, std::string> metadata;  // names in lower case
    std::string lease_state;                      // "available", "leased", "expired", "breaking", "broken"
  };
  struct Blob {
    std::string content;
    std::string etag;
  };

  /// An existing container is fine; one that is just being deleted is waited for.
  Result<void> create_container(const std::string& container, std::stop_token stop);
  /// The new ETag. The body is read once and its size not asked for. Long ones go up in blocks, a few at a time and
  /// each with its checksum, and appear all at once; blocks that an attempt before this one left behind are not sent
  /// again.
  Result<std::string> put(const std::string& container, const std::string& blob, std::shared_ptr<BodySource> body,
                          const PutOptions& options, std::stop_token stop);
  Result<std::optional<Blob>> get(const std::string& container, const std::string& blob, std::stop_token stop);
  /// The body into a sink. Error BlobNotFound.
  Result<void> download(const std::string& container, const std::string& blob, BodySink sink, std::stop_token stop);
  /// Bytes [from, to); fewer at the end of the blob.
  Result<std::string> get_range(const std::string& container, const std::string& blob, std::uint64_t from,
                                std::uint64_t to, std::stop_token stop);
  Result<std::optional<Properties>> look_at(const std::string& container, const std::string& blob,
                                            std::stop_token stop);
  Result<void> remove(const std::string& container, const std::string& blob, const Conditions& conditions,
                      std::stop_token stop);  // an absent one is fine
  /// Names that begin with `prefix`, all pages.
  Result<std::vector<std::string>> list(const std::string& container, const std::string& prefix, std::stop_token stop);

  /// An append blob; an existing one is fine.
  Result<void> create_append_blob(const std::string& container, const std::string& blob, std::stop_token stop);
  Result<void> append(const std::string& container, const std::string& blob, const std::string& text,
                      std::stop_token stop);

  /// The lease's id. LeaseAlreadyPresent: somebody else holds it. `duration` is 15 to 60 s.
  Result<std::string> acquire_lease(const std::string& container, const std::string& blob,
                                    std::chrono::seconds duration, const std::string& proposed_id,
                                    std::stop_token stop);
  Result<void> renew_lease(const std::string& container, const std::string& blob, const std::string& lease_id,
                           std::stop_token stop);
  Result<void> release_lease(const std::string& container, const std::string& blob, const std::string& lease_id,
                             std::stop_token stop);
  Result<void> break_lease(const std::string& container, const std::string& blob, std::stop_token stop);

  /// A URL that opens one blob to whoever has it: `permissions` such as "r" or "cw", for a time. No request is sent.
  std::string blob_sas(const std::string& container, const std::string& blob, const std::string& permissions,
                       std::chrono::system_clock::duration valid_for) const;
  std::string url_of(const std::string& container, const std::string& blob) const;

 private:
  Result<HttpResponse> send(HttpRequest request, std::stop_token stop, const Call& call = {});
  Result<HttpResponse> lease(const std::string& action, const std::string& container, const std::string& blob,
                             Headers headers, std::stop_token stop);
  Result<std::string> put_blocks(const std::string& url, std::string first, BodySource& body, const PutOptions& options,
                                 std::stop_token stop);
  Result<std::set<std::string>> uncommitted_blocks(const std::string& url, std::stop_token stop);

  StorageAccount account_;
  Pipeline& pipeline_;
  Clock& clock_;
};

/// What a "Shared Key" signature covers. Pure; "Authorize with Shared Key", Microsoft Learn.
std::string string_to_sign(const HttpRequest& request, const std::string& account, std::uint64_t content_length);

/// PUT of a whole block blob to a URL that carries its own signature (a registry's upload slot).
Result<void> put_to_sas(Pipeline& unsigned_pipeline, const std::string& url, std::shared_ptr<BodySource> body,
                        std::stop_token stop);

}  // namespace defang::rest
