#include "compose/checks.h"

#include <algorithm>
#include <map>
#include <vector>

#include "compose/diagnostics.h"
#include "compose/interpolate.h"
#include "compose/limits.h"
#include "compose/ports.h"
#include "compose/scalars.h"

namespace defang::compose {
namespace {

const Node* at(const Node& node, std::initializer_list<std::string_view> keys) {
  const Node* found = &node;
  for (const std::string_view key : keys) {
    found = found->find(key);
    if (!found) return nullptr;
  }
  return found;
}

bool is_true(const Node* node) { return node && node->kind == Node::Kind::boolean && node->boolean; }

std::string text_of(const Node* node) { return node ? reprint(*node) : ""; }

void check_ports(const Node& service, const std::string& path, Diagnostics& diagnostics) {
  const Node* ports = service.find("ports");
  if (!ports) return;
  for (const Node& port : ports->items) {
    if (!port.is_mapping()) continue;
    const Node* target = port.find("target");
    const bool is_zero = target && target->kind == Node::Kind::integer && target->integer == 0;
    if ((!target && !port.damaged) || is_zero) diagnostics.add(port_without_target(path, port.span));
    const Node* host = port.find("host_ip");
    if (host && !is_ip_address(host->text)) diagnostics.add(bad_host_ip(path, *host));
  }
}

void check_mounts(const Node* mounts, const std::string& path, Diagnostics& diagnostics) {
  if (!mounts) return;
  for (const Node& mount : mounts->items)
    if (mount.is_mapping() && !mount.find("target") && !mount.damaged)
      diagnostics.add(mount_without_target(path, mount.span));
}

void check_devices(const Node* devices, const std::string& path, Diagnostics& diagnostics) {
  if (!devices) return;
  for (const Node& device : devices->items) {
    const Node::Entry* count = device.find_entry("count");
    const Node::Entry* ids = device.find_entry("device_ids");
    if (count && ids) diagnostics.add(count_and_device_ids(path, count->key_span, ids->key_span));
  }
}

void check_watch(const Node& service, const std::string& path, Diagnostics& diagnostics) {
  const Node* watch = at(service, {"develop", "watch"});
  if (!watch) return;
  for (const Node& rule : watch->items)
    if (const Node* watched = rule.find("path"); watched && watched->text.empty())
      diagnostics.add(empty_watch_path(path, watched->span));
}

/// CS-182
void check_external_volume(const Node& volume, const std::string& path, Diagnostics& diagnostics) {
  const Node::Entry* external = volume.find_entry("external");
  if (!external || !is_true(&external->value)) return;
  for (const Node::Entry& entry : volume.entries)
    if (entry.key != "name" && entry.key != "external" && !entry.key.starts_with("x-"))
      diagnostics.add(conflict_with_external(path, entry.key, entry.key_span, external->key_span));
}

/// CS-183
void check_source(const Node& resource, const std::string& path, const std::vector<std::string>& sources,
                  const SourceSpan& span, Diagnostics& diagnostics) {
  std::vector<const Node::Entry*> given;
  for (const std::string& source : sources)
    if (const Node::Entry* entry = resource.find_entry(source)) given.push_back(entry);
  if (given.size() > 1) diagnostics.add(several_sources(path, sources, given[0]->key_span, given[1]->key_span));
  if (given.empty() && !resource.find("driver") && !resource.find("external") && !resource.damaged)
    diagnostics.add(no_source(path, sources, span));
}

class Consistency {
 public:
  Consistency(const Node& project, const std::set<std::string>& disabled, Diagnostics& diagnostics)
      : project_(project), services_(project.find("services")), disabled_(disabled), diagnostics_(diagnostics) {}

  void run() {
    if (!services_) return;
    for (const Node::Entry& entry : services_->entries) check_service(entry);
    check_cycles();
  }

 private:
  using Check = void (Consistency::*)(const std::string& name, const Node& service, const SourceSpan& span);

  void check_service(const Node::Entry& entry) {
    static constexpr Check kChecks[] = {
        &Consistency::has_image,        &Consistency::build_agrees,       &Consistency::networks_exist,
        &Consistency::test_starts_well, &Consistency::dependencies_exist, &Consistency::references_exist,
        &Consistency::scale_agrees,     &Consistency::limits_agree,       &Consistency::watch_has_target,
        &Consistency::mounts_differ,
    };
    for (const Check check : kChecks) (this->*check)(entry.key, entry.value, entry.key_span);
  }

  bool has_service(const std::string& name) {
    return index_["services"].find(*services_, name) || is_partly_known(*services_);
  }

  /// What is not there may be among what was wrong and removed.
  bool is_partly_known(const Node& section) const {
    return project_.damaged || section.damaged || diagnostics_.error_count() >= kMostMistakes;
  }

  void has_image(const std::string& name, const Node& service, const SourceSpan& span) {
    if (!service.find("image") && !service.find("build") && !service.find("provider") && !service.damaged)
      diagnostics_.add(service_without_image(name, span));
  }

  void build_agrees(const std::string& name, const Node& service, const SourceSpan&) {
    const Node* build = service.find("build");
    if (!build) return;
    const Node::Entry* file = build->find_entry("dockerfile");
    const Node::Entry* inline_file = build->find_entry("dockerfile_inline");
    if (file && inline_file) diagnostics_.add(dockerfile_twice(name, file->key_span, inline_file->key_span));
    if (const Node* contexts = build->find("additional_contexts"))
      for (const Node::Entry& context : contexts->entries)
        if (context.value.text.starts_with("service:")) {
          const Node* target = index_["services"].find(*services_, context.value.text.substr(8));
          if (target ? !target->find("build") && !target->damaged : !services_->damaged)
            diagnostics_.add(context_not_buildable(name, context));
        }
    const Node* platforms = build->find("platforms");
    const Node* platform = service.find("platform");
    if (platforms && platform && !platforms->items.empty() &&
        std::ranges::find(platforms->items, platform->text, &Node::text) == platforms->items.end())
      diagnostics_.add(platform_not_built(name, *platform, platforms->span));
  }

  void networks_exist(const std::string& name, const Node& service, const SourceSpan&) {
    const Node::Entry* mode = service.find_entry("network_mode");
    const Node::Entry* networks = service.find_entry("networks");
    if (mode && networks) diagnostics_.add(network_mode_and_networks(name, mode->key_span, networks->key_span));
    if (mode && mode->value.text.starts_with("service:") && !has_service(mode->value.text.substr(8)))
      diagnostics_.add(undefined_reference(name, "service", mode->value.text.substr(8), mode->value.span, *services_));
    if (networks) names_exist(name, "network", networks->value, "networks");
  }

  const Node& section_of(std::string_view section) const {
    static const Node kNone;
    const Node* found = project_.find(section);
    return found ? *found : kNone;
  }

  void names_exist(const std::string& name, const std::string& what, const Node& names, std::string_view section) {
    const Node& defined = section_of(section);
    for (const Node::Entry& entry : names.entries)
      if (!index_[section].find(defined, entry.key) && !is_partly_known(defined))
        diagnostics_.add(undefined_reference(name, what, entry.key, entry.key_span, defined));
  }

  void test_starts_well(const std::string& name, const Node& service, const SourceSpan&) {
    const Node* test = at(service, {"healthcheck", "test"});
    if (!test || test->items.empty()) return;
    const std::string& first = test->items[0].text;
    if (first != "CMD" && first != "CMD-SHELL" && first != "NONE")
      diagnostics_.add(bad_health_test(name, test->items[0]));
  }

  void dependencies_exist(const std::string& name, const Node& service, const SourceSpan&) {
    const Node* depends_on = service.find("depends_on");
    if (!depends_on) return;
    for (const Node::Entry& entry : depends_on->entries) {
      if (has_service(entry.key)) continue;
      const bool is_disabled = disabled_.contains(entry.key);
      if (is_disabled && !is_true(entry.value.find("required"))) continue;
      diagnostics_.add(undefined_dependency(name, entry.key, is_disabled, entry.key_span, *services_));
    }
  }

  void references_exist(const std::string& name, const Node& service, const SourceSpan&) {
    if (const Node* volumes = service.find("volumes"))
      for (const Node& mount : volumes->items)
        if (text_of(mount.find("type")) == "volume" && !text_of(mount.find("source")).empty())
          source_exists(name, "volume", mount, "volumes");
    const auto files = [&](const Node* references, const std::string& what, std::string_view section) {
      if (!references) return;
      for (const Node& reference : references->items) source_exists(name, what, reference, section);
    };
    files(at(service, {"build", "secrets"}), "build secret", "secrets");
    files(service.find("configs"), "config", "configs");
    files(service.find("secrets"), "secret", "secrets");
    if (const Node* models = service.find("models")) names_exist(name, "model", *models, "models");
  }

  void source_exists(const std::string& name, const std::string& what, const Node& reference,
                     std::string_view section) {
    Node source = Node::of("");
    source.span = reference.span;
    if (const Node* named = reference.find("source")) source = *named;
    const Node& defined = section_of(section);
    if (index_[section].find(defined, source.text)) return;
    if (!is_partly_known(defined)) diagnostics_.add(undefined_source(name, what, source, defined));
  }

  void scale_agrees(const std::string& name, const Node& service, const SourceSpan&) {
    const Node* scale = service.find("scale");
    const Node* replicas = at(service, {"deploy", "replicas"});
    if (scale && replicas && scale->integer != replicas->integer)
      diagnostics_.add(distinct_values(name, "scale", "deploy.replicas", scale->span, replicas->span));
    if (scale && scale->integer < 0) diagnostics_.add(negative_number("services." + name + ".scale", scale->span));
    if (replicas && replicas->integer < 0)
      diagnostics_.add(negative_number("services." + name + ".deploy.replicas", replicas->span));
    const Node* count = scale ? scale : replicas;
    const Node* own_name = service.find("container_name");
    if (count && count->integer > 1 && own_name)
      diagnostics_.add(
          container_name_with_copies(name, scale ? "scale" : "deploy.replicas", own_name->span, count->span));
  }

  struct Twin {
    std::string_view old_name, section, key;
  };
  // CS-215: attributes of Compose file format 2 and what `deploy` calls them.
  static constexpr Twin kTwins[] = {
      {"cpus", "limits", "cpus"},
      {"mem_limit", "limits", "memory"},
      {"mem_reservation", "reservations", "memory"},
      {"pids_limit", "limits", "pids"},
  };

  void limits_agree(const std::string& name, const Node& service, const SourceSpan&) {
    for (const Twin& twin : kTwins) {
      const Node* old = service.find(twin.old_name);
      const Node* section = at(service, {"deploy", "resources", twin.section});
      if (!old || !section || section->damaged) continue;
      const Node* value = section->find(twin.key);
      if (value && same_amount(*old, *value)) continue;
      const std::string path = "deploy.resources." + std::string(twin.section) + "." + std::string(twin.key);
      diagnostics_.add(
          distinct_values(name, std::string(twin.old_name), path, old->span, value ? value->span : section->span));
    }
  }

  static bool same_amount(const Node& a, const Node& b) {
    const auto number = [](const Node& node) {
      return node.kind == Node::Kind::integer ? static_cast<double>(node.integer) : node.number;
    };
    if (a.is_text() || b.is_text()) return reprint(a) == reprint(b);
    return number(a) == number(b);
  }

  void watch_has_target(const std::string& name, const Node& service, const SourceSpan&) {
    const Node* watch = at(service, {"develop", "watch"});
    if (!watch) return;
    for (const Node& rule : watch->items) {
      const std::string action = text_of(rule.find("action"));
      if (rule.damaged) continue;
      if (text_of(rule.find("target")).empty() && action != "rebuild" && action != "restart")
        diagnostics_.add(watch_without_target(name, rule.span));
    }
  }

  void mounts_differ(const std::string& name, const Node& service, const SourceSpan&) {
    std::map<std::string, SourceSpan> mounted;
    const auto mount = [&](const std::string& target, const SourceSpan& span) {
      const auto [first, is_new] = mounted.emplace(target, span);
      if (!is_new) diagnostics_.add(mounted_twice(name, target, span, first->second));
    };
    if (const Node* tmpfs = service.find("tmpfs"))
      for (const Node& item : tmpfs->items) mount(item.text.substr(0, item.text.find(':')), item.span);
    if (const Node* volumes = service.find("volumes"))
      for (const Node& item : volumes->items) mount(text_of(item.find("target")), item.span);
  }

  void check_cycles() {
    for (const Node::Entry& entry : services_->entries)
      if (follow(entry.key)) return;
  }

  /// True: a cycle was found and reported. A stack of our own: a chain may be longer than the program's is deep.
  bool follow(const std::string& first) {
    struct Step {
      const Node::Entry* service;
      std::size_t next;  // dependency to look at
    };
    std::vector<Step> steps;
    std::map<std::string_view, std::size_t> place;  // of each in `steps`
    const auto enter = [&](const std::string& name) {
      const Node::Entry* service = index_["services"].find_entry(*services_, name);
      if (!service || done_.contains(name)) return;
      place[service->key] = steps.size();
      steps.push_back({service, 0});
    };
    enter(first);
    while (!steps.empty()) {
      auto& [service, next] = steps.back();
      const Node* depends_on = service->value.find("depends_on");
      if (!depends_on || next == depends_on->entries.size()) {
        done_.insert(service->key);
        place.erase(service->key);
        steps.pop_back();
        continue;
      }
      const Node::Entry& dependency = depends_on->entries[next++];
      const auto start = place.find(dependency.key);
      if (start == place.end()) {
        enter(dependency.key);
        continue;
      }
      std::vector<std::string> cycle;
      for (std::size_t at = start->second; at < steps.size(); ++at) cycle.push_back(steps[at].service->key);
      cycle.push_back(dependency.key);
      diagnostics_.add(dependency_cycle(cycle, dependency.key_span));
      return true;
    }
    return false;
  }

  const Node& project_;
  const Node* services_;
  const std::set<std::string>& disabled_;
  Diagnostics& diagnostics_;
  std::set<std::string> done_;
  std::map<std::string_view, KeyIndex> index_;  // of each section
};

}  // namespace

void check_values(const Node& project, Diagnostics& diagnostics) {
  if (const Node* services = project.find("services"))
    for (const Node::Entry& entry : services->entries) {
      const std::string path = "services." + entry.key;
      check_ports(entry.value, path + ".ports", diagnostics);
      check_mounts(entry.value.find("volumes"), path + ".volumes", diagnostics);
      check_mounts(entry.value.find("devices"), path + ".devices", diagnostics);
      check_devices(entry.value.find("gpus"), path + ".gpus", diagnostics);
      check_devices(at(entry.value, {"deploy", "resources", "reservations", "devices"}),
                    path + ".deploy.resources.reservations.devices", diagnostics);
      check_watch(entry.value, path + ".develop.watch", diagnostics);
    }
  if (const Node* volumes = project.find("volumes"))
    for (const Node::Entry& entry : volumes->entries)
      check_external_volume(entry.value, "volumes." + entry.key, diagnostics);
  if (const Node* secrets = project.find("secrets"))
    for (const Node::Entry& entry : secrets->entries)
      check_source(entry.value, "secrets." + entry.key, {"file", "environment"}, entry.key_span, diagnostics);
  if (const Node* configs = project.find("configs"))
    for (const Node::Entry& entry : configs->entries)
      check_source(entry.value, "configs." + entry.key, {"file", "environment", "content"}, entry.key_span,
                   diagnostics);
}

void check_consistency(const Node& project, const std::set<std::string>& disabled, Diagnostics& diagnostics) {
  Consistency(project, disabled, diagnostics).run();
}

}  // namespace defang::compose
