#include "deploy/exec_protocol.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::deploy {
namespace {

constexpr std::string_view kInput("\0\0", 2), kSize("\0\4", 2);
constexpr char kPassedOn = 0, kNote = 1, kFault = 2, kOutput = 1, kErrorOutput = 2;
constexpr char kMarkEnd = '\x1e';
constexpr std::size_t kLongestWord = 32;

/// Where the text may go on as a mark: at its first separator that is followed by as much of one as there is.
std::size_t possible_mark(std::string_view text, std::string_view begin) {
  for (auto at = text.find(begin.front()); at != std::string_view::npos; at = text.find(begin.front(), at + 1)) {
    const auto there = text.substr(at, begin.size());
    if (begin.starts_with(there)) return at;
  }
  return text.size();
}

ShellOutput::Piece piece_of(std::string_view word) {
  using Kind = ShellOutput::Piece::Kind;
  if (word == "ready") return {Kind::ready, "", 0};
  if (word == "end") return {Kind::end, "", 0};
  constexpr std::string_view kExit = "exit ";
  const auto code = word.starts_with(kExit) ? to_number(word.substr(kExit.size())) : std::nullopt;
  return {Kind::exit, "", code && *code < 256 ? static_cast<int>(*code) : 1};
}

}  // namespace

std::string input_message(std::string_view bytes) { return std::string(kInput).append(bytes); }

std::string size_message(int columns, int rows) {
  return std::string(kSize) + fmt::format(R"({{"Width": {}, "Height": {}}})", columns, rows);
}

ExecMessage read_message(std::string_view message) {
  using Kind = ExecMessage::Kind;
  if (message.empty()) return {};
  const auto text = [&](std::size_t from) { return std::string(message.substr(from)); };
  if (message[0] == kNote) return {Kind::note, text(1)};
  if (message[0] == kFault) return {Kind::fault, text(1)};
  if (message[0] == kPassedOn && message.size() > 1 && (message[1] == kOutput || message[1] == kErrorOutput))
    return {Kind::output, text(2)};
  return {};
}

std::vector<ShellOutput::Piece> ShellOutput::take(std::string_view bytes) {
  pending_ += bytes;
  std::vector<Piece> pieces;
  while (!pending_.empty()) {
    const auto mark = possible_mark(pending_, begin_);
    if (mark > 0) pieces.push_back({Piece::Kind::text, pending_.substr(0, mark), 0});
    pending_.erase(0, mark);
    if (pending_.size() < begin_.size()) break;
    const auto end = pending_.find(kMarkEnd, begin_.size());
    if (end == std::string::npos && pending_.size() < begin_.size() + kLongestWord) break;
    if (end == std::string::npos) {
      pieces.push_back({Piece::Kind::text, std::exchange(pending_, {}), 0});
      break;
    }
    pieces.push_back(piece_of(std::string_view(pending_).substr(begin_.size(), end - begin_.size())));
    pending_.erase(0, end + 1);
  }
  return pieces;
}

}  // namespace defang::deploy
