#include "rest/url.h"

#include <gtest/gtest.h>

#include "rest/host_names.h"
#include "rest/proxy.h"

namespace defang::rest {
namespace {

TEST(Url, KeepsTheTargetByteForByte) {
  const auto url = Url::parse("https://Management.Azure.com/a%2Fb/Central%20US?c=x%3d&t=%7b+1&s=(a)#part");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "management.azure.com");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/a%2Fb/Central%20US?c=x%3d&t=%7b+1&s=(a)");
  EXPECT_EQ(url->path(), "/a%2Fb/Central%20US");
  EXPECT_EQ(url->origin(), "https://management.azure.com");
}

TEST(Url, KnowsPortsAndAddresses) {
  EXPECT_EQ(Url::parse("http://localhost:8080")->authority(), "localhost:8080");
  EXPECT_EQ(Url::parse("http://localhost:8080")->target, "/");
  EXPECT_EQ(Url::parse("https://[::1]:8443/x")->host, "::1");
  EXPECT_EQ(Url::parse("https://[::1]:8443/x")->authority(), "[::1]:8443");
  EXPECT_EQ(Url::parse("https://host?q=1")->target, "/?q=1");
}

TEST(Url, RefusesWhatIsNotAnAddressForARequest) {
  for (const char* text : {"", "host/path", "ftp://host/", "https://", "https://host:0/", "https://host:65536/",
                           "https://host:x/", "https://user:pw@host/", "https://host/a b", "https://ho\r\nst/"}) {
    EXPECT_FALSE(Url::parse(text)) << text;
  }
}

TEST(Url, TakesQueriesApart) {
  const auto pairs = query_pairs("a=1&b=x%20y&flag&c=");
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[1].second, "x y");
  EXPECT_EQ(pairs[2].first, "flag");
  EXPECT_EQ(with_query("https://h/p", "api-version", "2024-03-01"), "https://h/p?api-version=2024-03-01");
  EXPECT_EQ(with_query("https://h/p?x=1", "y", "a b"), "https://h/p?x=1&y=a%20b");
  EXPECT_EQ(form_body({{"grant_type", "client_credentials"}, {"scope", "https://x/.default"}}),
            "grant_type=client_credentials&scope=https%3A%2F%2Fx%2F.default");
}

TEST(Proxy, IsReadAsUsersWriteIt) {
  EXPECT_EQ(Proxy::parse("http://proxy.test:3128/")->port, 3128);
  EXPECT_EQ(Proxy::parse("proxy.test")->port, 8080);
  EXPECT_EQ(Proxy::parse("http://u:p@proxy.test")->host, "proxy.test");
  EXPECT_FALSE(Proxy::parse("socks5://proxy.test"));
}

TEST(Proxy, IsLeftOutForWhatNoProxyLists) {
  const Url url = *Url::parse("https://v.vault.azure.net/");
  for (const char* list : {"*", "v.vault.azure.net", ".azure.net", "a.test, azure.net", "azure.net:443"})
    EXPECT_TRUE(goes_around_proxy(url, list)) << list;
  for (const char* list : {"", "zure.net", "azure.net:8443", "vault.azure.net.test"})
    EXPECT_FALSE(goes_around_proxy(url, list)) << list;
  EXPECT_TRUE(goes_around_proxy(*Url::parse("https://localhost:1/"), ""));
}

TEST(HostNames, FindsEveryAddressThatAHostsFileGives) {
  const std::string file =
      "# comment\n127.0.0.1\tlocalhost loop\n10.0.0.7 registry.test other # registry.old\n::1 registry.test\nnonsense "
      "registry.test\n";
  EXPECT_EQ(addresses_in_hosts_file(file, "Registry.Test"), (std::vector<std::string>{"10.0.0.7", "::1"}));
  EXPECT_TRUE(addresses_in_hosts_file(file, "registry.old").empty());
}

TEST(HostNames, GiveTheTwoFamiliesInTurns) {
  EXPECT_EQ(in_turns({"2001:db8::1", "2001:db8::2", "2001:db8::3", "10.0.0.1", "10.0.0.2"}),
            (std::vector<std::string>{"2001:db8::1", "10.0.0.1", "2001:db8::2", "10.0.0.2", "2001:db8::3"}));
  EXPECT_EQ(in_turns({"10.0.0.1", "10.0.0.2", "2001:db8::1"}),
            (std::vector<std::string>{"10.0.0.1", "2001:db8::1", "10.0.0.2"}));
  EXPECT_TRUE(in_turns({}).empty());
}

TEST(HostNames, AreLoopbackUnderLocalhostWhateverDnsSays) {
  EXPECT_EQ(look_up("anything.localhost", {}).value(), (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_EQ(look_up("10.1.2.3", {}).value(), (std::vector<std::string>{"10.1.2.3"}));
  EXPECT_FALSE(is_loopback_name("notlocalhost"));
}

}  // namespace
}  // namespace defang::rest
