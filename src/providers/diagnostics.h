#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compose/project.h"
#include "support/diagnostic.h"

/// What this room has to say about a project, one function a message.
namespace defang::providers {

// Ports
Diagnostic port_not_tcp(const std::string& service, const compose::Port& port);
Diagnostic expose_not_tcp(const std::string& service, const Spanned<std::string>& expose);
Diagnostic expose_out_of_range(const std::string& service, const Spanned<std::string>& expose);
Diagnostic port_out_of_range(const std::string& service, const compose::Port& port);
Diagnostic port_stays_inside(const std::string& service, const compose::Port& port, const std::string& reason);
Diagnostic port_of_image(const std::string& service, int port, const Spanned<std::string>& image);
Diagnostic port_implied(const std::string& service, int port, const SourceSpan& span);
Diagnostic https_is_azures(const std::string& service, const SourceSpan& span);
Diagnostic second_public_port(const std::string& service, int port, int public_port, const SourceSpan& span);
Diagnostic port_taken_by_ingress(const std::string& service, int port, const SourceSpan& span);
Diagnostic too_many_ports(const std::string& service, int port, std::size_t most, const SourceSpan& span);

// Size and replicas
Diagnostic too_many_cpus(const std::string& service, const Spanned<double>& cpus, int most);
Diagnostic too_much_memory(const std::string& service, const Spanned<std::int64_t>& bytes, int most_gib);
Diagnostic dedicated_machine(const std::string& service, std::string_view type, int cpus, int gib,
                             const SourceSpan& span);
Diagnostic gpu_machine(const std::string& service, std::string_view type, const SourceSpan& span);
Diagnostic scales_to_zero(const std::string& service, const SourceSpan& span);
Diagnostic scaling_wrong(const std::string& service, const std::string& what, const std::string& help,
                         const SourceSpan& span);
Diagnostic size_rounded(const std::string& service, double cpus, const std::string& memory, const SourceSpan& span);
Diagnostic zero_replicas_wake_up(const std::string& service, const SourceSpan& span);
Diagnostic replicas_out_of_range(const std::string& service, const Spanned<std::int64_t>& replicas, std::int64_t most);
Diagnostic not_for_jobs(const std::string& service, std::string_view attribute, const SourceSpan& span);

// Probes and stopping
Diagnostic check_becomes_port(const std::string& service, std::optional<int> port, const SourceSpan& span);
Diagnostic check_cut(const std::string& service, std::string_view attribute, std::string_view limit,
                     const SourceSpan& span);
Diagnostic grace_period_cut(const std::string& service, std::int64_t seconds, const SourceSpan& span);

}  // namespace defang::providers
