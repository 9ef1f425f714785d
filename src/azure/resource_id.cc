#include "azure/resource_id.h"

#include "support/text.h"

namespace defang::azure {
namespace {

constexpr std::string_view kGroupType = "Microsoft.Resources/resourceGroups";
constexpr std::string_view kSubscriptionType = "Microsoft.Resources/subscriptions";

/// Segments after the leading slash.
std::vector<std::string> segments_of(std::string_view text) { return split(text.substr(1), '/'); }

/// Index of the last "providers" segment, or size where there is none.
std::size_t last_providers(const std::vector<std::string>& segments) {
  for (std::size_t i = segments.size(); i-- > 0;)
    if (equals_ignoring_case(segments[i], "providers")) return i;
  return segments.size();
}

std::string join_from(const std::vector<std::string>& segments, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "/" + segments[i];
  return text;
}

bool is_whole(const std::vector<std::string>& segments) {
  for (const auto& segment : segments)
    if (segment.empty()) return false;
  const std::size_t provider = last_providers(segments);
  if (provider == segments.size()) return segments.size() == 2 || segments.size() == 4;
  const std::size_t rest = segments.size() - provider - 1;  // namespace, then pairs of type and name
  return rest >= 3 && rest % 2 == 1;
}

}  // namespace

std::optional<ResourceId> ResourceId::parse(std::string_view text) {
  while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  if (text.size() < 2 || text.front() != '/') return std::nullopt;
  const auto segments = segments_of(text);
  if (!is_whole(segments)) return std::nullopt;
  if (equals_ignoring_case(segments[0], "subscriptions")) {
    if (segments.size() > 2 && !equals_ignoring_case(segments[2], "resourceGroups") &&
        !equals_ignoring_case(segments[2], "providers"))
      return std::nullopt;
  } else if (!equals_ignoring_case(segments[0], "providers")) {
    return std::nullopt;
  }
  return ResourceId(std::string(text));
}

ResourceId ResourceId::subscription(std::string_view subscription) {
  return ResourceId("/subscriptions/" + std::string(subscription));
}

ResourceId ResourceId::group(std::string_view subscription, std::string_view group) {
  return ResourceId("/subscriptions/" + std::string(subscription) + "/resourceGroups/" + std::string(group));
}

ResourceId ResourceId::resource(std::string_view subscription, std::string_view group, std::string_view type,
                                std::string_view name) {
  return ResourceId::group(subscription, group).extension(type, name);
}

ResourceId ResourceId::extension(std::string_view type, std::string_view name) const {
  const auto types = split(type, '/');
  const auto names = split(name, '/');
  std::string text = text_ + "/providers/" + types[0];
  for (std::size_t i = 1; i < types.size(); ++i)
    text += "/" + types[i] + (i <= names.size() ? "/" + names[i - 1] : std::string());
  return ResourceId(std::move(text));
}

std::string ResourceId::subscription_id() const {
  const auto segments = segments_of(text_);
  return equals_ignoring_case(segments[0], "subscriptions") ? segments[1] : std::string();
}

std::string ResourceId::group_name() const {
  const auto segments = segments_of(text_);
  return segments.size() >= 4 && equals_ignoring_case(segments[2], "resourceGroups") ? segments[3] : std::string();
}

std::string ResourceId::type() const {
  const auto segments = segments_of(text_);
  const std::size_t provider = last_providers(segments);
  if (provider == segments.size()) return std::string(segments.size() == 2 ? kSubscriptionType : kGroupType);
  std::string type = segments[provider + 1];
  for (std::size_t i = provider + 2; i < segments.size(); i += 2) type += "/" + segments[i];
  return type;
}

std::string ResourceId::name() const {
  const auto segments = segments_of(text_);
  const std::size_t provider = last_providers(segments);
  if (provider == segments.size()) return segments.back();
  std::string name;
  for (std::size_t i = provider + 3; i < segments.size(); i += 2) name += (name.empty() ? "" : "/") + segments[i];
  return name;
}

std::string ResourceId::last_name() const { return segments_of(text_).back(); }

std::optional<ResourceId> ResourceId::parent() const {
  const auto segments = segments_of(text_);
  const std::size_t provider = last_providers(segments);
  if (provider == segments.size()) {
    if (segments.size() == 2) return std::nullopt;
    return ResourceId(join_from(segments, 2));
  }
  if (segments.size() - provider > 4) return ResourceId(join_from(segments, segments.size() - 2));
  if (provider == 0) return std::nullopt;
  return ResourceId(join_from(segments, provider));
}

bool operator==(const ResourceId& a, const ResourceId& b) { return equals_ignoring_case(a.text_, b.text_); }

std::strong_ordering operator<=>(const ResourceId& a, const ResourceId& b) {
  return to_lower(a.text_) <=> to_lower(b.text_);
}

}  // namespace defang::azure
