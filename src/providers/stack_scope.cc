#include "providers/stack_scope.h"

#include <cassert>

#include "azure/names.h"
#include "azure/resource_types.h"

namespace defang::providers {

using graph::Reference;
using graph::Value;

std::string StackScope::name_for(std::string_view type, std::string_view purpose) const {
  auto wanted = project + "-" + stack;
  if (!purpose.empty()) wanted += "-" + std::string(purpose);
  return azure::legal_name(*azure::find_resource_type(type), wanted, wanted);
}

std::string StackScope::global_name_for(std::string_view type, std::string_view purpose) const {
  auto wanted = project + "-" + stack;
  auto seed = subscription_id + "/" + group;
  if (!purpose.empty()) {
    wanted += "-" + std::string(purpose);
    seed += "/" + std::string(purpose);
  }
  return azure::unique_name(*azure::find_resource_type(type), wanted, seed);
}

std::string StackScope::infrastructure_group() const {
  const auto wanted = group + "-infrastructure";
  return azure::legal_name(*azure::find_resource_type("Microsoft.Resources/resourceGroups"), wanted, wanted);
}

azure::ResourceId StackScope::id_of(std::string_view type, std::string_view name) const {
  return azure::ResourceId::resource(subscription_id, group, type, name);
}

Value StackScope::tags(std::string_view service) const {
  Value::Map tags = {{"defang-project", project}, {"defang-stack", stack}};
  if (!service.empty()) tags.emplace_back("defang-service", service);
  return tags;
}

graph::Resource make_resource(const StackScope& scope, std::string_view node, std::string_view type, std::string name,
                              Value body, std::string_view service) {
  const auto* row = azure::find_resource_type(type);
  assert(row);
  Value::Map whole;
  if (row->has_location) whole.emplace_back("location", scope.location);
  if (row->taggable) whole.emplace_back("tags", scope.tags(service));
  if (auto* members = body.get_if<Value::Map>())
    for (auto& [key, value] : *members) {
      if (key == "location" && row->has_location)
        whole[0].second = std::move(value);
      else
        whole.emplace_back(key, std::move(value));
    }
  graph::Resource resource;
  resource.id = std::string(node);
  resource.type = std::string(row->type);
  resource.api_version = std::string(row->api_version);
  resource.name = std::move(name);
  resource.body = Value(std::move(whole));
  resource.service = std::string(service);
  if (node != kGroup) resource.after.push_back({std::string(kGroup), ""});
  return resource;
}

Reference id_of(std::string_view node) { return {std::string(node), Reference::Kind::id, "", ""}; }
Reference property_of(std::string_view node, std::string_view path) {
  return {std::string(node), Reference::Kind::property, std::string(path), ""};
}
Reference list_of(std::string_view node, std::string_view function, std::string_view path) {
  return {std::string(node), Reference::Kind::list, std::string(path), std::string(function)};
}
Reference output_of(std::string_view node, std::string_view output) {
  return {std::string(node), Reference::Kind::output, std::string(output), ""};
}

}  // namespace defang::providers
