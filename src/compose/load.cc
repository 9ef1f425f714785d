#include "compose/load.h"

#include <algorithm>
#include <array>
#include <set>

#include "compose/advice.h"
#include "compose/checks.h"
#include "compose/diagnostics.h"
#include "compose/discovery.h"
#include "compose/env_files.h"
#include "compose/files.h"
#include "compose/normalise.h"
#include "compose/profiles.h"
#include "compose/project_name.h"
#include "compose/report.h"
#include "compose/typed.h"
#include "compose/values.h"
#include "support/text.h"

namespace defang::compose {
namespace {

namespace fs = std::filesystem;

fs::path absolute(const fs::path& path, const fs::path& folder) {
  fs::path full = (folder / path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

/// `scale` counts for `deploy` too, where there is one; the reference prints both after checking that they agree.
void repeat_scale_in_deploy(Node& project) {
  for (Node::Entry& service : project.find("services")->entries) {
    const Node* scale = service.value.find("scale");
    Node* deploy = service.value.find("deploy");
    if (scale && deploy && !deploy->find("replicas")) deploy->set("replicas", *scale);
  }
}

class Loading {
 public:
  Loading(const LoadOptions& options, const Disk& disk, Diagnostics& diagnostics)
      : options_(options), disk_(disk), diagnostics_(diagnostics), workspace_(disk, diagnostics) {}

  std::optional<Project> run() {
    // Each step needs what the ones before it found.
    static constexpr bool (Loading::* kSteps[])() = {
        &Loading::see_the_world, &Loading::read_variables,   &Loading::find_files,     &Loading::choose_folder,
        &Loading::choose_name,   &Loading::merge_files,      &Loading::make_canonical, &Loading::select_services,
        &Loading::check,         &Loading::fold_environment,
    };
    for (const auto step : kSteps)
      if (!(this->*step)()) return std::nullopt;
    if (diagnostics_.has_errors()) return std::nullopt;
    Project project = to_project(std::move(canonical_));
    project.name = name_;
    project.folder = set_.folder;
    project.config_files = set_.files;
    project.disabled_services = disabled_;
    if (is_defang()) {
      advise(project, workspace_.home, diagnostics_);
      if (diagnostics_.has_errors()) return std::nullopt;
    }
    return project;
  }

  void watch(std::function<void(const Node&)> on_document) { workspace_.on_document = std::move(on_document); }
  const std::vector<Origin>& origins() const { return workspace_.origins; }

 private:
  bool is_defang() const { return options_.loader == LoadOptions::Loader::defang; }

  std::optional<std::string> process_variable(const std::string& name) const {
    const auto found = options_.environment.find(name);
    if (found == options_.environment.end()) return std::nullopt;
    return found->second;
  }

  std::optional<std::string> variable(std::string_view name) const {
    const auto found = set_.variables.values.find(name);
    if (found == set_.variables.values.end()) return std::nullopt;
    return found->second;
  }

  bool see_the_world() {
    const auto folder = disk_.working_folder();
    if (!folder) {
      diagnostics_.add(cannot_read(".", folder.error(), {}));
      return false;
    }
    workspace_.working_folder = *folder;
    workspace_.home = process_variable("HOME").value_or("");
    workspace_.standard_input = options_.standard_input;
    workspace_.interpolated = options_.interpolate;
    workspace_.unset = is_defang() ? Unset::config : Unset::blank;
    workspace_.on_unset = [this](const std::string& name, const SourceSpan& span) { tell_unset(name, span); };
    for (const auto& [name, value] : options_.environment)
      if (!is_defang() || name.starts_with("COMPOSE_")) set_.variables.values[name] = value;  // DM-1
    return true;
  }

  void tell_unset(const std::string& name, const SourceSpan& span) {
    if (!told_.insert(name).second) return;
    if (!is_defang()) {
      diagnostics_.add(variable_not_set(name, span));
    } else if (process_variable(name)) {
      diagnostics_.add(variable_only_in_shell(name, span));
    }
  }

  fs::path first_folder() const {
    const fs::path& here = workspace_.working_folder;
    if (options_.project_directory) return absolute(*options_.project_directory, here);
    if (!options_.files.empty() && options_.files[0] != "-") return absolute(options_.files[0], here).parent_path();
    return here;
  }

  bool read_variables() { return read_variables_of(first_folder()); }

  /// CS-48
  bool read_variables_of(const fs::path& folder) {
    std::vector<EnvFile> files;
    std::vector<std::string> named = options_.env_files;
    if (named.empty())
      if (const auto listed = process_variable("COMPOSE_ENV_FILES"); listed && !listed->empty())
        named = split(*listed, ',');
    for (const std::string& name : named) {
      const fs::path path = absolute(name, workspace_.working_folder);
      if (!disk_.is_file(path)) {
        diagnostics_.add(env_file_not_found(workspace_.shown(path)));
        return false;
      }
      files.push_back({path, {}});
    }
    if (named.empty() && process_variable("COMPOSE_DISABLE_ENV_FILE").value_or("") != "true")
      for (const std::string& name : default_env_files())
        if (disk_.is_file(folder / name)) files.push_back({folder / name, {}});
    return read_env_files(workspace_, files, set_.variables);
  }

  std::vector<std::string> default_env_files() const {
    std::vector<std::string> names{".env"};
    if (!is_defang()) return names;
    if (!options_.provider.empty()) names.push_back(".env." + options_.provider);
    if (!options_.stack.empty()) names.push_back(".env." + options_.stack);
    return names;
  }

  bool find_files() {
    const fs::path& here = workspace_.working_folder;
    std::vector<std::string> named = options_.files;
    if (named.empty())
      if (const auto listed = variable("COMPOSE_FILE"); listed && !listed->empty()) {
        const std::string separator = variable("COMPOSE_PATH_SEPARATOR").value_or(":");
        named = split(*listed, separator.empty() ? ':' : separator[0]);
      }
    if (named.empty()) {
      const auto found = find_compose_files(disk_, options_.project_directory ? first_folder() : here, diagnostics_);
      if (!found) {
        diagnostics_.add(no_compose_file(here.string()));
        return false;
      }
      set_.files = *found;
      return true;
    }
    for (const std::string& name : named) set_.files.push_back(name == "-" ? fs::path("-") : absolute(name, here));
    return true;
  }

  bool choose_folder() {
    const fs::path& here = workspace_.working_folder;
    set_.folder = options_.project_directory       ? absolute(*options_.project_directory, here)
                  : set_.files[0] == fs::path("-") ? here
                                                   : set_.files[0].parent_path();
    return set_.folder == first_folder() || read_variables_of(set_.folder);
  }

  /// CS-10
  bool choose_name() {
    std::optional<std::string> given = options_.project_name;
    if (!given || given->empty()) given = variable("COMPOSE_PROJECT_NAME");
    if (given && !given->empty()) {
      if (normalise_project_name(*given) != *given) {
        diagnostics_.add(invalid_project_name(*given));
        return false;
      }
      name_ = *given;
    } else {
      const std::string written = name_in_files();
      // A name that comes to nothing is an error, not the folder's.
      name_ = normalise_project_name(written.empty() ? set_.folder.filename().string() : interpolated(written));
    }
    set_.variables.values["COMPOSE_PROJECT_NAME"] = name_;  // CS-14
    return true;
  }

  std::string name_in_files() {
    std::string name;
    for (const fs::path& file : set_.files) {
      const std::vector<Node>* documents = workspace_.documents(file, {});
      if (!documents) continue;  // merging the files goes on without it, and gives nothing back
      for (const Node& document : *documents)
        if (const Node* node = document.find("name"); node && node->is_text() && !node->text.empty()) name = node->text;
    }
    return name;
  }

  std::string interpolated(const std::string& text) const {
    if (!options_.interpolate) return text;
    const auto result = substitute(text, set_.variables.lookup(), Unset::blank);
    return result ? result->text : "";  // merging the file reports what is wrong with it
  }

  bool merge_files() {
    canonical_ = load_files(workspace_, set_);
    if (!workspace_.has_room()) return false;  // more is not worth saying
    if (!canonical_.is_mapping() || canonical_.entries.empty()) {
      if (!diagnostics_.has_errors()) diagnostics_.add(empty_compose_file(workspace_.shown(set_.files[0])));
      return false;
    }
    if (name_.empty()) diagnostics_.add(empty_project_name(set_.folder.string()));
    return !name_.empty();
  }

  bool make_canonical() {
    normalise(canonical_, name_);
    canonicalise_values(canonical_, diagnostics_);
    canonical_.set("name", Node::of(name_));
    if (!canonical_.find("services")) canonical_.set("services", Node::of_mapping());
    return true;
  }

  bool select_services() {
    std::vector<std::string> profiles = options_.profiles;
    if (is_defang()) profiles = {"defang"};  // DM-3
    if (options_.all_profiles) profiles = {"*"};
    if (profiles.empty())  // where nothing is listed, a profile with an empty name is active
      for (const std::string& profile : split(variable("COMPOSE_PROFILES").value_or(""), ','))
        profiles.emplace_back(trim(profile));
    disabled_ = drop_inactive_services(canonical_, {profiles.begin(), profiles.end()});
    return true;
  }

  bool check() {
    if (is_defang() || !options_.check_consistency) return true;
    check_consistency(canonical_, {disabled_.begin(), disabled_.end()}, diagnostics_);
    repeat_scale_in_deploy(canonical_);
    return true;
  }

  bool fold_environment() {
    fold_env_files(workspace_, set_.variables, canonical_);
    if (is_defang())  // DM-4
      for (Node::Entry& entry : canonical_.find("services")->entries) entry.value.erase("env_file");
    return true;
  }

  const LoadOptions& options_;
  const Disk& disk_;
  Diagnostics& diagnostics_;
  Workspace workspace_;
  FileSet set_;
  std::string name_;
  Node canonical_;
  std::vector<std::string> disabled_;
  std::set<std::string> told_;
};

void collect_uses(const Node& node, std::map<std::string, VariableUse>& uses) {
  if (node.is_text())
    for (VariableUse& use : variable_uses(node.text)) {
      VariableUse& known = uses.emplace(use.name, VariableUse{.name = use.name}).first->second;
      known.required |= use.required;
      if (known.default_value.empty()) known.default_value = std::move(use.default_value);
      if (known.alternate_value.empty()) known.alternate_value = std::move(use.alternate_value);
    }
  for (const Node& item : node.items) collect_uses(item, uses);
  for (const Node::Entry& entry : node.entries) collect_uses(entry.value, uses);
}

}  // namespace

std::optional<Project> load(const LoadOptions& options, const Disk& disk, Diagnostics& diagnostics) {
  Diagnostics found;
  Loading loading(options, disk, found);
  auto project = loading.run();
  report(found, loading.origins(), diagnostics);
  return project;
}

std::vector<VariableUse> variables_of(const LoadOptions& options, const Disk& disk, Diagnostics& diagnostics) {
  std::map<std::string, VariableUse> uses;
  Diagnostics found;
  Loading loading(options, disk, found);
  loading.watch([&](const Node& document) { collect_uses(document, uses); });
  loading.run();
  // Whether the values fit is not what was asked: only files that could not be read matter.
  constexpr auto kUnreadable = std::to_array<std::string_view>(
      {"compose.file", "compose.no-file", "compose.yaml-syntax", "compose.document", "compose.include"});
  for (const Diagnostic& diagnostic : found.all())
    if (std::ranges::find(kUnreadable, diagnostic.code) != kUnreadable.end()) diagnostics.add(diagnostic);
  std::vector<VariableUse> all;
  for (auto& [name, use] : uses) all.push_back(std::move(use));
  return all;
}

}  // namespace defang::compose
