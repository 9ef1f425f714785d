#include "emulator/store.h"

#include "emulator/regions.h"
#include "support/text.h"

namespace defang::emulator {

const Json& Resource::properties() const {
  static const Json kNone = Json::object();
  const Json* found = find_member(body, "properties");
  return found == nullptr ? kNone : *found;
}

std::string Resource::name() const { return id.substr(id.rfind('/') + 1); }

std::string Resource::location() const { return region_name(text_at(body, "location")); }

namespace {

Json to_json(const Resource& resource) {
  return {{"id", resource.id}, {"type", resource.type}, {"body", resource.body}, {"hidden", resource.hidden}};
}

Resource to_resource(const Json& json) {
  return {.id = text_at(json, "id"), .type = text_at(json, "type"), .body = json["body"], .hidden = json["hidden"]};
}

}  // namespace

Store::Store(Disk& disk, std::filesystem::path folder) : disk_(disk), journal_(std::move(folder) / "journal.jsonl") {}

Result<void> Store::load() {
  resources_.clear();
  documents_.clear();
  auto text = disk_.read(journal_);
  if (!text && text.error().code != "file-not-found") return std::unexpected(text.error());
  for (const auto& line : split(text ? *text : std::string(), '\n')) {
    // The last line may be cut off: its request was never answered.
    if (const auto parsed = parse_json(line); parsed && parsed->is_object()) apply(*parsed);
  }
  Json all = Json::object();
  for (const auto& [key, resource] : resources_) all["resources"][key] = to_json(resource);
  for (const auto& [collection, documents] : documents_)
    for (const auto& [key, document] : documents) all["documents"][collection][key] = document;
  return disk_.write(journal_, dump(all) + "\n", Disk::Access::owner_only);
}

void Store::apply(const Json& line) {
  if (const Json* resources = find_member(line, "resources"))
    for (const auto& [key, value] : resources->items()) {
      if (value.is_null())
        resources_.erase(key);
      else
        resources_[key] = to_resource(value);
    }
  if (const Json* collections = find_member(line, "documents"))
    for (const auto& [collection, documents] : collections->items())
      for (const auto& [key, value] : documents.items()) {
        if (value.is_null())
          documents_[collection].erase(key);
        else
          documents_[collection][key] = value;
      }
}

const Resource* Store::find(std::string_view id) const {
  const auto found = resources_.find(to_lower(id));
  return found == resources_.end() ? nullptr : &found->second;
}

Resource& Store::edit(std::string_view id) {
  const std::string key = to_lower(id);
  dirty_resources_.insert(key);
  return resources_[key];
}

Resource& Store::put(Resource resource) {
  const std::string key = to_lower(resource.id);
  dirty_resources_.insert(key);
  return resources_[key] = std::move(resource);
}

void Store::erase(std::string_view id) {
  const std::string key = to_lower(id);
  if (resources_.erase(key) > 0) dirty_resources_.insert(key);
}

std::vector<const Resource*> Store::resources_below(std::string_view id) const {
  const std::string prefix = to_lower(id) + "/";
  std::vector<const Resource*> found;
  for (auto at = resources_.lower_bound(prefix); at != resources_.end() && at->first.starts_with(prefix); ++at)
    found.push_back(&at->second);
  return found;
}

std::vector<const Resource*> Store::resources_of_type(std::string_view type) const {
  std::vector<const Resource*> found;
  for (const auto& [key, resource] : resources_)
    if (equals_ignoring_case(resource.type, type)) found.push_back(&resource);
  return found;
}

const Json* Store::find_document(std::string_view collection, std::string_view key) const {
  const auto& all = documents(collection);
  const auto found = all.find(to_lower(key));
  return found == all.end() ? nullptr : &found->second;
}

Json& Store::edit_document(std::string_view collection, std::string_view key) {
  const std::string lower = to_lower(key);
  dirty_documents_.emplace(collection, lower);
  Json& document = documents_[std::string(collection)][lower];
  if (document.is_null()) document = Json::object();
  return document;
}

void Store::erase_document(std::string_view collection, std::string_view key) {
  const std::string lower = to_lower(key);
  if (documents_[std::string(collection)].erase(lower) > 0) dirty_documents_.emplace(collection, lower);
}

const std::map<std::string, Json>& Store::documents(std::string_view collection) const {
  static const std::map<std::string, Json> kNone;
  const auto found = documents_.find(collection);
  return found == documents_.end() ? kNone : found->second;
}

Result<void> Store::commit() {
  if (!dirty()) return {};
  Json line = Json::object();
  for (const auto& key : dirty_resources_) {
    const auto found = resources_.find(key);
    line["resources"][key] = found == resources_.end() ? Json() : to_json(found->second);
  }
  for (const auto& [collection, key] : dirty_documents_) {
    const Json* found = find_document(collection, key);
    line["documents"][collection][key] = found == nullptr ? Json() : *found;
  }
  TRY(disk_.append(journal_, dump(line) + "\n"));
  dirty_resources_.clear();
  dirty_documents_.clear();
  return {};
}

}  // namespace defang::emulator
