#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/planned.h"
#include "support/text.h"

namespace defang::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kFirstLine = "# Exported deployment";

std::string parameter_lines(const std::vector<arm::TemplateParameter>& parameters) {
  std::string lines;
  for (const auto& one : parameters)
    lines += fmt::format("| `{}` | {} | {} |\n", one.name, one.is_secret ? "yes" : "no", one.description);
  return lines.empty() ? "There are none.\n" : "| name | secret | what |\n| --- | --- | --- |\n" + lines;
}

/// What the template leaves to whoever deploys it.
std::string left_out(const graph::ResourceGraph& graph) {
  std::string builds, jobs;
  for (const auto& [id, node] : graph.nodes()) {
    const auto* action = std::get_if<graph::Action>(&node);
    if (!action) continue;
    if (const auto* build = std::get_if<graph::BuildImage>(&action->what))
      builds += fmt::format("- of service `{}`, from its {}\n", build->service,
                            build->buildpacks                  ? "sources, by buildpacks"
                            : build->inline_dockerfile.empty() ? "`" + build->dockerfile + "`"
                                                               : "inline Dockerfile");
    if (const auto* run = std::get_if<graph::RunJob>(&action->what))
      jobs += fmt::format("- `{}`\n", graph.resource(run->job)->name);
  }
  std::string text;
  if (!builds.empty())
    text +=
        "These images are built elsewhere, and pushed where the apps may pull from: name them in the parameters "
        "`image_...`.\n\n" +
        builds + "\n";
  if (!jobs.empty())
    text +=
        "These jobs are created and not run; what waits for their success does not wait here. Start them with `az "
        "containerapp job start`:\n\n" +
        jobs + "\n";
  return text;
}

/// Whoever deploys into other groups, too, needs rights there.
std::string roles_outside(const graph::ResourceGraph& graph) {
  std::string lines;
  for (const auto& [id, node] : graph.nodes())
    if (const auto* resource = std::get_if<graph::Resource>(&node); resource && resource->is_outside())
      lines += fmt::format("- {}\n", resource->because);
  return lines.empty()
             ? ""
             : "**Roles in other groups** are given, too, which whoever deploys must be allowed to:\n\n" + lines + "\n";
}

std::string readme(const Planned& planned, const std::vector<arm::TemplateParameter>& parameters) {
  const auto group = plan::resource_group_name(planned.project.name, planned.stack);
  std::string given;
  for (const auto& one : parameters) given += fmt::format(" \\\n      {}=...", one.name);
  const std::string deploy = fmt::format(
      "    az group create --name {0} --location {1}\n"
      "    az deployment group create --resource-group {0} --template-file template.json{2}\n",
      group, planned.stack.location, given.empty() ? "" : " --parameters" + given);
  return fmt::format(
      "{}\n\nProject {}, stack {}. `template.json` and `main.bicep` say the same; nothing but Azure's own tools is "
      "needed "
      "for either.\n\n{}\n"
      "With `--template-file main.bicep` it is the other one. Both deploy into the group that is named here: names of "
      "vaults and storage accounts are unique in Azure and were made for it.\n\n"
      "**Run it again where roles lag.** A role assignment takes effect some minutes after it was made. An app that "
      "pulls an image or reads a secret before that fails; a second run of the same command succeeds, and changes "
      "nothing else.\n\n{}"
      "The outputs `url_...` are the addresses of the public services.\n\n"
      "## Parameters\n\n{}\n{}",
      kFirstLine, planned.project.name, planned.stack.name, deploy, roles_outside(planned.graph),
      parameter_lines(parameters),
      left_out(planned.graph).empty() ? "" : "## What is left to do\n\n" + left_out(planned.graph));
}

/// A README that somebody else wrote is not replaced.
bool is_free(const fs::path& folder, const Disk& disk) {
  const auto there = disk.read(folder / "README.md");
  return !there || there->starts_with(kFirstLine);
}

Result<void> write_all(const fs::path& folder, const std::vector<std::pair<std::string, std::string>>& files,
                       Disk& disk) {
  for (const auto& [name, content] : files) TRY(disk.write(folder / name, content));
  return {};
}

}  // namespace

int run_export(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const fs::path folder = arguments.export_folder;
  if (folder.empty()) diagnostics.error("usage", "`export` needs a folder to write to", {}, "`--dir DIR`");
  if (!folder.empty() && !is_free(folder, context.disk))
    diagnostics.error("cli.export-folder", fmt::format("{} holds a README.md that is no export's", folder.string()), {},
                      "name another folder, or remove the file");
  if (diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  int exit_code = exit_done;
  const auto planned = make_plan(arguments, context, exit_code);
  if (!planned) return exit_code;
  const auto parameters = arm::template_parameters(planned->graph);
  const std::vector<std::pair<std::string, std::string>> files = {
      {"template.json", arm::to_template(planned->graph, planned->template_scope())},
      {"main.bicep", arm::to_bicep(planned->graph, planned->template_scope())},
      {"README.md", readme(*planned, parameters)}};
  if (const auto done = write_all(folder, files, context.disk); !done) {
    print(done.error(), arguments, context);
    return exit_code_of(done.error());
  }
  Json names = Json::array(), wanted = Json::array();
  for (const auto& [name, content] : files) names.push_back((folder / name).string());
  for (const auto& one : parameters)
    wanted.push_back({{"name", one.name}, {"secret", one.is_secret}, {"description", one.description}});
  if (arguments.json)
    context.out.write(Json{{"files", names}, {"parameters", wanted}}.dump(2) + "\n");
  else
    for (const auto& name : names) context.out.write(name.get<std::string>() + "\n");
  return exit_done;
}

}  // namespace defang::cli
