#include "plan/siblings.h"

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::plan {
namespace {

struct SchemePort {
  std::string_view scheme;
  int port;
};
// IANA, "Service Name and Transport Protocol Port Number Registry"; what clients assume without a port.
constexpr auto kSchemePorts = std::to_array<SchemePort>({
    {"amqp", 5672},
    {"http", 80},
    {"https", 443},
    {"mariadb", 3306},
    {"mongodb", 27017},
    {"mysql", 3306},
    {"nats", 4222},
    {"postgres", 5432},
    {"postgresql", 5432},
    {"redis", 6379},
    {"rediss", 6379},
    {"ws", 80},
    {"wss", 443},
});
static_assert(std::ranges::is_sorted(kSchemePorts, {}, &SchemePort::scheme));

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The scheme of the URL whose host starts at `begin`: "http" in "http://host", "postgres" in "postgres://u:p@host". A
/// '@' without a scheme in this text still is a URL: its start stands in a config.
std::optional<std::string> scheme_before(std::string_view text, std::size_t begin) {
  if (begin == 0) return std::nullopt;
  std::size_t at = begin;
  if (text[begin - 1] == '@') {
    const auto slashes = text.rfind("://", begin);
    if (slashes == std::string_view::npos) return "";
    if (text.substr(slashes + 3, begin - slashes - 3).find_first_of("/ ") != std::string_view::npos) return "";
    at = slashes + 3;
  }
  if (at < 3 || text.substr(at - 3, 3) != "://") return std::nullopt;
  std::size_t start = at - 3;
  while (start > 0 && (is_host_character(text[start - 1]) || text[start - 1] == '+')) --start;
  auto scheme = to_lower(text.substr(start, at - 3 - start));
  return scheme.substr(0, scheme.find('+'));  // "postgresql+asyncpg"
}

std::optional<int> port_at(std::string_view text, std::size_t& end) {
  if (end >= text.size() || text[end] != ':') return std::nullopt;
  std::size_t digits = end + 1;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  const auto number = to_number(text.substr(end + 1, digits - end - 1));
  if (!number || *number < 1 || *number > 65535) return std::nullopt;
  if (digits < text.size() && is_host_character(text[digits])) return std::nullopt;  // "redis:7-alpine"
  end = digits;
  return static_cast<int>(*number);
}

bool may_start_host(std::string_view text, std::size_t begin) {
  return begin == 0 || std::string_view("/@ ,;=\"'([{|").find(text[begin - 1]) != std::string_view::npos;
}

}  // namespace

std::optional<int> Mention::meant_port() const {
  if (port) return port;
  const auto found = std::ranges::lower_bound(kSchemePorts, scheme, {}, &SchemePort::scheme);
  if (found == kSchemePorts.end() || found->scheme != scheme) return std::nullopt;
  return found->port;
}

const compose::Node* value_at(const compose::Project& project, const std::string& service, std::string_view path) {
  std::vector<std::string> keys = {"services", service};
  for (auto& key : split(path, '.')) keys.push_back(std::move(key));
  const auto* node = &project.canonical;
  for (const auto& key : keys) {
    // Canonical mappings are sorted, and that of a thousand services is long.
    auto found = std::ranges::lower_bound(node->entries, key, {}, &compose::Node::Entry::key);
    if (found == node->entries.end() || found->key != key)
      found = std::ranges::find(node->entries, key, &compose::Node::Entry::key);
    if (found == node->entries.end()) return nullptr;
    node = &found->value;
  }
  return node;
}

std::string_view text_at(const compose::Project& project, const std::string& service, std::string_view path) {
  const auto* node = value_at(project, service, path);
  return node ? std::string_view(node->text) : std::string_view();
}

Hosts hosts_of(const compose::Project& project) {
  Hosts hosts;
  for (const auto& [name, service] : project.services) {
    for (const auto& network : service.networks)
      for (const auto& alias : network.aliases) hosts.emplace(*alias, name);
    const auto* container_name = value_at(project, name, "container_name");
    if (container_name && container_name->is_text()) hosts.emplace(container_name->text, name);
    // "db:database": one service's name for another, which is good enough for all.
    const auto* links = value_at(project, name, "links");
    for (const auto& link : links ? links->items : std::vector<compose::Node>())
      if (const auto colon = link.text.find(':'); colon != std::string::npos)
        hosts.emplace(link.text.substr(colon + 1), link.text.substr(0, colon));
  }
  for (const auto& [name, service] : project.services) hosts[name] = name;
  return hosts;
}

std::vector<Mention> mentions_in(std::string_view text, const Hosts& hosts) {
  std::vector<Mention> mentions;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_host_character(text[end])) ++end;
    if (end == begin) {
      ++begin;
      continue;
    }
    const auto found = hosts.find(std::string(text.substr(begin, end - begin)));
    if (found != hosts.end() && may_start_host(text, begin)) {
      Mention mention{.service = found->second, .scheme = {}, .port = {}, .begin = begin, .host_end = end, .end = end};
      const auto scheme = scheme_before(text, begin);
      mention.scheme = scheme.value_or("");
      mention.port = port_at(text, mention.end);
      mention.is_whole = begin == 0 && end == text.size();
      if (scheme || mention.port || mention.is_whole) mentions.push_back(mention);
      end = mention.end;
    }
    begin = end;
  }
  return mentions;
}

std::vector<std::string_view> texts_of(const compose::Service& service) {
  std::vector<std::string_view> texts;
  for (const auto& variable : service.environment)
    if (variable.value)
      for (const auto& piece : *variable.value)
        if (!piece.is_config) texts.push_back(piece.text);
  for (const auto* words : {&service.command, &service.entrypoint})
    if (*words)
      for (const auto& word : (*words)->value) texts.push_back(word);
  return texts;
}

}  // namespace defang::plan
