#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "rest/http_transport.h"

namespace defang::replay {

/// One recorded request and its answer.
struct Record {
  int seq = 0;
  std::string method, host, target;  // target: path and query
  std::string path;                  // of the target, in lower case
  nlohmann::json request_body;
  rest::HttpResponse answer;
};
struct Trace {
  std::string name;
  std::vector<Record> records;
};

Trace parse_trace(std::string name, const std::string& text);
/// The recordings (*.jsonl) of a folder, sorted; none where it does not exist.
std::vector<std::filesystem::path> trace_files(const std::filesystem::path& folder);

/// Answers the requests of one recorded operation with what Azure answered then.
class RecordedTransport : public rest::HttpTransport {
 public:
  /// `first` is the record that starts the operation.
  RecordedTransport(const Trace& trace, std::size_t first);

  Result<rest::HttpResponse> send(const rest::HttpRequest& request, std::stop_token stop) override;

  int polls() const { return polls_; }              // recorded answers that were asked for
  bool is_exhausted() const { return exhausted_; }  // the last recorded answer was given more than once
  bool has_polls() const { return has_polls_; }     // the recorder went on after the first answer
  const rest::HttpResponse& last() const { return last_; }
  std::size_t unasked() const;  // recorded polls of the URLs that were asked for that nobody wanted

 private:
  std::vector<std::size_t> recorded_for(const std::string& target) const;

  const Trace& trace_;
  std::size_t first_;
  std::size_t window_end_;  // the next write to the same resource: later reads are not ours
  bool started_ = false, exhausted_ = false, has_polls_ = false;
  int polls_ = 0;
  std::map<std::size_t, bool> used_;
  std::map<std::string, rest::HttpResponse> last_of_;
  rest::HttpResponse last_;
};

}  // namespace defang::replay
