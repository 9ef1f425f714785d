#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "rest/arm_client.h"
#include "support/result.h"

/// What runs: read from Azure every time, kept nowhere.
namespace defang::deploy {

struct Container {
  std::string name;
  bool ready = false;
  int restarts = 0;
  std::string state;       // "Running", "Waiting", "Terminated", as the service spelt it
  std::string details;     // "Container crashing: ...", empty where all is well
  std::string log_stream;  // URL
};
struct Replica {
  std::string name, state;
  std::vector<Container> init_containers;
  std::vector<Container> containers;
};
struct ServiceStatus {
  std::string service;  // Compose's name
  std::string app;      // resource id
  std::string app_name;
  std::string revision;              // the latest
  std::string state;                 // of the latest revision: "Running", "Activating", "Failed" ...
  std::string health;                // "Healthy", "Unhealthy", "None"
  std::string details;               // what the revision says of its failure
  std::string image;                 // of the first container
  std::string url;                   // where people reach it; empty for what is not public
  std::string internal_address;      // "api:8080", "api"; empty without ingress
  std::string event_stream;          // URL of what Container Apps says of the app
  std::vector<std::string> domains;  // host names of the user's
  std::vector<Replica> replicas;
};

/// All container apps of the group that carry this project's and stack's tags, sorted by service. `loopback_urls` gives
/// the emulator's plain addresses by resource id in lower case; empty elsewhere.
Result<std::vector<ServiceStatus>> list_services(rest::ArmClient& arm, const std::string& subscription,
                                                 const std::string& group, const std::string& project,
                                                 const std::string& stack,
                                                 const std::map<std::string, std::string>& loopback_urls,
                                                 std::stop_token stop);

/// The same of bodies of apps that were read already, without asking for their revisions: state, health and replicas
/// are what the app itself says, or empty.
std::vector<ServiceStatus> services_in(const std::vector<nlohmann::json>& apps, const std::string& project,
                                       const std::string& stack,
                                       const std::map<std::string, std::string>& loopback_urls);

/// The emulator's list of plain loopback addresses (Cloud::emulator_ingress), by resource id in lower case. Empty when
/// `url` is.
Result<std::map<std::string, std::string>> loopback_urls(rest::ArmClient& arm, const std::string& url,
                                                         std::stop_token stop);

}  // namespace defang::deploy
