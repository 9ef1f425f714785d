#pragma once

#include <memory>
#include <string_view>

#include "rest/http_transport.h"
#include "support/result.h"

namespace defang::rest {

/// Unpacks gzip (RFC 1952) piece by piece as it arrives.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// Hands on what can be unpacked by now. Error answer-invalid.
  Result<void> take(std::string_view packed, const BodySink& to);
  /// Nothing is missing at the end.
  bool is_whole() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace defang::rest
