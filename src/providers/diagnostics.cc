#include "providers/diagnostics.h"

#include <fmt/format.h>

namespace defang::providers {
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

}  // namespace

Diagnostic port_not_tcp(const std::string& service, const compose::Port& port) {
  return make(Severity::error, "azure.port-protocol",
              fmt::format("port {} of service `{}` wants `{}`, and Container Apps speaks TCP and HTTP only",
                          port.target, service, port.protocol),
              port.span, "remove the port, or run what needs it elsewhere");
}

Diagnostic expose_not_tcp(const std::string& service, const Spanned<std::string>& expose) {
  return make(Severity::error, "azure.port-protocol",
              fmt::format("`expose: {}` of service `{}`: Container Apps speaks TCP and HTTP only", *expose, service),
              expose.span, "remove the entry");
}

Diagnostic expose_out_of_range(const std::string& service, const Spanned<std::string>& expose) {
  return make(Severity::error, "azure.port-range",
              fmt::format("`expose: {}` of service `{}` is no port in the range 1 to 65535", *expose, service),
              expose.span, "write the port that the container listens on");
}

Diagnostic port_out_of_range(const std::string& service, const compose::Port& port) {
  return make(Severity::error, "azure.port-range",
              fmt::format("port {} of service `{}` is not in the range 1 to 65535", port.target, service), port.span,
              "write the port that the container listens on");
}

Diagnostic port_stays_inside(const std::string& service, const compose::Port& port, const std::string& reason) {
  return make(Severity::note, "azure.port-internal",
              fmt::format("port {} of service `{}` is not made public: {}", port.target, service, reason), port.span,
              "siblings reach it; `mode: host` says the same and silences this");
}

Diagnostic port_of_image(const std::string& service, int port, const Spanned<std::string>& image) {
  return make(
      Severity::note, "azure.port-of-image",
      fmt::format("service `{}` names no port: siblings reach port {}, which `{}` listens on", service, port, *image),
      image.span, fmt::format("`expose: [\"{}\"]` says so and silences this", port));
}

Diagnostic port_implied(const std::string& service, int port, const SourceSpan& span) {
  return make(Severity::note, "azure.port-implied",
              fmt::format("service `{}` does not name port {}, but another service uses it: it is opened for siblings",
                          service, port),
              span, fmt::format("`expose: [\"{}\"]` says so and silences this", port));
}

Diagnostic https_is_azures(const std::string& service, const SourceSpan& span) {
  return make(
      Severity::note, "azure.https",
      fmt::format("port 443 of service `{}` is not used: Azure answers HTTPS itself and forwards HTTP", service), span);
}

Diagnostic second_public_port(const std::string& service, int port, int public_port, const SourceSpan& span) {
  return make(
      Severity::warning, "azure.second-public-port",
      fmt::format("port {} of service `{}` is reachable for siblings only: Container Apps makes one HTTP port of "
                  "a service public, and that is {}",
                  port, service, public_port),
      span, "`mode: host` says the same and silences this; a service of its own makes it public");
}

Diagnostic port_taken_by_ingress(const std::string& service, int port, const SourceSpan& span) {
  return make(Severity::error, "azure.port-taken",
              fmt::format("port {} of service `{}` cannot stand beside its HTTP port, which answers on 80 and 443",
                          port, service),
              span, "let the container listen on another port, or remove this one");
}

Diagnostic too_many_ports(const std::string& service, int port, std::size_t most, const SourceSpan& span) {
  return make(
      Severity::error, "azure.too-many-ports",
      fmt::format("port {} of service `{}` is one too many: a container app has at most {}", port, service, most), span,
      "remove a port, or split the service");
}

Diagnostic too_many_cpus(const std::string& service, const Spanned<double>& cpus, int most) {
  return make(Severity::error, "azure.cpus",
              fmt::format("service `{}` asks for {:g} CPUs, and the largest machine of Container Apps has {}", service,
                          *cpus, most),
              cpus.span, "spread the work over several replicas");
}

Diagnostic too_much_memory(const std::string& service, const Spanned<std::int64_t>& bytes, int most_gib) {
  return make(
      Severity::error, "azure.memory",
      fmt::format("service `{}` asks for {:.1f} GiB of memory, and the largest machine of Container Apps has {}",
                  service, static_cast<double>(*bytes) / (1 << 30), most_gib),
      bytes.span, "spread the work over several replicas");
}

Diagnostic dedicated_machine(const std::string& service, std::string_view type, int cpus, int gib,
                             const SourceSpan& span) {
  return make(
      Severity::warning, "azure.dedicated",
      fmt::format("service `{}` runs on machines of its own, of type {} ({} CPUs, {} GiB): they cost by the hour, "
                  "used or not",
                  service, type, cpus, gib),
      span, "up to 4 CPUs and 8 GiB are paid for by use");
}

Diagnostic gpu_machine(const std::string& service, std::string_view type, const SourceSpan& span) {
  return make(
      Severity::warning, "azure.gpu",
      fmt::format("service `{}` runs on {}: GPUs are dear, and subscriptions have none until they ask for quota",
                  service, type),
      span);
}

Diagnostic scales_to_zero(const std::string& service, const SourceSpan& span) {
  return make(Severity::note, "azure.scale-to-zero",
              fmt::format("service `{}` goes down to no replica while nobody asks for it: the first request after that "
                          "waits until it has started",
                          service),
              span);
}

Diagnostic scaling_wrong(const std::string& service, const std::string& what, const std::string& help,
                         const SourceSpan& span) {
  return make(Severity::error, "azure.autoscaling",
              fmt::format("`x-defang-autoscaling` of service `{}` {}", service, what), span, help);
}

Diagnostic size_rounded(const std::string& service, double cpus, const std::string& memory, const SourceSpan& span) {
  return make(Severity::note, "azure.size",
              fmt::format("service `{}` gets {:g} CPUs and {}: Azure knows CPUs and memory in pairs only", service,
                          cpus, memory),
              span);
}

Diagnostic zero_replicas_wake_up(const std::string& service, const SourceSpan& span) {
  return make(Severity::note, "azure.zero-replicas",
              fmt::format("service `{}` has no replica until a request comes in; then one is started", service), span);
}

Diagnostic replicas_out_of_range(const std::string& service, const Spanned<std::int64_t>& replicas, std::int64_t most) {
  if (*replicas == 0)
    return make(Severity::error, "azure.zero-replicas",
                fmt::format("service `{}` with 0 replicas would never run: only HTTP requests wake one", service),
                replicas.span, "remove the service, or put it into a profile");
  return make(
      Severity::error, "azure.replicas",
      fmt::format("service `{}` asks for {} replicas, and a container app has 1 to {}", service, *replicas, most),
      replicas.span);
}

Diagnostic not_for_jobs(const std::string& service, std::string_view attribute, const SourceSpan& span) {
  return make(Severity::note, "azure.job",
              fmt::format("service `{}` runs once to its end: `{}` is not used", service, attribute), span);
}

Diagnostic check_becomes_port(const std::string& service, std::optional<int> port, const SourceSpan& span) {
  if (port)
    return make(Severity::note, "azure.healthcheck",
                fmt::format("the health check of service `{}` runs a command, which Azure cannot: it is asked whether "
                            "port {} is open",
                            service, *port),
                span, "a check that fetches a URL of localhost by `curl` or `wget` becomes an HTTP probe");
  return make(Severity::note, "azure.healthcheck",
              fmt::format("the health check of service `{}` runs a command, which Azure cannot, and it has no port to "
                          "ask: it is healthy when it runs",
                          service),
              span, "a check that fetches a URL of localhost by `curl` or `wget` becomes an HTTP probe");
}

Diagnostic check_cut(const std::string& service, std::string_view attribute, std::string_view limit,
                     const SourceSpan& span) {
  return make(Severity::note, "azure.healthcheck-limit",
              fmt::format("`{}` of the health check of service `{}` becomes {}, the most that Container Apps allows",
                          attribute, service, limit),
              span);
}

Diagnostic grace_period_cut(const std::string& service, std::int64_t seconds, const SourceSpan& span) {
  return make(Severity::warning, "azure.stop-grace-period",
              fmt::format("service `{}` gets {} s to stop, the most that Container Apps gives", service, seconds),
              span);
}

}  // namespace defang::providers
