#include "emulator/arm_path.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::emulator {

namespace {

std::string joined(const std::vector<std::string>& types, std::size_t count, const std::string& provider) {
  std::string text = provider;
  for (std::size_t i = 0; i < count; ++i) text += "/" + types[i];
  return text;
}

}  // namespace

std::string ArmPath::type() const { return joined(types, types.size(), provider); }

std::string ArmPath::parent_type() const { return joined(types, types.empty() ? 0 : types.size() - 1, provider); }

std::string ArmPath::id() const {
  if (provider == "Microsoft.Resources" && !types.empty() && types[0] == "resourceGroups") {
    return names.empty() ? scope : fmt::format("{}/resourceGroups/{}", scope, names[0]);
  }
  if (provider == "Microsoft.Resources" && !types.empty() && types[0] == "subscriptions") return scope;
  std::string text = fmt::format("{}/providers/{}", scope, provider);
  for (std::size_t i = 0; i < names.size(); ++i) text += fmt::format("/{}/{}", types[i], names[i]);
  return text;
}

std::string ArmPath::parent_id() const {
  if (names.size() <= 1) return scope;
  ArmPath parent = *this;
  parent.types.resize(names.size() - 1);
  parent.names.pop_back();
  return parent.id();
}

std::optional<ArmPath> parse_arm_path(const std::vector<std::string>& segments) {
  ArmPath path;
  std::size_t last_providers = segments.size();
  for (std::size_t i = 0; i < segments.size(); ++i)
    if (equals_ignoring_case(segments[i], "providers")) last_providers = i;
  if (segments.size() >= 2 && equals_ignoring_case(segments[0], "subscriptions")) {
    path.subscription = segments[1];
    if (segments.size() >= 4 && equals_ignoring_case(segments[2], "resourceGroups")) path.group = segments[3];
  } else if (last_providers != 0) {
    return std::nullopt;
  }
  if (last_providers == segments.size()) {
    path.scope = "/subscriptions/" + path.subscription;
    path.provider = "Microsoft.Resources";
    if (segments.size() == 2) {
      path.types = {"subscriptions"};
      path.names = {segments[1]};
      return path;
    }
    if (!equals_ignoring_case(segments[2], "resourceGroups")) return std::nullopt;
    path.types = {"resourceGroups"};
    if (segments.size() >= 4) path.names = {segments[3]};
    if (segments.size() == 5) path.types.push_back(segments[4]);
    if (segments.size() > 5) return std::nullopt;
    return path;
  }
  for (std::size_t i = 0; i < last_providers; ++i) path.scope += "/" + segments[i];
  if (last_providers + 1 >= segments.size()) return std::nullopt;
  path.provider = segments[last_providers + 1];
  for (std::size_t i = last_providers + 2; i < segments.size(); ++i)
    ((i - last_providers) % 2 == 0 ? path.types : path.names).push_back(segments[i]);
  return path;
}

std::optional<ArmPath> parse_arm_id(std::string_view id) {
  std::vector<std::string> segments;
  for (auto& part : split(id, '/'))
    if (!part.empty()) segments.push_back(std::move(part));
  return parse_arm_path(segments);
}

}  // namespace defang::emulator
