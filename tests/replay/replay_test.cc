#include "replay.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "renaming.h"
#include "support/text.h"
#include "trace.h"

namespace defang::replay {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = DEFANG_SOURCE_DIR;
const fs::path kTraces = kSource / ".." / "shared" / "azure-traces";
const fs::path kReport = kSource / "docs" / "recorded-traffic.md";

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What stands in the report before its tables.
std::string preface(const std::string& report) { return report.substr(0, report.find("## Long-running")); }

class RecordedTraffic : public testing::Test {
 protected:
  void SetUp() override {
    files_ = trace_files(kTraces);
    if (files_.empty()) GTEST_SKIP() << "no recordings at " << kTraces;
  }
  std::vector<fs::path> files_;
};

TEST_F(RecordedTraffic, IsWhatOurClientsMakeOfEveryOperationListAndErrorInIt) {
  Replay replay;
  for (const fs::path& file : files_) replay.drive(parse_trace(file.stem(), read(file)));
  EXPECT_EQ(join(replay.wrong, "\n"), "");
  EXPECT_EQ(replay.traces.size(), files_.size());
  EXPECT_EQ(replay.stuck.size(), 1u);
  const std::string report = read(kReport), now = preface(report) + markdown(replay);
  if (std::getenv("DEFANG_ACCEPT") != nullptr) std::ofstream(kReport) << now;
  EXPECT_TRUE(report == now || std::getenv("DEFANG_ACCEPT") != nullptr)
      << kReport << " says something else: DEFANG_ACCEPT=1 writes it again";
}

/// Their subject, as tests/replay/run tells it (FLOWS).
bool is_about_domains_or_jobs(const std::string& name) {
  return name.starts_with("containerapp-cert-domain.") || name.starts_with("containerapp-job.") ||
         name.contains("containerapp_env_msi_certificate");
}

TEST_F(RecordedTraffic, OfCertificatesDomainsAndJobsDrivesOursRequestByRequest) {
  Replay replay;
  int pages = 0, elsewhere = 0;
  for (const fs::path& file : files_) {
    if (!is_about_domains_or_jobs(file.stem().string())) continue;
    const auto trace = parse_trace(file.stem(), read(file));
    for (const auto& record : trace.records)
      elsewhere += !record.host.empty() && !record.host.starts_with("management.") && record.answer.status < 400;
    replay.drive(trace);
  }
  EXPECT_EQ(join(replay.wrong, "\n"), "");
  EXPECT_EQ(replay.traces.size(), 8u);
  int requests = 0, driven = 0, others = 0;
  for (const auto& row : replay.traces) {
    requests += row.requests;
    driven += row.operations + row.lists + row.errors + row.answers;
    others += row.others;
    RecordProperty(row.name, row.operations + row.lists + row.errors + row.answers);
  }
  for (const auto& [name, row] : replay.lists) pages += row.pages - row.number;
  EXPECT_EQ(driven + pages + others, requests);
  EXPECT_LE(others, elsewhere);
  for (const char* operation : {"microsoft.app/jobs PUT", "microsoft.app/jobs PATCH", "microsoft.app/jobs DELETE",
                                "microsoft.app/managedenvironments/managedcertificates PUT"})
    EXPECT_TRUE(replay.operations.contains(operation)) << operation;
}

TEST_F(RecordedTraffic, IsUnderstoodWhateverThingsAreCalled) {
  Replay recorded;
  for (const fs::path& file : files_) recorded.drive(parse_trace(file.stem(), read(file)));
  for (const std::uint64_t seed : {1, 2}) {
    Replay replay;
    for (const fs::path& file : files_) {
      const std::string text = read(file);
      const auto strangers = strangers_for(names_in(text), seed);
      replay.drive(parse_trace(file.stem().string() + " (renamed)", renamed(text, strangers)));
    }
    EXPECT_EQ(join(replay.wrong, "\n"), "");
    EXPECT_EQ(replay.stuck.size(), 1u);
    EXPECT_EQ(replay.operations.size(), recorded.operations.size());
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
  for (const auto& entry : fs::recursive_directory_iterator(kSource / "src")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(first_name_in(read(entry.path()), names), "") << entry.path();
  }
}

}  // namespace
}  // namespace defang::replay
