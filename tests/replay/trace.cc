#include "trace.h"

#include <algorithm>

#include "rest/url.h"
#include "support/text.h"

namespace defang::replay {
namespace {

using Json = nlohmann::json;

std::string path_of(const std::string& target) { return to_lower(target.substr(0, target.find('?'))); }

/// Long bodies are kept with their arrays shortened, and say how long they were.
Json whole(const Json& body) {
  return body.is_object() && body.contains("__trimmed_from_bytes") ? body.value("body", Json()) : body;
}

rest::HttpResponse answer_of(const Json& record, const std::map<int, Json>& bodies) {
  rest::HttpResponse answer{.status = record.value("status", 0), .headers = {}, .body = {}};
  if (record.contains("resp_headers")) {
    for (const auto& header : record["resp_headers"].items())
      answer.headers.add(header.key(), header.value().get<std::string>());
  }
  Json body = record.contains("resp_body") ? whole(record["resp_body"]) : Json();
  if (record.contains("resp_body_same_as_seq")) {
    const auto same = bodies.find(record["resp_body_same_as_seq"].get<int>());
    if (same != bodies.end()) body = same->second;
  }
  if (!body.is_null()) answer.body = body.is_string() ? body.get<std::string>() : body.dump();
  return answer;
}

}  // namespace

Trace parse_trace(std::string name, const std::string& text) {
  Trace trace{std::move(name), {}};
  std::map<int, Json> bodies;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty()) continue;
    const Json record = Json::parse(line);
    Record parsed{
        .seq = record.value("seq", 0),
        .method = record.value("method", ""),
        .host = record.contains("host") && record["host"].is_string() ? record["host"].get<std::string>() : "",
        .target = record.value("path", ""),
        .path = path_of(record.value("path", "")),
        .request_body = record.contains("req_body") ? whole(record["req_body"]) : Json(),
        .answer = answer_of(record, bodies)};
    if (record.contains("resp_body")) bodies[parsed.seq] = whole(record["resp_body"]);
    trace.records.push_back(std::move(parsed));
  }
  return trace;
}

std::vector<std::filesystem::path> trace_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

RecordedTransport::RecordedTransport(const Trace& trace, std::size_t first)
    : trace_(trace), first_(first), window_end_(first + 1) {
  const std::string& own = trace.records[first].path;
  while (window_end_ < trace.records.size()) {
    const Record& record = trace.records[window_end_];
    if (record.method != "GET" && record.method != "HEAD" && record.path == own) break;
    ++window_end_;
  }
}

/// GETs of the same URL; where the recorder kept none of that query (it drops polls, with their fresh signatures), of
/// the same path.
std::vector<std::size_t> RecordedTransport::recorded_for(const std::string& target) const {
  const std::string path = path_of(target);
  const std::size_t end = path == trace_.records[first_].path ? window_end_ : trace_.records.size();
  std::vector<std::size_t> exact, same_path;
  for (std::size_t i = first_ + 1; i < end; ++i) {
    const Record& record = trace_.records[i];
    if (record.method != "GET") continue;
    if (record.target == target) exact.push_back(i);
    if (record.path == path) same_path.push_back(i);
  }
  return exact.empty() ? same_path : exact;
}

Result<rest::HttpResponse> RecordedTransport::send(const rest::HttpRequest& request, std::stop_token) {
  const auto url = rest::Url::parse(request.url);
  if (!url) return fail(Error::Kind::invalid, "url-invalid", request.url);
  const Record& first = trace_.records[first_];
  if (!started_) {
    started_ = true;
    if (request.method != first.method || url->target != first.target) {
      return fail(Error::Kind::invalid, "not-recorded", request.method + " " + request.url);
    }
    return last_ = first.answer;
  }
  const std::string path = path_of(url->target);
  const auto candidates = recorded_for(url->target);
  for (const std::size_t i : candidates) {
    if (used_[i]) continue;
    used_[i] = true;
    has_polls_ = true;
    ++polls_;
    return last_ = last_of_[path] = trace_.records[i].answer;
  }
  if (!candidates.empty()) {
    exhausted_ = true;
    return last_of_[path];
  }
  // The recorder's client asked the resource and not the operation: the operation is taken as forgotten.
  if (path != first.path && !recorded_for(first.target).empty() && first.method != "DELETE") {
    return rest::HttpResponse{404, {}, R"({"error":{"code":"NotFound","message":"not recorded"}})"};
  }
  return fail(Error::Kind::invalid, "recording-ended", "nothing recorded for " + path);
}

std::size_t RecordedTransport::unasked() const {
  std::size_t count = 0;
  for (const auto& [path, answer] : last_of_) {
    if (path == trace_.records[first_].path) continue;  // reads of the resource later on are nobody's polls
    for (std::size_t i = first_ + 1; i < window_end_; ++i) {
      const Record& record = trace_.records[i];
      const auto used = used_.find(i);
      if (record.method == "GET" && record.path == path && (used == used_.end() || !used->second)) ++count;
    }
  }
  return count;
}

}  // namespace defang::replay
