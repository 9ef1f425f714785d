// Names that Azure made of templates' expressions in recorded deployments. They stand here, since no recorded name may
// stand in the sources.
#include <gtest/gtest.h>

#include "emulator/deployments/expression.h"

namespace defang::emulator {
namespace {

// Two deployments of azd that were recorded: the subscription, the parameters and the names that came of them.
TEST(UniqueString, GivesTheNamesThatAzureGave) {
  EXPECT_EQ(unique_string("/subscriptions/5ca082f3-38f2-4bb0-b0a4-c401184ae3a8-azdtest-d23239f-eastus2"),
            "w7djqs5ah3wpg");
  EXPECT_EQ(unique_string("/subscriptions/4d042dc6-fe17-4698-a23f-ec6a8d1e98f4-azdtest-l4e064d-eastus2"),
            "z3d55g5kvuifw");
}

TEST(Guid, GivesTheNameOfARoleAssignmentThatAzureGave) {
  const std::string subscription = "/subscriptions/5ca082f3-38f2-4bb0-b0a4-c401184ae3a8";
  const std::string group = subscription + "/resourceGroups/rg-azdtest-d23239f/providers/";
  EXPECT_EQ(template_guid(group + "Microsoft.ContainerRegistry/registries/acrw7djqs5ah3wpg-" + group +
                          "Microsoft.ManagedIdentity/userAssignedIdentities/mi-w7djqs5ah3wpg-" + subscription +
                          "/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d"),
            "9542945a-c127-55c4-be76-848f12751ae9");
}

}  // namespace
}  // namespace defang::emulator
