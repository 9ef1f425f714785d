#include "compose/limits.h"

#include <gtest/gtest.h>

#include "compose/load.h"

// Files that want to take the loader down: each ends in an error that says what there is too much of.
namespace defang::compose {
namespace {

using Files = std::map<std::string, std::string>;

/// "code: message" of the first error, or nothing.
std::string error_of(const Files& files, LoadOptions options = {.loader = LoadOptions::Loader::compose}) {
  Files absolute;
  for (const auto& [name, text] : files) absolute["/project/" + name] = text;
  Diagnostics diagnostics;
  load(options, FakeDisk(absolute), diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all())
    if (diagnostic.severity == Diagnostic::Severity::error) return diagnostic.code + ": " + diagnostic.message;
  return "";
}
std::string error_of(const std::string& text) { return error_of(Files{{"compose.yaml", text}}); }

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Limits, OfNesting) {
  EXPECT_EQ(error_of("services: {a: {image: x, x-a: " + repeated("[", 100) + repeated("]", 100) + "}}\n"), "");
  EXPECT_EQ(error_of("x-a: " + repeated("[", 100000)), "compose.limit: mappings and lists are nested too deep");
}

TEST(Limits, OfAliases) {
  std::string bomb = "x-0: &a0 [x]\n";
  for (int i = 1; i < 20; ++i)
    bomb += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
            repeated("*a" + std::to_string(i - 1) + ", ", 10) + "]\n";
  EXPECT_EQ(error_of(bomb), "compose.limit: aliases make this document grow beyond all reason");
  const std::string long_text = "x-a: &a " + std::string(1000000, 'x') + "\nx-b: [" + repeated("*a, ", 1000) + "]\n";
  EXPECT_EQ(error_of(long_text), "compose.limit: aliases make this document grow beyond all reason");
}

TEST(Limits, OfValuesInAFile) {
  constexpr std::string_view kTooBig = "compose.limit: this file holds more values than a project may have";
  EXPECT_EQ(error_of("x-a: [" + repeated("1, ", kMostValues) + "]\n"), kTooBig);
  EXPECT_EQ(error_of("x-a: {" + repeated("? [], ", kMostValues) + "}\n").substr(0, 22), "compose.key-not-a-text");
  std::string nested = "x-a: ";
  for (int i = 0; i < 150; ++i) nested += "&a" + std::to_string(i) + " [";
  EXPECT_EQ(error_of(nested + repeated("1, ", 5000) + repeated("]", 150) + "\n"), kTooBig);
  EXPECT_EQ(error_of(repeated("%TAG !a! x\n", kMostTagDirectives + 1) + "---\nservices: {}\n"),
            "compose.limit: this file has too many lines that begin with `%TAG`");
}

TEST(Limits, OfDocuments) {
  EXPECT_EQ(error_of(repeated("---\nservices: {a: {image: x}}\n", kMostDocuments)), "");
  EXPECT_EQ(error_of(repeated("---\nservices: {a: {image: x}}\n", kMostDocuments + 1)),
            "compose.limit: these are too many documents");
}

TEST(Limits, OfPorts) {
  const auto ranges = [](const std::string& range, int count) {
    std::string text = "services:\n  a:\n    image: x\n    ports:\n";
    for (int i = 1; i <= count; ++i) text += "      - 127.0.0." + std::to_string(i) + "::" + range + "\n";
    return error_of(text);
  };
  EXPECT_EQ(ranges("10000-20000", 1), "");
  EXPECT_EQ(ranges("1-65535", 250), "compose.limit: with this the project has too many values");
}

TEST(Limits, OfWhatIsExtendedOrIncludedAgainAndAgain) {
  constexpr std::string_view kTooBig = "compose.limit: with this the project has too many values";
  std::string labels;
  for (int i = 0; i < 1000; ++i) labels += "l" + std::to_string(i) + ": x, ";
  std::string extending = "services:\n  base: {image: x, labels: {" + labels + "}}\n";
  for (int i = 0; i < 1000; ++i) extending += "  s" + std::to_string(i) + ": {extends: base}\n";
  EXPECT_EQ(error_of(extending), kTooBig);

  const std::string including = "include: [" + repeated("big.yaml, ", 900) + "]\n";
  EXPECT_EQ(error_of(Files{{"compose.yaml", including}, {"big.yaml", "x-a: [" + repeated("1, ", 5000) + "]"}}),
            kTooBig);

  std::string reading = "services:\n";
  for (int i = 0; i < 1000; ++i) reading += "  s" + std::to_string(i) + ": {image: x, env_file: big.env}\n";
  EXPECT_EQ(error_of(Files{{"compose.yaml", reading}, {"big.env", "#" + std::string(1000000, 'x') + "\n"}}), kTooBig);
}

// Each is far more than anybody writes, and would take minutes if some step compared all with all.
TEST(Limits, LeaveNothingThatTakesTimeOutOfProportion) {
  const auto lines = [](int count, const auto& line) {
    std::string text;
    for (int i = 0; i < count; ++i) text += line(std::to_string(i));
    return text;
  };
  const auto service = [](const std::string& attribute, const std::string& items) {
    return "services:\n  a:\n    image: x\n    " + attribute + ":\n" + items;
  };
  EXPECT_EQ(error_of("{services: {a: {image: x}}, x-a: {" +
                     lines(20000, [](const std::string& i) { return "k" + i + ": " + i + ","; }) + "}}"),
            "");  // one line
  EXPECT_EQ(error_of(service("labels", lines(20000, [](const std::string& i) { return "      - k" + i + "=\n"; }))),
            "");
  EXPECT_EQ(
      error_of(service("security_opt", lines(20000, [](const std::string& i) { return "      - k" + i + "\n"; }))), "");
  EXPECT_EQ(error_of(service("links", lines(20000, [](const std::string& i) { return "      - k" + i + "\n"; }))),
            "compose.undefined: service `a` depends on undefined service `k0`");
  EXPECT_EQ(error_of("services:\n" + lines(20000,
                                           [](const std::string& i) {
                                             return "  service-" + i + ": {image: x, depends_on: [service." + i +
                                                    "]}\n";
                                           })),
            "compose.undefined: service `service-0` depends on undefined service `service.0`");
  EXPECT_EQ(error_of("services:\n  base: {image: x}\n" +
                     lines(3000,
                           [](const std::string& i) {
                             return "  s" + i + ": {extends: base, labels: {a: !reset null}, command: !override [a]}\n";
                           })),
            "");
  EXPECT_EQ(error_of(Files{{"compose.yaml", "services: {a: {image: x}}"},
                           {".env", lines(20000, [](const std::string& i) { return "K" + i + "=$K0\n"; })}}),
            "");
}

TEST(Limits, OfMistakesThatAreTold) {
  std::string ports;
  for (int i = 0; i < 5000; ++i) ports += "      - port" + std::to_string(i) + "\n";
  Diagnostics diagnostics;
  load({.loader = LoadOptions::Loader::compose},
       FakeDisk({{"/project/compose.yaml", "services:\n  a:\n    image: x\n    ports:\n" + ports}}), diagnostics);
  EXPECT_EQ(diagnostics.error_count(), kMostMistakes);
  EXPECT_EQ(diagnostics.all().back().message, "4000 more mistakes are not shown");
}

TEST(Limits, OfAFile) {
  EXPECT_EQ(error_of("services: {a: {image: x}} #" + std::string(kMostFileBytes, 'x')),
            "compose.limit: `compose.yaml` is too big to be read");
}

TEST(Limits, OfVariables) {
  std::string doubling = "V0=" + std::string(100, 'x') + "\n";
  for (int i = 1; i < 40; ++i)
    doubling += "V" + std::to_string(i) + "=$V" + std::to_string(i - 1) + "${V" + std::to_string(i - 1) + "}\n";
  EXPECT_EQ(error_of(Files{{"compose.yaml", "services: {a: {image: x}}"}, {".env", doubling}}),
            "compose.env-file: variables make the value of `V14` too long");

  const std::string many = "x-a: [" + repeated("$V, ", 20000) + "]\nservices: {}\n";
  EXPECT_EQ(error_of(Files{{"compose.yaml", many}, {".env", "V=" + std::string(10000, 'x')}}).substr(0, 20),
            "compose.limit: `x-a[");

  const std::string deep = "x-a: \"" + repeated("${A:-", 100000) + repeated("}", 100000) + "\"\n";
  EXPECT_EQ(error_of(deep), "compose.limit: `x-a`: variables make this text, or the document, too long");
}

TEST(Limits, OfIncludes) {
  Files doubling;
  for (int i = 0; i < 40; ++i) {
    const std::string next = "f" + std::to_string(i + 1) + ".yaml";
    doubling[i == 0 ? "compose.yaml" : "f" + std::to_string(i) + ".yaml"] = "include: [" + next + ", " + next + "]\n";
  }
  doubling["f40.yaml"] = "services: {a: {image: x}}\n";
  EXPECT_EQ(error_of(doubling), "compose.limit: files include each other too often, or too deep");
  EXPECT_EQ(error_of(Files{{"compose.yaml", "include: [a.yaml]\n"}, {"a.yaml", "include: [compose.yaml]\n"}}),
            "compose.include: include cycle detected: compose.yaml -> a.yaml -> compose.yaml");
}

TEST(Limits, OfExtends) {
  const auto chain = [](int length) {
    std::string text = "services:\n";
    for (int i = 0; i < length; ++i)
      text += "  s" + std::to_string(i) + ": {extends: s" + std::to_string(i + 1) + "}\n";
    return text + "  s" + std::to_string(length) + ": {image: x}\n";
  };
  EXPECT_EQ(error_of(chain(100)), "");
  EXPECT_EQ(error_of(chain(1000)).substr(0, 44), "compose.limit: `services.s200` extends too l");
  EXPECT_EQ(error_of("services: {a: {extends: b}, b: {extends: a}}\n"),
            "compose.extends: circular reference of `extends` in `compose.yaml`: a -> b -> a");
}

TEST(Limits, AreNotReachedByALongChainOfDependencies) {
  std::string text = "services:\n";
  for (int i = 0; i < 1500; ++i)
    text += "  s" + std::to_string(i) + ": {image: x, depends_on: [s" + std::to_string(i + 1) + "]}\n";
  EXPECT_EQ(error_of(text + "  s1500: {image: x}\n"), "");
}

TEST(Limits, OfWhatABuildUploads) {
  const LoadOptions at_home{.environment = {{"HOME", "/home/me"}}};
  const auto build = [&](const std::string& context) {
    return error_of(Files{{"compose.yaml", "services: {a: {build: " + context + "}}\n"}}, at_home);
  };
  EXPECT_EQ(build("/"), "compose.context-everything: service `a` is built from `/`, which holds your home folder");
  EXPECT_EQ(build("~/"),
            "compose.context-everything: service `a` is built from `/home/me`, which holds your home folder");
  EXPECT_EQ(build("../elsewhere"), "");
  EXPECT_EQ(build("."), "");
}

}  // namespace
}  // namespace defang::compose
