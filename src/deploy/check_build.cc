#include "deploy/check_build.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "compose/dockerfile.h"
#include "deploy/build_context.h"
#include "deploy/diagnostics.h"

namespace defang::deploy {
namespace {

namespace fs = std::filesystem;
using compose::Dockerfile;

// What Cloud Native Buildpacks recognise a language by, one file each (the detection of the usual builders).
constexpr auto kLanguageFiles =
    std::to_array<std::string_view>({"Cargo.toml", "Gemfile", "build.gradle", "build.gradle.kts", "composer.json",
                                     "go.mod", "package.json", "pom.xml", "pyproject.toml", "requirements.txt"});

bool has_language_file(const fs::path& folder, const Disk& disk) {
  if (std::ranges::any_of(kLanguageFiles, [&](auto name) { return disk.is_file(folder / name); })) return true;
  const auto entries = disk.list(folder);
  return entries && std::ranges::any_of(*entries, [](const auto& entry) { return entry.name.ends_with(".csproj"); });
}

/// As a user would write it: relative to where the program runs, where it lies below.
std::string shown(const fs::path& path, const Disk& disk) {
  const auto here = disk.working_folder();
  if (!here) return path.string();
  const fs::path relative = path.lexically_relative(*here);
  return relative.empty() || relative.begin()->string() == ".." ? path.string() : relative.string();
}

class BuildCheck {
 public:
  BuildCheck(const std::string& service, const compose::Build& build, const Disk& disk, Diagnostics& diagnostics)
      : service_(service), build_(build), disk_(disk), diagnostics_(diagnostics) {}

  void run() {
    if (!disk_.is_folder(build_.context)) return report_missing_context(service_, build_, diagnostics_);
    if (!read()) return;
    dockerfile_ = compose::parse_dockerfile(file_->text);
    if (dockerfile_.is_empty()) return report_empty_dockerfile(service_, build_, diagnostics_);
    if (dockerfile_.stages.empty()) return report_dockerfile_without_from(service_, build_, diagnostics_);
    const auto target = dockerfile_.stage(build_.target);
    if (!target) return report_missing_stage(service_, build_, dockerfile_, diagnostics_);
    last_ = *target;
    check_images();
    check_copies();
    check_builder();
  }

 private:
  bool read() {
    if (build_.dockerfile_inline) {
      file_ = std::make_shared<SourceFile>("dockerfile_inline", *build_.dockerfile_inline);
      return true;
    }
    const auto path = (build_.context / build_.dockerfile).lexically_normal();
    if (!disk_.is_file(path)) {
      const bool by_default = build_.dockerfile == "Dockerfile";
      if (!by_default || !has_language_file(build_.context, disk_))
        report_missing_dockerfile(service_, build_, path, diagnostics_);
      return false;
    }
    auto text = disk_.read(path);
    if (!text) {
      report_unreadable_dockerfile(service_, build_, text.error(), diagnostics_);
      return false;
    }
    file_ = std::make_shared<SourceFile>(shown(path, disk_), std::move(*text));
    return true;
  }

  DockerfilePlace at(std::size_t line) const { return {service_, {file_, line, 1, 0}, build_.dockerfile_span}; }

  std::optional<std::string> argument(std::string_view name) const {
    const auto found = std::ranges::find(build_.args, name, &compose::EnvironmentVariable::name);
    if (found == build_.args.end()) return std::nullopt;
    std::string text;
    if (found->value)
      for (const auto& piece : *found->value) text += piece.is_config ? "config" : piece.text;
    return text;
  }

  void check_images() {
    for (std::size_t i = 0; i <= last_; ++i) {
      const auto& stage = dockerfile_.stages[i];
      const auto image = dockerfile_.image_of(stage, [this](std::string_view name) { return argument(name); });
      if (image && image->empty()) report_stage_without_image(at(stage.line), stage.image, diagnostics_);
    }
  }

  void check_copies() {
    const auto rules = read_ignore_rules(build_.context, build_.dockerfile_inline ? "" : build_.dockerfile, disk_);
    if (!rules) return report_bad_ignore_file(service_, build_, rules.error(), diagnostics_);
    for (const auto& copy : dockerfile_.copies())
      if (copy.stage <= last_)
        for (const auto& source : copy.sources) check_source(source, *rules, at(copy.line));
  }

  void check_source(const std::string& source, const compose::IgnoreRules& rules, const DockerfilePlace& place) {
    if (source.find_first_of("*?[$\\") != std::string::npos) return;  // patterns and variables: the builder's to judge
    const fs::path below = fs::path("/" + source).lexically_normal().relative_path();  // `..` stays inside the context
    std::string path = below.generic_string();
    while (path.ends_with('/')) path.pop_back();
    if (path.empty()) return;
    if (!disk_.look_at(build_.context / path)) return report_missing_source(place, source, build_, diagnostics_);
    if (rules.ignores(path) && !rules.may_bring_back_below(path)) report_ignored_source(place, source, diagnostics_);
  }

  void check_builder() {
    for (const auto& instruction : dockerfile_.instructions) {
      const bool is_built = instruction.stage != Dockerfile::kBeforeStages && instruction.stage <= last_;
      if (const auto what = is_built ? needs_buildkit(instruction) : std::nullopt)
        return report_needs_buildkit(at(instruction.line), *what, diagnostics_);
    }
  }

  const std::string& service_;
  const compose::Build& build_;
  const Disk& disk_;
  Diagnostics& diagnostics_;
  std::shared_ptr<const SourceFile> file_;
  Dockerfile dockerfile_;
  std::size_t last_ = 0;  // the stage that is asked for
};

}  // namespace

void check_build(const std::string& service, const compose::Build& build, const Disk& disk, Diagnostics& diagnostics) {
  if (!build.is_remote) BuildCheck(service, build, disk, diagnostics).run();
}

}  // namespace defang::deploy
