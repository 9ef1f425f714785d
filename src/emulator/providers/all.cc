#include "emulator/providers/all.h"

namespace defang::emulator {

void add_all_providers(Core& core) {
  add_entra(core);
  add_resources(core);
  add_authorization(core);
  add_managed_identity(core);
  add_key_vault(core);
}

}  // namespace defang::emulator
