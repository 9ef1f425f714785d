#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compose/project.h"
#include "graph/graph.h"

/// The variables of a plan's containers as people may read them: `config resolve`, tests.
namespace defang::plan {

struct PlannedVariable {
  std::string service, name;
  /// "rediss://:<primaryKey of cache>@<hostName of cache>:10000", with `${X}` where config X goes. Nothing secret.
  std::string value;
};
/// In the order of services, and of each container's variables.
std::vector<PlannedVariable> variables_of(const graph::ResourceGraph& graph, const compose::Project& project);

/// A value for the eye: literal passwords in URLs and lists of settings, and the whole of what is called a password or
/// key, become `*****`. `${X}` and `<...>` stay.
std::string redacted(std::string_view name, std::string text);

}  // namespace defang::plan
