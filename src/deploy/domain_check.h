#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "rest/name_servers.h"
#include "support/result.h"

/// What has to stand in the DNS for a custom domain, and what stands there (azure-rules CA-120, CA-121, CA-123).
namespace defang::deploy {

/// A host name that is to lead to a container app.
struct DomainTarget {
  std::string host;             // lower case
  std::string app_host;         // the app's own, which stays: "web.<...>.westus3.azurecontainerapps.io"
  std::string address;          // of the environment
  std::string verification_id;  // proves that the name is the subscription's
  std::string token;            // proves to the certificate's issuer that it is the user's; empty: none was given
};

struct WantedRecord {
  std::string name, type, value;
  friend bool operator==(const WantedRecord&, const WantedRecord&) = default;
};
/// `is_apex`: the host is a zone's own name, which can have no alias (RFC 1034, 3.6.2).
std::vector<WantedRecord> records_for(const DomainTarget& target, bool is_apex);
/// Lines of a zone file, ready to be pasted.
std::string zone_fragment(const std::vector<WantedRecord>& records);

/// What one of the zone's name servers says.
struct ServerView {
  std::string name, address;
  std::string trouble;                 // it does not answer, or does not hold the zone; then the rest is empty
  std::vector<rest::DnsRecord> host;   // asked for A: an alias, or addresses
  std::vector<rest::DnsRecord> host6;  // asked for AAAA
  std::vector<rest::DnsRecord> proof;  // TXT of `asuid.`
  std::vector<rest::DnsRecord> token;  // TXT of `_dnsauth.`
};
struct DomainSight {
  std::string zone;                  // that the host lies in; empty: none was found
  std::vector<std::string> servers;  // their names
  std::vector<ServerView> views;     // one an address that was asked
  std::string caa_name;              // the nearest name that has CAA records
  std::vector<rest::DnsRecord> caa;
  std::vector<rest::DnsRecord> kept_host;  // what the resolver has of it, asked only once the servers are right
  std::vector<rest::DnsRecord> kept_proof;
  std::uint32_t kept_seconds = 0;  // until it looks again
  /// The host is the zone's own name. Where no zone is found, a name of two labels will be one.
  bool is_apex(const DomainTarget& target) const;
};

struct Finding {
  enum class Kind { no_zone, no_answer, missing, wrong_value, out_of_sync, proxied, caa, cached };
  Kind kind = Kind::missing;
  std::string name, type;  // of the record; empty where it is about none
  std::string message, help;
  /// It goes away by itself or hinders nobody but this machine.
  bool only_a_note() const { return kind == Kind::cached; }
};
std::string_view name_of(Finding::Kind kind);

/// Follows the delegation from the resolver to the zone's own servers and asks each of them. An error: a stop, or no
/// resolver answers.
Result<DomainSight> look_at_domain(rest::NameServers& dns, const DomainTarget& target, std::stop_token stop);

/// What is wrong, the worst first; nothing but notes: all is in place. Pure.
std::vector<Finding> judge_domain(const DomainTarget& target, const DomainSight& sight);
bool is_ready(const std::vector<Finding>& findings);

/// How the issuer is to convince itself: "CNAME" where the host is an alias of the app, otherwise "HTTP". Pure.
std::string validation_method(const DomainTarget& target, const DomainSight& sight);

}  // namespace defang::deploy
