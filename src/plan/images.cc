#include "plan/images.h"

#include <algorithm>
#include <array>

#include "compose/durations.h"
#include "plan/diagnostics.h"
#include "plan/registries.h"
#include "plan/siblings.h"
#include "plan/stores.h"
#include "support/text.h"

namespace defang::plan {
namespace {

/// The name without its tag: a colon before the last slash is that of a port.
std::string_view without_tag(std::string_view image) {
  const auto colon = image.rfind(':');
  const bool is_tag = colon != std::string_view::npos && image.find('/', colon) == std::string_view::npos;
  return is_tag ? image.substr(0, colon) : image;
}

// compose-spec, "pull_policy": after how long the tag is looked up anew. The others have the time in them, or
// elsewhere.
struct Policy {
  std::string_view name, age;
};
constexpr auto kPolicies = std::to_array<Policy>({
    {"always", "0s"},
    {"daily", "1d"},
    {"weekly", "1w"},
});
constexpr std::string_view kEvery = "every_";
constexpr std::string_view kRefreshAge = "pull_refresh_after";

/// Nothing: once is enough.
std::optional<std::chrono::milliseconds> refresh_after(const compose::Project& project, const std::string& service) {
  const auto policy = text_at(project, service, "pull_policy");
  std::string_view age;
  if (const auto row = std::ranges::find(kPolicies, policy, &Policy::name); row != kPolicies.end())
    age = row->age;
  else if (policy == "refresh")
    age = value_at(project, service, kRefreshAge) ? text_at(project, service, kRefreshAge) : "0s";
  else if (policy.starts_with(kEvery))
    age = policy.substr(kEvery.size());
  const auto parsed = compose::parse_duration(age);
  return parsed ? std::optional(std::chrono::duration_cast<std::chrono::milliseconds>(*parsed)) : std::nullopt;
}

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Of these and the others, and beginning and ending with one of these.
bool is_made_of(std::string_view text, std::string_view inner, std::string_view others) {
  return !text.empty() && inner.find(text.front()) != std::string_view::npos &&
         inner.find(text.back()) != std::string_view::npos &&
         std::ranges::all_of(text, [&](char c) { return inner.contains(c) || others.contains(c); });
}

bool is_server(std::string_view text) {
  const auto colon = text.find(':');
  const auto host = text.substr(0, colon);
  return is_made_of(host, kLetters, ".-") &&
         (colon == std::string_view::npos || is_made_of(text.substr(colon + 1), kDigits, ""));
}

/// Letters and digits, with a dot, one or two underscores, or dashes between them.
bool is_path_component(std::string_view text) {
  if (!is_made_of(text, kLower, "._-")) return false;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = text.find_first_of("._-", at);
    if (begin == std::string_view::npos) return true;
    at = text.find_first_not_of("._-", begin);
    const auto between = text.substr(begin, at - begin);
    if (between != "." && between != "_" && between != "__" && between.find_first_not_of('-') != std::string_view::npos)
      return false;
  }
  return true;
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != '.' && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return kLetters.contains(c) || std::string_view("_.-").contains(c); });
}

bool is_digest(std::string_view text) {
  constexpr std::size_t kFewestDigits = 32;
  const auto colon = text.find(':');
  return colon != std::string_view::npos && is_made_of(text.substr(0, colon), kLower, "+._-") &&
         text.size() > colon + kFewestDigits && is_made_of(text.substr(colon + 1), "abcdef0123456789", "");
}

}  // namespace

std::optional<ImageName> parse_image_name(std::string_view text) {
  ImageName name;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    name.digest = text.substr(at + 1);
    if (!is_digest(name.digest)) return std::nullopt;
    text = text.substr(0, at);
  }
  if (const auto tagless = without_tag(text); tagless.size() < text.size()) {
    name.tag = text.substr(tagless.size() + 1);
    if (!is_tag(name.tag)) return std::nullopt;
    text = tagless;
  }
  name.server = registry_of(text);
  if (const auto server = server_in(text); !server.empty()) {
    if (!is_server(server)) return std::nullopt;
    text.remove_prefix(server.size() + 1);
  }
  if (!std::ranges::all_of(split(text, '/'), [](const auto& part) { return is_path_component(part); }))
    return std::nullopt;
  // Images of Docker's own have no other name before theirs.
  const bool is_official = name.server == kDockerHub && text.find('/') == std::string_view::npos;
  name.repository = (is_official ? "library/" : "") + std::string(text);
  return name;
}

void check_image_name(Planning& plan, const compose::Service& service, const std::string& image,
                      const SourceSpan& span) {
  if (!parse_image_name(image)) plan.diagnostics.add(no_image_name(service.name, image, span));
}

void check_pull_policy(Planning& plan, const compose::Service& service) {
  if (const auto* policy = value_at(plan.project, service.name, "pull_policy"); policy && policy->text == "never")
    plan.diagnostics.add(pulled_all_the_same(service, policy->span));
  if (const auto* age = value_at(plan.project, service.name, kRefreshAge); age && !compose::parse_duration(age->text))
    plan.diagnostics.add(bad_refresh_age(service, *age));
}

std::vector<NamedImage> images_of(const compose::Project& project, const compose::Service& service) {
  std::vector<NamedImage> images;
  if (service.image && !service.build) images.push_back({service.image->value, service.image->span});
  if (const auto* hooks = value_at(project, service.name, "pre_start"))
    for (const auto& hook : hooks->items)
      if (const auto* image = hook.find("image")) images.push_back({image->text, image->span});
  return images;
}

std::string pinned(const Planning& plan, const std::string& image) {
  const auto digest = plan.facts.image_digests.find(image);
  if (digest == plan.facts.image_digests.end() || digest->second.empty()) return image;
  return std::string(without_tag(image)) + "@" + digest->second;
}

std::vector<PulledImage> pulled_images(const compose::Project& project, const Stack& stack) {
  Diagnostics told_elsewhere;
  const Facts facts;
  auto plan = begin_planning(project, stack, facts, told_elsewhere);
  find_stores(plan);
  std::vector<PulledImage> images;
  for (const auto& [service_name, service] : project.services) {
    if (plan.stores.contains(service_name)) continue;
    const auto after = refresh_after(project, service_name);
    for (auto& [name, span] : images_of(project, service)) {
      auto parts = parse_image_name(name);
      if (!parts || !parts->digest.empty()) continue;
      const auto known = std::ranges::find(images, name, &PulledImage::name);
      if (known == images.end()) {
        images.push_back({std::move(name), std::move(*parts), {service_name}, span, after});
        continue;
      }
      known->services.push_back(service_name);
      if (after && (!known->refresh_after || *after < *known->refresh_after)) known->refresh_after = after;
    }
  }
  return images;
}

}  // namespace defang::plan
