#include "emulator/engines/dns.h"

#include <optional>

#include "support/text.h"

namespace defang::emulator {
namespace {

// RFC 1035, 4.1.1
constexpr std::size_t kHeaderSize = 12;
constexpr unsigned kTypeA = 1;
constexpr unsigned kTypeAny = 255;
constexpr unsigned kClassInternet = 1;
constexpr unsigned kNoError = 0;
constexpr unsigned kFormatError = 1;
constexpr unsigned kNameError = 3;
constexpr unsigned kNotImplemented = 4;
// Short, since replicas and apps come and go; resolvers in containers ask often anyway.
constexpr std::uint32_t kTimeToLiveSeconds = 5;

unsigned number16(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]) << 8 | static_cast<unsigned char>(bytes[at + 1]);
}

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

void put32(std::string& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

struct Question {
  std::string name;
  unsigned type = 0;
  unsigned query_class = 0;
  std::size_t end = 0;  // behind the question
};

/// Questions of real resolvers hold no compression pointers; one that does is malformed to us.
std::optional<Question> read_question(std::string_view message) {
  Question question;
  std::size_t at = kHeaderSize;
  while (at < message.size() && message[at] != 0) {
    const auto length = static_cast<unsigned char>(message[at]);
    if (length > 63 || at + 1 + length > message.size()) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    question.name += to_lower(message.substr(at + 1, length));
    at += 1 + length;
  }
  if (at + 5 > message.size()) return std::nullopt;
  question.type = number16(message, at + 1);
  question.query_class = number16(message, at + 3);
  question.end = at + 5;
  return question;
}

std::string header(std::string_view query, unsigned code, unsigned questions, unsigned answers) {
  std::string out(query.substr(0, 2));
  const bool recursion_desired = (query[2] & 1) != 0;
  put16(out, 0x8400u | (recursion_desired ? 0x0180u : 0u) | code);  // an answer, authoritative
  put16(out, questions);
  put16(out, answers);
  put16(out, 0);
  put16(out, 0);
  return out;
}

void put_address(std::string& out, std::uint32_t address) {
  put16(out, 0xc000 | kHeaderSize);  // the name in the question
  put16(out, kTypeA);
  put16(out, kClassInternet);
  put32(out, kTimeToLiveSeconds);
  put16(out, 4);
  put32(out, address);
}

}  // namespace

std::string answer_dns(std::string_view message, const DnsNames& names) {
  if (message.size() < kHeaderSize || (message[2] & 0x80) != 0) return {};
  const unsigned operation = (static_cast<unsigned char>(message[2]) >> 3) & 15;
  if (operation != 0) return header(message, kNotImplemented, 0, 0);
  const auto question = number16(message, 4) == 1 ? read_question(message) : std::nullopt;
  if (!question) return header(message, kFormatError, 0, 0);
  const auto asked = message.substr(kHeaderSize, question->end - kHeaderSize);

  const auto found = names.find(question->name);
  const bool known = found != names.end() && question->query_class == kClassInternet;
  const bool wants_address = question->type == kTypeA || question->type == kTypeAny;
  std::string out = header(message, known ? kNoError : kNameError, 1, known && wants_address ? 1 : 0);
  out += asked;
  if (known && wants_address) put_address(out, found->second);
  return out;
}

DnsNames names_of_app(std::string_view app, std::string_view default_domain, std::uint32_t address) {
  const std::string name = to_lower(app);
  const std::string domain = to_lower(default_domain);
  return {{name, address}, {name + "." + domain, address}, {name + ".internal." + domain, address}};
}

}  // namespace defang::emulator
