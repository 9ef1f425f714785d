#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/json.h"
#include "support/disk.h"

namespace defang::emulator {

/// A resource of ARM. Ids compare without case; the casing of the creator is kept.
struct Resource {
  std::string id;
  std::string type;              // "Microsoft.KeyVault/vaults", in Azure's casing
  Json body;                     // what GET shows
  Json hidden = Json::object();  // what the service knows and does not show: keys, secret values, counters

  const Json& properties() const;
  /// Only until a member is added to the body: that moves the others.
  Json& properties() { return body["properties"]; }
  std::string state() const { return text_at(body, "properties.provisioningState"); }
  std::string name() const;      // the last part of the id
  std::string location() const;  // normalised: "eastus"
};

/// Everything that survives a restart: resources, and documents in named collections (operations, events, principals
/// ...). Changes are collected and written by commit() as one line of a journal, so that after kill -9 there is all of
/// a request or nothing. The lock is Core's.
///
///   journal line:  {"resources": {"<key>": {...} or null}, "documents": {"<collection>": {"<key>": {...} or null}}}
class Store {
 public:
  Store(Disk& disk, std::filesystem::path folder);
  /// Reads the journal and rewrites it without history.
  Result<void> load();

  const Resource* find(std::string_view id) const;
  /// The resource for changing; it must exist. It is written at the next commit.
  Resource& edit(std::string_view id);
  Resource& put(Resource resource);
  void erase(std::string_view id);
  /// In the order of their ids. Pointers stay valid until the resource is erased.
  std::vector<const Resource*> resources_below(std::string_view id) const;  // not the one itself
  std::vector<const Resource*> resources_of_type(std::string_view type) const;

  const Json* find_document(std::string_view collection, std::string_view key) const;
  /// For changing; an empty object is made when absent.
  Json& edit_document(std::string_view collection, std::string_view key);
  void erase_document(std::string_view collection, std::string_view key);
  const std::map<std::string, Json>& documents(std::string_view collection) const;  // keys in lower case

  Result<void> commit();
  bool dirty() const { return !dirty_resources_.empty() || !dirty_documents_.empty(); }

 private:
  void apply(const Json& line);

  Disk& disk_;
  std::filesystem::path journal_;
  std::map<std::string, Resource> resources_;
  std::map<std::string, std::map<std::string, Json>, std::less<>> documents_;
  std::set<std::string> dirty_resources_;
  std::set<std::pair<std::string, std::string>> dirty_documents_;
};

}  // namespace defang::emulator
