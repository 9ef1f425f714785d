#include "deploy/known_errors.h"

#include <gtest/gtest.h>

#include <set>

namespace defang::deploy {
namespace {

Error refused(std::string code, std::string message) {
  return {.kind = Error::Kind::refused, .code = std::move(code), .message = std::move(message)};
}

TEST(KnownErrors, EachHasACauseALinkAndARemedyOrIsWaitedOut) {
  EXPECT_GE(known_errors().size(), 80u);
  for (const KnownError& row : known_errors()) {
    SCOPED_TRACE(std::string(row.code) + " " + std::string(row.pattern));
    EXPECT_FALSE(row.code.empty() && row.pattern.empty());
    EXPECT_FALSE(row.meaning.empty());
    EXPECT_TRUE(row.link.starts_with("https://"));
    EXPECT_TRUE(!row.help.empty() || row.again_for.count() > 0);
  }
}

TEST(KnownErrors, NoneStandsBehindOneThatTakesAllOfItsErrors) {
  for (const KnownError& row : known_errors()) {
    const Error error = refused(std::string(row.code.empty() ? "SomeCode" : row.code), std::string(row.pattern));
    EXPECT_EQ(find_known_error(error, row.needs_fresh_rights), &row) << row.code << " " << row.pattern;
  }
}

TEST(KnownErrors, AddToAzuresWordsAndChangeNone) {
  Error azure = refused("LocationIsOfferRestricted", "Subscriptions are restricted. Try again later.");
  azure.request_id = "1";
  azure.http_status = 400;
  const Error told = explained(azure);
  EXPECT_EQ(told.code, azure.code);
  EXPECT_EQ(told.message, azure.message);
  EXPECT_EQ(told.request_id, "1");
  EXPECT_EQ(
      told.help,
      "choose another location with AZURE_LOCATION, or ask support for access (the subscription may not have this "
      "here, whatever the text says about later; see "
      "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors)");
  azure.help = "our own";
  EXPECT_EQ(explained(azure).help, "our own");
}

}  // namespace
}  // namespace defang::deploy
