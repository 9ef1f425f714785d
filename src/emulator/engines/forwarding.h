#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "emulator/engines/http_head.h"
#include "emulator/engines/network_namespace.h"
#include "emulator/runtime.h"
#include "support/result.h"

namespace defang::emulator {

/// Where a connection goes on: a replica's address, reached from a namespace.
struct Upstream {
  std::shared_ptr<const NetworkNamespace> from;
  std::uint32_t address = 0;
  std::uint16_t port = 0;
};

/// What the ingress does with a request or connection: passes it on, lets it wait, or answers itself.
struct Choice {
  std::optional<Upstream> upstream;
  std::string answer;                               // of HTTP, whole, where there is no upstream
  std::function<std::optional<Upstream>()> look{};  // instead of an answer: asked until there is one
  std::shared_ptr<void> under_way{};                // let go of when it is over
};

/// Listens and passes connections on, on a thread of its own. Functions given to it are called on that thread and must
/// not block.
class Forwarding {
 public:
  using Id = std::uint64_t;
  using ChooseTcp = std::function<Choice()>;
  using ChooseHttp = std::function<Choice(const RequestHead& head, bool tls)>;
  using AnswerDatagram = std::function<std::string(std::string_view)>;
  /// Asked in every handshake: the certificate of a host may change.
  using CertificateOf = std::function<std::optional<HostCertificate>(const std::string& host)>;

  virtual ~Forwarding() = default;
  /// Without an upstream the connection is closed at once.
  virtual Id forward_tcp(Descriptor listener, ChooseTcp choose) = 0;
  /// Plain and TLS connections at the same port are told apart by their first byte. A host without a certificate ends
  /// the handshake.
  virtual Id forward_http(Descriptor listener, ChooseHttp choose) = 0;
  virtual Id answer_datagrams(Descriptor socket, AnswerDatagram answer) = 0;
  /// No new connections; those that exist live on.
  virtual void close(Id id) = 0;
};

std::unique_ptr<Forwarding> make_forwarding(Forwarding::CertificateOf certificate_of);

}  // namespace defang::emulator
