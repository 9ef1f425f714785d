#include "emulator/providers/all.h"

namespace defang::emulator {

void add_all_providers(Core& core) {
  add_entra(core);
  add_resources(core);
  add_authorization(core);
  add_managed_identity(core);
  add_key_vault(core);
  add_network(core);
  add_operational_insights(core);
  add_private_dns(core);
  add_storage(core);
}

}  // namespace defang::emulator
