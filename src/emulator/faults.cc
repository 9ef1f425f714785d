#include "emulator/faults.h"

#include <fmt/format.h>

#include <regex>

#include "support/text.h"

namespace defang::emulator {

namespace {

Error wrong(const std::filesystem::path& file, const std::string& what) {
  return {.kind = Error::Kind::invalid,
          .code = "faults-file",
          .message = fmt::format("{}: {}", file.string(), what),
          .help = "docs/emulator.md describes the file"};
}

bool is_known(const std::string& what) {
  return what == "kill" || what == "kill-after" || what == "drop" || what == "drop-after" || what == "status" ||
         what == "delay" || what == "lag";
}

bool fits(const Json& row, const Request& request, std::int64_t number) {
  const std::string method = text_at(row, "method");
  if (!method.empty() && !equals_ignoring_case(method, request.method)) return false;
  if (row.contains("request") && integer_at(row, "request") != number) return false;
  const std::string path = text_at(row, "path");
  return path.empty() || std::regex_search(request.target, std::regex(path, std::regex::icase));
}

/// Bodies of Azure's own throttling (wire facts, Throttling).
Answer status_answer(const Core& core, const Json& row) {
  const int status = static_cast<int>(integer_at(row, "status", 429));
  const std::string code = text_at(row, "code").empty()
                               ? (status == 429 ? "SubscriptionRequestsThrottled" : "InternalServerError")
                               : text_at(row, "code");
  const std::int64_t retry_after = integer_at(row, "retryAfter", status == 429 ? 5 : 0);
  const std::string message =
      text_at(row, "message").empty()
          ? (status == 429 ? fmt::format("Number of requests exceeded the limit. Please try again after '{}' seconds.",
                                         retry_after)
                           : "The server encountered an internal error. Please retry the request.")
          : text_at(row, "message");
  const Json* body = find_member(row, "body");
  Answer answer = body != nullptr ? json_answer(status, *body) : arm_error(status, code, message);
  if (retry_after > 0) {
    const auto exact = core.scaled_ms(static_cast<double>(retry_after));
    answer.headers.set("Retry-After", fmt::format("{}", (exact + 999) / 1000));
    if (exact % 1000 != 0) answer.headers.set("retry-after-ms", fmt::format("{}", exact));
  }
  return answer;
}

}  // namespace

Result<Faults> Faults::read(Disk& disk, const std::filesystem::path& file) {
  TRY_ASSIGN(const std::string text, disk.read(file));
  const auto json = parse_json(text);
  const Json* rows = json ? find_member(*json, "faults") : nullptr;
  if (rows == nullptr || !rows->is_array()) return fail(wrong(file, "is not {\"faults\": [...]}"));
  Faults faults;
  for (const Json& row : *rows) {
    if (!is_known(text_at(row, "do"))) return fail(wrong(file, fmt::format("unknown `do`: {}", text_at(row, "do"))));
    try {
      const std::regex checked(text_at(row, "path"));
    } catch (const std::regex_error& error) {
      return fail(wrong(file, fmt::format("`path` is no regular expression: {}", error.what())));
    }
    faults.rows_.push_back(row);
  }
  return faults;
}

std::optional<Faults::Strike> Faults::strike(Core& core, const Request& request) const {
  if (rows_.empty()) return std::nullopt;
  const Core::Lock guard(core);
  Json& counts = core.store().edit_document("emulator", "faults");
  const std::int64_t number = integer_at(counts, "requests") + 1;
  counts["requests"] = number;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Json& row = rows_[i];
    if (!fits(row, request, number)) continue;
    Json& count = counts[fmt::format("row{}", i)];
    if (count.is_null()) count = {{"seen", 0}, {"struck", 0}};
    count["seen"] = integer_at(count, "seen") + 1;
    const std::int64_t times = integer_at(row, "times", 1);
    if (integer_at(count, "seen") < integer_at(row, "nth", 1) || (times > 0 && integer_at(count, "struck") >= times))
      continue;
    count["struck"] = integer_at(count, "struck") + 1;
    const std::string what = text_at(row, "do");
    Strike strike{.after = what.ends_with("-after")};
    if (what.starts_with("kill")) strike.what = Strike::What::kill;
    if (what.starts_with("drop")) strike.what = Strike::What::drop;
    if (what == "status") strike.answer = status_answer(core, row);
    if (what == "delay" || what == "lag") {
      strike.what = what == "lag" ? Strike::What::lag : Strike::What::delay;
      strike.seconds = row.contains("seconds") && row["seconds"].is_number() ? row["seconds"].get<double>() : 1;
    }
    return strike;
  }
  return std::nullopt;
}

}  // namespace defang::emulator
