#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "emulator/core.h"
#include "emulator/transport.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/disk.h"

namespace defang::emulator {

/// An emulator in memory, with time that moves when told, and a caller who has signed in.
class Bench {
 public:
  static constexpr auto nobody = std::nullopt;

  explicit Bench(Options options = {}) : Bench(own_clock_, own_disk_, std::move(options)) {}
  Bench(FakeClock& at, FakeDisk& disk, Options options = {})
      : clock(at), core(with_folder(std::move(options)), clock, disk, *random_, listeners_), transport(core) {
    add_all_providers(core);
    if (!core.start()) std::abort();
    const Core::Lock guard(core);
    default_ = core.store().documents("emulator").at("default");
  }

  struct Got {
    int status = 0;
    rest::Headers headers;
    std::string body;
    Json json;
    std::string code() const { return text_at(json, "error.code"); }
  };

  Got send(const std::string& method, const std::string& target, const Json& body = Json(),
           const rest::Headers& headers = {}, std::optional<std::string> audience = "https://management.azure.com") {
    const bool absolute = target.starts_with("https://");
    rest::HttpRequest request{.method = method, .url = absolute ? target : core.arm_base_url() + target};
    request.headers = headers;
    if (audience)
      request.headers.set("Authorization", "Bearer " + core.issue_token(text_at(default_, "objectId"), *audience));
    if (body.is_string())
      request.body = body.get<std::string>();
    else if (!body.is_null())
      request.body = dump(body);
    return got(transport.send(request, {}));
  }
  Got put(const std::string& id, const Json& body) { return send("PUT", id + "?api-version=2024-01-01", body); }
  Got patch(const std::string& id, const Json& body) { return send("PATCH", id + "?api-version=2024-01-01", body); }
  Got get(const std::string& id, const std::string& query = "") {
    return send("GET", id + "?api-version=2024-01-01" + query);
  }
  Got post(const std::string& id, const Json& body = Json()) {
    return send("POST", id + "?api-version=2024-01-01", body);
  }
  Got remove(const std::string& id) { return send("DELETE", id + "?api-version=2024-01-01"); }
  Got poll(const std::string& url) { return send("GET", url); }
  Got sign_in(const std::string& secret) {
    return send("POST", "/" + core.tenant() + "/oauth2/v2.0/token",
                "grant_type=client_credentials&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&client_id=" +
                    text_at(default_, "clientId") + "&client_secret=" + secret,
                {}, nobody);
  }

  std::string subscription() { return core.subscription(); }
  std::string object_id() const { return text_at(default_, "objectId"); }
  std::string group(const std::string& name) {
    return "/subscriptions/" + core.subscription() + "/resourceGroups/" + name;
  }
  void wait(std::chrono::milliseconds time) {
    clock.sleep_for(time, {});
    core.run_due();
  }

 private:
  static Options with_folder(Options options) {
    if (options.state_folder.empty()) options.state_folder = "/state";
    return options;
  }
  static Got got(Result<rest::HttpResponse> response) {
    if (!response) return {.status = -1, .headers = {}, .body = response.error().message, .json = {}};
    const auto json = parse_json(response->body);
    return {response->status, response->headers, response->body, json ? *json : Json()};
  }

  FakeClock own_clock_;
  FakeDisk own_disk_;
  std::unique_ptr<Random> random_ = make_seeded_random(7);
  NumberedListeners listeners_;
  Json default_;

 public:
  FakeClock& clock;
  Core core;
  EmulatorTransport transport;
};

}  // namespace defang::emulator
