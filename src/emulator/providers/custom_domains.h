#pragma once

#include <optional>

#include "emulator/core.h"

/// Custom domains of container apps and the managed certificates of their environments (azure-rules B.8).
namespace defang::emulator {

/// Of the bindings that a write brings: ownership of new hosts is proven by DNS now (CA-122), a host belongs to one app
/// of an environment (CA-126), and a certificate must exist.
std::optional<Answer> check_custom_domains(Write& write, const Resource& environment);

/// POST listCustomHostNameAnalysis.
Answer analyse_host_name(const Context& context);

/// What the ingress shows to a client that asks for the host of a binding; nothing while it shows none.
std::optional<HostCertificate> served_certificate(Core& core, const Resource& app, const Json& binding);

/// A certificate that a binding uses stays (CA-126).
std::optional<Answer> keep_bound_certificate(const Context& context);

void add_managed_certificates(Core& core);

}  // namespace defang::emulator
