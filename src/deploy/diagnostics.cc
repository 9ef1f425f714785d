#include "deploy/diagnostics.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::deploy {

void report_missing_context(const std::string& service, const compose::Build& build, Diagnostics& diagnostics) {
  diagnostics.error(
      "build.context-missing",
      fmt::format("the build context `{}` of service `{}` is not a folder", build.context.string(), service),
      build.context_span ? build.context_span : build.span, "relative paths start at the folder of the Compose file");
}

void report_missing_dockerfile(const std::string& service, const compose::Build& build,
                               const std::filesystem::path& path, Diagnostics& diagnostics) {
  diagnostics.error("build.dockerfile-missing",
                    fmt::format("service `{}` has no Dockerfile: `{}` does not exist", service, path.string()),
                    build.dockerfile_span ? build.dockerfile_span : build.span,
                    "write one there, name another with `build.dockerfile`, or use `image:`");
}

void report_unreadable_dockerfile(const std::string& service, const compose::Build& build, const Error& error,
                                  Diagnostics& diagnostics) {
  diagnostics.error("build.dockerfile-unreadable",
                    fmt::format("the Dockerfile of service `{}`: {}", service, error.message),
                    build.dockerfile_span ? build.dockerfile_span : build.span);
}

void report_empty_dockerfile(const std::string& service, const compose::Build& build, Diagnostics& diagnostics) {
  diagnostics.error("build.dockerfile-empty", fmt::format("the Dockerfile of service `{}` is empty", service),
                    build.dockerfile_span ? build.dockerfile_span : build.span);
}

void report_dockerfile_without_from(const std::string& service, const compose::Build& build, Diagnostics& diagnostics) {
  diagnostics.error("build.dockerfile-no-from", fmt::format("the Dockerfile of service `{}` has no `FROM`", service),
                    build.dockerfile_span ? build.dockerfile_span : build.span, "every stage begins with `FROM image`");
}

void report_missing_stage(const std::string& service, const compose::Build& build,
                          const compose::Dockerfile& dockerfile, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const auto& stage : dockerfile.stages)
    if (!stage.name.empty()) names.push_back(stage.name);
  std::string help = "the Dockerfile names no stage (`FROM image AS name`)";
  if (const auto near = did_you_mean(to_lower(build.target), names))
    help = fmt::format("did you mean `{}`?", *near);
  else if (!names.empty())
    help = fmt::format("its stages are `{}`", join(names, "`, `"));
  diagnostics.error("build.stage-missing",
                    fmt::format("the Dockerfile of service `{}` has no stage `{}`", service, build.target),
                    build.target_span ? build.target_span : build.span, help);
}

namespace {

Diagnostic in_dockerfile(const DockerfilePlace& place, Diagnostic::Severity severity, std::string code,
                         std::string message, std::string help) {
  return {.severity = severity,
          .code = std::move(code),
          .message = std::move(message),
          .span = place.line,
          .help = std::move(help),
          .related = {{fmt::format("service `{}` is built by it", place.service), place.named_by}}};
}

}  // namespace

void report_stage_without_image(const DockerfilePlace& place, const std::string& image, Diagnostics& diagnostics) {
  diagnostics.add(
      in_dockerfile(place, Diagnostic::Severity::error, "build.stage-without-image",
                    fmt::format("`FROM {}` names no image: its variables have no value", image),
                    "give them in `build.args`, or a default with `ARG NAME=value` before the first `FROM`"));
}

void report_missing_source(const DockerfilePlace& place, const std::string& source, const compose::Build& build,
                           Diagnostics& diagnostics) {
  diagnostics.add(in_dockerfile(place, Diagnostic::Severity::error, "build.source-missing",
                                fmt::format("`{}` is not in the build context `{}`", source, build.context.string()),
                                "paths of COPY and ADD start at `build.context`"));
}

void report_ignored_source(const DockerfilePlace& place, const std::string& source, Diagnostics& diagnostics) {
  diagnostics.add(in_dockerfile(place, Diagnostic::Severity::error, "build.source-ignored",
                                fmt::format("`{}` is left out of the build context by .dockerignore", source),
                                fmt::format("add a line `!{}` to it, below the one that leaves it out", source)));
}

void report_needs_buildkit(const DockerfilePlace& place, const std::string& what, Diagnostics& diagnostics) {
  diagnostics.add(in_dockerfile(place, Diagnostic::Severity::note, "build.needs-buildkit",
                                fmt::format("`{}` needs BuildKit: the registry is asked to build with it", what), ""));
}

void report_bad_ignore_file(const std::string& service, const compose::Build& build, const Error& error,
                            Diagnostics& diagnostics) {
  diagnostics.error("build.ignore-file",
                    fmt::format("the build of service `{}` cannot use its .dockerignore: {}", service, error.message),
                    build.context_span ? build.context_span : build.span);
}

void report_missing_image(const plan::PulledImage& image, Diagnostics& diagnostics) {
  diagnostics.error(
      "images.missing",
      fmt::format("service `{}`: `{}` has no image `{}`", image.services.front(), image.parts.server, image.name),
      image.span, "look at its name and its tag");
}

void report_closed_image(const plan::PulledImage& image, Diagnostics& diagnostics) {
  const auto server = image.parts.server;
  diagnostics.error(
      "images.closed",
      fmt::format("service `{}`: `{}` shows the image `{}` to nobody who is not signed in: it is private, "
                  "or there is none of that name",
                  image.services.front(), server, image.name),
      image.span, fmt::format("look at its name; for a private one, `defang registry login {}`", server));
}

void report_unpinned_image(const plan::PulledImage& image, const rest::FoundImage& found, const std::string& digest,
                           Diagnostics& diagnostics) {
  const auto server = image.parts.server;
  auto why = found.why;
  if (found.is == rest::FoundImage::Is::missing) why = fmt::format("`{}` has it no more", server);
  if (found.is == rest::FoundImage::Is::closed) why = fmt::format("`{}` does not show it to us", server);
  if (digest.empty())
    diagnostics.warning("images.not-pinned",
                        fmt::format("image `{}` is whatever its tag means when a replica starts: {}", image.name, why),
                        image.span, "`up --pull always` asks again");
  else
    diagnostics.warning("images.not-pinned", fmt::format("image `{}` stays as it was: {}", image.name, why),
                        image.span);
}

Error file_changed(const std::string& path) {
  return {.kind = Error::Kind::refused,
          .code = "file-changed",
          .message = fmt::format("`{}` changed while the build context was packed", path),
          .help = "run the command again once nothing writes to the folder, or name the file in .dockerignore"};
}

Error somebody_elses(const azure::ResourceId& id, const std::string& project, const std::string& stack) {
  return {.kind = Error::Kind::refused,
          .code = "not-ours",
          .message = fmt::format("`{}` exists, and its tags do not say that it belongs to project `{}`, stack `{}`",
                                 id.text(), project, stack),
          .help =
              "choose another project name (-p) or stack (-s); or, if it is yours, set its tags `defang-project` "
              "and `defang-stack`"};
}

Error never_changes(const std::string& name, const FixedChange& change) {
  return {.kind = Error::Kind::refused,
          .code = "never-changes",
          .message = fmt::format("`{}` of `{}` is `{}`, and Azure never makes it `{}`", change.property, name,
                                 change.is, change.wished),
          .help = fmt::format("leave it at `{}`; for `{}`, {}", change.is, change.wished, change.consequence)};
}

Error never_ready(const std::string& name, const std::string& state) {
  return {.kind = Error::Kind::refused,
          .code = "store-not-ready",
          .message = fmt::format("`{}` was made, but Azure says of it that it is `{}`", name, state),
          .help = "the next `defang compose up` looks again; what stays so is for Azure's support, or to be deleted"};
}

Error costs_too_much(const std::string& name, const std::string& service, const CostlyChange& change) {
  const bool data = change.cost == CostlyChange::Cost::data;
  return {.kind = Error::Kind::refused,
          .code = data ? "loses-data" : "needs-downtime",
          .message = fmt::format("`{}` of `{}` is `{}` and would become `{}`: {}", change.property, name, change.is,
                                 change.wished, change.consequence),
          .help = data ? fmt::format("`defang compose up --delete-data {}` allows it", service)
                       : fmt::format("`allow-downtime: true` below the `x-defang-` attribute of service `{}` allows it",
                                     service)};
}

Error config_missing(const std::string& name, const SourceSpan& origin) {
  return {.kind = Error::Kind::refused,
          .code = "config-missing",
          .message = fmt::format("config `{}` is not set", name),
          .origin = origin,
          .help = fmt::format("set it with `defang config set {}`", name)};
}

std::string role_stays(const std::string& assignment, const Error& error) {
  return fmt::format(
      "the stack does not need a role on a registry any more, and it could not be taken back ({}): somebody who may "
      "assign roles there can run `az role assignment delete --ids {}`",
      error.code.empty() ? error.message : error.code, assignment);
}

Error login_missing(const std::string& server, const SourceSpan& origin) {
  return {.kind = Error::Kind::refused,
          .code = "login-missing",
          .message = fmt::format("the password of registry `{}` is not in the vault any more", server),
          .origin = origin,
          .help = fmt::format("sign in again with `defang registry login {}`", server)};
}

Error vault_name_taken(const std::string& vault, const std::string& owner) {
  return {.kind = Error::Kind::refused,
          .code = "VaultAlreadyExists",
          .message = fmt::format("the name `{}` belongs to the deleted vault `{}`", vault, owner),
          .help = fmt::format("purge it with `az keyvault purge --name {}`", vault)};
}

Error build_failed(const std::string& service, const std::string& run_id, const std::string& status,
                   const std::string& message) {
  return {.kind = Error::Kind::refused,
          .code = "build-failed",
          .message = fmt::format("the build of service `{}` ended as `{}`{}", service, status,
                                 message.empty() ? "" : ": " + message),
          .context = {fmt::format("run `{}` of the registry", run_id)},
          .help = "the last lines of its output are shown above"};
}

std::string base_image_refused() {
  return "a registry lets nobody pull without signing in: `defang registry login SERVER`, by the server's name in the "
         "Dockerfile, then `up` again";
}

Error context_not_packed(const std::string& service) {
  return {.kind = Error::Kind::invalid,
          .code = "context-not-packed",
          .message = fmt::format("the build context of service `{}` was not uploaded before the run", service)};
}

Error no_such_output(const std::string& node, const std::string& path) {
  return {
      .kind = Error::Kind::invalid, .code = "no-such-output", .message = fmt::format("`{}` has no `{}`", node, path)};
}

}  // namespace defang::deploy
