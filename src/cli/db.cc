#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/local_terminal.h"
#include "cli/session.h"
#include "cli/session_lock.h"
#include "deploy/deployment.h"
#include "deploy/exec_protocol.h"
#include "deploy/store_shell.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// The store that is meant, and the plan that it is part of.
struct Meant {
  std::string service;
  plan::StoreClient client;
  graph::ResourceGraph graph;
};

std::string names_of(const std::map<std::string, plan::StoreClient>& clients) {
  std::vector<std::string> names;
  for (const auto& [name, client] : clients) names.push_back("`" + name + "`");
  return join(names, ", ");
}

void report_no_store(const compose::Project& project, const std::map<std::string, plan::StoreClient>& clients,
                     const std::string& word, Diagnostics& diagnostics) {
  if (clients.empty())
    return diagnostics.error("db.none", "the project has no managed database or cache", {},
                             "`x-defang-postgres: true` and its like make a service managed (docs/managed-stores.md)");
  if (word.empty())
    return diagnostics.error("db.service", "which managed store is not said", {}, "one of " + names_of(clients));
  const auto service = project.services.find(word);
  if (service != project.services.end())
    return diagnostics.error("db.service", fmt::format("service `{}` is no managed database or cache", word),
                             service->second.span, "the project's are " + names_of(clients));
  std::vector<std::string> names;
  for (const auto& [name, client] : clients) names.push_back(name);
  const auto near = did_you_mean(word, names);
  diagnostics.error("db.service", fmt::format("the project has no service `{}`", word), {},
                    near ? fmt::format("did you mean `{}`?", *near) : "its managed stores are " + names_of(clients));
}

std::optional<Meant> find_meant(const compose::Project& project, const plan::Stack& stack, const Arguments& arguments,
                                Context& context, Diagnostics& diagnostics) {
  auto clients = plan::store_clients(project, stack);
  const std::string word = arguments.words.empty() ? "" : arguments.words.front();
  const auto found = clients.find(word);
  if (found == clients.end()) {
    report_no_store(project, clients, word, diagnostics);
    return std::nullopt;
  }
  plan::Facts facts;
  plan::look_at_disk(project, context.disk, facts);
  Diagnostics planned;
  Meant meant{found->first, found->second, plan::build_graph(project, stack, facts, planned)};
  if (planned.has_errors())
    for (const auto& one : planned.all()) diagnostics.add(one);
  return meant;
}

/// Without the password: "postgres://notes@host:5432/notes?sslmode=require".
std::string url_of(const plan::StoreClient& client, const std::string& host) {
  using Kind = plan::StoreClient::Kind;
  std::string url = fmt::format("{}://{}{}{}", deploy::store_kind(client.kind).scheme, percent_encode(client.user),
                                client.user.empty() ? "" : "@", host);
  if (client.port != 0) url += fmt::format(":{}", client.port);
  if (!client.database.empty()) url += "/" + percent_encode(client.database);
  if (client.kind == Kind::postgres) url += "?sslmode=require";
  if (client.kind == Kind::mysql) url += "?ssl-mode=REQUIRED";
  if (client.kind == Kind::mongodb) url += "/?tls=true&authMechanism=SCRAM-SHA-256&retryWrites=false";
  return url;
}

int show_address(const Meant& meant, const deploy::StoreAddress& address, const Arguments& arguments,
                 Context& context) {
  const auto& client = meant.client;
  const auto& kind = deploy::store_kind(client.kind);
  const std::string url = url_of(client, address.host);
  if (arguments.json) {
    context.out.write(Json{{"service", meant.service},
                           {"kind", to_lower(kind.title)},
                           {"host", address.host},
                           {"port", client.port == 0 ? Json() : Json(client.port)},
                           {"tls", true},
                           {"user", client.user},
                           {"database", client.database},
                           {"passwordFrom", address.password_from},
                           {"private", true},
                           {"url", url}}
                          .dump() +
                      "\n");
    return exit_done;
  }
  const auto line = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) context.out.write(fmt::format("{:<9} {}\n", name, value));
  };
  line("store", std::string(kind.title));
  line("host", address.host);
  line("port", client.port == 0 ? "as SRV records of the host say" : std::to_string(client.port));
  line("TLS", "required");
  line("user", client.user);
  line("database", client.database);
  line("password", join(address.password_from, ", then "));
  line("URL", url);
  line("reached", fmt::format("from the stack's own network only; `defang db {}` opens {} inside it", meant.service,
                              kind.program));
  return exit_done;
}

fs::path sessions_folder(const Context& context) {
  const auto state = context.variable("XDG_STATE_HOME");
  return (state.empty() ? fs::path(context.variable("HOME")) / ".local/state" : fs::path(state)) / "defang/db";
}

/// Letters and digits, as they end a name of a container app.
std::string new_session(Random& random) { return hex(random.bytes(5)); }

/// Runs the client in a shell that has started.
class Conversation {
 public:
  Conversation(const Arguments& arguments, Context& context)
      : arguments_(arguments),
        context_(context),
        on_terminal_(context.input_is_terminal && context.out.is_terminal() && !arguments.json) {}

  Result<int> run(const deploy::Shell& shell, const deploy::AzureAccess& access, const rest::OpenWebSocket& open) {
    const auto raw = on_terminal_ ? std::make_unique<RawTerminal>() : nullptr;
    const deploy::ShellStreams streams{
        .mode = on_terminal_ ? deploy::ShellStreams::Mode::terminal : deploy::ShellStreams::Mode::pipe,
        .output = [&](std::string_view text) { arguments_.json ? void(output_ += text) : context_.out.write(text); },
        .errors = [&](std::string_view text) { arguments_.json ? void(errors_ += text) : context_.err.write(text); },
        .note =
            [&](std::string_view text) {
              if (arguments_.verbose) context_.err.write(fmt::format("{}{}\n", text, on_terminal_ ? "\r" : ""));
            },
        .send_input = [&](rest::WebSocket& socket, const std::stop_token& stop) { send_input(socket, stop); }};
    return deploy::talk(shell, streams, access, open, context_.stop);
  }

  const std::string& output() const { return output_; }
  const std::string& errors() const { return errors_; }

 private:
  void send_input(rest::WebSocket& socket, const std::stop_token& stop) {
    if (!on_terminal_) {
      const bool has_input = !context_.input_is_terminal;
      if (has_input && !read_input([&](std::string_view bytes) { add_piped(socket, bytes); }, [] {}, stop)) return;
      add_rest(socket);
      return socket.send(deploy::input_message(deploy::kEndOfInput));
    }
    Stream::Size known{};
    const auto tell_size = [&] {
      auto size = context_.out.size();
      if (size.columns == 0 || size.rows == 0) size = {80, 24};  // a terminal that does not say
      if (size.columns == known.columns && size.rows == known.rows) return;
      known = size;
      socket.send(deploy::size_message(size.columns, size.rows));
    };
    tell_size();
    read_input([&](std::string_view bytes) { socket.send(deploy::input_message(bytes)); }, tell_size, stop);
  }

  /// Base64 has a filling only where the whole ends, so pieces are of three bytes each.
  void add_piped(rest::WebSocket& socket, std::string_view bytes) {
    held_ += bytes;
    const auto whole = held_.size() / 3 * 3;
    socket.send(deploy::input_message(deploy::piped_input(std::string_view(held_).substr(0, whole))));
    held_.erase(0, whole);
  }
  void add_rest(rest::WebSocket& socket) {
    if (!held_.empty()) socket.send(deploy::input_message(deploy::piped_input(held_)));
  }

  const Arguments& arguments_;
  Context& context_;
  const bool on_terminal_;
  std::string output_, errors_, held_;
};

Result<void> remove_left_over(const deploy::StackScope& scope, const deploy::AzureAccess& access,
                              const Arguments& arguments, Context& context) {
  const auto folder = sessions_folder(context);
  std::vector<std::string> over;
  TRY_ASSIGN(const auto removed, deploy::remove_left_shells(
                                     scope, access,
                                     [&](const std::string& session) {
                                       const auto is_over = is_session_over(folder, session);
                                       if (is_over == true) over.push_back(session);
                                       return is_over;
                                     },
                                     context.stop));
  for (const auto& session : over) forget_session(folder, session);
  if (!removed.empty() && !arguments.quiet)
    context.err.write(fmt::format("removed `{}`, which a run that was killed had left\n", join(removed, "`, `")));
  return {};
}

/// The password is in the container's environment and nowhere else; the app goes whatever happens.
Result<int> run_client(const Meant& meant, Session& session, const deploy::StackScope& scope,
                       const Arguments& arguments, Context& context) {
  const auto access = session.access(context);
  TRY(remove_left_over(scope, access, arguments, context));
  const auto& kind = deploy::store_kind(meant.client.kind);
  const auto image = arguments.image.empty() ? context.variable("DEFANG_DB_IMAGE") : arguments.image;
  const deploy::ShellWish wish{.service = meant.service,
                               .session = new_session(context.random),
                               .image = image,
                               .arguments = {arguments.words.begin() + 1, arguments.words.end()}};
  TRY_ASSIGN(auto lock, SessionLock::take(sessions_folder(context), wish.session));
  if (!arguments.quiet && !arguments.json)
    context.err.write(fmt::format("starting {} for `{}` in the stack's own network; it is removed at the end\n",
                                  kind.program, meant.service));
  Conversation conversation(arguments, context);
  const auto open = rest::make_web_sockets(transport_options(session.settings));
  auto shell = deploy::start_shell(meant.client, wish, meant.graph, scope, access, context.stop);
  Result<int> ended = shell ? conversation.run(*shell, access, open) : std::unexpected(std::move(shell).error());
  // A stop was for the client: the app goes all the same.
  if (auto removed = deploy::remove_shell(deploy::shell_app(scope, wish.session), access, {}); removed)
    lock.forget();
  else
    print(removed.error(), arguments, context);
  if (ended && arguments.json)
    context.out.write(Json{{"service", meant.service},
                           {"exitCode", *ended},
                           {"output", conversation.output()},
                           {"errors", conversation.errors()}}
                          .dump(-1, ' ', false, Json::error_handler_t::replace) +
                      "\n");
  return ended;
}

}  // namespace

int run_db(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
  if (project) find_meant(*project, settings->stack, arguments, context, diagnostics);
  if (!project || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  if (!session) {
    print(session.error(), arguments, context);
    return exit_code_of(session.error());
  }
  // Names depend on the subscription, which only the session knows.
  const auto& stack = session->stack();
  const auto meant = find_meant(*project, stack, arguments, context, diagnostics);
  const auto scope = deploy::stack_scope(project->name, stack);
  const auto address = deploy::find_address(meant->client, meant->graph, scope, session->access(context), context.stop);
  if (!address) {
    print(address.error(), arguments, context);
    return exit_code_of(address.error());
  }
  if (arguments.url) return show_address(*meant, *address, arguments, context);
  const auto ended = run_client(*meant, *session, scope, arguments, context);
  if (ended) return *ended;
  print(ended.error(), arguments, context);
  return exit_code_of(ended.error());
}

}  // namespace defang::cli
