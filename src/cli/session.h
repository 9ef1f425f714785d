#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/command.h"
#include "compose/load.h"
#include "deploy/azure_access.h"
#include "plan/plan.h"
#include "rest/arm_client.h"
#include "rest/cloud.h"
#include "rest/credential.h"
#include "rest/pipeline.h"

namespace defang::cli {

/// Which instance of the project is meant, and what its file `.defang/<stack>` says. Without any effect on the world.
struct StackSettings {
  plan::Stack stack;
  bool is_local = false;  // the emulator, started when needed
  /// Environment with the stack file's variables on top: flag, then stack file, then environment, then default.
  std::map<std::string, std::string> environment;
};
/// Nothing when an error was reported: a bad name, a bad file, another provider.
std::optional<StackSettings> find_stack(const Arguments& arguments, Context& context, Diagnostics& diagnostics);

/// Where the emulator of the stack `local` keeps its state, and the one that `defang emulator` talks about.
std::filesystem::path emulator_state_folder(const std::map<std::string, std::string>& environment);

/// The Compose project that the arguments name.
std::optional<compose::Project> load_project(const Arguments& arguments, const StackSettings& settings,
                                             Context& context, Diagnostics& diagnostics);

/// Its name alone: -p, otherwise of the Compose file. Nothing when an error was reported.
std::optional<std::string> project_name(const Arguments& arguments, const StackSettings& settings, Context& context,
                                        Diagnostics& diagnostics);

/// Signed in at a cloud, ready to be asked.
class Session {
 public:
  Session(Session&&) = default;

  StackSettings settings;
  rest::Cloud cloud;
  std::unique_ptr<rest::HttpTransport> transport;
  std::unique_ptr<rest::WriteFence> fence = std::make_unique<rest::WriteFence>();
  std::unique_ptr<rest::Pipeline> unsigned_pipeline;
  std::unique_ptr<rest::Credential> credential;
  std::unique_ptr<rest::TokenCache> tokens;
  std::unique_ptr<rest::Pipeline> pipeline;
  std::unique_ptr<rest::ArmClient> arm;

  const plan::Stack& stack() const { return settings.stack; }
  deploy::AzureAccess access(Context& context);
  /// From the claims of the token that Resource Manager gets (ARM-12); empty where it does not say.
  struct Principal {
    std::string id, type;  // "ServicePrincipal" or empty
  };
  Result<Principal> principal(std::stop_token stop) const;

 private:
  Session() = default;
  friend Result<Session> open_session(StackSettings settings, const Arguments& arguments, Context& context);
};
/// What the stack's variables say of the way to Azure: trusted certificates and proxies.
rest::TransportOptions transport_options(const StackSettings& settings);
/// Finds the cloud (for the stack `local`: the emulator, started if it does not run), signs in lazily, completes the
/// stack with subscription and tenant.
Result<Session> open_session(StackSettings settings, const Arguments& arguments, Context& context);

}  // namespace defang::cli
