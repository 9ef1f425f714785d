#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "rest/arm_client.h"
#include "support/text.h"

namespace defang::deploy {

/// A small Azure for tests: keeps what is put, takes its time on the clock, and refuses what it is told to refuse.
class FakeArm : public rest::ArmClient {
 public:
  explicit FakeArm(Clock& clock) : clock_(clock) {}

  /// "PUT name", in order of arrival.
  std::vector<std::string> requests;
  std::map<std::string, std::chrono::milliseconds> takes;       // by last name; otherwise nothing
  std::map<std::string, std::vector<Error>> refusals;           // "PUT name" -> one after another
  std::map<std::string, Json> posts;                            // "name/listKeys" -> answer
  std::map<std::string, Json> resources;                        // by lower-case id
  std::function<void(const azure::ResourceId&, Json&)> on_put;  // what the service adds
  std::function<void(Json&)> on_get;                            // what has become of it since

  Result<std::optional<Json>> get(const azure::ResourceId& id, const std::string&, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    requests.push_back("GET " + id.last_name());
    const auto found = resources.find(to_lower(id.text()));
    if (found != resources.end() && on_get) on_get(found->second);
    return found == resources.end() ? std::optional<Json>() : std::optional(found->second);
  }

  Result<Json> put(const azure::ResourceId& id, const std::string&, const Json& body, const WaitOptions& wait,
                   std::stop_token stop) override {
    TRY(refusal("PUT " + id.last_name()));
    if (wait.on_progress) wait.on_progress("InProgress");
    TRY(take_time(id, stop));
    if (wait.watchdog)
      if (auto error = wait.watchdog()) return fail(std::move(*error));
    const std::lock_guard lock(mutex_);
    Json kept = body;
    kept["id"] = id.text();
    kept["name"] = id.last_name();
    kept["properties"]["provisioningState"] = "Succeeded";
    if (on_put) on_put(id, kept);
    resources[to_lower(id.text())] = kept;
    return kept;
  }

  Result<Json> patch(const azure::ResourceId& id, const std::string& version, const Json& body, const WaitOptions& wait,
                     std::stop_token stop) override {
    return put(id, version, body, wait, stop);
  }

  Result<void> remove(const azure::ResourceId& id, const std::string&, const WaitOptions&,
                      std::stop_token stop) override {
    TRY(refusal("DELETE " + id.last_name()));
    TRY(take_time(id, stop));
    const std::lock_guard lock(mutex_);
    const std::string key = to_lower(id.text());
    std::erase_if(resources, [&](const auto& row) { return row.first == key || row.first.starts_with(key + "/"); });
    return {};
  }

  Result<Json> post(const azure::ResourceId& id, const std::string& function, const std::string&, const Json&,
                    const WaitOptions&, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    requests.push_back("POST " + id.last_name() + "/" + function);
    const auto found = posts.find(id.last_name() + "/" + function);
    if (found == posts.end()) return fail(Error::Kind::refused, "NotFound", "no such function");
    return found->second;
  }

  /// Children of `path` among the resources.
  Result<std::vector<Json>> list(const std::string& path, const std::string&, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    requests.push_back("LIST " + path.substr(path.rfind('/') + 1));
    const std::string prefix = to_lower(path.substr(0, path.find('?'))) + "/";
    std::vector<Json> out;
    for (const auto& [id, body] : resources)
      if (id.starts_with(prefix) && id.find('/', prefix.size()) == std::string::npos) out.push_back(body);
    return out;
  }

  Result<rest::HttpResponse> raw(const std::string& method, const std::string& target, const std::string&,
                                 std::stop_token) override {
    if (method != "DELETE") return fail(Error::Kind::refused, "NotFound", "not here");
    const auto path = target.substr(0, target.find('?'));
    const std::lock_guard lock(mutex_);
    requests.push_back("DELETE " + path.substr(path.rfind('/') + 1) + " unawaited");
    return rest::HttpResponse{.status = 202, .headers = {}, .body = ""};
  }

  Result<Json> adopt(const azure::ResourceId& id, const std::string&, const WaitOptions&,
                     std::stop_token stop) override {
    requests.push_back("ADOPT " + id.last_name());
    TRY(take_time(id, stop));
    const std::lock_guard lock(mutex_);
    Json& body = resources[to_lower(id.text())];
    body["properties"]["provisioningState"] = "Succeeded";
    return body;
  }

  Json& at(const azure::ResourceId& id) { return resources.at(to_lower(id.text())); }

 private:
  Result<void> refusal(const std::string& request) {
    const std::lock_guard lock(mutex_);
    requests.push_back(request);
    const auto found = refusals.find(request);
    if (found == refusals.end() || found->second.empty()) return {};
    Error error = found->second.front();
    found->second.erase(found->second.begin());
    return fail(std::move(error));
  }

  Result<void> take_time(const azure::ResourceId& id, std::stop_token stop) {
    const auto time = takes.find(id.last_name());
    if (time != takes.end() && !clock_.sleep_for(time->second, stop)) return stopped();
    return {};
  }

  Clock& clock_;
  std::mutex mutex_;
};

}  // namespace defang::deploy
