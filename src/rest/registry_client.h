#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "rest/arm_client.h"
#include "rest/cloud.h"
#include "rest/pipeline.h"
#include "support/clock.h"
#include "support/result.h"
#include "support/secret.h"

namespace defang::rest {

/// Runs of Container Registry Tasks: upload, start, follow the log (ACR-20..30).
class RegistryTasks {
 public:
  struct UploadSlot {
    std::string upload_url;     // PUT the packed context there (put_to_sas)
    std::string relative_path;  // the run's sourceLocation
  };
  struct Image {
    std::string registry, repository, tag, digest;
  };
  struct RunEnd {
    std::string status;  // Succeeded, Failed, Canceled, Error, Timeout
    std::string error_message;
    std::vector<Image> images;
    std::vector<std::string> last_lines;  // of the log
    bool succeeded() const { return status == "Succeeded"; }
  };
  using OnLine = std::function<void(const std::string& line)>;

  /// `unsigned_pipeline` reads the log, whose URL carries its own signature.
  RegistryTasks(azure::ResourceId registry, ArmClient& arm, Pipeline& unsigned_pipeline, Clock& clock);

  Result<UploadSlot> upload_slot(std::stop_token stop);
  /// The run's id, "ch1". `request` is a DockerBuildRequest or an EncodedTaskRunRequest (ACR-22).
  Result<std::string> schedule(const ArmClient::Json& request, std::stop_token stop);
  /// Hands on the log line by line as it grows, until the run has ended.
  Result<RunEnd> follow(const std::string& run_id, const OnLine& on_line, std::stop_token stop);
  Result<void> cancel(const std::string& run_id, std::stop_token stop);

 private:
  azure::ResourceId run_id_of(const std::string& run_id) const;

  azure::ResourceId registry_;
  ArmClient& arm_;
  Pipeline& unsigned_pipeline_;
  Clock& clock_;
};

/// HEAD of the manifest behind a tag, be it of an image of one platform or of several, in either format. `base`:
/// "https://ghcr.io". `authorization` may be empty.
HttpRequest manifest_request(const std::string& base, const std::string& repository, const std::string& tag,
                             const std::string& authorization);

/// A registry's own tokens, by exchange of one for Resource Manager (ACR-5), and what needs them.
class RegistryClient {
 public:
  /// `tokens` gives those for Resource Manager that are exchanged.
  RegistryClient(const Cloud& cloud, std::string login_server, std::string tenant, TokenCache& tokens,
                 Pipeline& unsigned_pipeline);

  /// For docker login as user 00000000-0000-0000-0000-000000000000.
  Result<Secret> refresh_token(std::stop_token stop);
  /// `scope` such as "repository:web:pull,push".
  Result<Secret> access_token(const std::string& scope, std::stop_token stop);
  /// The digest that a tag points to; nothing when there is no such image.
  Result<std::optional<std::string>> digest_of(const std::string& repository, const std::string& tag,
                                               std::stop_token stop);

 private:
  std::string audience_, login_server_, tenant_;
  TokenCache& tokens_;
  Pipeline& pipeline_;
};

}  // namespace defang::rest
