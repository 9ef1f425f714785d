#include "plan/variables.h"

#include <gtest/gtest.h>

namespace defang::plan {
namespace {

TEST(Redacted, HidesPasswordsAndLeavesWhereValuesComeFrom) {
  const std::pair<const char*, const char*> rows[] = {
      {"postgres://u:p@db/x", "postgres://u:*****@db/x"},
      {"postgres://u:p@ss@db/x?sslmode=require", "postgres://u:*****@db/x?sslmode=require"},
      {"postgres://u:${PW}@db/x", "postgres://u:${PW}@db/x"},
      {"rediss://:<primaryKey of cache>@<hostName of cache>:10000",
       "rediss://:<primaryKey of cache>@<hostName of cache>:10000"},
      {"redis://:old@a redis://b:6379", "redis://:*****@a redis://b:6379"},
      {"host=db password=p dbname=x", "host=db password=***** dbname=x"},
      {"Server=db;Pwd=p;Uid=u", "Server=db;Pwd=*****;Uid=u"},
      {"cache:6379,password=<primaryKey of cache>,ssl=True", "cache:6379,password=<primaryKey of cache>,ssl=True"},
      {"jdbc:postgresql://db/x?user=u&password=p&a=b", "jdbc:postgresql://db/x?user=u&password=*****&a=b"},
      {"http://api:3000/v1", "http://api:3000/v1"},
      {"", ""},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(redacted("URL", text), expected);
  EXPECT_EQ(redacted("POSTGRES_PASSWORD", "p"), "*****");
  EXPECT_EQ(redacted("OPENAI_API_KEY", "sk-1"), "*****");
  EXPECT_EQ(redacted("OPENAI_API_KEY", "${OPENAI_API_KEY}"), "${OPENAI_API_KEY}");
  EXPECT_EQ(redacted("KEYCLOAK_URL", "http://k"), "http://k");
}

}  // namespace
}  // namespace defang::plan
