// Our loader as a service: one load a line of standard input, one answer a line of standard output, all in one process.
// The same requests and answers as reference/main.go.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "compose/load.h"

namespace {

using Json = nlohmann::json;
namespace compose = defang::compose;

std::vector<std::string> texts(const Json& options, const char* name) {
  const auto found = options.find(name);
  return found == options.end() || found->is_null() ? std::vector<std::string>{}
                                                    : found->get<std::vector<std::string>>();
}

std::optional<std::string> text(const Json& options, const char* name) {
  const auto found = options.find(name);
  if (found == options.end() || found->is_null()) return std::nullopt;
  return found->get<std::string>();
}

compose::LoadOptions to_options(const Json& request) {
  const Json options = request.value("options", Json::object());
  return {.loader = compose::LoadOptions::Loader::compose,
          .files = texts(options, "config_files"),
          .env_files = texts(options, "env_files"),
          .profiles = texts(options, "profiles"),
          .project_name = text(options, "project_name"),
          .project_directory = text(options, "project_directory"),
          .environment = request.value("env", std::map<std::string, std::string>{}),
          .interpolate = !options.value("no_interpolation", false),
          .check_consistency = !options.value("no_consistency", false)};
}

/// The canonical project, or what is wrong: place, message and code of every error.
Json load(const compose::LoadOptions& options, const defang::Disk& disk) {
  defang::Diagnostics diagnostics;
  const auto project = compose::load(options, disk, diagnostics);
  if (project) return {{"config", Json::parse(compose::to_json(project->canonical))}};
  std::string mistakes;
  for (const auto& diagnostic : diagnostics.all())
    if (diagnostic.severity == defang::Diagnostic::Severity::error)
      mistakes += diagnostic.span.text() + ": " + diagnostic.message + " [" + diagnostic.code + "]\n";
  return {{"error", mistakes}};
}

Json answer(const Json& request) {
  if (chdir(request.at("folder").get<std::string>().c_str()) != 0) return {{"error", "no such folder"}};
  const auto options = to_options(request);
  const auto disk = defang::make_real_disk();
  Json result = Json::object();
  for (int left = request.value("repeat", 0); left > 0; --left) {
    const auto begin = std::chrono::steady_clock::now();
    defang::Diagnostics diagnostics;
    compose::load(options, *disk, diagnostics);
    result["took"].push_back(std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result["load_peak_kib"] = usage.ru_maxrss;
  result.update(
      load(options, *disk));  // after the memory was read: JSON of thousands of services is none of the loader's
  return result;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line))
    std::cout << answer(Json::parse(line)).dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}
