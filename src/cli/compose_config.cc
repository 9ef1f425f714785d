#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/loading.h"
#include "cli/session.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using compose::Node;

/// What `up` would load, or, with --loader compose, what `docker compose config` does: that knows no stacks.
std::optional<compose::Project> load(const Arguments& arguments, Context& context, Diagnostics& diagnostics) {
  if (arguments.loader == "compose") return compose::load(load_options(arguments, context), context.disk, diagnostics);
  const auto settings = find_stack(arguments, context, diagnostics);
  return settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
}

Node names_of(const compose::Project& project, std::string_view section) {
  Node names = Node::of_list();
  if (const Node* resources = project.canonical.find(section))
    for (const Node::Entry& entry : resources->entries) names.items.push_back(Node::of(entry.key));
  std::ranges::sort(names.items, {}, &Node::text);
  return names;
}

/// An image that is built has the name that Compose gives it.
Node images_of(const compose::Project& project) {
  Node images = Node::of_list();
  for (const auto& [name, service] : project.services) {
    if (!service.image && !service.build) continue;
    images.items.push_back(Node::of(service.image ? service.image->value : project.name + "-" + name));
  }
  return images;
}

Node profiles_of(const compose::Project& project) {
  std::set<std::string> names;
  if (const Node* services = project.canonical.find("services"))
    for (const Node::Entry& service : services->entries)
      if (const Node* profiles = service.value.find("profiles"))
        for (const Node& profile : profiles->items) names.insert(profile.text);
  Node list = Node::of_list();
  for (const std::string& name : names) list.items.push_back(Node::of(name));
  return list;
}

/// As in Compose, how an image comes to be and how many run are no part of what a service says.
std::string digest_of(Node service) {
  for (const char* key : {"build", "pull_policy", "scale"}) service.erase(key);
  if (Node* deploy = service.find("deploy")) deploy->erase("replicas");
  return sha256_hex(compose::to_json(service));
}

/// Service name -> digest.
Node digests_of(const compose::Project& project, const std::string& wanted, Diagnostics& diagnostics) {
  const Node all = names_of(project, "services");
  std::vector<std::string> known, names = split(wanted, ',');
  for (const Node& name : all.items) known.push_back(name.text);
  if (wanted == "*") names = known;
  Node digests = Node::of_mapping();
  for (const std::string& name : names) {
    if (const Node* service = project.canonical.find("services")->find(name)) {
      digests.set(name, Node::of(digest_of(*service)));
      continue;
    }
    const auto near = did_you_mean(name, known);
    diagnostics.error(
        "usage", fmt::format("there is no service `{}`", name), {},
        near ? fmt::format("did you mean `{}`?", *near) : "`defang compose config --services` lists them");
  }
  return digests;
}

Node table_of(const std::vector<compose::VariableUse>& uses) {
  Node table = Node::of_list();
  for (const compose::VariableUse& use : uses) {
    Node row = Node::of_mapping();
    row.set("name", Node::of(use.name));
    row.set("required", Node::of_boolean(use.required));
    row.set("default", Node::of(use.default_value));
    row.set("alternate", Node::of(use.alternate_value));
    table.items.push_back(std::move(row));
  }
  return table;
}

/// One line a name, `NAME VALUE` for a mapping, a table for rows.
std::string to_lines(const Node& list) {
  std::string text;
  for (const Node::Entry& entry : list.entries) text += entry.key + " " + entry.value.text + "\n";
  if (list.items.empty() || !list.items[0].is_mapping()) {
    for (const Node& item : list.items) text += item.text + "\n";
    return text;
  }
  std::size_t width = 4, default_width = 7;
  for (const Node& row : list.items) {
    width = std::max(width, row.find("name")->text.size());
    default_width = std::max(default_width, row.find("default")->text.size());
  }
  const auto line = [&](const std::string& name, const std::string& required, const std::string& value,
                        const std::string& alternate) {
    const std::string row =
        fmt::format("{:<{}}  {:<8}  {:<{}}  {}", name, width, required, value, default_width, alternate);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  };
  line("NAME", "REQUIRED", "DEFAULT", "ALTERNATE");
  for (const Node& row : list.items)
    line(row.find("name")->text, row.find("required")->boolean ? "true" : "false", row.find("default")->text,
         row.find("alternate")->text);
  return text;
}

struct Section {
  bool Arguments::* chosen;
  std::string_view name;
};
constexpr Section kSections[] = {
    {&Arguments::list_services, "services"},
    {&Arguments::list_networks, "networks"},
    {&Arguments::list_volumes, "volumes"},
    {&Arguments::list_models, "models"},
};

/// What the options ask for instead of the whole project.
std::optional<Node> listing(const compose::Project& project, const Arguments& arguments, Diagnostics& diagnostics) {
  for (const Section& section : kSections)
    if (arguments.*section.chosen) return names_of(project, section.name);
  if (arguments.list_images) return images_of(project);
  if (arguments.list_profiles) return profiles_of(project);
  if (!arguments.hash.empty()) return digests_of(project, arguments.hash, diagnostics);
  return std::nullopt;
}

int write(const std::string& text, const Arguments& arguments, Context& context) {
  if (arguments.quiet) return exit_done;
  if (arguments.output.empty()) {
    context.out.write(text);
    return exit_done;
  }
  if (const auto written = context.disk.write(arguments.output, text); !written) {
    print(written.error(), arguments, context);
    return exit_world_refused;
  }
  return exit_done;
}

int list_variables(const Arguments& arguments, Context& context, bool as_json) {
  Diagnostics diagnostics;
  const auto uses = compose::variables_of(load_options(arguments, context), context.disk, diagnostics);
  print(diagnostics, arguments, context);
  if (diagnostics.has_errors()) return exit_input_wrong;
  const Node table = table_of(uses);
  return write(as_json ? compose::to_json(table) : to_lines(table), arguments, context);
}

}  // namespace

int run_compose_config(const Arguments& arguments, Context& context) {
  const bool as_json = arguments.format == "json" || arguments.json;
  if (arguments.list_variables) return list_variables(arguments, context, as_json);
  Diagnostics diagnostics;
  const auto project = load(arguments, context, diagnostics);
  const auto list = project ? listing(*project, arguments, diagnostics) : std::nullopt;
  if (!project || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  // With --json the one document on standard output is the project; its warnings stay on standard error.
  Arguments as_text = arguments;
  as_text.json = false;
  print(diagnostics, as_text, context);
  if (list) return write(as_json ? compose::to_json(*list) : to_lines(*list), arguments, context);
  return write(as_json ? compose::to_json(project->canonical) : compose::to_yaml(project->canonical), arguments,
               context);
}

}  // namespace defang::cli
