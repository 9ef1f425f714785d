#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "deploy/domain_check.h"
#include "deploy/engine.h"
#include "rest/arm_client.h"
#include "rest/name_servers.h"
#include "rest/tls_handshake.h"
#include "support/clock.h"
#include "support/result.h"

/// Custom domains with managed certificates. All that is known about one stands in Azure: whatever was interrupted goes
/// on from there (azure-rules B.8; wire facts, "Custom domains and managed certificates").
namespace defang::deploy {

/// A host name that the project wants, or that an app has, and how far it is.
struct CustomDomain {
  std::string service;
  std::string app, environment, location;  // resource ids; location of the environment
  DomainTarget target;
  std::string binding;         // "Disabled", "SniEnabled"; empty: the app does not have the name
  std::string certificate_id;  // of the binding
  struct Certificate {
    std::string id, state, method, error;  // "Pending", "Succeeded", "Failed"; "CNAME"
  };
  std::optional<Certificate> certificate;  // a managed one for the name
  bool is_wanted = false;                  // the Compose file names it
  struct Holder {
    std::string service, app;
  };
  std::optional<Holder> holder;  // another service whose app has the name, from before it was moved

  const std::string& host() const { return target.host; }
  /// Bound with a certificate that was issued; one that somebody brought counts as well.
  bool is_bound() const;
};

/// `wanted`: host -> service. Those of services that are not deployed have no `app`. Sorted by host.
Result<std::vector<CustomDomain>> list_custom_domains(rest::ArmClient& arm, const StackScope& scope,
                                                      const std::map<std::string, std::string>& wanted,
                                                      std::stop_token stop);

/// What happens to one host on its way.
struct DomainRecords {  // that have to be set
  std::vector<WantedRecord> records;
};
struct DomainWaiting {  // at every change
  std::vector<Finding> findings;
  std::string message;  // of Azure, or of the handshake, where nothing was found
};
struct DomainStep {
  enum class Step { registered, requested, issued, bound } step = Step::registered;
  std::string detail;
};
struct DomainSecured {
  rest::ServedCertificate certificate;
  bool was_already = false;
};
struct DomainFailed {
  Error error;
};
struct DomainEvent {
  std::string host;
  std::variant<DomainRecords, DomainWaiting, DomainStep, DomainSecured, DomainFailed> what;
};
std::string_view name_of(DomainStep::Step step);
/// Called from one thread at a time.
using DomainSink = std::function<void(const DomainEvent&)>;

struct DomainOptions {
  std::chrono::milliseconds dns_limit{std::chrono::minutes(30)};
  std::chrono::milliseconds issue_limit{std::chrono::minutes(15)};
  std::chrono::milliseconds tls_limit{std::chrono::minutes(10)};
  std::string ingress;  // "127.0.0.1:8443": where handshakes go instead of the environment's address
  /// Writes records where the user has allowed it; false: that is not ours to do. May be empty.
  std::function<Result<bool>(const std::string& host, const std::vector<WantedRecord>&, std::stop_token)> write_records;
};

struct DomainWorld {
  rest::ArmClient& arm;
  rest::NameServers& dns;
  rest::TlsHandshake& tls;
  Clock& clock;
};

/// Brings every domain as far as it goes, several at a time. The hosts that are not secured at the end.
std::vector<std::string> secure_domains(const DomainWorld& world, const std::vector<CustomDomain>& domains,
                                        const DomainOptions& options, const DomainSink& sink, std::stop_token stop);

/// Takes the name off the app and deletes its managed certificate. False: there was nothing to take off.
Result<bool> remove_domain(rest::ArmClient& arm, Clock& clock, const CustomDomain& domain, std::stop_token stop);

/// Where handshakes for a domain go.
std::string handshake_address(const CustomDomain& domain, const std::string& ingress);

/// "mc-<environment>-<host>-<hash>": one a host and environment, at most 60 characters (ARM-67).
std::string managed_certificate_name(const std::string& environment, const std::string& host);

}  // namespace defang::deploy
