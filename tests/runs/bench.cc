#include "bench.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "azure/resource_id.h"
#include "compose/load.h"
#include "deploy/actions.h"
#include "deploy/program_image.h"
#include "deploy/survey.h"
#include "deploy/vault_secrets.h"
#include "plan/detached.h"
#include "rest/blob_client.h"
#include "rest/cloud.h"
#include "support/text.h"

namespace defang::runs {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A stack's lease lasts 60 s.
constexpr auto kLongDelay = 90s;
constexpr auto kOutage = 45s;  // longer than the lease of the stack lasts

/// Time that stands still with its process.
class ProcessClock : public Clock {
 public:
  ProcessClock(Clock& clock, const Suspension& process) : clock_(clock), process_(process) {}
  std::chrono::system_clock::time_point now() const override { return clock_.now(); }
  Duration elapsed() const override { return clock_.elapsed(); }
  bool sleep_for(Duration duration, std::stop_token stop) override {
    const bool slept = clock_.sleep_for(duration, stop);
    process_.wait_out();
    return slept;
  }
  void add_worker() override { clock_.add_worker(); }
  void remove_worker() override { clock_.remove_worker(); }

 private:
  Clock& clock_;
  const Suspension& process_;
};

class NoProcesses : public Processes {
 public:
  Result<Ended> run(const Command& command, std::stop_token) override {
    return fail(Error::Kind::refused, "program-not-found", command.arguments.at(0));
  }
  Result<std::unique_ptr<Child>> start(const Background&) override {
    return fail(Error::Kind::refused, "program-not-found", "none");
  }
};

/// Requests that change nothing that outlives the run: reads, sign-in, and what the lease consists of.
bool is_write(const rest::HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return false;
  const std::string url = to_lower(request.url);
  for (const char* part :
       {"/oauth2/", "/list", "/sharedkeys", "comp=lease", "/state/lease", "/state?restype=container", "/state/runs/"})
    if (url.find(part) != std::string::npos) return false;
  return true;
}

rest::HttpResponse refusal(int status, const char* code) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Retry-After", "3"}},
          .body = fmt::format(R"({{"error": {{"code": "{}", "message": "Please try again later."}}}})", code)};
}

/// Ids, ports, times and revisions differ from one Azure to the next.
std::string normalised(std::string text) {
  static const std::pair<std::regex, const char*> kRules[] = {
      {std::regex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", std::regex::icase), "<guid>"},
      {std::regex(R"(\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00))"), "<time>"},
      {std::regex(R"((localhost|127\.0\.0\.1):\d+)"), "<host>"},
      {std::regex(R"(203\.0\.113\.\d+)"), "<address>"},
      {std::regex(R"([a-z]+-[0-9a-f]{8}(\.westus3\.))"), "<domain>$1"},
      {std::regex("--[a-z0-9]{7,}"), "--<revision>"},
      {std::regex(R"(\b1-[0-9a-f]{32}\b)"), "<hash>"},
      {std::regex(R"_("(etag|createdTime|lastActiveTime|created|updated)":("(\\"|[^"])*"|\d+))_"), "\"$1\":0"},
  };
  for (const auto& [pattern, replacement] : kRules) text = std::regex_replace(text, pattern, replacement);
  return text;
}

std::map<std::string, std::string> example_files() {
  std::map<std::string, std::string> files;
  const fs::path root = fs::path(DEFANG_SOURCE_DIR) / "examples/notes";
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    files["/project/" + fs::relative(entry.path(), root).string()] = {std::istreambuf_iterator<char>(file), {}};
  }
  auto& compose = files["/project/compose.yaml"];
  compose = replace_all(compose, "EVERY_SECONDS:", "API_KEY:\n      EVERY_SECONDS:");
  return files;
}

}  // namespace

void Suspension::during(const std::function<void()>& meanwhile) {
  still_ = true;
  clock_.remove_worker();
  meanwhile();
  clock_.add_worker();
  still_ = false;
  still_.notify_all();
}

/// Off the clock: threads that slept on it in steps would let it run ahead of whoever is awake by hours.
void Suspension::wait_out() const {
  if (!still_) return;
  clock_.remove_worker();
  still_.wait(true);
  clock_.add_worker();
}

bool Wire::strikes(const rest::HttpRequest& request) {
  const Sent sent{request.method, request.url, is_write(request)};
  const std::lock_guard lock(mutex_);
  if (request.headers.get("x-ms-lease-action") == "renew") return false;  // as often as time passes
  sent_.push_back(sent);
  if (plan_.number == 0 || (plan_.writes_only && !sent.is_write) || ++matching_ != plan_.number) return false;
  struck_ = sent.method + " " + sent.url;
  return true;
}

bool Wire::is_offline() const {
  const std::lock_guard lock(mutex_);
  return online_again_ && clock_.elapsed() < *online_again_;
}

Result<rest::HttpResponse> Wire::send(const rest::HttpRequest& request, std::stop_token stop) {
  const Error lost{.kind = Error::Kind::unreachable, .code = "connection-lost", .message = "the connection was lost"};
  process_.wait_out();
  if (life_.stop_requested()) return fail(lost);
  const Error gone{.kind = Error::Kind::unreachable, .code = "connect-failed", .message = "the network is gone"};
  if (is_offline()) return fail(gone);
  if (request.refusal)  // as every transport must just before it sends
    if (auto refused = request.refusal()) return fail(std::move(*refused));
  const auto reach = [&]() -> Result<rest::HttpResponse> {
    auto answer = inner_.send(request, stop);
    process_.wait_out();
    return answer;
  };
  if (!strikes(request)) return reach();
  switch (plan_.trouble) {
    case Trouble::dropped_before:
      return fail(lost);
    case Trouble::dropped_after:
      (void)reach();
      return fail(lost);
    case Trouble::throttled:
      return refusal(429, "TooManyRequests");
    case Trouble::unavailable:
      return refusal(503, "ServiceUnavailable");
    case Trouble::delayed: {
      auto answer = reach();
      return clock_.sleep_for(kLongDelay, stop) ? answer : fail(lost);
    }
    case Trouble::truncated: {
      auto answer = reach();
      if (answer) answer->body.resize(answer->body.size() / 2);
      return answer;
    }
    case Trouble::offline:
    case Trouble::offline_for_good: {
      const std::lock_guard lock(mutex_);
      online_again_ = clock_.elapsed() + (plan_.trouble == Trouble::offline ? kOutage : std::chrono::hours(24));
      return fail(gone);
    }
    case Trouble::killed_after:
      (void)reach();
      life_.request_stop();
      return fail(lost);
    case Trouble::suspended_after: {
      auto answer = reach();
      process_.during(plan_.meanwhile);
      const std::lock_guard lock(mutex_);
      sent_.clear();  // what is listed is what was sent afterwards
      return answer;
    }
  }
  return reach();
}

std::vector<Wire::Sent> Wire::sent() const {
  const std::lock_guard lock(mutex_);
  return sent_;
}

std::size_t Wire::count(bool writes_only) const {
  const auto all = sent();
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [&](const Sent& one) { return !writes_only || one.is_write; }));
}

std::string Wire::struck() const {
  const std::lock_guard lock(mutex_);
  return struck_;
}

std::string Ended::text() const {
  const auto one = [](const Error& error) {
    return fmt::format("\n  {}: {} [{}]", error.code, error.message, fmt::join(error.context, "; "));
  };
  std::string text =
      fmt::format("{} created, {} updated, {} unchanged, {} removed, {} failed, {} skipped", finished.created,
                  finished.updated, finished.unchanged, finished.removed, finished.failed, finished.skipped);
  if (refused) text = "refused" + one(*refused);
  for (const auto& failure : failures) text += one(failure);
  return text + (failures.empty() ? "" : "\n" + log);
}

struct Bench::Process::Parts {
  Parts(Bench& bench, Suspension& suspension, Wire& wire)
      : clock(bench.clock, suspension), environment(bench.emulator_->environment()) {
    rest::PipelineParts pipeline_parts{.transport = wire, .clock = clock, .random = *random, .fence = &fence};
    unsigned_pipeline = rest::make_pipeline(pipeline_parts);
    tokens.emplace(credential(bench.project), clock);
    pipeline_parts.tokens = &*tokens;
    pipeline = rest::make_pipeline(pipeline_parts);
  }
  std::optional<std::string> variable(const std::string& name) const {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  }
  rest::Credential& credential(const Disk& disk) {
    const rest::Environment look = [this](const std::string& name) { return variable(name); };
    own_credential = rest::make_default_credential({look, disk, processes, clock}, *variable("AZURE_AUTHORITY_HOST"),
                                                   *unsigned_pipeline);
    return *own_credential;
  }
  Result<void> find_cloud(std::stop_token stop) {
    const auto look = [this](const auto& name) { return variable(name); };
    TRY_ASSIGN(cloud, rest::find_cloud(look, *unsigned_pipeline, stop));
    arm = rest::make_arm_client(cloud, *pipeline, clock);
    return {};
  }
  deploy::AzureAccess access(Disk& disk) {
    return {.arm = *arm,
            .pipeline = *pipeline,
            .unsigned_pipeline = *unsigned_pipeline,
            .fence = fence,
            .tokens = *tokens,
            .cloud = cloud,
            .tenant = *variable("AZURE_TENANT_ID"),
            .clock = clock,
            .random = *random,
            .disk = disk,
            .processes = processes};
  }

  ProcessClock clock;
  std::map<std::string, std::string> environment;
  NoProcesses processes;
  std::unique_ptr<Random> random = make_system_random();
  rest::WriteFence fence;
  std::unique_ptr<rest::Pipeline> unsigned_pipeline, pipeline;
  std::unique_ptr<rest::Credential> own_credential;
  std::optional<rest::TokenCache> tokens;
  rest::Cloud cloud;
  std::unique_ptr<rest::ArmClient> arm;
};

Bench::Process::Process(Bench& bench, rest::HttpTransport& azure)
    : suspension(bench.clock),
      wire(azure, bench.clock, suspension),
      parts(std::make_unique<Parts>(bench, suspension, wire)) {}
Bench::Process::~Process() = default;

Bench::Bench()
    : project(example_files()),
      folder_(fs::temp_directory_path() / fmt::format("runs-{}-{}", ::getpid(), fmt::ptr(this))) {
  auto made =
      emulator::make_in_process({.state_folder = folder_, .engine = "none", .seed = 5}, clock, *azure_, *random_);
  if (!made) throw std::runtime_error(made.error().message);
  emulator_ = std::move(*made);
  stack_ = {.name = "test",
            .subscription_id = emulator_->environment().at("AZURE_SUBSCRIPTION_ID"),
            .tenant_id = emulator_->environment().at("AZURE_TENANT_ID")};
  set_config();
}
Bench::~Bench() {
  emulator_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::unique_ptr<Bench::Process> Bench::process() { return std::make_unique<Process>(*this, emulator_->transport()); }

/// As `defang config set API_KEY=...` does.
void Bench::set_config() {
  const auto one = process();
  auto& parts = *one->parts;
  if (!parts.find_cloud({})) throw std::runtime_error("no cloud");
  const auto access = parts.access(project);
  const deploy::StackScope scope{"notes", stack_.name, stack_.subscription_id,
                                 plan::resource_group_name("notes", stack_), stack_.location};
  const auto vault = azure::ResourceId::resource(scope.subscription, scope.group, "Microsoft.KeyVault/vaults",
                                                 plan::vault_name("notes", stack_));
  const auto set = [&]() -> Result<void> {
    TRY(deploy::register_providers(*parts.arm, clock, stack_.subscription_id, {"Microsoft.KeyVault"},
                                   [](const std::string&) {}, {}));
    TRY_ASSIGN(const auto facts, deploy::survey(*parts.arm, stack_, scope.group, vault.last_name(), "", {}));
    const auto actions = deploy::make_actions(access);
    const auto made = deploy::run(plan::build_config_graph("notes", stack_, facts), *parts.arm, *actions, clock,
                                  [](const deploy::Event&) {}, {.scope = scope}, {});
    if (!made.failures.empty()) return fail(made.failures.front().error);
    TRY(deploy::write_secret(*parts.arm, vault, plan::config_secret_name("API_KEY"), Secret("secret"),
                             {{std::string(deploy::kConfigTag), "API_KEY"}}, {}));
    return {};
  };
  if (const auto done = set(); !done) throw std::runtime_error("config: " + done.error().message);
}

namespace {

/// Notes what a test compares.
deploy::EventSink seen_in(Ended& ended) {
  return [&ended](const deploy::Event& event) {
    using How = deploy::NodeFinished::How;
    if (const auto* failed = std::get_if<deploy::NodeFailed>(&event.what)) ended.failures.push_back(failed->error);
    if (const auto* notice = std::get_if<deploy::Notice>(&event.what)) ended.notices.push_back(notice->message);
    if (const auto* log = std::get_if<deploy::NodeLog>(&event.what)) ended.log += log->node + ": " + log->line + "\n";
    if (const auto* done = std::get_if<deploy::NodeFinished>(&event.what))
      if (done->how != How::unchanged && done->how != How::adopted) ended.changed.push_back(done->node);
  };
}

/// The headers of a program for linux/amd64 that needs nothing.
std::string program() {
  std::string bytes(
      "\x7f"
      "ELF\x02\x01",
      6);
  bytes.resize(64);
  bytes[18] = 62;
  return bytes;
}

}  // namespace

Result<deploy::Prepared> Bench::prepare(const deploy::AzureAccess& access, std::stop_token stop) {
  Diagnostics diagnostics;
  const auto loaded = compose::load({.project_directory = "/project", .stack = stack_.name}, project, diagnostics);
  if (!loaded) throw std::runtime_error("the project does not load");
  const deploy::Preparing preparing{.check = [](const plan::Facts&, Diagnostics&) {},
                                    .tell = [](const std::string&) {}};
  TRY_ASSIGN(auto prepared, deploy::prepare(*loaded, stack_, {}, access, {}, preparing, diagnostics, stop));
  if (!prepared) throw std::runtime_error("the project cannot be planned");
  return std::move(*prepared);
}

Ended Bench::up(Process& process) {
  Ended ended;
  auto& parts = *process.parts;
  const std::stop_token stop = process.wire.life();
  if (const auto found = parts.find_cloud(stop); !found) {
    ended.refused = found.error();
    return ended;
  }
  const auto access = parts.access(project);
  const auto prepared = prepare(access, stop);
  if (!prepared) {
    ended.refused = prepared.error();
    return ended;
  }
  ended.finished = deploy::deploy(*prepared, access, {}, seen_in(ended), stop);
  std::ranges::sort(ended.changed);
  return ended;
}

deploy::RunPlace Bench::run_place() const {
  return {{"notes", stack_.name, stack_.subscription_id, plan::resource_group_name("notes", stack_), stack_.location},
          plan::run_job_name("notes", stack_),
          plan::run_identity_name("notes", stack_),
          plan::storage_name("notes", stack_)};
}

Ended Bench::up_detached(Process& starter, Process& job) {
  Ended ended;
  const auto start = [&]() -> Result<void> {
    TRY(starter.parts->find_cloud({}));
    const auto access = starter.parts->access(project);
    TRY_ASSIGN(auto prepared, prepare(access, {}));
    TRY_ASSIGN(const auto image, deploy::make_program_image(program(), "authorities"));
    auto first = prepared;
    first.graph = plan::before_the_job(prepared.graph, "notes", stack_,
                                       {.image = "defang/run@" + image.manifest_digest, .arguments = {"run-job"}});
    const auto begun =
        deploy::deploy(first, access, {.is_part = true, .keeps_events = false}, [](const deploy::Event&) {}, {});
    if (begun.how != deploy::RunFinished::How::done) throw std::runtime_error("what comes first fails");
    prepared.graph = plan::in_the_job(prepared.graph, first.graph);
    TRY_ASSIGN(
        const auto run,
        deploy::start_run({.prepared = std::move(prepared), .options = {}, .contexts = {}},
                          {.place = run_place(), .image = &image, .image_tag = "1", .tell = [](const std::string&) {}},
                          access, {}));
    last_run_ = run.run;
    return {};
  };
  if (const auto started = start(); !started) throw std::runtime_error("start: " + started.error().message);
  FakeDisk nothing;
  const auto stop = job.wire.life();
  const auto carry_out = [&]() -> Result<deploy::RunFinished> {
    TRY(job.parts->find_cloud(stop));
    return deploy::carry_out(run_place(), last_run_, job.parts->access(nothing), seen_in(ended), stop);
  };
  const auto finished = carry_out();
  if (finished)
    ended.finished = *finished;
  else
    ended.refused = finished.error();
  std::ranges::sort(ended.changed);
  return ended;
}

Result<std::pair<deploy::RunFinished, std::size_t>> Bench::follow() {
  const auto one = process();
  TRY(one->parts->find_cloud({}));
  FakeDisk nothing;
  std::size_t events = 0;
  TRY_ASSIGN(const auto finished, deploy::follow(run_place(), last_run_, one->parts->access(nothing),
                                                 [&](const deploy::Event&) { ++events; }, {}));
  return std::pair(finished, events);
}

Ended Bench::up() {
  const auto one = process();
  return up(*one);
}

std::map<std::string, std::string> Bench::state() {
  std::set<std::string> ids;
  std::istringstream journal(azure_->read(folder_ / "journal.jsonl").value_or(""));
  for (std::string line; std::getline(journal, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("resources")) continue;
    for (const auto& [id, resource] : json["resources"].items()) {
      if (resource.is_null())
        ids.erase(id);
      else
        ids.insert(id);
    }
  }
  const auto one = process();
  if (!one->parts->find_cloud({})) throw std::runtime_error("no cloud");
  std::map<std::string, std::string> state;
  for (const auto& id : ids) {
    // Builds and revisions are history: a run that was cut off may have begun one more than it needs.
    if (id.find("/runs/") != std::string::npos || id.find("/revisions/") != std::string::npos) continue;
    const auto answer = one->parts->arm->raw("GET", id + "?api-version=2024-01-01", "", {});
    const Json body = answer ? Json::parse(answer->body, nullptr, false) : Json();
    state[normalised(id)] = fmt::format("{} {}", answer ? answer->status : 0, normalised(body.dump()));
  }
  return state;
}

azure::ResourceId Bench::id_of(const std::string& resource) const {
  const auto group = azure::ResourceId::group(stack_.subscription_id, plan::resource_group_name("notes", stack_));
  return *azure::ResourceId::parse(group.text() + "/providers/" + resource);
}

nlohmann::json Bench::get(const std::string& resource) {
  const auto one = process();
  if (!one->parts->find_cloud({})) throw std::runtime_error("no cloud");
  return one->parts->arm->get(id_of(resource), "2024-01-01", {}).value().value();
}

void Bench::change(const std::string& resource, const std::function<void(nlohmann::json&)>& edit) {
  const auto one = process();
  if (!one->parts->find_cloud({})) throw std::runtime_error("no cloud");
  auto body = one->parts->arm->get(id_of(resource), "2024-01-01", {}).value().value();
  edit(body);
  const auto written = one->parts->arm->put(id_of(resource), "2024-01-01", body, {}, {});
  if (!written) throw std::runtime_error(written.error().message);
}

void Bench::lose_record() {
  const auto one = process();
  auto& parts = *one->parts;
  if (!parts.find_cloud({})) throw std::runtime_error("no cloud");
  const auto storage = id_of("Microsoft.Storage/storageAccounts/" + plan::storage_name("notes", stack_));
  const auto account = parts.arm->get(storage, "2024-01-01", {}).value().value();
  const auto keys = parts.arm->post(storage, "listKeys", "2024-01-01", Json::object(), {}, {}).value();
  rest::BlobClient blobs({storage.last_name(), account.at("properties").at("primaryEndpoints").at("blob"),
                          Secret(keys.at("keys").at(0).at("value").get<std::string>())},
                         *parts.unsigned_pipeline, clock);
  if (!blobs.look_at("state", "runs/last.json", {}).value()) throw std::runtime_error("there is no record");
  if (!blobs.remove("state", "runs/last.json", {}, {})) throw std::runtime_error("the record stays");
}

std::map<std::string, std::string> Bench::revisions() {
  const auto one = process();
  if (!one->parts->find_cloud({})) throw std::runtime_error("no cloud");
  const auto group = azure::ResourceId::group(stack_.subscription_id, plan::resource_group_name("notes", stack_));
  const auto apps = one->parts->arm->list(group.text() + "/providers/Microsoft.App/containerApps", "2024-01-01", {});
  std::map<std::string, std::string> found;
  for (const auto& app : apps.value_or(std::vector<Json>()))
    found[app.at("name")] = app.at("properties").at("latestRevisionName");
  return found;
}

}  // namespace defang::runs
