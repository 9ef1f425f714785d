#include "deploy/store_shell.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <thread>

#include "azure/resource_types.h"
#include "deploy/decide.h"
#include "deploy/diagnostics.h"
#include "deploy/exec_protocol.h"
#include "deploy/json_path.h"
#include "deploy/known_errors.h"
#include "deploy/vault_secrets.h"
#include "providers/key_vault.h"
#include "rest/azure_error.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::ordered_json;
using Kind = plan::StoreClient::Kind;
using namespace std::chrono_literals;

constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr auto kStartLimit = 5min;
constexpr auto kLongestSession = std::chrono::hours(24);  // of one that nobody can be asked about
constexpr int kMostAttempts = 6;
constexpr std::size_t kLineBytes = 3072;

constexpr auto kKinds = std::to_array<StoreKind>({
    {Kind::postgres, "PostgreSQL", "psql", "postgres:17-alpine", "postgres"},
    {Kind::mysql, "MySQL", "mysql", "mysql:8.4", "mysql"},
    {Kind::redis, "Redis", "redis-cli", "redis:7-alpine", "rediss"},
    {Kind::mongodb, "MongoDB", "mongosh", "mongo:8", "mongodb+srv"},
});

// The container waits; what is run in it is a file, since `command` of an exec knows no quotes.
constexpr std::string_view kWait = R"sh(umask 077
mkdir -p /tmp/defang-db
printf '%s' "$DEFANG_DB_SESSION" > /tmp/defang-db/session
trap 'exit 0' TERM INT
while :; do sleep 86400 & wait $!; done
)sh";

/// How each client is told where to go; the password is in DEFANG_DB_PASSWORD.
constexpr std::string_view client_function(Kind kind) {
  switch (kind) {
    case Kind::postgres:
      return R"sh(client() {
  PGHOST=$DEFANG_DB_HOST PGPORT=$DEFANG_DB_PORT PGUSER=$DEFANG_DB_USER PGDATABASE=$DEFANG_DB_NAME \
    PGSSLMODE=require PGPASSWORD=$DEFANG_DB_PASSWORD psql "$@"
}
)sh";
    case Kind::mysql:
      return R"sh(client() {
  MYSQL_PWD=$DEFANG_DB_PASSWORD mysql --host="$DEFANG_DB_HOST" --port="$DEFANG_DB_PORT" --user="$DEFANG_DB_USER" \
    --ssl-mode=REQUIRED ${DEFANG_DB_NAME:+--database="$DEFANG_DB_NAME"} "$@"
}
)sh";
    case Kind::redis:
      return R"sh(client() {
  REDISCLI_AUTH=$DEFANG_DB_PASSWORD redis-cli -h "$DEFANG_DB_HOST" -p "$DEFANG_DB_PORT" --tls --sni "$DEFANG_DB_HOST" "$@"
}
)sh";
    case Kind::mongodb:
      break;
  }
  return R"sh(export DEFANG_DB_PASSWORD
client() {
  if [ $# -eq 0 ]; then set -- --shell; fi
  mongosh --quiet --nodb --eval 'const { DEFANG_DB_USER: user, DEFANG_DB_PASSWORD: password, DEFANG_DB_HOST: host } = process.env;
db = connect(`mongodb+srv://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}/?tls=true&authMechanism=SCRAM-SHA-256&retryWrites=false`)' "$@"
}
)sh";
}

// On a terminal the client has it. Without one the client shall not see the one that every exec has: it reads a pipe,
// and what it writes goes through unchanged, errors after the rest.
constexpr std::string_view kSession = R"sh(mark() { printf '\036%s %s\036' "$DEFANG_DB_MARK" "$1"; }
if [ "$1" = terminal ]; then
  trap : INT
  eval "set -- $DEFANG_DB_ARGUMENTS"
  mark ready
  client "$@"
  mark "exit $?"
  mark end
  exit
fi
stty raw -echo 2>/dev/null
eval "set -- $DEFANG_DB_ARGUMENTS"
work=$(mktemp -d /tmp/defang-db/XXXXXX)
mkfifo "$work/input"
exec 3<&0
mark ready
{ while IFS= read -r line && [ "$line" != . ]; do printf '%s\n' "$line"; done <&3 | base64 -d; } >"$work/input" &
{ client "$@" <"$work/input" 2>"$work/errors"; echo $? >"$work/status"; } | cat
mark "exit $(cat "$work/status")"
cat "$work/errors"
mark end
kill $! 2>/dev/null
rm -rf "$work"
)sh";

std::string version_of(std::string_view type) { return std::string(azure::find_resource_type(type)->api_version); }

Error not_deployed(const std::string& what) {
  return {.kind = Error::Kind::refused,
          .code = "store-not-deployed",
          .message = what + " is not deployed in this stack",
          .help = "`defang compose up` deploys it; `-s` names another stack"};
}

Result<nlohmann::json> deployed(const graph::ResourceGraph& graph, const std::string& node, const StackScope& scope,
                                const AzureAccess& access, std::stop_token stop) {
  const auto* resource = graph.resource(node);
  if (resource == nullptr) return fail(not_deployed(fmt::format("`{}`", node)));
  auto found = access.arm.get(resource_id(graph, *resource, scope), resource->api_version, stop);
  if (!found && found.error().http_status == 404) return fail(not_deployed(fmt::format("`{}`", resource->name)));
  if (!found) return std::unexpected(std::move(found).error());
  if (!*found) return fail(not_deployed(fmt::format("`{}`", resource->name)));
  return std::move(**found);
}

Result<std::string> host_of(const plan::StoreClient& client, const graph::ResourceGraph& graph, const StackScope& scope,
                            const AzureAccess& access, std::stop_token stop) {
  TRY(deployed(graph, client.node, scope, access, stop));
  std::string host;
  for (const auto& piece : client.host) {
    if (const auto* text = std::get_if<std::string>(&piece)) {
      host += *text;
      continue;
    }
    const auto& reference = std::get<graph::Reference>(piece);
    if (reference.kind == graph::Reference::Kind::name) {
      host += graph.resource(reference.node)->name;
      continue;
    }
    TRY_ASSIGN(const auto body, deployed(graph, reference.node, scope, access, stop));
    host += text_at(body, reference.path);
  }
  if (host.empty()) return fail(not_deployed(fmt::format("`{}`", graph.resource(client.node)->name)));
  return host;
}

/// A piece of the password that is not in the Compose file: in the vault, or a key that Azure gives.
struct KeptSecret {
  std::string in_vault;  // the name there
  std::string words;
};
KeptSecret kept_secret(const graph::Reference& reference, const ShellWish& wish) {
  constexpr std::string_view kConfig = "config/", kGenerated = "secret/";
  if (reference.node.starts_with(kConfig)) {
    const auto name = reference.node.substr(kConfig.size());
    return {providers::config_secret_name(name), fmt::format("config `{}`", name)};
  }
  if (reference.node.starts_with(kGenerated))
    return {providers::derived_secret_name(reference.node.substr(kGenerated.size())), "a password that was generated"};
  return {providers::derived_secret_name("shell/" + wish.service), "the primary access key"};
}

class ShellMaker {
 public:
  ShellMaker(const plan::StoreClient& client, const ShellWish& wish, const graph::ResourceGraph& graph,
             const StackScope& scope, const AzureAccess& access, std::stop_token stop)
      : client_(client), wish_(wish), graph_(graph), scope_(scope), access_(access), stop_(std::move(stop)) {}

  Result<Shell> make() {
    Shell shell{.app = shell_app(scope_, wish_.session), .exec_endpoint = {}, .secret = hex(access_.random.bytes(12))};
    TRY_ASSIGN(const std::string host, host_of(client_, graph_, scope_, access_, stop_));
    TRY_ASSIGN(const auto environment, deployed(graph_, std::string(providers::kEnvironment), scope_, access_, stop_));
    // The one that reads secrets for the project's own apps.
    TRY_ASSIGN(const auto identity, deployed(graph_, std::string(providers::kSecretsIdentity), scope_, access_, stop_));
    identity_ = text_at(identity, "id");
    variable("DEFANG_DB_HOST", host);
    variable("DEFANG_DB_PORT", std::to_string(client_.port));
    variable("DEFANG_DB_USER", client_.user);
    variable("DEFANG_DB_NAME", client_.database);
    variable("DEFANG_DB_MARK", shell.secret);
    TRY_ASSIGN(const auto session, session_text());
    variable("DEFANG_DB_SESSION", session);
    own_secret("arguments", "DEFANG_DB_ARGUMENTS", shell_words(wish_.arguments));
    TRY(write(shell.app, text_at(environment, "id")));
    TRY_ASSIGN(shell.exec_endpoint, wait_until_running(shell.app));
    return shell;
  }

 private:
  void variable(const std::string& name, const std::string& value) {
    if (!value.empty()) variables_.push_back({{"name", name}, {"value", value}});
  }
  /// A secret of the app itself, which Azure does not show again.
  void own_secret(const std::string& name, const std::string& environment_name, const std::string& value) {
    if (value.empty()) return;
    secrets_.push_back({{"name", name}, {"value", value}});
    variables_.push_back({{"name", environment_name}, {"secretRef", name}});
  }

  /// The shell's program, which puts the password together of its pieces.
  Result<std::string> session_text() {
    std::string joined;
    for (std::size_t i = 0; i < client_.password.size(); ++i) {
      const std::string name = fmt::format("password-{}", i), variable_name = fmt::format("DEFANG_DB_PASSWORD_{}", i);
      joined += fmt::format("${{{}}}", variable_name);
      if (const auto* text = std::get_if<std::string>(&client_.password[i])) {
        own_secret(name, variable_name, *text);
        continue;
      }
      const auto& reference = std::get<graph::Reference>(client_.password[i]);
      TRY_ASSIGN(const auto secret,
                 reference.kind == graph::Reference::Kind::list ? key_in_vault(reference) : vault_secret(reference));
      secrets_.push_back({{"name", name}, {"keyVaultUrl", secret.pinned_uri}, {"identity", identity_}});
      variables_.push_back({{"name", variable_name}, {"secretRef", name}});
    }
    return fmt::format("DEFANG_DB_PASSWORD={}\n{}{}", joined, client_function(client_.kind), kSession);
  }

  azure::ResourceId vault() const { return resource_id(graph_, *graph_.resource(providers::kVault), scope_); }

  Result<VaultSecret> vault_secret(const graph::Reference& reference) {
    const auto kept = kept_secret(reference, wish_);
    TRY_ASSIGN(const auto found, read_secret(access_.arm, vault(), kept.in_vault, stop_));
    if (found && found->enabled) return *found;
    return fail(Error{.kind = Error::Kind::refused,
                      .code = "store-password-missing",
                      .message = fmt::format("{} is not set in this stack", kept.words),
                      .help = "`defang config set` sets it; `defang compose up` deploys with it"});
  }

  /// Written again only when the key is another one: each version stays in the vault.
  Result<VaultSecret> key_in_vault(const graph::Reference& reference) {
    const auto name = kept_secret(reference, wish_).in_vault;
    const auto* resource = graph_.resource(reference.node);
    TRY_ASSIGN(const auto answer, access_.arm.post(resource_id(graph_, *resource, scope_), reference.function,
                                                   resource->api_version, nlohmann::json::object(), {}, stop_));
    const Secret key(text_at(answer, reference.path));
    TRY_ASSIGN(const auto found, read_secret(access_.arm, vault(), name, stop_));
    // Everybody who may read the vault's list sees it: a key is too long and too random to be guessed by it.
    constexpr const char* kDigestTag = "defang-recipe";
    const std::string digest = sha256_hex(vault().text() + "\n" + key.reveal());
    if (found && found->enabled && found->tags.contains(kDigestTag) && found->tags.at(kDigestTag) == digest)
      return *found;
    auto tags = own_tags();
    tags[kDigestTag] = digest;
    return write_secret(access_.arm, vault(), name, key, tags, stop_);
  }

  std::map<std::string, std::string> own_tags() const {
    return {{std::string(kProjectTag), scope_.project}, {std::string(kStackTag), scope_.stack}};
  }

  Json body_in(const std::string& environment) const {
    const auto& kind = store_kind(client_.kind);
    auto tags = own_tags();
    tags[std::string(kShellTag)] = wish_.service;
    tags[std::string(kSessionTag)] = wish_.session;
    Json configuration = {{"activeRevisionsMode", "Single"}};
    if (!secrets_.empty()) configuration["secrets"] = secrets_;
    Json body = {{"location", scope_.location}, {"tags", tags}};
    configuration["identitySettings"] = Json::array({{{"identity", identity_}, {"lifecycle", "None"}}});
    body["identity"] = {{"type", "UserAssigned"}, {"userAssignedIdentities", {{identity_, Json::object()}}}};
    const Json container = {{"name", "shell"},
                            {"image", wish_.image.empty() ? std::string(kind.image) : wish_.image},
                            {"command", {"/bin/sh", "-c", std::string(kWait)}},
                            {"env", variables_},
                            {"resources", {{"cpu", 0.5}, {"memory", "1Gi"}}}};
    body["properties"] = {{"environmentId", environment},
                          {"workloadProfileName", "Consumption"},
                          {"configuration", std::move(configuration)},
                          {"template",
                           {{"containers", Json::array({container})},
                            {"terminationGracePeriodSeconds", 0},
                            {"scale", {{"minReplicas", 1}, {"maxReplicas", 1}}}}}};
    return body;
  }

  /// Not followed to its end, which a container that cannot be pulled never comes to.
  Result<void> write(const azure::ResourceId& app, const std::string& environment) {
    const std::string body = body_in(environment).dump();
    const auto url = fmt::format("{}?api-version={}", app.text(), version_of(kAppType));
    const auto begun = access_.clock.elapsed();
    for (Clock::Duration pause = 1s;; pause = std::min<Clock::Duration>(pause * 2, 15s)) {
      TRY_ASSIGN(const auto answer, access_.arm.raw("PUT", url, body, stop_));
      if (answer.status < 300) return {};
      auto error = rest::error_of(answer);
      if (access_.clock.elapsed() - begun + pause > worth_repeating(error, false))
        return fail(std::move(error.during("making the container app that the client runs in")));
      if (!access_.clock.sleep_for(pause, stop_)) return stopped();
    }
  }

  Result<std::string> wait_until_running(const azure::ResourceId& app) {
    const auto begun = access_.clock.elapsed();
    int bad_looks = 0;
    std::string trouble;
    while (access_.clock.elapsed() - begun < kStartLimit) {
      TRY_ASSIGN(const auto seen, look(app));
      if (!seen.exec_endpoint.empty()) return seen.exec_endpoint;
      // Between two attempts to start it only says that it is being made: the longest has the reason.
      if (seen.trouble.size() > trouble.size()) trouble = seen.trouble;
      bad_looks = seen.is_bad ? bad_looks + 1 : 0;
      if (bad_looks >= 3) break;
      if (!access_.clock.sleep_for(1s, stop_)) return stopped();
    }
    return fail(
        Error{.kind = Error::Kind::refused,
              .code = "shell-failed",
              .message = "the client does not start: " + (trouble.empty() ? "its container has not started" : trouble),
              .help = "`--image` names another image that can be pulled and holds the client and `sh`"});
  }

  struct Look {
    std::string exec_endpoint, trouble;
    bool is_bad = false;
  };
  Result<Look> look(const azure::ResourceId& app) {
    TRY_ASSIGN(const auto body, access_.arm.get(app, version_of(kAppType), stop_));
    if (!body) return Look{};
    if (text_at(*body, "properties.provisioningState") == "Failed")
      return Look{"", text_at(*body, "properties.deploymentErrors"), true};
    const std::string revision = text_at(*body, "properties.latestRevisionName");
    if (revision.empty()) return Look{};
    const std::string revision_id = app.text() + "/revisions/" + revision;
    auto replicas = access_.arm.list(revision_id + "/replicas",
                                     version_of("Microsoft.App/containerApps/revisions/replicas"), stop_);
    if (!replicas && replicas.error().http_status == 404) return Look{};  // CA-47
    if (!replicas) return std::unexpected(std::move(replicas).error());
    for (const auto& replica : *replicas) {
      if (text_at(replica, "properties.containers[0].runningState") == "Running")
        return Look{text_at(replica, "properties.containers[0].execEndpoint"), "", false};
    }
    if (const auto id = azure::ResourceId::parse(revision_id)) {
      TRY_ASSIGN(const auto state, access_.arm.get(*id, version_of("Microsoft.App/containerApps/revisions"), stop_));
      if (state && text_at(*state, "properties.provisioningState") == "Failed")
        return Look{"", text_at(*state, "properties.provisioningError"), true};
    }
    for (const auto& replica : *replicas) {
      auto details = text_at(replica, "properties.containers[0].runningStateDetails");
      if (details.empty()) details = text_at(replica, "properties.runningStateDetails");
      if (!details.empty()) return Look{"", details, contains_ignoring_case(details, "pull")};
    }
    return Look{};
  }

  const plan::StoreClient& client_;
  const ShellWish& wish_;
  const graph::ResourceGraph& graph_;
  const StackScope& scope_;
  const AzureAccess& access_;
  std::stop_token stop_;
  std::string identity_;
  Json variables_ = Json::array(), secrets_ = Json::array();
};

Result<Secret> exec_token(const Shell& shell, const AzureAccess& access, std::stop_token stop) {
  TRY_ASSIGN(const auto answer,
             access.arm.post(shell.app, "getAuthToken", version_of(kAppType), nlohmann::json(), {}, stop));
  const std::string token = text_at(answer, "properties.token");
  if (token.empty()) return fail(Error::Kind::invalid, "exec-token", "the answer to getAuthToken holds no token");
  return Secret(token);
}

/// One connection, until it ends.
struct Talk {
  bool was_ready = false;
  std::optional<int> exit_code;
  std::string said;  // faults, and what was written before the client started
};

/// The thread that sends what the user types. It ends before the connection does.
class Sender {
 public:
  explicit Sender(rest::WebSocket& socket) : socket_(socket) {}
  ~Sender() { socket_.stop_sending(); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  void start(const std::function<void(rest::WebSocket&, std::stop_token)>& send_input) {
    thread_ = std::jthread([this, &send_input](std::stop_token stop) { send_input(socket_, std::move(stop)); });
  }

 private:
  rest::WebSocket& socket_;
  std::jthread thread_;
};

Result<void> talk_once(const Shell& shell, const ShellStreams& streams, const AzureAccess& access,
                       const rest::OpenWebSocket& open, Talk& talk, std::stop_token stop) {
  const bool on_terminal = streams.mode == ShellStreams::Mode::terminal;
  TRY_ASSIGN(const auto token, exec_token(shell, access, stop));
  const auto url = fmt::format("{}?command=sh+%2Ftmp%2Fdefang-db%2Fsession+{}", shell.exec_endpoint,
                               on_terminal ? "terminal" : "pipe");
  TRY_ASSIGN(const auto socket, open(url, {{"Authorization", "Bearer " + token.reveal()}}, stop));
  Sender sender(*socket);
  ShellOutput output(shell.secret);
  const auto hand_on = [&](const std::string& text) {
    if (!talk.was_ready)
      talk.said += text;
    else if (talk.exit_code)
      streams.errors(text);
    else
      streams.output(text);
  };
  while (true) {
    TRY_ASSIGN(const auto bytes, socket->receive(stop));
    if (!bytes) break;
    const auto message = read_message(*bytes);
    if (message.kind == ExecMessage::Kind::note) streams.note(message.text);
    if (message.kind == ExecMessage::Kind::fault) talk.said += message.text;
    if (message.kind != ExecMessage::Kind::output) continue;
    for (const auto& piece : output.take(message.text)) {
      using Piece = ShellOutput::Piece::Kind;
      if (piece.kind == Piece::text) hand_on(piece.text);
      if (piece.kind == Piece::exit) talk.exit_code = piece.exit_code;
      if (piece.kind == Piece::end) return {};
      if (piece.kind != Piece::ready) continue;
      talk.was_ready = true;
      talk.said.clear();
      sender.start(streams.send_input);
    }
  }
  hand_on(output.rest());
  return {};
}

}  // namespace

const StoreKind& store_kind(Kind kind) { return *std::ranges::find(kKinds, kind, &StoreKind::kind); }

std::string piped_input(std::string_view bytes) {
  std::string lines;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kLineBytes)))
    lines += base64(bytes.substr(0, kLineBytes)) + "\n";
  return lines;
}

azure::ResourceId shell_app(const StackScope& scope, const std::string& session) {
  return azure::ResourceId::resource(scope.subscription, scope.group, std::string(kAppType), "shell-" + session);
}

Result<StoreAddress> find_address(const plan::StoreClient& client, const graph::ResourceGraph& graph,
                                  const StackScope& scope, const AzureAccess& access, std::stop_token stop) {
  StoreAddress address;
  TRY_ASSIGN(address.host, host_of(client, graph, scope, access, stop));
  for (const auto& piece : client.password) {
    const auto* reference = std::get_if<graph::Reference>(&piece);
    if (reference == nullptr) {
      address.password_from.emplace_back("the Compose file");
      continue;
    }
    const auto kept = kept_secret(*reference, {});
    const auto* vault = graph.resource(providers::kVault);
    address.password_from.push_back(
        reference->kind == graph::Reference::Kind::list
            ? fmt::format("{} of `{}`, which `{}` gives to who may call it", kept.words,
                          graph.resource(reference->node)->name, reference->function)
            : fmt::format("{}, secret `{}` of vault `{}`", kept.words, kept.in_vault, vault ? vault->name : ""));
  }
  return address;
}

Result<Shell> start_shell(const plan::StoreClient& client, const ShellWish& wish, const graph::ResourceGraph& graph,
                          const StackScope& scope, const AzureAccess& access, std::stop_token stop) {
  return ShellMaker(client, wish, graph, scope, access, std::move(stop)).make();
}

Result<void> remove_shell(const azure::ResourceId& app, const AzureAccess& access, std::stop_token stop) {
  const auto url = fmt::format("{}?api-version={}", app.text(), version_of(kAppType));
  const auto begun = access.clock.elapsed();
  for (Clock::Duration pause = 1s;; pause = std::min<Clock::Duration>(pause * 2, 15s)) {
    auto answer = access.arm.raw("DELETE", url, "", stop);
    if (answer && (answer->status < 300 || answer->status == 404)) return {};
    auto error = answer ? rest::error_of(*answer) : std::move(answer).error();
    if (error.kind == Error::Kind::stopped || access.clock.elapsed() - begun + pause > worth_repeating(error, false))
      return fail(std::move(error.during(fmt::format("removing `{}`", app.last_name()))));
    if (!access.clock.sleep_for(pause, stop)) return stopped();
  }
}

Result<std::vector<std::string>> remove_left_shells(
    const StackScope& scope, const AzureAccess& access,
    const std::function<std::optional<bool>(const std::string& session)>& is_over, std::stop_token stop) {
  std::vector<std::string> removed;
  const auto group = azure::ResourceId::group(scope.subscription, scope.group);
  auto apps = access.arm.list(fmt::format("{}/providers/{}", group.text(), kAppType), version_of(kAppType), stop);
  if (!apps && (apps.error().http_status == 404 || rest::means_absent(apps.error()))) return removed;
  if (!apps) return std::unexpected(std::move(apps).error());
  const auto tag = [](const nlohmann::json& app, std::string_view name) {
    return text_at(app, fmt::format("tags.{}", name));
  };
  const auto old = to_iso8601(
      std::chrono::duration_cast<std::chrono::milliseconds>((access.clock.now() - kLongestSession).time_since_epoch())
          .count());
  for (const auto& app : *apps) {
    if (tag(app, kShellTag).empty() || tag(app, kProjectTag) != scope.project || tag(app, kStackTag) != scope.stack)
      continue;
    const std::string created = text_at(app, "systemData.createdAt");
    if (!is_over(tag(app, kSessionTag)).value_or(!created.empty() && created < old)) continue;
    const auto id = azure::ResourceId::parse(text_at(app, "id"));
    if (!id) continue;
    TRY(remove_shell(*id, access, stop));
    removed.push_back(id->last_name());
  }
  return removed;
}

Result<int> talk(const Shell& shell, const ShellStreams& streams, const AzureAccess& access,
                 const rest::OpenWebSocket& open, std::stop_token stop) {
  // A container runs a moment before it can be talked to (CA-151).
  for (int attempt = 1;; ++attempt) {
    Talk talk;
    auto ended = talk_once(shell, streams, access, open, talk, stop);
    if (talk.exit_code) return *talk.exit_code;
    if (!ended && ended.error().kind == Error::Kind::stopped) return std::unexpected(std::move(ended).error());
    if (talk.was_ready)
      return fail(ended ? Error{.kind = Error::Kind::unreachable,
                                .code = "connection-lost",
                                .message = "the connection to the client has ended before the client has"}
                        : std::move(ended).error());
    if (attempt == kMostAttempts) {
      if (!ended) return std::unexpected(std::move(ended).error());
      return fail(Error{.kind = Error::Kind::refused,
                        .code = "shell-failed",
                        .message = fmt::format("the client does not start: {}",
                                               talk.said.empty() ? "it says nothing" : trim(talk.said)),
                        .help = "`--image` names another image; it must hold the client and `sh`"});
    }
    if (!access.clock.sleep_for(1s, stop)) return stopped();
  }
}

}  // namespace defang::deploy
