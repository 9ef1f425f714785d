#include "plan/diagnostics.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::plan {
namespace {

using Severity = Diagnostic::Severity;

Diagnostic make(Severity severity, std::string code, std::string message, SourceSpan span, std::string help = "") {
  return {.severity = severity,
          .code = std::move(code),
          .message = std::move(message),
          .span = std::move(span),
          .help = std::move(help),
          .related = {}};
}

Diagnostic error(std::string code, std::string message, SourceSpan span, std::string help = "") {
  return make(Severity::error, std::move(code), std::move(message), std::move(span), std::move(help));
}
Diagnostic warning(std::string code, std::string message, SourceSpan span, std::string help = "") {
  return make(Severity::warning, std::move(code), std::move(message), std::move(span), std::move(help));
}
Diagnostic note(std::string code, std::string message, SourceSpan span, std::string help = "") {
  return make(Severity::note, std::move(code), std::move(message), std::move(span), std::move(help));
}

}  // namespace

Diagnostic unknown_attribute(const std::string& service, const compose::Attribute& attribute) {
  return error("azure.unsupported",
               fmt::format("service `{}` uses `{}`, which is not supported yet", service, attribute.path),
               attribute.span, "remove it");
}

Diagnostic unsupported_attribute(const std::string& service, const AttributeSupport& support, const SourceSpan& span) {
  using Verdict = AttributeSupport::Verdict;
  const auto text = fmt::format("service `{}` uses `{}`: {}", service, support.path, support.reason);
  switch (support.verdict) {
    case Verdict::refused:
      return error("azure.unsupported", text, span, "remove it, or run this service elsewhere");
    case Verdict::warned:
      return warning("azure.not-used", text, span);
    default:
      return note("azure.not-used", text, span);
  }
}

Diagnostic no_region(const std::string& location) {
  return error("azure.location", fmt::format("`{}` is not the name of an Azure region", location), {},
               "set AZURE_LOCATION to one, such as `westus3`");
}

Diagnostic no_services(const compose::Project& project) {
  return error("plan.no-services", fmt::format("project `{}` has no active service to deploy", project.name), {},
               "add one below `services`, or choose a profile");
}

Diagnostic no_image(const compose::Service& service) {
  return error("plan.no-image", fmt::format("service `{}` has neither `image` nor `build`", service.name), service.span,
               "name the image to run, or the folder to build");
}

Diagnostic image_from_config(const compose::Service& service) {
  return error("plan.image", fmt::format("the image of service `{}` is not known: `{}`", service.name, **service.image),
               service.image->span, "set the variable in `.env`; config is for the environment of containers only");
}

Diagnostic image_and_build(const compose::Service& service) {
  return note("plan.image-and-build",
              fmt::format("service `{}` is built; the name `{}` is not used", service.name, **service.image),
              service.image->span);
}

Diagnostic wrong_platform(const compose::Service& service, const Spanned<std::string>& platform) {
  return error(
      "azure.platform",
      fmt::format("service `{}` wants `{}`, and Container Apps runs linux/amd64 only", service.name, *platform),
      platform.span, "use an image for linux/amd64");
}

Diagnostic platform_built_as_amd64(const compose::Service& service, const Spanned<std::string>& platform) {
  return note("azure.platform",
              fmt::format("service `{}` is built for linux/amd64 instead of `{}`: Container Apps runs nothing else",
                          service.name, *platform),
              platform.span);
}

Diagnostic renamed(const compose::Service& service, const std::string& name) {
  return note("azure.name",
              fmt::format("service `{}` is named `{}` on Azure; what other services say of it is rewritten",
                          service.name, name),
              service.span);
}

Diagnostic stateful_image(const compose::Service& service) {
  return warning("plan.stateful-image",
                 fmt::format("service `{}` keeps its data in the container: it is lost whenever the container is "
                             "replaced",
                             service.name),
                 service.image->span, "keep what matters in a managed service");
}

Diagnostic remote_context(const compose::Service& service) {
  return error("azure.unsupported",
               fmt::format("service `{}` is built from `{}`, and remote contexts are not supported yet", service.name,
                           service.build->context.string()),
               service.build->context_span, "build from a folder");
}

Diagnostic built_with_buildpacks(const compose::Service& service) {
  return note("plan.buildpacks",
              fmt::format("service `{}` has no Dockerfile: it is built with Cloud Native Buildpacks", service.name),
              service.build->context_span, "write a Dockerfile to decide how it is built");
}

Diagnostic config_in_build(const compose::Service& service, const compose::EnvironmentVariable& arg,
                           const std::string& config) {
  return error("plan.config-in-build",
               fmt::format("build argument `{}` of service `{}` needs config `{}`, and builds see no config", arg.name,
                           service.name, config),
               arg.span, "set the variable in `.env`, or read it when the container runs");
}

Diagnostic build_arg_without_value(const compose::Service& service, const compose::EnvironmentVariable& arg) {
  return warning(
      "plan.build-arg",
      fmt::format("build argument `{}` of service `{}` has no value and is left out", arg.name, service.name),
      arg.span);
}

Diagnostic volume_unsupported(const compose::Service& service, const compose::Mount& mount) {
  const auto what = mount.type == "volume" ? "named volumes" : mount.type + " mounts";
  return error("azure.unsupported",
               fmt::format("service `{}` uses `volumes`: {} (`{}` at `{}`) are not supported yet", service.name, what,
                           mount.source, mount.target),
               mount.span, "copy files into the image; keep data in a managed service");
}

Diagnostic secret_unknown(const compose::Service& service, const compose::FileReference& use) {
  return error("plan.secret",
               fmt::format("service `{}` uses secret `{}`, which is not defined", service.name, use.source), use.span,
               fmt::format("add `secrets: {{{}: {{external: true}}}}` at the top level", use.source));
}

Diagnostic secret_from_file(const compose::Service& service, const compose::FileReference& use) {
  return error(
      "azure.unsupported",
      fmt::format("service `{}` uses secret `{}` from a file, which is not supported yet", service.name, use.source),
      use.span, fmt::format("make it `external: true` and run `defang config set {}`", use.source));
}

Diagnostic secret_elsewhere(const compose::Service& service, const compose::FileReference& use) {
  return error("azure.unsupported",
               fmt::format("service `{}` mounts secret `{}` at `{}`: secrets stand below /run/secrets on Azure",
                           service.name, use.source, use.target),
               use.span, "remove `target`, or make it a plain file name");
}

Diagnostic sibling_address_rewritten(const std::string& service, const std::string& where, const std::string& from,
                                     const std::string& to, const SourceSpan& span) {
  return note(
      "azure.address",
      fmt::format("`{}` in {} of service `{}` becomes `{}`: that is its address on Azure", from, where, service, to),
      span);
}

Diagnostic sibling_port_is_published(const std::string& service, const std::string& sibling, int published, int target,
                                     const SourceSpan& span) {
  return warning("plan.published-port",
                 fmt::format("service `{}` reaches for port {} of `{}`, which is the published one: its container "
                             "listens on {}",
                             service, published, sibling, target),
                 span, fmt::format("write `{}:{}`", sibling, target));
}

Diagnostic sibling_on_http_port(const std::string& service, const std::string& sibling, int port,
                                const SourceSpan& span) {
  return note("azure.address",
              fmt::format("service `{}` names `{}`, which answers at `http://{}` on Azure, not on port {}", service,
                          sibling, sibling, port),
              span, "give the port `mode: host` if siblings need it on its own number");
}

Diagnostic sibling_has_no_address(const std::string& service, const std::string& sibling, const SourceSpan& span) {
  return warning("azure.no-address",
                 fmt::format("service `{}` reaches for `{}`, which runs once to its end and has no address on Azure",
                             service, sibling),
                 span);
}

Diagnostic hidden_address_without_port(const std::string& service, const std::string& sibling, const SourceSpan& span) {
  return note(
      "azure.hidden-address",
      fmt::format("service `{}` depends on `{}`, which names no port: if it reaches for it, it will not get there",
                  service, sibling),
      span, fmt::format("name the port in `expose` of `{}`; without need for one, ignore this", sibling));
}

Diagnostic hidden_http_address(const std::string& service, const std::string& sibling, const std::string& app, int port,
                               const SourceSpan& span) {
  return note(
      "azure.hidden-address",
      fmt::format("service `{}` depends on `{}`: if its image reaches for `{}:{}`, that is `http://{}` on Azure",
                  service, sibling, sibling, port, app),
      span, "`mode: host` keeps a port on its own number, for siblings only");
}

Diagnostic job_with_ports(const compose::Service& service) {
  return note("azure.restart",
              fmt::format("service `{}` has ports, so it is restarted when it ends, in spite of `restart: \"no\"`",
                          service.name),
              service.restart ? service.restart->span : service.span);
}

Diagnostic dependency_unknown(const compose::Service& service, const compose::Dependency& dependency) {
  return error("plan.dependency",
               fmt::format("service `{}` depends on `{}`, which is not among the active services", service.name,
                           dependency.service),
               dependency.span, "remove it, or say `required: false`");
}

Diagnostic dependency_completes_never(const compose::Service& service, const compose::Dependency& dependency) {
  return error("plan.dependency",
               fmt::format("service `{}` waits for `{}` to complete, but that has ports and never ends on Azure",
                           service.name, dependency.service),
               dependency.span, "wait for `service_healthy`, or remove its ports");
}

Diagnostic dependency_cycle(const std::vector<std::string>& cycle, const SourceSpan& span) {
  return error("plan.cycle", fmt::format("services wait for each other: {}", join(cycle, " -> ")), span,
               "remove one of these `depends_on`");
}

Diagnostic public_port_twice(int port, const std::string& first, const std::string& second, const SourceSpan& span) {
  return error("azure.public-port",
               fmt::format("services `{}` and `{}` both want public TCP port {}, which an environment has once", first,
                           second, port),
               span, "let one of them use another port");
}

Diagnostic domain_unsupported(const compose::Service& service) {
  return warning("azure.domain",
                 fmt::format("service `{}` does not answer at `{}` yet: custom domains are not supported yet",
                             service.name, **service.domainname),
                 service.domainname->span, "it answers at the name that Azure gives it");
}

}  // namespace defang::plan
