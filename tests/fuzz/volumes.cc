// Short mounts: what is understood has a target, and a source that names a file is a bind.
#include "compose/volumes.h"

#include "fuzz.h"

void examine(std::string_view input) {
  using namespace defang::compose;
  const auto mount = parse_mount(input);
  PROMISE(mount ? !mount->target.empty() : !mount.error().empty());
  if (!mount) return;
  PROMISE((mount->kind == ShortMount::Kind::bind) == is_file_path(mount->source));
  PROMISE(mount_target(input) == mount->target);
}
