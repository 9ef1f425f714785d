#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "deploy/custom_domains.h"

namespace defang::cli {

/// A custom domain as `cert status` and `ps` show it.
struct DomainReport {
  deploy::CustomDomain domain;
  std::string
      state;  // "secured", "bound", "issued", "issuing", "failed", "registered", "not registered", "not deployed"
  std::optional<rest::ServedCertificate> served;
  std::string trouble;  // why no certificate is served
};

/// The domains that the project names and those that its apps have, with what they serve right now.
Result<std::vector<DomainReport>> report_domains(const compose::Project& project, Session& session, Context& context);
std::string domains_table(const std::vector<DomainReport>& reports);
nlohmann::ordered_json to_json(const DomainReport& report);

/// After a deployment: what is next for the project's domains. Where a DNS zone of the subscription has them, and the
/// user agrees, records and certificates are done at once. An exit code.
int secure_after_up(const compose::Project& project, Session& session, const Arguments& arguments, Context& context);

}  // namespace defang::cli
