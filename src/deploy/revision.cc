#include "deploy/revision.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "deploy/json_path.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

struct Sign {
  std::string_view text;  // in what the revision or a container says about itself, without case
  std::string_view code;
};
// Words of recorded revisions and replicas (wire facts, "Container app"), and Kubernetes' reasons for waiting.
constexpr auto kFinalSigns = std::to_array<Sign>({
    {"ErrImagePull", "revision-image-pull"},
    {"ErrImageNeverPull", "revision-image-pull"},
    {"ImagePullBackOff", "revision-image-pull"},
    {"ImagePullFailure", "revision-image-pull"},
    {"InvalidImageName", "revision-image-pull"},
    {"Failed to pull image", "revision-image-pull"},
    {"MANIFEST_UNKNOWN", "revision-image-pull"},
});
constexpr auto kTroubles = std::to_array<Sign>({
    {"does not match the listening port", "revision-port"},
    {"CrashLoopBackOff", "revision-crash"},
    {"Container crashing", "revision-crash"},
    {"ContainerCrashing", "revision-crash"},
    {"exit code", "revision-crash"},
    {"ContainerBackOff", "revision-crash"},
    {"probe failed", "revision-unhealthy"},
    {"probe", "revision-unhealthy"},
});

/// How long trouble may go on.
struct Forgiven {
  std::string_view code;
  std::chrono::seconds time;
};
constexpr auto kForgiven = std::to_array<Forgiven>({
    {"revision-crash", std::chrono::seconds(20)},  // what it needs may still be starting
    {"revision-port", std::chrono::seconds(5)},    // programs open theirs one by one
});

const Forgiven* find_forgiven(std::string_view code) {
  const auto found = std::ranges::find(kForgiven, code, &Forgiven::code);
  return found == kForgiven.end() ? nullptr : &*found;
}

template <class Table>
const Sign* find_sign(const Table& signs, const std::string& text) {
  const auto found = std::ranges::find_if(signs, [&](const Sign& s) { return contains_ignoring_case(text, s.text); });
  return found == signs.end() ? nullptr : &*found;
}

void append(std::string& all, const std::string& text) {
  if (text.empty() || all.find(text) != std::string::npos) return;
  if (text.find(all) != std::string::npos) all.clear();  // says the same and more
  all += (all.empty() ? "" : "; ") + text;
}

/// An init container that did its work.
bool has_ended_well(const Json& container, std::string_view kind) {
  return kind.ends_with("initContainers") && text_at(container, "runningStateDetails").find("'0'") != std::string::npos;
}

/// Everything that the revision and its containers say about themselves.
std::string what_is_said(const Json& revision, const std::vector<Json>& replicas) {
  std::string said;
  append(said, text_at(revision, "properties.provisioningError"));
  append(said, text_at(revision, "properties.runningStateDetails"));
  for (const auto& replica : replicas) {
    append(said, text_at(replica, "properties.runningStateDetails"));
    for (const auto* kind : {"properties.initContainers", "properties.containers"}) {
      const Json* containers = at_path(replica, kind);
      if (containers == nullptr) continue;
      for (const auto& container : *containers)
        if (!equals_ignoring_case(text_at(container, "runningState"), "Running") && !has_ended_well(container, kind))
          append(said, text_at(container, "runningStateDetails"));
    }
  }
  return said;
}

Error failure(std::string_view code, const std::string& revision, const std::string& said) {
  return {.kind = Error::Kind::refused,
          .code = std::string(code),
          .message = said.empty() ? fmt::format("revision `{}` failed without a reason", revision) : said,
          .context = {fmt::format("starting revision `{}`", revision)}};
}

bool is_any_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return equals_ignoring_case(text, word); });
}

}  // namespace

Verdict judge_revision(const Json& revision, const std::vector<Json>& replicas) {
  const std::string name = text_at(revision, "name");
  const std::string provisioning = text_at(revision, "properties.provisioningState");
  const std::string running = text_at(revision, "properties.runningState");
  const std::string health = text_at(revision, "properties.healthState");
  const std::string said = what_is_said(revision, replicas);
  const Sign* final_sign = find_sign(kFinalSigns, said);
  const Sign* trouble = find_sign(kTroubles, said);
  if (is_any_of(provisioning, {"Failed"}) || is_any_of(running, {"Failed", "ActivationFailed"})) {
    const Sign* sign = final_sign != nullptr ? final_sign : trouble;
    return failure(sign != nullptr ? sign->code : "revision-failed", name, said);
  }
  if (final_sign != nullptr) return failure(final_sign->code, name, said);
  const bool up = is_any_of(running, {"Running", "RunningAtMaxScale", "ScaledToZero", "Scaled To 0"});
  const bool provisioned = provisioning.empty() || is_any_of(provisioning, {"Provisioned", "Succeeded"});
  if (provisioned && up && !is_any_of(health, {"Unhealthy"})) return Healthy{};
  NotYet out{.state = running.empty() ? provisioning : running, .cause = said};
  if (trouble != nullptr && find_forgiven(trouble->code) != nullptr) out.trouble = trouble->code;
  return out;
}

Result<std::optional<RevisionStatus>> read_revision(rest::ArmClient& arm, const azure::ResourceId& app,
                                                    const std::string& revision, const std::string& api_version,
                                                    std::stop_token stop) {
  const auto id = azure::ResourceId::parse(app.text() + "/revisions/" + revision);
  if (!id) return fail(Error::Kind::invalid, "resource-id", fmt::format("`{}` is no revision", revision));
  TRY_ASSIGN(auto body, arm.get(*id, api_version, stop));
  if (!body) return std::optional<RevisionStatus>();
  RevisionStatus status{std::move(*body), {}};
  auto replicas = arm.list(id->text() + "/replicas", api_version, stop);
  if (!replicas && replicas.error().http_status != 404) return fail(std::move(replicas.error()));
  if (replicas) status.replicas = std::move(*replicas);
  return std::optional(std::move(status));
}

Result<std::vector<std::string>> list_revisions(rest::ArmClient& arm, const azure::ResourceId& app,
                                                const std::string& api_version, std::stop_token stop) {
  auto list = arm.list(app.text() + "/revisions", api_version, stop);
  if (!list && list.error().http_status == 404) return std::vector<std::string>();
  if (!list) return fail(std::move(list.error()));
  std::ranges::stable_sort(*list, std::greater{}, [](const Json& r) { return text_at(r, "properties.createdTime"); });
  std::vector<std::string> names;
  for (const auto& revision : *list) names.push_back(text_at(revision, "name"));
  return names;
}

std::optional<Error> Patience::judge(const Verdict& verdict) {
  if (const auto* error = std::get_if<Error>(&verdict)) return *error;
  const auto* pending = std::get_if<NotYet>(&verdict);
  const std::string trouble = pending == nullptr ? "" : pending->trouble;
  if (trouble != trouble_) since_ = clock_.elapsed();
  trouble_ = trouble;
  const Forgiven* forgiven = find_forgiven(trouble);
  if (forgiven == nullptr || clock_.elapsed() - since_ < forgiven->time) return std::nullopt;
  return failure(trouble, "", pending->cause);
}

}  // namespace defang::deploy
