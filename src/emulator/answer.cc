#include "emulator/answer.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace defang::emulator {

Answer text_answer(int status, std::string body, std::string_view content_type) {
  Answer answer{.status = status, .headers = {}, .body = std::move(body)};
  answer.headers.set("Content-Type", std::string(content_type));
  return answer;
}

Answer json_answer(int status, const Json& body) {
  return text_answer(status, dump(body), "application/json; charset=utf-8");
}

Answer empty_answer(int status) { return Answer{.status = status}; }

Answer arm_error(int status, std::string_view code, std::string_view message) {
  return json_answer(status, {{"error", {{"code", code}, {"message", message}}}});
}

Answer gateway_error(int status, std::string_view code, std::string_view message) {
  Answer answer = arm_error(status, code, message);
  answer.headers.set("x-ms-failure-cause", "gateway");
  return answer;
}

Answer not_implemented(std::string_view what) {
  return arm_error(501, "EmulatorNotImplemented", fmt::format("The emulator does not implement {}.", what));
}

std::string http_date(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace defang::emulator
