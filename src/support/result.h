#pragma once

#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/source_span.h"

namespace defang {

/// The world said no: HTTP, file, process, sign-in. The user's own files being wrong is a Diagnostic instead.
struct Error {
  enum class Kind {
    stopped,      // a stop was asked for; says nothing about the world
    refused,      // the other side answered and said no; repeating the same request will not help
    unreachable,  // no answer: names, connections, time-outs; a later try may succeed
    invalid,      // an answer or file that we cannot understand
  };
  Kind kind = Kind::refused;
  std::string code;     // Azure's own code ("AuthorizationFailed"), or ours in kebab-case ("file-not-found")
  std::string message;  // Azure's own text verbatim, or ours: lower-case, no full stop
  std::vector<std::string> context;  // what we were doing, innermost first
  SourceSpan origin;                 // the Compose line that asked; empty where there is none
  std::string request_id;            // x-ms-request-id of the answer, empty where there was none
  int http_status = 0;               // 0 where no HTTP answer is involved
  std::string help;                  // what the user can do, empty where we do not know

  /// Adds one line about what was being done, outermost last.
  Error& during(std::string doing) {
    context.push_back(std::move(doing));
    return *this;
  }
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }
inline std::unexpected<Error> fail(Error::Kind kind, std::string code, std::string message) {
  return std::unexpected<Error>(Error{.kind = kind, .code = std::move(code), .message = std::move(message)});
}
/// The one error for "a stop was asked for".
inline std::unexpected<Error> stopped() { return fail(Error::Kind::stopped, "stopped", "stopped"); }

}  // namespace defang

#define DEFANG_CONCAT2(a, b) a##b
#define DEFANG_CONCAT(a, b) DEFANG_CONCAT2(a, b)

/// TRY(expression): returns its error from the enclosing function, otherwise goes on.
#define TRY(expression)                                                                                     \
  do {                                                                                                      \
    if (auto try_result = (expression); !try_result) return std::unexpected(std::move(try_result).error()); \
  } while (false)

/// TRY_ASSIGN(auto x, expression): x is the value, or the enclosing function returns the error.
#define TRY_ASSIGN(declaration, expression) \
  TRY_ASSIGN_IMPL(DEFANG_CONCAT(try_result_, __LINE__), declaration, expression)
#define TRY_ASSIGN_IMPL(name, declaration, expression)        \
  auto name = (expression);                                   \
  if (!name) return std::unexpected(std::move(name).error()); \
  declaration = std::move(*name)
