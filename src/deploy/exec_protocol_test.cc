#include "deploy/exec_protocol.h"

#include <gtest/gtest.h>

namespace defang::deploy {
namespace {

using Piece = ShellOutput::Piece;
using Kind = ExecMessage::Kind;

TEST(ExecProtocol, SaysByTheFirstBytesWhatAMessageIs) {
  EXPECT_EQ(input_message("ls\n"), std::string("\0\0ls\n", 5));
  EXPECT_EQ(size_message(80, 24).substr(0, 2), std::string("\0\4", 2));
  EXPECT_EQ(size_message(80, 24).substr(2), R"({"Width": 80, "Height": 24})");
  EXPECT_EQ(read_message(std::string("\0\1out", 5)), (ExecMessage{Kind::output, "out"}));
  EXPECT_EQ(read_message(std::string("\0\2err", 5)), (ExecMessage{Kind::output, "err"}));
  EXPECT_EQ(read_message("\1Connecting"), (ExecMessage{Kind::note, "Connecting"}));
  EXPECT_EQ(read_message("\2no shell"), (ExecMessage{Kind::fault, "no shell"}));
  EXPECT_EQ(read_message(std::string("\0\7x", 3)), ExecMessage());
  EXPECT_EQ(read_message(""), ExecMessage());
}

/// Of all pieces, with texts that follow each other joined.
std::vector<Piece> joined(ShellOutput& output, const std::vector<std::string>& bytes) {
  std::vector<Piece> all;
  for (const auto& one : bytes)
    for (auto& piece : output.take(one)) {
      if (piece.kind == Piece::Kind::text && !all.empty() && all.back().kind == Piece::Kind::text)
        all.back().text += piece.text;
      else
        all.push_back(std::move(piece));
    }
  return all;
}

TEST(ShellOutput, TakesTheMarksOutHoweverTheyAreCut) {
  const std::string bytes = "echo\x1es3 ready\x1erow\x1e one\n\x1es3 exit 3\x1eoops\x1es3 end\x1e";
  const std::vector<Piece> wanted = {{Piece::Kind::text, "echo", 0},          {Piece::Kind::ready, "", 0},
                                     {Piece::Kind::text, "row\x1e one\n", 0}, {Piece::Kind::exit, "", 3},
                                     {Piece::Kind::text, "oops", 0},          {Piece::Kind::end, "", 0}};
  ShellOutput whole("s3"), cut("s3");
  EXPECT_EQ(joined(whole, {bytes}), wanted);
  std::vector<std::string> single;
  for (const char byte : bytes) single.emplace_back(1, byte);
  EXPECT_EQ(joined(cut, single), wanted);
}

TEST(ShellOutput, LeavesWhatOnlyLooksLikeAMark) {
  ShellOutput output("s3");
  EXPECT_EQ(joined(output, {"\x1es4 exit 0\x1e|"}), (std::vector<Piece>{{Piece::Kind::text, "\x1es4 exit 0\x1e|", 0}}));
  EXPECT_EQ(joined(output, {"\x1es3"}), std::vector<Piece>());
  EXPECT_EQ(output.rest(), "\x1es3");
}

}  // namespace
}  // namespace defang::deploy
