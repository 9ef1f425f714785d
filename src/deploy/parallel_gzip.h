#pragma once

#include <cstddef>
#include <memory>

#include "rest/http_transport.h"

namespace defang::deploy {

/// gzip of `plain`, compressed in several threads while it is read. The bytes do not depend on how many, nor on how
/// fast they are: pieces of 256 KB are compressed each for itself and joined to one gzip member, as pigz does. Memory
/// is a few pieces a thread. `plain` is read by one thread at a time.
std::shared_ptr<rest::BodySource> gzipped(std::shared_ptr<rest::BodySource> plain, std::size_t threads);

}  // namespace defang::deploy
