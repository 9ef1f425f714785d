#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "azure/resource_id.h"
#include "rest/cloud.h"
#include "rest/http_transport.h"
#include "rest/operation.h"
#include "rest/pipeline.h"
#include "support/clock.h"
#include "support/result.h"

namespace defang::rest {

/// Azure Resource Manager: one resource at a time, long-running operations followed to their end.
class ArmClient {
 public:
  using Json = nlohmann::json;
  using OnProgress = std::function<void(const std::string& state)>;
  using WaitOptions = rest::WaitOptions;

  virtual ~ArmClient() = default;
  /// Nothing: 404 of the ARM family ("absent", ARM-33).
  virtual Result<std::optional<Json>> get(const azure::ResourceId& id, const std::string& api_version,
                                          std::stop_token stop) = 0;
  /// PUT, then the operation to its end, then the resource as GET shows it.
  virtual Result<Json> put(const azure::ResourceId& id, const std::string& api_version, const Json& body,
                           const WaitOptions& wait, std::stop_token stop) = 0;
  virtual Result<Json> patch(const azure::ResourceId& id, const std::string& api_version, const Json& body,
                             const WaitOptions& wait, std::stop_token stop) = 0;
  /// An absent resource is fine.
  virtual Result<void> remove(const azure::ResourceId& id, const std::string& api_version, const WaitOptions& wait,
                              std::stop_token stop) = 0;
  /// POST {id}/{function}, e.g. listKeys.
  virtual Result<Json> post(const azure::ResourceId& id, const std::string& function, const std::string& api_version,
                            const Json& body, const WaitOptions& wait, std::stop_token stop) = 0;
  /// All pages of a list (wire facts 1.15). `path` begins with a slash and may have a query.
  virtual Result<std::vector<Json>> list(const std::string& path, const std::string& api_version,
                                         std::stop_token stop) = 0;
  /// Any request, signed in, not followed. `path_or_url` is verbatim.
  virtual Result<HttpResponse> raw(const std::string& method, const std::string& path_or_url, const std::string& body,
                                   std::stop_token stop) = 0;
  /// Goes on with an operation that somebody started: GETs the resource until it is terminal.
  virtual Result<Json> adopt(const azure::ResourceId& id, const std::string& api_version, const WaitOptions& wait,
                             std::stop_token stop) = 0;
};

/// Must not outlive its parts. `pipeline` signs in.
std::unique_ptr<ArmClient> make_arm_client(const Cloud& cloud, Pipeline& pipeline, Clock& clock);

}  // namespace defang::rest
