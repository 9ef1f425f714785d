#include "deploy/event_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "deploy/read_event.h"
#include "deploy/state_storage.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPrefix = "runs/", kSuffix = ".jsonl";
constexpr auto kBetweenPieces = 1s;
constexpr std::size_t kLargestPiece = 1u << 20;  // 4 MB are allowed ("Append Block", Microsoft Learn)
constexpr std::size_t kMostLogsWaiting = 4u << 20;
constexpr auto kLastTries = 5;

}  // namespace

std::string event_blob(const std::string& run) { return fmt::format("{}{}{}", kPrefix, run, kSuffix); }

Result<std::vector<std::string>> list_runs(rest::BlobClient& blobs, std::stop_token stop) {
  auto names = blobs.list(kStateContainer, std::string(kPrefix), stop);
  if (!names && names.error().code == "ContainerNotFound") return std::vector<std::string>();
  if (!names) return fail(std::move(names.error()));
  std::vector<std::string> runs;
  for (const auto& name : *names)
    if (name.ends_with(kSuffix))
      runs.push_back(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
  std::ranges::sort(runs);
  return runs;
}

EventLog::EventLog(rest::BlobClient& blobs, Clock& clock, const std::string& run)
    : blobs_(blobs), clock_(clock), blob_(event_blob(run)) {
  clock_.add_worker();
  writer_ = std::jthread([this](std::stop_token stop) {
    while (clock_.sleep_for(kBetweenPieces, stop)) flush();
    for (int tries = 0; tries < kLastTries && !pending_.empty(); ++tries) flush();  // nobody adds any more
    clock_.remove_worker();
  });
}

EventLog::~EventLog() {
  writer_.request_stop();
  writer_.join();
}

void EventLog::add(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (pending_.size() > kMostLogsWaiting && std::holds_alternative<NodeLog>(event.what)) return;
  pending_ += to_json_line(event) + "\n";
}

void EventLog::flush() {
  std::string piece;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.empty()) return;
    auto end = pending_.size() - 1;
    if (end >= kLargestPiece) end = pending_.rfind('\n', kLargestPiece - 1);
    if (end == std::string::npos) end = pending_.find('\n');  // a single line that is longer goes as it is
    piece = pending_.substr(0, end + 1);
  }
  if (!blobs_.append(kStateContainer, blob_, piece, {})) return;
  const std::lock_guard lock(mutex_);
  pending_.erase(0, piece.size());
}

EventReader::EventReader(rest::BlobClient& blobs, const std::string& run)
    : blobs_(blobs), run_(run), blob_(event_blob(run)) {}

Result<std::vector<Event>> EventReader::next(std::stop_token stop) {
  TRY_ASSIGN(const auto blob, blobs_.look_at(kStateContainer, blob_, stop));
  if (!blob)
    return fail({.kind = Error::Kind::refused,
                 .code = "no-such-run",
                 .message = fmt::format("there is no run `{}`", run_),
                 .help = "`defang cd ls` lists the runs"});
  while (read_bytes_ < blob->size_bytes) {
    TRY_ASSIGN(const auto piece,
               blobs_.get_range(kStateContainer, blob_, read_bytes_,
                                std::min<std::uint64_t>(blob->size_bytes, read_bytes_ + kLargestPiece), stop));
    if (piece.empty()) break;
    read_bytes_ += piece.size();
    rest_ += piece;
  }
  std::vector<Event> events;
  const auto end = rest_.rfind('\n');
  if (end == std::string::npos) return events;
  for (const auto& line : split(std::string_view(rest_).substr(0, end), '\n')) {
    if (line.empty()) continue;
    TRY_ASSIGN(auto event, parse_event(line));
    if (event.seq <= last_seq_) continue;
    last_seq_ = event.seq;
    events.push_back(std::move(event));
  }
  rest_.erase(0, end + 1);
  return events;
}

}  // namespace defang::deploy
