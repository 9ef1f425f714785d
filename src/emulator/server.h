#pragma once

#include <functional>
#include <memory>

#include "emulator/certificates.h"
#include "emulator/core.h"

namespace defang::emulator {

/// HTTPS on loopback ports, all with one certificate for localhost. Each connection has a thread.
class Server : public Listeners {
 public:
  using Handler = std::function<Answer(Request)>;
  /// Bodies larger than a megabyte are written to `upload_folder`.
  static Result<std::unique_ptr<Server>> make(const CertificateAuthority& authority,
                                              std::filesystem::path upload_folder);
  /// Before the first port is opened.
  virtual void serve(Handler handler) = 0;
  /// Takes no more connections; those that there are end with the process.
  virtual void stop() = 0;
};

}  // namespace defang::emulator
