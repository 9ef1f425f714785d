#pragma once

#include <string>
#include <string_view>

#include "emulator/json.h"

/// The bodies of Microsoft.App as Azure fills and shows them: pure functions. What is sent comes in, what is shown goes
/// out; ids, names and addresses that the service chooses are given by the caller.
namespace defang::emulator {

struct EnvironmentFacts {
  std::string default_domain;
  std::string static_ip;
  std::string verification_id;  // customDomainVerificationId
  std::string event_stream;
  std::string infrastructure_group;  // empty: shown as null
};
/// `properties` of a managed environment from those that were sent (or merged).
Json environment_properties(const Json& sent, const EnvironmentFacts& facts);

struct AppFacts {
  std::string environment_id;
  std::string fqdn;  // empty without ingress
  std::string verification_id;
  std::string event_stream;
  Json outbound_addresses;
  bool is_new = false;
};
/// What the 201 shows: what was sent, normalised, without what the service finds out later (wire facts "Container
/// app").
Json app_first_answer(const Json& sent, const AppFacts& facts);
/// What GET shows after that, defaults filled; revision names are added by the caller.
Json app_properties(const Json& sent, const AppFacts& facts);
/// The template as a revision shows it.
Json revision_template(const Json& app_template);

Json job_properties(const Json& sent, const AppFacts& facts);

/// Azure takes numbers written as text ("targetPort": "3000"; recorded): they become numbers.
void read_numbers(Json& properties);

/// Secrets with their values, as sent, and as they may be shown: names only, and vault references.
Json shown_secrets(const Json& secrets);

}  // namespace defang::emulator
