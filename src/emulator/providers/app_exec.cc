// Programs in containers that run, over a web socket, as `az containerapp exec` uses it (azure-cli 2.91, module
// containerapp): the first byte of a message is the proxy's, 0 for what it passes on, whose second byte is the
// stream's.
#include <fmt/format.h>

#include "emulator/engines/pseudo_terminal.h"
#include "emulator/providers/container_apps.h"
#include "emulator/web_socket.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kStandardInput("\0\0", 2), kResize("\0\4", 2), kStandardOutput("\0\1", 2);
constexpr std::string_view kNote("\1", 1), kFault("\2", 1);
constexpr std::size_t kMostUnwritten = std::size_t{64} << 10;

class Exec final : public Conversation {
 public:
  Exec(Result<std::unique_ptr<PseudoTerminal>> terminal, std::vector<std::string> first)
      : terminal_(std::move(terminal)), first_(std::move(first)) {
    if (terminal_) return;
    const Json fault = {{"Error",
                         {{"Code", "ClusterExecFailure"},
                          {"Message", "Cluster exec API returns error: " + terminal_.error().message}}}};
    first_.push_back(std::string(kFault) + dump(fault));
  }

  pollfd waits_for() const override {
    if (!terminal_) return {-1, 0, 0};
    const bool writes = (*terminal_)->unwritten() > 0;
    return {(*terminal_)->descriptor(), static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0};
  }
  bool listens() const override { return !terminal_ || (*terminal_)->unwritten() < kMostUnwritten; }

  void hear(std::string_view message) override {
    if (!terminal_) return;
    if (message.starts_with(kStandardInput)) (*terminal_)->write(message.substr(2));
    if (!message.starts_with(kResize)) return;
    const auto size = parse_json(message.substr(2));
    if (size && size->is_object())
      (*terminal_)->resize(static_cast<int>(integer_at(*size, "Width")), static_cast<int>(integer_at(*size, "Height")));
  }

  std::optional<std::vector<std::string>> speak() override {
    if (!first_.empty()) return std::exchange(first_, {});
    if (!terminal_) return std::nullopt;
    (*terminal_)->flush();
    const auto bytes = (*terminal_)->read();
    if (!bytes) return std::nullopt;
    std::vector<std::string> words;
    if (!bytes->empty()) words.push_back(std::string(kStandardOutput) + *bytes);
    return words;
  }

 private:
  Result<std::unique_ptr<PseudoTerminal>> terminal_;
  std::vector<std::string> first_;
};

Answer exec(Core& core, const Request& request, AppKeeper& keeper) {
  const auto& names = request.captures;
  const auto app = fmt::format("/subscriptions/{}/resourceGroups/{}/providers/Microsoft.App/containerApps/{}",
                               names.at("subscription"), names.at("group"), names.at("app"));
  if (auto refusal = check_stream_token(core, request, app)) return *refusal;
  const Resource* replica =
      core.store().find(fmt::format("{}/revisions/{}/replicas/{}", app, names.at("revision"), names.at("replica")));
  if (replica == nullptr)
    return arm_error(404, "ReplicaNotFound", fmt::format("The replica '{}' was not found.", names.at("replica")));
  const std::string key = request.headers.get("Sec-WebSocket-Key");
  if (key.empty() || !equals_ignoring_case(request.headers.get("Upgrade"), "websocket"))
    return arm_error(400, "BadRequest", "This endpoint is for web sockets.");
  std::vector<std::string> words = split(request.query_value("command"), ' ');
  std::erase(words, "");
  if (words.empty()) words = {"sh"};
  const auto& container = names.at("container");
  Answer answer{.status = 101};
  answer.headers.set("Upgrade", "websocket");
  answer.headers.set("Connection", "Upgrade");
  answer.headers.set("Sec-WebSocket-Accept", web_socket_accept(key));
  answer.conversation = std::make_shared<Exec>(
      keeper.runtime().exec(replica->name(), container, words),
      std::vector<std::string>{
          fmt::format("{}Connecting to the container '{}'...", kNote, container),
          fmt::format("{}Successfully connected to container: '{}'. [ Revision: '{}', Replica: '{}'.]", kNote,
                      container, names.at("revision"), replica->name())});
  return answer;
}

}  // namespace

void add_app_exec(Core& core, AppKeeper& keeper) {
  core.add_route({.method = "GET",
                  .pattern = "/subscriptions/{subscription}/resourceGroups/{group}/containerApps/{app}/revisions/"
                             "{revision}/replicas/{replica}/containers/{container}/exec",
                  .access = Route::Access::everyone,
                  .answer = [&keeper](Core& shared, const Request& request) { return exec(shared, request, keeper); }});
}

}  // namespace defang::emulator
