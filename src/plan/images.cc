#include "plan/images.h"

#include <algorithm>

#include "compose/durations.h"
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

/// compose-spec, "pull_policy" and "pull_refresh_after"; nothing: once is enough.
std::optional<std::chrono::milliseconds> refresh_after(const compose::Project& project, const std::string& service) {
  using std::chrono::milliseconds;
  const auto text_of = [&](std::string_view attribute) -> std::string_view {
    const auto* node = value_at(project, service, attribute);
    return node ? std::string_view(node->text) : std::string_view();
  };
  constexpr std::string_view kEvery = "every_";
  auto policy = text_of("pull_policy");
  if (policy == "always") return milliseconds(0);
  if (policy == "daily") policy = "every_1d";
  if (policy == "weekly") policy = "every_1w";
  if (policy == "refresh") {
    const auto age = compose::parse_duration(text_of("pull_refresh_after"));
    return age ? std::chrono::duration_cast<milliseconds>(*age) : milliseconds(0);
  }
  if (!policy.starts_with(kEvery)) return std::nullopt;
  const auto age = compose::parse_duration(policy.substr(kEvery.size()));
  return age ? std::optional(std::chrono::duration_cast<milliseconds>(*age)) : std::nullopt;
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

bool is_image_name(std::string_view image) {
  if (const auto at = image.find('@'); at != std::string_view::npos) {
    if (!is_digest(image.substr(at + 1))) return false;
    image = image.substr(0, at);
  }
  if (const auto tagless = without_tag(image); tagless.size() < image.size()) {
    if (!is_tag(image.substr(tagless.size() + 1))) return false;
    image = tagless;
  }
  auto parts = split(image, '/');
  const auto& first = parts.front();
  if (parts.size() > 1 &&
      (first == "localhost" || first.find_first_of(".:") != std::string::npos || to_lower(first) != first)) {
    if (!is_server(parts.front())) return false;
    parts.erase(parts.begin());
  }
  return std::ranges::all_of(parts, [](const auto& part) { return is_path_component(part); });
}

PulledImage::Name PulledImage::parts() const {
  std::string_view rest = name;
  Name parts{.server = registry_of(name), .repository = {}, .tag = "latest"};
  if (const auto tagless = without_tag(rest); tagless.size() < rest.size()) {
    parts.tag = rest.substr(tagless.size() + 1);
    rest = tagless;
  }
  const auto slash = rest.find('/');
  // registry_of takes the first part for a server only where it can be no part of a repository's name.
  if (slash != std::string_view::npos && registry_server(rest.substr(0, slash)) == parts.server)
    rest.remove_prefix(slash + 1);
  const bool is_official = parts.server == registry_of("busybox") && rest.find('/') == std::string_view::npos;
  parts.repository = (is_official ? "library/" : "") + std::string(rest);
  return parts;
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
      if (!is_image_name(name) || name.contains('@')) continue;
      const auto known = std::ranges::find(images, name, &PulledImage::name);
      if (known == images.end()) {
        images.push_back({std::move(name), {service_name}, span, after});
        continue;
      }
      known->services.push_back(service_name);
      if (after && (!known->refresh_after || *after < *known->refresh_after)) known->refresh_after = after;
    }
  }
  return images;
}

}  // namespace defang::plan
