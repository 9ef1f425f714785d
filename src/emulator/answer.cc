#include "emulator/answer.h"

#include <fmt/format.h>

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

}  // namespace defang::emulator
