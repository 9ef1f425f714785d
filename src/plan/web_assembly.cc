#include "plan/web_assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "compose/dockerfile.h"
#include "plan/diagnostics.h"
#include "plan/siblings.h"
#include "support/text.h"

namespace defang::plan {
namespace {

using Words = std::vector<std::string>;

/// Debian has the package since its release 14 (packages.debian.org/forky/wasmedge).
constexpr std::string_view kRuntimeStage =
    "FROM debian:forky-slim\n"
    "RUN apt-get update && apt-get install -y --no-install-recommends wasmedge && rm -rf /var/lib/apt/lists/*\n";

/// WasmEdge hands on no variables and no folder but those that it is told (`wasmedge --help`); /proc has the variables
/// whatever their values hold.
constexpr auto kLauncherLines = std::to_array<std::string_view>({
    "#!/bin/bash",
    "options=(--dir /:/)",
    "while IFS= read -r -d \"\" variable; do options+=(--env \"$variable\"); done < /proc/self/environ",
    "exec wasmedge \"${options[@]}\" \"$@\"",
});

// Docker's names (docs.docker.com, "Wasm workloads"). Of its runtimes those that take a plain WASI module, which
// WasmEdge runs, too; the others are frameworks.
constexpr auto kRuntimes = std::to_array<std::string_view>({
    "io.containerd.wasmedge.",
    "io.containerd.wasmer.",
    "io.containerd.wasmtime.",
});
constexpr auto kPlatforms = std::to_array<std::string_view>({"wasi/", "wasip1/"});

/// The exec form; nothing for the other, which needs a shell.
std::optional<Words> words_in(const std::string& arguments) {
  const auto json = nlohmann::json::parse(arguments, nullptr, false);
  if (!json.is_array() || !std::ranges::all_of(json, [](const auto& word) { return word.is_string(); }))
    return std::nullopt;
  return json.get<Words>();
}

std::string exec_form(const Words& words) { return nlohmann::json(words).dump(); }

/// What a stage says of its image, after what the stage says that it starts from.
void read_stage(const compose::Dockerfile& dockerfile, std::size_t stage, ModuleImage& image) {
  // ARG, since the others may name it.
  constexpr auto kSettings = std::to_array<std::string_view>({"ARG", "ENV", "EXPOSE", "STOPSIGNAL", "USER", "WORKDIR"});
  const auto from = to_lower(dockerfile.stages[stage].image);
  for (std::size_t before = stage; before-- > 0;)
    if (dockerfile.stages[before].name == from) {
      read_stage(dockerfile, before, image);
      break;
    }
  const auto words_of = [&](const compose::Dockerfile::Instruction& instruction) {
    auto words = words_in(instruction.arguments);
    image.has_shell_form = image.has_shell_form || !words;
    return words.value_or(Words());
  };
  for (const auto& instruction : dockerfile.instructions) {
    if (instruction.stage != stage) continue;
    if (instruction.name == "ENTRYPOINT") image.entrypoint = words_of(instruction);
    if (instruction.name == "CMD") image.command = words_of(instruction);
    if (std::ranges::find(kSettings, instruction.name) != kSettings.end())
      image.settings.push_back(instruction.name + " " + instruction.arguments);
  }
}

}  // namespace

bool is_module(const compose::Project& project, const std::string& service) {
  const auto runtime = text_at(project, service, "runtime");
  const auto platform = to_lower(text_at(project, service, "platform"));
  return std::ranges::any_of(kRuntimes, [&](auto prefix) { return runtime.starts_with(prefix); }) ||
         std::ranges::any_of(kPlatforms, [&](auto prefix) { return platform.starts_with(prefix); });
}

std::map<std::string, ModuleImage> module_images(const compose::Project& project, const Disk& disk) {
  std::map<std::string, ModuleImage> images;
  for (const auto& [name, service] : project.services) {
    if (!service.build || service.build->is_remote || !is_module(project, name)) continue;
    const auto& build = *service.build;
    const auto text = build.dockerfile_inline ? Result<std::string>(*build.dockerfile_inline)
                                              : disk.read(build.context / build.dockerfile);
    if (!text) continue;  // said where builds are checked
    const auto dockerfile = compose::parse_dockerfile(*text);
    if (const auto stage = dockerfile.stage(build.target)) {
      images[name].stage = *stage;
      read_stage(dockerfile, *stage, images[name]);
    }
  }
  return images;
}

void check_runtime(Planning& plan, const compose::Service& service) {
  const auto* runtime = value_at(plan.project, service.name, "runtime");
  if (!is_module(plan.project, service.name)) {
    // Docker's own default, and what it is short for; and the one that gives a container the GPU that it reserves.
    const auto name = text_at(plan.project, service.name, "runtime");
    const bool has_gpu = value_at(plan.project, service.name, "deploy.resources.reservations.devices") != nullptr;
    const bool is_there =
        name.empty() || name == "runc" || name == "io.containerd.runc.v2" || (name == "nvidia" && has_gpu);
    if (!is_there) plan.diagnostics.add(no_such_runtime(service, *runtime));
    return;
  }
  const auto& span = runtime ? runtime->span : service.platform ? service.platform->span : service.span;
  const auto image = plan.facts.modules.find(service.name);
  const bool is_named = service.entrypoint && !service.entrypoint->value.empty();
  if (!service.build || plan.facts.without_dockerfile.contains(service.name))
    plan.diagnostics.add(module_not_built(service, span));
  else if (image == plan.facts.modules.end())
    return;  // what is wrong with its Dockerfile is said where builds are checked
  else if (image->second.entrypoint.empty() && image->second.command.empty() && !is_named)
    plan.diagnostics.add(module_not_named(service, image->second.has_shell_form, span));
  else
    plan.diagnostics.add(runs_with_its_runtime(service, span));
}

std::string module_instructions(const Planning& plan, const compose::Service& service) {
  const auto found = plan.facts.modules.find(service.name);
  if (found == plan.facts.modules.end()) return "";
  const auto& image = found->second;
  auto entrypoint = image.entrypoint;
  entrypoint.insert(entrypoint.begin(), kModuleLauncher);
  std::string lines;
  for (const auto line : kLauncherLines) lines += fmt::format(" '{}'", line);
  auto text = fmt::format("{}COPY --from={} / /\nRUN printf '%s\\n'{} > {} && chmod 755 {}\nENTRYPOINT {}\n",
                          kRuntimeStage, image.stage, lines, kModuleLauncher, kModuleLauncher, exec_form(entrypoint));
  if (!image.command.empty()) text += fmt::format("CMD {}\n", exec_form(image.command));
  for (const auto& setting : image.settings) text += setting + "\n";
  return text;
}

}  // namespace defang::plan
