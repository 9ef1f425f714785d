#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "emulator/json.h"
#include "support/result.h"

/// The expression language of deployment templates, from Microsoft's documentation ("ARM template functions",
/// "Template expression syntax"). It shares nothing with what writes our templates.
namespace defang::emulator {

/// What functions may ask about the deployment that they stand in. Empty functions: not allowed there.
struct Surroundings {
  std::string subscription;  // its id, a GUID
  std::string tenant;
  Json group;       // body of the resource group; null at subscription scope
  Json deployment;  // what deployment() answers
  std::function<Result<Json>(const std::string& name)> parameter;
  std::function<Result<Json>(const std::string& name)> variable;
  /// `resource` is a name or an id, `version` may be empty.
  std::function<Result<Json>(const std::string& resource, const std::string& version, bool full)> reference;
  std::function<Result<Json>(const std::string& function, const std::string& resource, const std::string& version,
                             const Json& body)>
      list;
  std::function<Result<Json>(const std::string& provider, const std::string& type)> provider;
  std::optional<std::int64_t> now_ms;         // default values of parameters only: utcNow, newGuid
  std::map<std::string, std::int64_t> loops;  // index of each copy loop, by lower-case name
  std::string loop;                           // the innermost one
};

/// Is the text an expression, rather than a literal? "[[x]" and "[x" are literals.
bool is_expression(std::string_view text);

/// The value with all expressions in it filled in, names of members too. Errors: InvalidTemplate, or what the
/// functions of the surroundings say; EmulatorNotImplemented for a function that Azure has and the emulator lacks.
Result<Json> evaluated(const Json& value, const Surroundings& in);

/// Names (not ids) of resources that are asked for at run time in the value: ARM waits for those of the same template.
std::set<std::string> names_referred_to(const Json& value, const Surroundings& in);

/// "a1b2c3d4e5f6g": what uniqueString() gives; and guid().
std::string unique_string(std::string_view text);
std::string template_guid(std::string_view text);

}  // namespace defang::emulator
