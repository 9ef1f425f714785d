#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>

#include "renaming.h"
#include "rest/arm_client.h"
#include "rest/credential.h"
#include "rest/operation.h"
#include "rest/url.h"
#include "support/text.h"
#include "trace.h"

namespace defang::replay {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

const fs::path kTraces = fs::path(DEFANG_SOURCE_DIR) / ".." / "shared" / "azure-traces";
constexpr const char* kArm = "management.azure.com";
constexpr auto kProviders = std::to_array<const char*>(
    {"microsoft.app", "microsoft.authorization", "microsoft.containerregistry", "microsoft.keyvault",
     "microsoft.managedidentity", "microsoft.network", "microsoft.operationalinsights", "microsoft.storage"});

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> trace_files() {
  std::vector<fs::path> files;
  if (fs::is_directory(kTraces)) {
    for (const auto& entry : fs::directory_iterator(kTraces)) {
      if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

/// "microsoft.app/containerapps"; empty for what is no resource of ours.
std::string type_of(const std::string& target) {
  const std::string path = to_lower(target.substr(0, target.find('?')));
  const auto at = path.rfind("/providers/");
  if (at == std::string::npos) {
    const auto parts = split(path, '/');
    return parts.size() == 5 && parts[3] == "resourcegroups" ? "microsoft.resources/resourcegroups" : "";
  }
  const auto parts = split(path.substr(at + 11), '/');
  if (std::ranges::find(kProviders, parts[0]) == kProviders.end()) return "";
  std::string type = parts[0];
  for (std::size_t i = 1; i < parts.size(); i += 2) type += "/" + parts[i];
  return type;
}

bool starts_operation(const Record& record) {
  if (!record.host.starts_with(kArm) || record.method == "GET" || record.method == "HEAD" ||
      type_of(record.target).empty())
    return false;
  if (record.answer.status < 200 || record.answer.status >= 300) return false;
  const auto step =
      rest::next_step(record.answer, record.method, "https://" + record.host + record.target, std::nullopt);
  return std::holds_alternative<rest::Poll>(step);
}

/// How the recording ends, read without any of our own rules but "terminal words are terminal".
enum class Ending { succeeded, failed, running };
Ending ending_of(const rest::HttpResponse& last) {
  const Json body = Json::parse(last.body, nullptr, false);
  std::string state;
  if (body.is_object() && body.contains("properties") && body["properties"].is_object())
    state = body["properties"].value("provisioningState", "");
  if (body.is_object() && body.contains("status") && body["status"].is_string()) state = body["status"];
  state = to_lower(state);
  if (state == "failed" || state == "canceled") return Ending::failed;
  if (last.status == 202 || (!state.empty() && state != "succeeded")) return Ending::running;
  return Ending::succeeded;
}

class FixedCredential : public rest::Credential {
 public:
  std::string name() const override { return "fixed"; }
  Result<rest::AccessToken> get_token(const rest::TokenRequest&, std::stop_token) override {
    return rest::AccessToken{Secret("t"), std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
  }
};

struct Driven {
  Result<void> outcome;
  Ending recorded = Ending::running;
  int polls = 0;
  bool recorded_further = false, exhausted = false, by_arm_client = false;
  std::size_t unasked = 0;
  std::chrono::milliseconds took{0};
};

/// Everything that stands between the engine and the wire, with recorded answers on the wire.
class Drive {
 public:
  Drive(const Trace& trace, std::size_t index) : record_(trace.records[index]), transport_(trace, index) {}

  Driven run() {
    const auto pairs = rest::query_pairs(record_.target.substr(record_.target.find('?') + 1));
    const bool plain = pairs.size() == 1 && pairs[0].first == "api-version";
    Driven driven;
    driven.by_arm_client = plain;
    driven.outcome = plain ? through_arm_client(pairs[0].second) : through_poller();
    driven.recorded = ending_of(transport_.last());
    driven.polls = transport_.polls();
    driven.recorded_further = transport_.has_polls();
    driven.exhausted = transport_.is_exhausted();
    driven.unasked = transport_.unasked();
    driven.took = clock_.elapsed();
    return driven;
  }

 private:
  Result<void> through_arm_client(const std::string& version) {
    const Json body = record_.request_body.is_null() ? Json::object() : record_.request_body;
    std::string path = record_.target.substr(0, record_.target.find('?'));
    std::string function;
    if (record_.method == "POST") {
      function = path.substr(path.rfind('/') + 1);
      path.resize(path.rfind('/'));
    }
    const auto id = azure::ResourceId::parse(path);
    if (!id) return fail(Error::Kind::invalid, "id-invalid", path);
    if (record_.method == "DELETE") return arm_->remove(*id, version, {}, {});
    auto result = record_.method == "POST"    ? arm_->post(*id, function, version, body, {}, {})
                  : record_.method == "PATCH" ? arm_->patch(*id, version, body, {}, {})
                                              : arm_->put(*id, version, body, {}, {});
    // After the end the resource is read once more; not every recorder did.
    if (!result && result.error().code != "recording-ended") return fail(std::move(result).error());
    if (!result && ending_of(transport_.last()) != Ending::succeeded) return fail(std::move(result).error());
    if (!result && !transport_.has_polls()) return fail(std::move(result).error());
    return {};
  }

  Result<void> through_poller() {
    const std::string url = "https://" + record_.host + record_.target;
    TRY_ASSIGN(auto answer, pipeline_->send({.method = record_.method, .url = url}, {}, {}));
    const rest::Fetch fetch = [&](const std::string& next) { return pipeline_->send({.url = next}, {}, {}); };
    TRY(rest::wait_for({record_.method, url, std::move(answer)}, fetch, {}, clock_, {}));
    return {};
  }

  const Record& record_;
  RecordedTransport transport_;
  FakeClock clock_;
  std::unique_ptr<Random> random_ = make_seeded_random(1);
  FixedCredential credential_;
  rest::TokenCache tokens_{credential_, clock_};
  std::unique_ptr<rest::Pipeline> pipeline_ =
      rest::make_pipeline({.transport = transport_, .clock = clock_, .random = *random_, .tokens = &tokens_});
  std::unique_ptr<rest::ArmClient> arm_ = rest::make_arm_client(*rest::find_cloud("AzureCloud"), *pipeline_, clock_);
};

struct Row {
  int operations = 0, succeeded = 0, failed = 0, cut_off = 0, unrecorded = 0, polls = 0;
};

/// Drives every operation of a trace; complains about each that ended otherwise than recorded.
struct Replay {
  std::map<std::string, Row> rows;
  std::vector<std::string> never_ending;
  Row total;

  void drive(const Trace& trace) {
    for (std::size_t i = 0; i < trace.records.size(); ++i) {
      if (starts_operation(trace.records[i])) drive(trace, i);
    }
  }

  void drive(const Trace& trace, std::size_t index) {
    const Record& record = trace.records[index];
    const std::string where = fmt::format("{}#{} {} {}", trace.name, record.seq, record.method, type_of(record.target));
    const Driven driven = Drive(trace, index).run();
    Row row{.operations = 1, .polls = driven.polls};
    const std::string code = driven.outcome ? "" : driven.outcome.error().code;
    EXPECT_NE(code, "not-recorded") << where << ": " << driven.outcome.error().message;
    EXPECT_NE(code, "id-invalid") << where;
    if (!driven.recorded_further) {
      row.unrecorded = 1;
      EXPECT_EQ(code, "recording-ended") << where;
    } else if (driven.recorded == Ending::running) {
      row.cut_off = 1;
      EXPECT_EQ(code, "operation-stuck") << where;
      EXPECT_EQ(driven.unasked, 0u) << where;
      if (!driven.outcome) look_at_stuck(where, driven);
    } else {
      (driven.recorded == Ending::succeeded ? row.succeeded : row.failed) = 1;
      EXPECT_EQ(driven.outcome.has_value(), driven.recorded == Ending::succeeded) << where << ": " << code;
      EXPECT_FALSE(driven.exhausted) << where << ": asked on after the recorded end";
      EXPECT_EQ(driven.unasked, 0u) << where << ": stopped before the recorded end";
    }
    add(rows[type_of(record.target) + " " + record.method], row);
    add(total, row);
  }

  void look_at_stuck(const std::string& where, const Driven& driven) {
    // A handful of polls: the recorder's client lost interest. Hundreds: the operation hung.
    if (driven.polls < 100) return;
    never_ending.push_back(where);
    const Error& error = driven.outcome.error();
    EXPECT_FALSE(error.help.empty()) << where;
    fmt::print("stuck: {}: {}; {}\n", where, error.message, error.help);
  }

  static void add(Row& sum, const Row& row) {
    sum.operations += row.operations;
    sum.succeeded += row.succeeded;
    sum.failed += row.failed;
    sum.cut_off += row.cut_off;
    sum.unrecorded += row.unrecorded;
    sum.polls += row.polls;
  }

  void print() const {
    fmt::print("{:<66} {:>4} {:>9} {:>6} {:>7} {:>10} {:>5}\n", "operation", "n", "succeeded", "failed", "cut off",
               "unrecorded", "polls");
    for (const auto& [name, row] : rows) print(name, row);
    print("all", total);
  }
  static void print(const std::string& name, const Row& row) {
    fmt::print("{:<66} {:>4} {:>9} {:>6} {:>7} {:>10} {:>5}\n", name, row.operations, row.succeeded, row.failed,
               row.cut_off, row.unrecorded, row.polls);
  }
};

class RecordedTraffic : public testing::Test {
 protected:
  void SetUp() override {
    files_ = trace_files();
    if (files_.empty()) GTEST_SKIP() << "no recordings at " << kTraces;
  }
  std::vector<fs::path> files_;
};

TEST_F(RecordedTraffic, DrivesOurClientThroughEveryLongRunningOperationToItsRecordedEnd) {
  Replay replay;
  for (const fs::path& file : files_) replay.drive(parse_trace(file.stem(), read(file)));
  replay.print();
  EXPECT_GT(replay.total.operations, 200);
  EXPECT_EQ(replay.never_ending.size(), 1u);
}

TEST_F(RecordedTraffic, DoesSoWhateverThingsAreCalled) {
  for (const std::uint64_t seed : {1, 2}) {
    Replay replay;
    for (const fs::path& file : files_) {
      const std::string text = read(file);
      const auto strangers = strangers_for(names_in(text), seed);
      replay.drive(parse_trace(file.stem().string() + " (renamed)", renamed(text, strangers)));
    }
    EXPECT_GT(replay.total.operations, 200);
    EXPECT_EQ(replay.never_ending.size(), 1u);
  }
}

TEST_F(RecordedTraffic, LeavesNoNameGuidOrTimeInTheSource) {
  std::set<std::string> names;
  // Role definitions have the same GUID and birthday in every tenant: Azure's vocabulary, not a recorded name.
  std::set<std::string> roles;
  for (const fs::path& file : files_) {
    const std::string text = read(file);
    for (const std::string& line : split(text, '\n')) {
      if (line.find("/roleDefinitions") != std::string::npos) roles.merge(names_in(line));
    }
    for (const std::string& name : names_in(text)) {
      // Words such as "quickstart" or "subnet" are nobody's; what was made up for a recording is long and has digits.
      const bool made_up = name.size() >= 8 && name.find_first_of("0123456789") != std::string::npos;
      if (made_up && !name.starts_with("00000000-0000-0000-0000-")) names.insert(name);
    }
  }
  std::erase_if(names, [&](const std::string& name) { return roles.contains(name); });
  EXPECT_GT(names.size(), 1000u);
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(DEFANG_SOURCE_DIR) / "src")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(first_name_in(read(entry.path()), names), "") << entry.path();
  }
}

}  // namespace
}  // namespace defang::replay
