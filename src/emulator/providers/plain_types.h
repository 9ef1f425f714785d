#pragma once

#include <span>
#include <string_view>

#include "emulator/core.h"

namespace defang::emulator {

/// A resource type without behaviour of its own: it is checked, completed, stored and shown as its row says.
struct PlainType {
  std::string_view type;
  std::string_view rule;       // where the row is from
  std::string_view required;   // dotted paths that a body must have, separated by blanks
  std::string_view read_only;  // dotted paths that are taken out of what is sent
  std::string_view defaults;   // JSON that is filled in below what is sent
  /// Lists in `properties` whose elements are resources of their own: they get an id, an etag and a state. Where
  /// "{type}/{list}" is a type as well, its resources stand in the list.
  std::string_view parts;
  std::string_view shapes;  // family in shapes.cc
  std::string_view in_use;  // code of the refusal to delete it while another resource names it
  TypeBehaviour::Location location = TypeBehaviour::Location::required;
  enum class Etag { none, weak } etag = Etag::none;
  enum class Guid { none, resource_guid } guid = Guid::none;
  enum class State { none, shown } state = State::shown;
};

/// What a type has beyond its row; empty functions are left out.
struct PlainExtras {
  std::function<std::optional<Answer>(Write&)> write;  // after the row's own completion
  std::function<void(Core&, Resource&)> finished;
  std::function<void(Core&, const Resource&)> removed;
};

void add_plain_type(Core& core, const PlainType& row, PlainExtras extras = {});

/// What a network resource names must exist and be ready: 400 InvalidResourceReference, 429 RetryableError.
std::optional<Answer> check_references(Core& core, const std::string& owner, const Json& body);

/// Resources of the subscription whose body names the id, other than itself and what is below it.
std::vector<std::string> users_of(Core& core, const std::string& id);

}  // namespace defang::emulator
