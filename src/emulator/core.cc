#include "emulator/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "support/text.h"

namespace defang::emulator {

Core::Core(Options options, Clock& clock, Disk& disk, Random& random, Listeners& listeners)
    : options_(std::move(options)),
      clock_(clock),
      disk_(disk),
      random_(random),
      listeners_(listeners),
      store_(disk, options_.state_folder) {
  add_event("operation-ends", [](Core& core, const Json& payload) {
    const std::string id = text_at(payload, "operation");
    const Json* operation = core.store().find_document("operations", id);
    const Json* fails = operation == nullptr ? nullptr : find_member(*operation, "fails");
    if (fails == nullptr) return core.end_operation(id);
    core.finish_operation(id, Failure{.code = text_at(*fails, "code"), .message = text_at(*fails, "message")});
  });
}

Result<void> Core::start() {
  const Lock guard(*this);
  TRY(store_.load());
  create_directory();
  create_registrations();
  open_endpoints();
  TRY_ASSIGN(arm_port_, listeners_.open(static_cast<std::uint16_t>(
                            integer_at(store_.edit_document("emulator", "port"), "arm", options_.port))));
  store_.edit_document("emulator", "port")["arm"] = arm_port_;
  return {};
}

Core::Lock::Lock(Core& core) : core_(core) {
  core_.mutex_.lock();
  ++core_.depth_;
}

Core::Lock::~Lock() {
  if (core_.depth_ == 1) {
    // A disk that is full must not take the emulator down; the change stays in memory and is tried again with the next.
    [[maybe_unused]] const auto written = core_.store_.commit();
  }
  --core_.depth_;
  core_.mutex_.unlock();
}

/// A new subscription has no provider registered; most are older.
void Core::create_registrations() {
  if (!options_.fresh_subscription) return;
  for (const auto& [key, type] : types_) {
    const std::string name_space = type.type.substr(0, type.type.find('/'));
    if (name_space == "Microsoft.Resources" || name_space == "Microsoft.Authorization") continue;
    if (store_.find_document("registrations", name_space) == nullptr)
      store_.edit_document("registrations", name_space) = {{"state", "NotRegistered"}};
  }
}

// --- time -----------------------------------------------------------------------------------------------------------

std::int64_t Core::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch()).count();
}

std::string Core::now_text() const { return to_iso8601(now_ms()); }

std::int64_t Core::scaled_ms(double azure_seconds) const {
  return static_cast<std::int64_t>(std::llround(azure_seconds * 1000 * options_.time_scale));
}

void Core::schedule(std::string_view kind, double azure_seconds, Json payload) {
  const std::int64_t due = now_ms() + scaled_ms(azure_seconds);
  // The key orders by time, then by the order of scheduling.
  Json& counter = store_.edit_document("emulator", "events");
  const std::int64_t number = integer_at(counter, "next");
  counter["next"] = number + 1;
  store_.edit_document("events", fmt::format("{:015}-{:012}", due, number)) = {
      {"due", due}, {"kind", kind}, {"payload", std::move(payload)}};
}

void Core::run_due() {
  const Lock guard(*this);
  if (running_due_) return;
  running_due_ = true;
  for (;;) {
    const auto& events = store_.documents("events");
    if (events.empty() || integer_at(events.begin()->second, "due") > now_ms()) break;
    const std::string key = events.begin()->first;
    const Json event = events.begin()->second;
    store_.erase_document("events", key);
    const auto handler = events_.find(text_at(event, "kind"));
    if (handler != events_.end()) handler->second(*this, event["payload"]);
  }
  running_due_ = false;
}

std::optional<std::int64_t> Core::next_due_ms() {
  const Lock guard(*this);
  const auto& events = store_.documents("events");
  if (events.empty()) return std::nullopt;
  return integer_at(events.begin()->second, "due");
}

// --- registrations --------------------------------------------------------------------------------------------------

void Core::add_type(TypeBehaviour type) {
  std::string key = to_lower(type.type);
  types_[std::move(key)] = std::move(type);
}

const TypeBehaviour* Core::find_type(std::string_view type) const {
  const auto found = types_.find(to_lower(type));
  return found == types_.end() ? nullptr : &found->second;
}

const Core::DataPlane* Core::find_data_plane(const std::string& kind) const {
  const auto found = planes_.find(kind);
  return found == planes_.end() ? nullptr : &found->second;
}

// --- endpoints ------------------------------------------------------------------------------------------------------

namespace {

std::string endpoint_key(std::string_view kind, std::string_view key) {
  return fmt::format("{} {}", kind, to_lower(key));
}

}  // namespace

std::string Core::open_endpoint(std::string_view kind, std::string_view key) {
  const Lock guard(*this);
  const std::string name = endpoint_key(kind, key);
  if (const Json* known = store_.find_document("endpoints", name))
    return fmt::format("localhost:{}", integer_at(*known, "port"));
  const auto port = listeners_.open(0);
  if (!port) return "localhost:0";
  store_.edit_document("endpoints", name) = {{"kind", kind}, {"key", key}, {"port", *port}};
  ports_[*port] = {std::string(kind), std::string(key)};
  return fmt::format("localhost:{}", *port);
}

void Core::close_endpoint(std::string_view kind, std::string_view key) {
  const Lock guard(*this);
  const std::string name = endpoint_key(kind, key);
  const Json* known = store_.find_document("endpoints", name);
  if (known == nullptr) return;
  const auto port = static_cast<std::uint16_t>(integer_at(*known, "port"));
  listeners_.close(port);
  ports_.erase(port);
  store_.erase_document("endpoints", name);
}

void Core::open_privately(std::string_view kind, std::string_view key, Descriptor listener) {
  const Lock guard(*this);
  open_endpoint(kind, key);
  const Json* known = store_.find_document("endpoints", endpoint_key(kind, key));
  if (known != nullptr) listeners_.adopt(std::move(listener), static_cast<std::uint16_t>(integer_at(*known, "port")));
}

void Core::open_endpoints() {
  for (const auto& [name, endpoint] : store_.documents("endpoints")) {
    const auto port = static_cast<std::uint16_t>(integer_at(endpoint, "port"));
    if (listeners_.open(port)) ports_[port] = {text_at(endpoint, "kind"), text_at(endpoint, "key")};
  }
}

std::optional<std::pair<std::string, std::string>> Core::endpoint_of(std::uint16_t port) {
  const Lock guard(*this);
  const auto found = ports_.find(port);
  if (found == ports_.end()) return std::nullopt;
  return found->second;
}

std::string Core::arm_base_url() const { return fmt::format("https://localhost:{}", arm_port_); }

// --- resources ------------------------------------------------------------------------------------------------------

void Core::remove_resource(std::string_view id) {
  std::vector<Resource> gone;
  for (const Resource* below : store_.resources_below(id)) gone.push_back(*below);
  std::ranges::stable_sort(gone, std::greater{}, [](const Resource& r) { return std::ranges::count(r.id, '/'); });
  if (const Resource* self = store_.find(id)) gone.push_back(*self);
  for (const Resource& resource : gone) {
    store_.erase(resource.id);
    const TypeBehaviour* type = find_type(resource.type);
    if (type != nullptr && type->removed) type->removed(*this, resource);
  }
}

Json Core::show(const Resource& resource, View view) {
  const TypeBehaviour* type = find_type(resource.type);
  return type != nullptr && type->show ? type->show(*this, resource, view) : resource.body;
}

std::string Core::canonical_id(const ArmPath& path) {
  ArmPath canonical = path;
  if (!path.group.empty()) {
    const std::string group_id = fmt::format("/subscriptions/{}/resourceGroups/{}", path.subscription, path.group);
    const Resource* group = store_.find(group_id);
    const std::string start = group == nullptr ? group_id : group->id;
    // The scope of an extension resource goes on after the group.
    if (const Resource* scope = store_.find(path.scope))
      canonical.scope = scope->id;
    else if (path.scope.size() >= start.size() && equals_ignoring_case(path.scope.substr(0, start.size()), start))
      canonical.scope = start + path.scope.substr(start.size());
  }
  const TypeBehaviour* type = find_type(path.names_resource() ? path.type() : path.parent_type());
  if (type != nullptr) {
    const auto parts = split(type->id_type.empty() ? type->type : type->id_type, '/');
    canonical.provider = parts[0];
    for (std::size_t i = 0; i < canonical.names.size() && i + 1 < parts.size(); ++i) canonical.types[i] = parts[i + 1];
  }
  return canonical.id();
}

Json Core::system_data(const Resource* existing, const Caller& caller) const {
  const std::string now = now_text();
  Json data = {{"createdBy", caller.object_id},      {"createdByType", "Application"},      {"createdAt", now},
               {"lastModifiedBy", caller.object_id}, {"lastModifiedByType", "Application"}, {"lastModifiedAt", now}};
  if (existing == nullptr) return data;
  if (const Json* before = find_member(existing->body, "systemData"))
    for (const char* name : {"createdBy", "createdByType", "createdAt"})
      if (before->contains(name)) data[name] = (*before)[name];
  return data;
}

}  // namespace defang::emulator
