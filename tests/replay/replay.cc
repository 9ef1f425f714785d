#include "replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "rest/arm_client.h"
#include "rest/azure_error.h"
#include "rest/credential.h"
#include "rest/operation.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::replay {
namespace {

using Json = nlohmann::json;

// ---- what a record is, read without any of our own rules ----------------------------------------------------------

bool is_arm(const Record& record) { return record.host.empty() || record.host.starts_with("management."); }

/// "microsoft.app/containerapps", "subscriptions/resourcegroups": a path without its names.
std::string type_of(const std::string& target) {
  const std::string path = to_lower(target.substr(0, target.find('?')));
  const auto at = path.rfind("/providers/");
  const auto parts = split(path.substr(at == std::string::npos ? 1 : at + 11), '/');
  std::string type = at == std::string::npos ? "" : parts[0];
  for (std::size_t i = at == std::string::npos ? 0 : 1; i < parts.size(); i += 2)
    type += (type.empty() ? "" : "/") + parts[i];
  return type == "subscriptions/resourcegroups" ? "microsoft.resources/resourcegroups" : type;
}

Json json_of(const rest::HttpResponse& response) { return Json::parse(response.body, nullptr, false); }

std::string state_of(const Json& body) {
  if (!body.is_object()) return "";
  if (body.contains("status") && body["status"].is_string()) return to_lower(body["status"].get<std::string>());
  if (body.contains("properties") && body["properties"].is_object() &&
      body["properties"].contains("provisioningState") && body["properties"]["provisioningState"].is_string())
    return to_lower(body["properties"]["provisioningState"].get<std::string>());
  return "";
}
bool is_over(const std::string& state) {
  return state.empty() || state == "succeeded" || state == "failed" || state == "canceled";
}

/// Unseen: Azure called it a success, and the resource did not show.
enum class Ending { succeeded, failed, running, unseen };
Ending ending_of(const rest::HttpResponse& last, const std::string& method) {
  if (last.status == 404) return method == "DELETE" ? Ending::succeeded : Ending::unseen;
  if (last.status >= 400) return Ending::failed;
  const std::string state = state_of(json_of(last));
  if (state == "failed" || state == "canceled") return Ending::failed;
  return last.status == 202 || !is_over(state) ? Ending::running : Ending::succeeded;
}

/// A write that Azure has only begun to carry out.
bool starts_operation(const Record& record) {
  if (!is_arm(record) || record.method == "GET" || record.method == "HEAD" || record.answer.status / 100 != 2)
    return false;
  if (record.answer.headers.has("Azure-AsyncOperation")) return true;
  if (record.answer.status == 202) return record.method != "POST" || record.answer.headers.has("Location");
  const Json body = json_of(record.answer);
  const bool has_state = body.is_object() && body.contains("properties") && body["properties"].is_object() &&
                         body["properties"].contains("provisioningState");
  return record.method != "POST" && has_state && ending_of(record.answer, record.method) == Ending::running;
}

std::string link_of(const Json& page) {
  return page.is_object() && page.contains("nextLink") && page["nextLink"].is_string()
             ? page["nextLink"].get<std::string>()
             : "";
}
bool is_page(const Record& record) {
  if (record.method != "GET" || record.answer.status != 200) return false;
  const Json body = json_of(record.answer);
  return body.is_object() && body.contains("value") && body["value"].is_array();
}
/// Path and parameters, whatever the order of these.
std::string same_for_all_orders(const std::string& target) {
  auto pairs = rest::query_pairs(target.substr(std::min(target.size(), target.find('?') + 1)));
  if (target.find('?') == std::string::npos) pairs.clear();
  std::ranges::sort(pairs);
  std::string text = to_lower(target.substr(0, target.find('?')));
  std::erase_if(pairs, [](const auto& pair) { return pair.second.empty(); });
  for (const auto& [name, value] : pairs) text += "\n" + name + "=" + value;
  return text;
}

/// Everything that an answer calls its code or its message, wherever it stands.
struct Words {
  std::set<std::string> codes, messages;

  void collect(const Json& value) {
    if (value.is_array())
      for (const Json& item : value) collect(item);
    if (!value.is_object()) return;
    for (const auto& item : value.items()) {
      if (!item.value().is_string()) {
        collect(item.value());
        continue;
      }
      const std::string name = to_lower(item.key()), text = item.value().get<std::string>();
      if (name == "code" || name == "error") codes.insert(text);
      if (name == "message" || name == "error_description") messages.insert(std::string(trim(text)));
      if (trim(text).starts_with('{')) collect(Json::parse(text, nullptr, false));
    }
  }
  static Words of(const rest::HttpResponse& response) {
    Words words;
    if (const auto code = response.headers.get("x-ms-error-code"); !code.empty()) words.codes.insert(code);
    const Json body = json_of(response);
    words.collect(body);
    const auto begin = response.body.find("<Code>"), end = response.body.find("</Code>");
    if (end != std::string::npos) words.codes.insert(response.body.substr(begin + 6, end - begin - 6));
    return words;
  }
};

// ---- recorded answers on the wire -------------------------------------------------------------------------------

/// Answers by a function.
class Wire : public rest::HttpTransport {
 public:
  using Answer = std::function<Result<rest::HttpResponse>(const rest::HttpRequest&)>;
  explicit Wire(Answer answer) : answer_(std::move(answer)) {}
  Result<rest::HttpResponse> send(const rest::HttpRequest& request, std::stop_token) override {
    return answer_(request);
  }

 private:
  Answer answer_;
};

class FixedCredential : public rest::Credential {
 public:
  std::string name() const override { return "fixed"; }
  Result<rest::AccessToken> get_token(const rest::TokenRequest&, std::stop_token) override {
    return rest::AccessToken{Secret("t"), std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
  }
};

/// Everything that stands between the engine and the wire.
struct Clients {
  Clients(rest::HttpTransport& transport, const Record& record)
      : random(make_seeded_random(1)),
        pipeline(rest::make_pipeline({.transport = transport, .clock = clock, .random = *random, .tokens = &tokens})) {
    rest::Cloud cloud = *rest::find_cloud("AzureCloud");
    // Lists of other services are paged alike.
    if (!is_arm(record)) cloud.resource_manager = "https://" + record.host;
    arm = rest::make_arm_client(cloud, *pipeline, clock);
  }
  FakeClock clock;
  std::unique_ptr<Random> random;
  FixedCredential credential;
  rest::TokenCache tokens{credential, clock};
  std::unique_ptr<rest::Pipeline> pipeline;
  std::unique_ptr<rest::ArmClient> arm;
};

/// The request as our clients send it: by the resource's id where nothing but the version is asked for.
Result<void> send_by_arm_client(rest::ArmClient& arm, const Record& record, bool& found) {
  const auto pairs = rest::query_pairs(record.target.substr(record.target.find('?') + 1));
  std::string path = record.target.substr(0, record.target.find('?')), function;
  if (record.method == "POST") {
    function = path.substr(path.rfind('/') + 1);
    path.resize(path.rfind('/'));
  }
  const auto id = azure::ResourceId::parse(path);
  if (!id || pairs.size() != 1 || pairs[0].first != "api-version" || record.method == "HEAD")
    return fail(Error::Kind::invalid, "no-plain-request", path);
  const std::string& version = pairs[0].second;
  const Json body = record.request_body.is_null() ? Json::object() : record.request_body;
  found = true;
  if (record.method == "DELETE") return arm.remove(*id, version, {}, {});
  if (record.method == "GET") {
    auto got = arm.get(*id, version, {});
    if (!got) return fail(std::move(got).error());
    found = got->has_value();
    return {};
  }
  auto result = record.method == "POST"    ? arm.post(*id, function, version, body, {}, {})
                : record.method == "PATCH" ? arm.patch(*id, version, body, {}, {})
                                           : arm.put(*id, version, body, {}, {});
  return result ? Result<void>() : fail(std::move(result).error());
}

std::string where(const Trace& trace, const Record& record) {
  return fmt::format("{}#{} {} {}", trace.name, record.seq, record.method, type_of(record.target));
}

}  // namespace

// ---- operations -------------------------------------------------------------------------------------------------

namespace {

Result<void> follow(const Record& record, RecordedTransport& wire) {
  Clients clients(wire, record);
  bool found = true;
  auto outcome = send_by_arm_client(*clients.arm, record, found);
  if (!outcome && outcome.error().code == "no-plain-request") {
    const std::string url = "https://" + record.host + record.target;
    TRY_ASSIGN(auto answer, clients.pipeline->send({.method = record.method, .url = url}, {}, {}));
    const rest::Fetch fetch = [&](const std::string& next) { return clients.pipeline->send({.url = next}, {}, {}); };
    TRY(rest::wait_for({record.method, url, std::move(answer)}, fetch, {}, clients.clock, {}));
    return {};
  }
  // After the end the resource is read once more; not every recorder did.
  const bool only_unread = !outcome && outcome.error().code == "recording-ended" && wire.has_polls() &&
                           ending_of(wire.last(), record.method) == Ending::succeeded;
  return only_unread ? Result<void>() : outcome;
}

}  // namespace

void Replay::drive_operation(const Trace& trace, std::size_t index) {
  const Record& record = trace.records[index];
  OperationRow& row = operations[type_of(record.target) + " " + record.method];
  RecordedTransport wire(trace, index);
  const Result<void> outcome = follow(record, wire);
  const std::string code = outcome ? "" : outcome.error().code;
  const auto expect = [&](bool holds, const std::string& text) {
    if (!holds) wrong.push_back(fmt::format("{}: {} ({})", where(trace, record), text, code));
  };
  ++row.number;
  row.polls += wire.polls();
  if (code == "not-recorded") return expect(false, "asked what was not recorded: " + outcome.error().message);
  if (!wire.has_polls()) {
    ++row.unrecorded;
    return expect(code == "recording-ended", "the operation's end was not asked for");
  }
  expect(wire.unasked() == 0, fmt::format("{} recorded answers were not asked for", wire.unasked()));
  switch (ending_of(wire.last(), record.method)) {
    case Ending::running:
      ++row.cut_off;
      expect(code == "operation-stuck", "still running when the recording ends, and we say otherwise");
      // A handful of polls: the recorder's client lost interest. Hundreds: the operation hung.
      if (outcome || wire.polls() < 100) return;
      expect(!outcome.error().help.empty(), "nothing is said about why it hangs");
      stuck.push_back(fmt::format("{}: {}: {}", where(trace, record), outcome.error().message, outcome.error().help));
      return;
    case Ending::unseen:
      ++row.cut_off;
      return expect(code == "resource-not-visible", "the resource never showed, and we say otherwise");
    case Ending::succeeded:
      ++row.succeeded;
      expect(outcome.has_value(), "succeeded, and we say otherwise");
      break;
    case Ending::failed: {
      ++row.failed;
      expect(!outcome.has_value(), "failed, and we say otherwise");
      const Words said = Words::of(wire.last());
      expect(outcome || said.codes.empty() || said.codes.contains(code), "not Azure's code");
      break;
    }
  }
  expect(!wire.is_exhausted(), "asked on after the recorded end");
}

// ---- lists ------------------------------------------------------------------------------------------------------

void Replay::drive_list(const Trace& trace, std::size_t index) {
  const Record& record = trace.records[index];
  std::map<std::string, std::size_t> later;
  for (std::size_t i = trace.records.size(); i-- > index;) later[same_for_all_orders(trace.records[i].target)] = i;
  std::size_t items = 0, pages = 0, asked = 0;
  bool ends = false;
  for (std::size_t at = index; !ends && pages < trace.records.size(); ++pages) {
    const Json page = json_of(trace.records[at].answer);
    items += page["value"].size();
    const auto url = rest::Url::parse(link_of(page));
    const auto next = url ? later.find(same_for_all_orders(url->target)) : later.end();
    ends = next == later.end();
    if (!ends) at = next->second;
  }
  Wire wire([&](const rest::HttpRequest& request) -> Result<rest::HttpResponse> {
    const auto url = rest::Url::parse(request.url);
    const auto found = later.find(same_for_all_orders(url ? url->target : ""));
    if (found == later.end()) return fail(Error::Kind::invalid, "recording-ended", request.url);
    ++asked;
    return trace.records[found->second].answer;
  });
  Clients clients(wire, record);
  std::string path = record.target.substr(0, record.target.find('?')), version;
  for (const auto& [name, value] : rest::query_pairs(record.target.substr(record.target.find('?') + 1))) {
    if (name == "api-version")
      version = value;
    else
      path = rest::with_query(path, name, value);
  }
  const auto listed = clients.arm->list(path, version, {});
  ListRow& row = lists[is_arm(record) ? type_of(record.target)
                                      : record.host.substr(record.host.find('.') + 1) + "/" + type_of(record.target)];
  ++row.number;
  row.of_several_pages += pages > 1;
  row.pages += static_cast<int>(pages);
  row.items += static_cast<int>(items);
  const bool cut_off = !listed && listed.error().code == "recording-ended";
  if (asked != pages || (listed && listed->size() != items) || (!listed && !cut_off))
    wrong.push_back(fmt::format("{}: {} of {} pages, {} of {} items ({})", where(trace, record), asked, pages,
                                listed ? listed->size() : 0, items, listed ? "" : listed.error().code));
}

// ---- errors -----------------------------------------------------------------------------------------------------

void Replay::drive_error(const Trace& trace, std::size_t index) {
  const Record& record = trace.records[index];
  // What was recorded for the same request from here on; at the end of that, the last answer again.
  std::vector<std::size_t> answers;
  for (std::size_t i = index; i < trace.records.size(); ++i) {
    if (trace.records[i].method == record.method && trace.records[i].target == record.target) answers.push_back(i);
  }
  std::size_t given = 0;
  rest::HttpResponse last;
  Wire wire([&](const rest::HttpRequest& request) -> Result<rest::HttpResponse> {
    if (const auto url = rest::Url::parse(request.url);
        request.method != record.method || !url ||
        same_for_all_orders(url->target) != same_for_all_orders(record.target))
      return fail(Error::Kind::invalid, "recording-ended", request.url);
    last = trace.records[answers[std::min(given++, answers.size() - 1)]].answer;
    return last;
  });
  Clients clients(wire, record);
  bool found = true;
  Result<void> outcome = fail(Error::Kind::invalid, "no-plain-request", "");
  if (is_arm(record)) outcome = send_by_arm_client(*clients.arm, record, found);
  if (!outcome && outcome.error().code == "no-plain-request") {
    const std::string url = "https://" + (record.host.empty() ? "management.azure.com" : record.host) + record.target;
    auto answer = clients.pipeline->send({.method = record.method, .url = url}, {.audience = "any"}, {});
    outcome = !answer                ? Result<void>(fail(std::move(answer).error()))
              : answer->status < 400 ? Result<void>()
                                     : Result<void>(fail(rest::error_of(*answer)));
  }
  const Words said = Words::of(record.answer);
  const std::string first_code =
      record.answer.status < 400 || said.codes.empty() ? "" : rest::error_of(record.answer).code;
  ErrorRow& row = errors[{record.answer.status, first_code}];
  const auto complain = [&](std::string_view what) {
    wrong.push_back(fmt::format("{}: {} {}: {}", where(trace, record), record.answer.status, first_code, what));
  };
  if (last.status < 400) {
    ++row.overcome;  // what comes after the answer that succeeded is an operation of its own
  } else if (outcome) {
    ++row.absent;
    const bool is_absence = last.status == 404 && (record.method == "DELETE" || !found);
    if (!is_absence) complain("taken for a success");
    for (const std::string& code : said.codes)
      if (code.find("NotFound") == std::string::npos) complain("taken for an absence");
  } else {
    ++row.kept;
    const Words words = Words::of(last);
    const Error& error = outcome.error();
    if (!words.codes.empty() && !words.codes.contains(error.code)) complain("the code became " + error.code);
    const bool says = std::ranges::any_of(
        words.messages, [&](const std::string& message) { return error.message.find(message) != std::string::npos; });
    if (!words.messages.empty() && !says) complain("the message became " + error.message);
    const std::string id = last.headers.get("x-ms-request-id");
    if (!id.empty() && error.request_id != id) complain("the request id is lost");
    if (error.http_status != last.status) complain("the status is lost");
  }
}

// ---- everything else --------------------------------------------------------------------------------------------

void Replay::drive_answer(const Trace& trace, std::size_t index) {
  const Record& record = trace.records[index];
  std::string type = type_of(record.target);
  if (type.ends_with('/')) type.pop_back();  // as one recorder's client asked
  int asked = 0;
  Wire wire([&](const rest::HttpRequest& request) -> Result<rest::HttpResponse> {
    const auto url = rest::Url::parse(request.url);
    if (!url || type_of(url->target) != type) return fail(Error::Kind::invalid, "not-recorded", request.url);
    ++asked;
    return record.answer;
  });
  Clients clients(wire, record);
  bool found = true;
  auto outcome = send_by_arm_client(*clients.arm, record, found);
  if (!outcome && outcome.error().code == "no-plain-request") {
    const std::string url = "https://" + (record.host.empty() ? "management.azure.com" : record.host) + record.target;
    auto answer = clients.pipeline->send({.method = record.method, .url = url}, {}, {});
    outcome = answer ? Result<void>() : Result<void>(fail(std::move(answer).error()));
  }
  // A resource that something is still going on with is no end of a write; that the write was told is all there is.
  const bool goes_on = !outcome && ending_of(record.answer, record.method) == Ending::running;
  if ((!outcome && !goes_on) || !found || asked == 0)
    wrong.push_back(fmt::format("{}: {} taken for a failure ({})", where(trace, record), record.answer.status,
                                outcome ? "absent" : outcome.error().code));
}

// ---- all of it --------------------------------------------------------------------------------------------------

void Replay::drive(const Trace& trace) {
  TraceRow row{.name = trace.name, .requests = static_cast<int>(trace.records.size())};
  std::set<std::string> pages;  // that an earlier one leads to
  for (std::size_t i = 0; i < trace.records.size(); ++i) {
    const Record& record = trace.records[i];
    if (starts_operation(record)) {
      ++row.operations;
      drive_operation(trace, i);
    } else if (is_page(record)) {
      if (const auto url = rest::Url::parse(link_of(json_of(record.answer))))
        pages.insert(same_for_all_orders(url->target));
      if (pages.contains(same_for_all_orders(record.target))) continue;
      ++row.lists;
      drive_list(trace, i);
    } else if (record.answer.status >= 400) {
      ++row.errors;
      drive_error(trace, i);
    } else if (is_arm(record)) {
      ++row.answers;
      drive_answer(trace, i);
    } else {
      ++row.others;
    }
  }
  traces.push_back(row);
}

std::string markdown(const Replay& replay) {
  std::string text =
      "## Long-running operations\n\n"
      "| operation | n | succeeded | failed | cut off | unrecorded | polls |\n|---|---|---|---|---|---|---|\n";
  OperationRow all;
  const auto line = [&](const std::string& name, const OperationRow& row) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", name, row.number, row.succeeded, row.failed,
                        row.cut_off, row.unrecorded, row.polls);
  };
  for (const auto& [name, row] : replay.operations) {
    line(name, row);
    all.number += row.number, all.succeeded += row.succeeded, all.failed += row.failed, all.cut_off += row.cut_off,
        all.unrecorded += row.unrecorded, all.polls += row.polls;
  }
  line("all", all);
  text += "\n";
  for (const auto& one : replay.stuck) text += fmt::format("Stuck: {}.\n", one);
  text += "\n## Lists\n\n| list | n | of several pages | pages | items |\n|---|---|---|---|---|\n";
  for (const auto& [name, row] : replay.lists)
    text += fmt::format("| {} | {} | {} | {} | {} |\n", name, row.number, row.of_several_pages, row.pages, row.items);
  text += "\n## Errors\n\n| status | code | kept | absent | overcome |\n|---|---|---|---|---|\n";
  for (const auto& [what, row] : replay.errors)
    text += fmt::format("| {} | {} | {} | {} | {} |\n", what.first, what.second.empty() ? "none" : what.second,
                        row.kept, row.absent, row.overcome);
  text +=
      "\n## Recordings\n\n| recording | requests | operations | lists | errors | answers "
      "|\n|---|---|---|---|---|---|\n";
  for (const auto& row : replay.traces)
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", row.name, row.requests, row.operations, row.lists,
                        row.errors, row.answers);
  return text;
}

}  // namespace defang::replay
