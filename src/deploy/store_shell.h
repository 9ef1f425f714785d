#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "deploy/azure_access.h"
#include "deploy/engine.h"
#include "plan/plan.h"
#include "rest/web_socket.h"
#include "support/result.h"
#include "support/secret.h"

/// The client of a managed store, run where the store can be reached: in a container app of the stack's environment
/// that lives as long as the client. Jobs offer no exec, so it is an app.
namespace defang::deploy {

/// What says of an app that it is such a shell, and whose.
inline constexpr std::string_view kShellTag = "defang-shell";      // the service
inline constexpr std::string_view kSessionTag = "defang-session";  // ShellWish::session

/// "PostgreSQL", "psql", "postgres:17-alpine"
struct StoreKind {
  plan::StoreClient::Kind kind;
  std::string_view title, program, image, scheme;
};
const StoreKind& store_kind(plan::StoreClient::Kind kind);

/// Where a store is and how one signs in, without the password itself.
struct StoreAddress {
  std::string host;
  std::vector<std::string> password_from;  // "config `DB_PASSWORD`": in this order, where there are several
};
/// Error store-not-deployed.
Result<StoreAddress> find_address(const plan::StoreClient& client, const graph::ResourceGraph& graph,
                                  const StackScope& scope, const AzureAccess& access, std::stop_token stop);

struct ShellWish {
  std::string service;
  std::string session;  // names the app; of this run alone
  std::string image;    // empty: the kind's own
  std::vector<std::string> arguments;
};
struct Shell {
  azure::ResourceId app;
  std::string exec_endpoint;  // of its container, which runs
  std::string secret;         // of ShellOutput
};
/// Makes the app. Whatever happens afterwards, remove_shell() is the caller's to call.
Result<Shell> start_shell(const plan::StoreClient& client, const ShellWish& wish, const graph::ResourceGraph& graph,
                          const StackScope& scope, const AzureAccess& access, std::stop_token stop);
azure::ResourceId shell_app(const StackScope& scope, const std::string& session);
/// Returns when Azure has taken the order. An app that is not there is fine.
Result<void> remove_shell(const azure::ResourceId& app, const AzureAccess& access, std::stop_token stop);

/// Removes what runs that were killed have left; `is_over` knows of a session whether it is, where anybody can. Returns
/// the names of the apps.
Result<std::vector<std::string>> remove_left_shells(
    const StackScope& scope, const AzureAccess& access,
    const std::function<std::optional<bool>(const std::string& session)>& is_over, std::stop_token stop);

/// The other side of a shell.
struct ShellStreams {
  enum class Mode { terminal, pipe };
  Mode mode = Mode::pipe;
  std::function<void(std::string_view)> output, errors, note;
  /// Has a thread of its own from when the client starts; sends until there is no more, or the client has ended.
  std::function<void(rest::WebSocket&, std::stop_token)> send_input;
};
/// Until the client ends: its exit code. Errors: connection-lost and their like, shell-failed.
Result<int> talk(const Shell& shell, const ShellStreams& streams, const AzureAccess& access,
                 const rest::OpenWebSocket& open, std::stop_token stop);

/// Input of Mode::pipe as the shell reads it: lines of base64, "." at the end. Pure.
std::string piped_input(std::string_view bytes);
inline constexpr std::string_view kEndOfInput = ".\n";

}  // namespace defang::deploy
