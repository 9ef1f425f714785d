#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "emulator/json.h"
#include "rest/http_transport.h"

namespace defang::emulator {

class Conversation;

/// What goes back. Exactly one of body, file and stream holds the content.
struct Answer {
  int status = 200;
  rest::Headers headers;
  std::string body;

  /// A part of a file, sent without being read into memory.
  struct FilePart {
    std::filesystem::path path;
    std::uint64_t offset = 0;
    std::uint64_t size_bytes = 0;
  };
  std::optional<FilePart> file;

  /// Sent piece by piece (chunked) until it returns nothing; an empty piece means "nothing yet". Called without the
  /// lock.
  std::function<std::optional<std::string>(std::stop_token stop)> stream;

  /// The protocol is switched to a web socket (status 101), and this goes on. Called without the lock.
  std::shared_ptr<Conversation> conversation;

  /// The connection is cut without an answer (faults).
  bool drop = false;
};

Answer json_answer(int status, const Json& body);
Answer empty_answer(int status);
Answer text_answer(int status, std::string body, std::string_view content_type);

/// {"error":{"code","message"}}, the shape of ARM and of nearly all providers.
Answer arm_error(int status, std::string_view code, std::string_view message);
/// The same, with `x-ms-failure-cause: gateway`: ARM itself said so, not a provider (wire facts 1.13).
Answer gateway_error(int status, std::string_view code, std::string_view message);
/// What the emulator lacks, said in so many words: 501 EmulatorNotImplemented.
Answer not_implemented(std::string_view what);

/// "Thu, 01 Jan 2026 00:00:00 GMT"
std::string http_date(std::int64_t unix_ms);

}  // namespace defang::emulator
