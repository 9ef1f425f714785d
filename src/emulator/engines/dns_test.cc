#include "emulator/engines/dns.h"

#include <gtest/gtest.h>

namespace defang::emulator {
namespace {

using namespace std::string_literals;

const DnsNames kNames = names_of_app("Api", "calm-0a1b2c3d.westeurope.azurecontainerapps.io", 0x64400105);

std::string query(std::string_view name_in_wire_form, char type) {
  return "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s + std::string(name_in_wire_form) + "\0\0"s + type +
         "\0\x01"s;
}

TEST(Dns, AnswersTheAddressOfAnAppByItsShortName) {
  EXPECT_EQ(answer_dns(query("\3api", 1), kNames),
            "\x12\x34\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00"s
            "\3api\0\0\x01\0\x01"s
            "\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x64\x40\x01\x05"s);
}

TEST(Dns, KnowsTheLongNamesInAnyCase) {
  for (const auto* name : {"\3aPi\15calm-0a1b2c3d\12westeurope\22azurecontainerapps\2io",
                           "\3api\10internal\15calm-0a1b2c3d\12westeurope\22azurecontainerapps\2io"}) {
    const auto answer = answer_dns(query(name, 1), kNames);
    ASSERT_GE(answer.size(), 16u);
    EXPECT_EQ(answer[7], 1);
    EXPECT_EQ(answer.substr(answer.size() - 4), "\x64\x40\x01\x05");
  }
}

TEST(Dns, HasNoIpv6AddressButDoesNotDenyTheName) {
  EXPECT_EQ(answer_dns(query("\3api", 28), kNames),
            "\x12\x34\x85\x80\x00\x01\x00\x00\x00\x00\x00\x00"s
            "\3api\0\0\x1c\0\x01"s);
}

TEST(Dns, DeniesNamesOfOtherEnvironments) {
  const auto answer = answer_dns(query("\2db", 1), kNames);
  ASSERT_GE(answer.size(), 12u);
  EXPECT_EQ(answer[3] & 15, 3);
  EXPECT_EQ(answer[7], 0);
}

TEST(Dns, SaysNothingToAnAnswer) { EXPECT_EQ(answer_dns("\x12\x34\x81\x80\0\0\0\0\0\0\0\0"s, kNames), ""); }

TEST(Dns, CallsABrokenQuestionAFormatError) {
  const auto cut = query("\3api", 1).substr(0, 15);
  EXPECT_EQ(answer_dns(cut, kNames)[3] & 15, 1);
  EXPECT_EQ(answer_dns("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\0\x01\0\x01"s, kNames)[3] & 15, 1);
}

}  // namespace
}  // namespace defang::emulator
