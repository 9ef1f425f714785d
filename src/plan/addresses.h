#pragma once

#include <string>
#include <string_view>

#include "plan/planning.h"

/// How services reach each other: which ports are open, and what the texts that name siblings become on Azure.
namespace defang::plan {

/// In Compose every port of a service is open for its siblings, named or not. What they visibly use is opened.
void imply_ports(Planning& plan);
void choose_ingress(Planning& plan);

/// `text` with the addresses of siblings as they are on Azure; `where` names the place for the notes.
std::string with_addresses(Planning& plan, const std::string& user, std::string_view text, const std::string& where,
                           const SourceSpan& span);

/// `API_HOST=api` beside `API_PORT=3000`: the host can be rewritten, the number cannot be guessed.
void note_split_addresses(Planning& plan, const compose::Service& service);

/// What stands in an image (an nginx.conf, a default of the program) cannot be read or rewritten. A service that
/// depends on another and names it nowhere here may name it there.
void note_hidden_addresses(Planning& plan);

}  // namespace defang::plan
