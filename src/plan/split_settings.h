#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/connection_strings.h"

/// An address in several variables: `REDIS_HOST` beside `REDIS_PORT`, `REDIS_PASSWORD` and `REDIS_TLS`. Each says one
/// thing, and what none of them says the program cannot know.
namespace defang::plan {

/// What a variable is about, by the end of its name.
enum class SettingRole { host, port, user, password, database, tls, tls_mode, scheme };

struct SettingName {
  std::string stem;  // "REDIS" of "REDIS_USE_TLS"; in capital letters
  SettingRole role;
};
std::optional<SettingName> setting_name(std::string_view name);

/// A variable with the text that the Compose file gives it; nothing where it comes from config.
struct NamedText {
  std::string name;
  std::optional<std::string> text;
};

struct SplitSetting {
  std::string name;  // of the variable
  graph::Value::Text value;
  std::string host;  // whose setting it is: key of ManagedEndpoints
  std::optional<int> redis_database;
};
struct SplitFault {
  std::string name;  // of the variable with the host
  std::string host;
  std::string missing;  // "TLS", "its key", or "a URL"
  std::string example;  // variables that would do
};
struct SplitAddress {
  std::vector<SplitSetting> settings;  // those that must say something else
  std::vector<SplitFault> faults;
};
/// What the variables of one service must say so that hosts named by some of them are reached.
SplitAddress rewrite_split(const std::vector<NamedText>& environment, const ManagedEndpoints& endpoints);

/// Whether a variable of this name holds a host when its text is nothing but the name of a service: `DB_HOST: postgres`
/// does, `DB_USER: postgres` and `CACHE_DRIVER: redis` do not.
bool may_hold_host(std::string_view name, std::string_view host);

}  // namespace defang::plan
