#include "compose/attributes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <deque>

namespace defang::compose {
namespace {

using T = Type;

// compose-spec/compose-spec, schema/compose-spec.json (types and keys); compose-semantics.md sections F, I, K (the
// other columns). A parent stands before its children.
constexpr auto kAttributes = std::to_array<AttributeRow>({
    {.path = "", .type = T::object},
    {.path = "version", .type = T::text},
    {.path = "name", .type = T::text},
    {.path = "include", .type = T::list},
    {.path = "include[]", .type = T::object, .also = form_text, .flags = no_extensions},
    {.path = "include[].path", .type = T::texts, .also = form_text},
    {.path = "include[].env_file", .type = T::texts, .also = form_text},
    {.path = "include[].project_directory", .type = T::text},

    {.path = "services", .type = T::names, .flags = keep_empty},
    {.path = "services.*", .type = T::object, .flags = keep_empty},
    {.path = "services.*.annotations", .type = T::key_values, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "services.*.attach", .type = T::boolean, .flags = keep_empty},

    {.path = "services.*.build", .type = T::object, .also = form_text, .merge = Merge::build, .flags = keep_empty},
    {.path = "services.*.build.additional_contexts",
     .type = T::key_values,
     .merge = Merge::sequence,
     .unique = Unique::key,
     .place = Place::context},
    {.path = "services.*.build.args",
     .type = T::key_values,
     .merge = Merge::sequence,
     .unique = Unique::key,
     .valueless = Valueless::dropped},
    {.path = "services.*.build.cache_from", .type = T::texts},
    {.path = "services.*.build.cache_to", .type = T::texts},
    {.path = "services.*.build.context", .type = T::text, .place = Place::context},
    {.path = "services.*.build.dockerfile", .type = T::text},
    {.path = "services.*.build.dockerfile_inline", .type = T::text},
    {.path = "services.*.build.entitlements", .type = T::texts},
    {.path = "services.*.build.extra_hosts", .type = T::hosts, .merge = Merge::extra_hosts},
    {.path = "services.*.build.isolation", .type = T::text},
    {.path = "services.*.build.labels", .type = T::key_values, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "services.*.build.network", .type = T::text},
    {.path = "services.*.build.no_cache", .type = T::boolean},
    {.path = "services.*.build.no_cache_filter", .type = T::texts, .also = form_text, .unique = Unique::checked},
    {.path = "services.*.build.platforms", .type = T::texts},
    {.path = "services.*.build.privileged", .type = T::boolean},
    {.path = "services.*.build.provenance", .type = T::text, .also = form_boolean},
    {.path = "services.*.build.pull", .type = T::boolean},
    {.path = "services.*.build.sbom", .type = T::text, .also = form_boolean},
    {.path = "services.*.build.secrets", .type = T::list, .like = "services.*.secrets"},
    {.path = "services.*.build.shm_size", .type = T::bytes},
    {.path = "services.*.build.ssh", .type = T::ssh_keys, .place = Place::unix_path},
    {.path = "services.*.build.tags", .type = T::texts, .unique = Unique::key},
    {.path = "services.*.build.target", .type = T::text},
    {.path = "services.*.build.ulimits", .type = T::names, .flags = any_name},
    // Merged, other than those of the service itself (CS-78).
    {.path = "services.*.build.ulimits.*", .type = T::object, .also = form_integer | form_text, .flags = keep_empty},
    {.path = "services.*.build.ulimits.*.hard", .type = T::integer, .flags = required | keep_empty},
    {.path = "services.*.build.ulimits.*.soft", .type = T::integer, .flags = required | keep_empty},

    {.path = "services.*.blkio_config", .type = T::object, .flags = no_extensions | keep_empty},
    {.path = "services.*.blkio_config.device_read_bps", .type = T::list},
    {.path = "services.*.blkio_config.device_read_bps[]", .type = T::object, .flags = no_extensions},
    {.path = "services.*.blkio_config.device_read_bps[].path", .type = T::text},
    {.path = "services.*.blkio_config.device_read_bps[].rate", .type = T::bytes},
    {.path = "services.*.blkio_config.device_read_iops",
     .type = T::list,
     .like = "services.*.blkio_config.device_read_bps"},
    {.path = "services.*.blkio_config.device_write_bps",
     .type = T::list,
     .like = "services.*.blkio_config.device_read_bps"},
    {.path = "services.*.blkio_config.device_write_iops",
     .type = T::list,
     .like = "services.*.blkio_config.device_read_bps"},
    {.path = "services.*.blkio_config.weight", .type = T::integer, .flags = unconverted | not_negative},
    {.path = "services.*.blkio_config.weight_device", .type = T::list},
    {.path = "services.*.blkio_config.weight_device[]", .type = T::object, .flags = no_extensions},
    {.path = "services.*.blkio_config.weight_device[].path", .type = T::text},
    {.path = "services.*.blkio_config.weight_device[].weight", .type = T::integer, .flags = unconverted | not_negative},

    {.path = "services.*.cap_add", .type = T::texts, .unique = Unique::key},
    {.path = "services.*.cap_drop", .type = T::texts, .unique = Unique::key},
    {.path = "services.*.cgroup", .type = T::text, .values = "host|private"},
    {.path = "services.*.cgroup_parent", .type = T::text},
    {.path = "services.*.command", .type = T::words, .merge = Merge::replace},
    {.path = "services.*.configs", .type = T::list, .unique = Unique::config},
    {.path = "services.*.configs[]", .type = T::object, .also = form_text},
    {.path = "services.*.configs[].gid", .type = T::text},
    {.path = "services.*.configs[].mode", .type = T::file_mode},
    {.path = "services.*.configs[].source", .type = T::text},
    {.path = "services.*.configs[].target", .type = T::text},
    {.path = "services.*.configs[].uid", .type = T::text},
    {.path = "services.*.container_name", .type = T::text},
    {.path = "services.*.cpu_count", .type = T::integer, .flags = not_negative},
    {.path = "services.*.cpu_percent", .type = T::number, .flags = not_negative},
    {.path = "services.*.cpu_period", .type = T::integer, .also = form_number},
    {.path = "services.*.cpu_quota", .type = T::integer, .also = form_number},
    {.path = "services.*.cpu_rt_period", .type = T::integer, .also = form_number},
    {.path = "services.*.cpu_rt_runtime", .type = T::integer, .also = form_number},
    {.path = "services.*.cpu_shares", .type = T::integer, .also = form_number},
    {.path = "services.*.cpus", .type = T::number},
    {.path = "services.*.cpuset", .type = T::text},
    {.path = "services.*.credential_spec", .type = T::object, .flags = keep_empty},
    {.path = "services.*.credential_spec.config", .type = T::text},
    {.path = "services.*.credential_spec.file", .type = T::text},
    {.path = "services.*.credential_spec.registry", .type = T::text},
    {.path = "services.*.depends_on", .type = T::names, .also = form_list, .merge = Merge::dependencies},
    {.path = "services.*.depends_on.*", .type = T::object, .flags = keep_empty},
    {.path = "services.*.depends_on.*.condition",
     .type = T::text,
     .flags = required,
     .values = "service_started|service_healthy|service_completed_successfully"},
    {.path = "services.*.depends_on.*.required", .type = T::boolean, .flags = keep_empty},
    {.path = "services.*.depends_on.*.restart", .type = T::boolean},

    {.path = "services.*.deploy", .type = T::object, .also = form_null, .flags = keep_empty},
    {.path = "services.*.deploy.endpoint_mode", .type = T::text},
    {.path = "services.*.deploy.labels", .type = T::key_values, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "services.*.deploy.mode", .type = T::text},
    {.path = "services.*.deploy.placement", .type = T::object},
    {.path = "services.*.deploy.placement.constraints", .type = T::texts},
    {.path = "services.*.deploy.placement.max_replicas_per_node", .type = T::integer, .flags = not_negative},
    {.path = "services.*.deploy.placement.preferences", .type = T::list},
    {.path = "services.*.deploy.placement.preferences[]", .type = T::object},
    {.path = "services.*.deploy.placement.preferences[].spread", .type = T::text},
    {.path = "services.*.deploy.replicas", .type = T::integer, .flags = keep_empty},
    {.path = "services.*.deploy.resources", .type = T::object},
    {.path = "services.*.deploy.resources.limits", .type = T::object, .flags = keep_empty},
    {.path = "services.*.deploy.resources.limits.cpus", .type = T::number},
    {.path = "services.*.deploy.resources.limits.memory", .type = T::bytes, .flags = only_text},
    {.path = "services.*.deploy.resources.limits.pids", .type = T::integer},
    {.path = "services.*.deploy.resources.reservations", .type = T::object, .flags = keep_empty},
    {.path = "services.*.deploy.resources.reservations.cpus", .type = T::number},
    {.path = "services.*.deploy.resources.reservations.devices", .type = T::list},
    {.path = "services.*.deploy.resources.reservations.devices[]", .type = T::object},
    {.path = "services.*.deploy.resources.reservations.devices[].capabilities",
     .type = T::texts,
     .unique = Unique::checked,
     .flags = required},
    {.path = "services.*.deploy.resources.reservations.devices[].count", .type = T::count},
    {.path = "services.*.deploy.resources.reservations.devices[].device_ids",
     .type = T::texts,
     .unique = Unique::checked},
    {.path = "services.*.deploy.resources.reservations.devices[].driver", .type = T::text},
    {.path = "services.*.deploy.resources.reservations.devices[].options", .type = T::key_values},
    {.path = "services.*.deploy.resources.reservations.generic_resources", .type = T::list},
    {.path = "services.*.deploy.resources.reservations.generic_resources[]", .type = T::object},
    {.path = "services.*.deploy.resources.reservations.generic_resources[].discrete_resource_spec",
     .type = T::object,
     .flags = keep_empty},
    {.path = "services.*.deploy.resources.reservations.generic_resources[].discrete_resource_spec.kind",
     .type = T::text},
    {.path = "services.*.deploy.resources.reservations.generic_resources[].discrete_resource_spec.value",
     .type = T::integer,
     .also = form_number},
    {.path = "services.*.deploy.resources.reservations.memory", .type = T::bytes, .flags = only_text},
    {.path = "services.*.deploy.restart_policy", .type = T::object, .flags = keep_empty},
    {.path = "services.*.deploy.restart_policy.condition", .type = T::text},
    {.path = "services.*.deploy.restart_policy.delay", .type = T::duration, .flags = keep_empty},
    {.path = "services.*.deploy.restart_policy.max_attempts", .type = T::integer, .flags = keep_empty | not_negative},
    {.path = "services.*.deploy.restart_policy.window", .type = T::duration, .flags = keep_empty},
    {.path = "services.*.deploy.rollback_config",
     .type = T::object,
     .flags = keep_empty,
     .like = "services.*.deploy.update_config"},
    {.path = "services.*.deploy.update_config", .type = T::object, .flags = keep_empty},
    {.path = "services.*.deploy.update_config.delay", .type = T::duration},
    {.path = "services.*.deploy.update_config.failure_action", .type = T::text},
    {.path = "services.*.deploy.update_config.max_failure_ratio", .type = T::number},
    {.path = "services.*.deploy.update_config.monitor", .type = T::duration},
    {.path = "services.*.deploy.update_config.order", .type = T::text, .values = "start-first|stop-first"},
    {.path = "services.*.deploy.update_config.parallelism", .type = T::integer, .flags = keep_empty | not_negative},

    {.path = "services.*.develop", .type = T::object, .also = form_null, .flags = keep_empty},
    {.path = "services.*.develop.watch", .type = T::list},
    {.path = "services.*.develop.watch[]", .type = T::object},
    {.path = "services.*.develop.watch[].action",
     .type = T::text,
     .flags = required | keep_empty,
     .values = "rebuild|sync|restart|sync+restart|sync+exec"},
    {.path = "services.*.develop.watch[].exec", .type = T::object, .like = "services.*.post_start[]"},
    {.path = "services.*.develop.watch[].ignore", .type = T::texts, .also = form_text},
    {.path = "services.*.develop.watch[].include", .type = T::texts, .also = form_text},
    {.path = "services.*.develop.watch[].initial_sync", .type = T::boolean, .flags = unconverted},
    {.path = "services.*.develop.watch[].path", .type = T::text, .place = Place::file, .flags = required | keep_empty},
    {.path = "services.*.develop.watch[].target", .type = T::text},
    {.path = "services.*.device_cgroup_rules", .type = T::texts, .unique = Unique::checked},
    {.path = "services.*.devices", .type = T::list, .unique = Unique::target},
    {.path = "services.*.devices[]", .type = T::object, .also = form_text},
    {.path = "services.*.devices[].permissions", .type = T::text},
    {.path = "services.*.devices[].source", .type = T::text, .flags = required},
    {.path = "services.*.devices[].target", .type = T::text},
    {.path = "services.*.dns", .type = T::texts, .also = form_text, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "services.*.dns_opt", .type = T::texts, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "services.*.dns_search",
     .type = T::texts,
     .also = form_text,
     .merge = Merge::sequence,
     .unique = Unique::key},
    {.path = "services.*.domainname", .type = T::text},
    {.path = "services.*.entrypoint", .type = T::words, .merge = Merge::replace},
    {.path = "services.*.env_file",
     .type = T::list,
     .also = form_text,
     .merge = Merge::sequence,
     .unique = Unique::path},
    {.path = "services.*.env_file[]", .type = T::object, .also = form_text, .flags = no_extensions},
    {.path = "services.*.env_file[].format", .type = T::text},
    {.path = "services.*.env_file[].path", .type = T::text, .place = Place::file, .flags = required},
    {.path = "services.*.env_file[].required", .type = T::boolean, .flags = keep_empty},
    {.path = "services.*.environment",
     .type = T::key_values,
     .merge = Merge::sequence,
     .unique = Unique::key,
     .valueless = Valueless::stay},
    {.path = "services.*.expose", .type = T::texts, .also = form_integer, .unique = Unique::text},
    {.path = "services.*.extends", .type = T::object, .also = form_text, .flags = no_extensions},
    {.path = "services.*.extends.file", .type = T::text, .place = Place::file},
    {.path = "services.*.extends.service", .type = T::text, .flags = required},
    {.path = "services.*.external_links", .type = T::texts, .unique = Unique::checked},
    {.path = "services.*.extra_hosts", .type = T::hosts, .merge = Merge::extra_hosts},
    {.path = "services.*.gpus", .type = T::list, .also = form_text, .values = "all"},
    {.path = "services.*.gpus[]", .type = T::object, .flags = any_name},
    {.path = "services.*.gpus[].capabilities", .type = T::texts, .unique = Unique::checked},
    {.path = "services.*.gpus[].count", .type = T::count},
    {.path = "services.*.gpus[].device_ids", .type = T::texts, .unique = Unique::checked},
    {.path = "services.*.gpus[].driver", .type = T::text},
    {.path = "services.*.gpus[].options", .type = T::key_values},
    {.path = "services.*.group_add", .type = T::texts, .also = form_integer, .unique = Unique::checked},
    {.path = "services.*.healthcheck", .type = T::object, .flags = keep_empty},
    {.path = "services.*.healthcheck.disable", .type = T::boolean},
    {.path = "services.*.healthcheck.interval", .type = T::duration, .flags = keep_empty},
    {.path = "services.*.healthcheck.retries",
     .type = T::integer,
     .also = form_number,
     .flags = keep_empty | not_negative},
    {.path = "services.*.healthcheck.start_interval", .type = T::duration, .flags = keep_empty},
    {.path = "services.*.healthcheck.start_period", .type = T::duration, .flags = keep_empty},
    {.path = "services.*.healthcheck.test", .type = T::health_test, .merge = Merge::replace},
    {.path = "services.*.healthcheck.timeout", .type = T::duration, .flags = keep_empty},
    {.path = "services.*.hostname", .type = T::text},
    {.path = "services.*.image", .type = T::text},
    {.path = "services.*.init", .type = T::boolean, .flags = keep_empty},
    {.path = "services.*.ipc", .type = T::text},
    {.path = "services.*.isolation", .type = T::text},
    {.path = "services.*.label_file",
     .type = T::texts,
     .also = form_text,
     .merge = Merge::sequence,
     .place = Place::file},
    {.path = "services.*.labels", .type = T::key_values, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "services.*.links", .type = T::texts, .unique = Unique::key},
    {.path = "services.*.logging", .type = T::object, .merge = Merge::logging, .flags = keep_empty},
    {.path = "services.*.logging.driver", .type = T::text},
    {.path = "services.*.logging.options", .type = T::scalars, .flags = null_values},
    {.path = "services.*.mac_address", .type = T::text},
    {.path = "services.*.mem_limit", .type = T::bytes, .also = form_number},
    {.path = "services.*.mem_reservation", .type = T::bytes},
    {.path = "services.*.mem_swappiness", .type = T::bytes},
    {.path = "services.*.memswap_limit", .type = T::bytes, .also = form_number},
    {.path = "services.*.models", .type = T::names, .also = form_list, .merge = Merge::names},
    {.path = "services.*.models.*", .type = T::object, .also = form_null, .flags = keep_empty},
    {.path = "services.*.models.*.endpoint_var", .type = T::text},
    {.path = "services.*.models.*.model_var", .type = T::text},
    {.path = "services.*.network_mode", .type = T::text},
    {.path = "services.*.networks", .type = T::names, .also = form_list, .merge = Merge::names},
    {.path = "services.*.networks.*", .type = T::object, .also = form_null, .flags = keep_empty},
    {.path = "services.*.networks.*.aliases", .type = T::texts, .unique = Unique::key},
    {.path = "services.*.networks.*.driver_opts", .type = T::scalars},
    {.path = "services.*.networks.*.gw_priority", .type = T::integer, .also = form_number, .flags = unconverted},
    {.path = "services.*.networks.*.interface_name", .type = T::text},
    {.path = "services.*.networks.*.ipv4_address", .type = T::text},
    {.path = "services.*.networks.*.ipv6_address", .type = T::text},
    {.path = "services.*.networks.*.link_local_ips", .type = T::texts, .unique = Unique::key},
    {.path = "services.*.networks.*.mac_address", .type = T::text},
    {.path = "services.*.networks.*.priority", .type = T::integer, .also = form_number, .flags = unconverted},
    {.path = "services.*.oom_kill_disable", .type = T::boolean},
    {.path = "services.*.oom_score_adj", .type = T::integer},
    {.path = "services.*.pid", .type = T::text, .also = form_null},
    {.path = "services.*.pids_limit", .type = T::integer, .also = form_number},
    {.path = "services.*.platform", .type = T::text},
    {.path = "services.*.ports", .type = T::list, .unique = Unique::port},
    {.path = "services.*.ports[]", .type = T::object, .also = form_text | form_integer | form_number},
    {.path = "services.*.ports[].app_protocol", .type = T::text},
    {.path = "services.*.ports[].host_ip", .type = T::text},
    {.path = "services.*.ports[].mode", .type = T::text},
    {.path = "services.*.ports[].name", .type = T::text},
    {.path = "services.*.ports[].protocol", .type = T::text},
    {.path = "services.*.ports[].published", .type = T::text, .also = form_integer},
    {.path = "services.*.ports[].target", .type = T::integer, .flags = not_negative},
    {.path = "services.*.post_start", .type = T::list},
    {.path = "services.*.post_start[]", .type = T::object},
    {.path = "services.*.post_start[].command", .type = T::words, .flags = required},
    {.path = "services.*.post_start[].environment", .type = T::key_values, .valueless = Valueless::stay},
    {.path = "services.*.post_start[].privileged", .type = T::boolean},
    {.path = "services.*.post_start[].user", .type = T::text},
    {.path = "services.*.post_start[].working_dir", .type = T::text},
    {.path = "services.*.pre_start", .type = T::list},
    {.path = "services.*.pre_start[]", .type = T::object},
    {.path = "services.*.pre_start[].command", .type = T::words},
    {.path = "services.*.pre_start[].environment", .type = T::key_values, .valueless = Valueless::stay},
    {.path = "services.*.pre_start[].image", .type = T::text},
    {.path = "services.*.pre_start[].per_replica", .type = T::boolean, .flags = keep_empty},
    {.path = "services.*.pre_start[].privileged", .type = T::boolean},
    {.path = "services.*.pre_start[].user", .type = T::text},
    {.path = "services.*.pre_start[].working_dir", .type = T::text},
    {.path = "services.*.pre_stop", .type = T::list, .like = "services.*.post_start"},
    {.path = "services.*.privileged", .type = T::boolean},
    {.path = "services.*.profiles", .type = T::texts, .unique = Unique::key},
    {.path = "services.*.provider", .type = T::object, .flags = keep_empty},
    {.path = "services.*.provider.options", .type = T::option_lists},
    {.path = "services.*.provider.type", .type = T::text, .flags = required},
    {.path = "services.*.pull_policy", .type = T::text},
    {.path = "services.*.pull_refresh_after", .type = T::text},
    {.path = "services.*.read_only", .type = T::boolean},
    {.path = "services.*.restart", .type = T::text},
    {.path = "services.*.runtime", .type = T::text},
    {.path = "services.*.scale", .type = T::integer, .flags = keep_empty},
    {.path = "services.*.secrets", .type = T::list, .unique = Unique::secret},
    {.path = "services.*.secrets[]", .type = T::object, .also = form_text},
    {.path = "services.*.secrets[].gid", .type = T::text},
    {.path = "services.*.secrets[].mode", .type = T::file_mode},
    {.path = "services.*.secrets[].source", .type = T::text},
    {.path = "services.*.secrets[].target", .type = T::text},
    {.path = "services.*.secrets[].uid", .type = T::text},
    {.path = "services.*.security_opt", .type = T::texts, .unique = Unique::checked},
    {.path = "services.*.shm_size", .type = T::bytes, .also = form_number},
    {.path = "services.*.stdin_open", .type = T::boolean},
    {.path = "services.*.stop_grace_period", .type = T::duration, .flags = keep_empty},
    {.path = "services.*.stop_signal", .type = T::text},
    {.path = "services.*.storage_opt", .type = T::scalars, .flags = null_values},
    {.path = "services.*.sysctls", .type = T::key_values, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "services.*.tmpfs", .type = T::texts, .also = form_text, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "services.*.tty", .type = T::boolean},
    {.path = "services.*.ulimits", .type = T::names, .flags = any_name},
    {.path = "services.*.ulimits.*",
     .type = T::object,
     .also = form_integer | form_text,
     .merge = Merge::replace,
     .flags = keep_empty},
    {.path = "services.*.ulimits.*.hard", .type = T::integer, .flags = required | keep_empty},
    {.path = "services.*.ulimits.*.soft", .type = T::integer, .flags = required | keep_empty},
    {.path = "services.*.use_api_socket", .type = T::boolean, .flags = unconverted},
    {.path = "services.*.user", .type = T::text},
    {.path = "services.*.userns_mode", .type = T::text},
    {.path = "services.*.uts", .type = T::text},
    {.path = "services.*.volumes", .type = T::list, .unique = Unique::target},
    {.path = "services.*.volumes[]", .type = T::object, .also = form_text},
    {.path = "services.*.volumes[].bind", .type = T::object, .flags = keep_empty},
    {.path = "services.*.volumes[].bind.create_host_path", .type = T::boolean, .flags = keep_empty},
    {.path = "services.*.volumes[].bind.propagation", .type = T::text},
    {.path = "services.*.volumes[].bind.recursive", .type = T::text, .values = "enabled|disabled|writable|readonly"},
    {.path = "services.*.volumes[].bind.selinux", .type = T::text, .values = "z|Z"},
    {.path = "services.*.volumes[].consistency", .type = T::text},
    {.path = "services.*.volumes[].image", .type = T::object, .flags = keep_empty},
    {.path = "services.*.volumes[].image.subpath", .type = T::text},
    {.path = "services.*.volumes[].read_only", .type = T::boolean},
    {.path = "services.*.volumes[].source", .type = T::text},
    {.path = "services.*.volumes[].target", .type = T::text},
    {.path = "services.*.volumes[].tmpfs", .type = T::object, .flags = keep_empty},
    {.path = "services.*.volumes[].tmpfs.mode", .type = T::integer, .also = form_number},
    {.path = "services.*.volumes[].tmpfs.size", .type = T::bytes},
    {.path = "services.*.volumes[].type",
     .type = T::text,
     .flags = required,
     .values = "bind|volume|tmpfs|cluster|npipe|image"},
    {.path = "services.*.volumes[].volume", .type = T::object, .flags = keep_empty},
    {.path = "services.*.volumes[].volume.labels", .type = T::key_values, .merge = Merge::sequence},
    {.path = "services.*.volumes[].volume.nocopy", .type = T::boolean},
    {.path = "services.*.volumes[].volume.subpath", .type = T::text},
    {.path = "services.*.volumes_from", .type = T::texts, .unique = Unique::checked},
    {.path = "services.*.working_dir", .type = T::text},

    {.path = "networks", .type = T::names, .flags = any_name},
    {.path = "networks.*", .type = T::object, .also = form_null, .flags = keep_empty},
    {.path = "networks.*.attachable", .type = T::boolean},
    {.path = "networks.*.driver", .type = T::text},
    {.path = "networks.*.driver_opts", .type = T::scalars},
    {.path = "networks.*.enable_ipv4", .type = T::boolean, .flags = keep_empty},
    {.path = "networks.*.enable_ipv6", .type = T::boolean, .flags = keep_empty},
    {.path = "networks.*.external", .type = T::object, .also = form_boolean | form_text},
    {.path = "networks.*.external.name", .type = T::text},
    {.path = "networks.*.internal", .type = T::boolean},
    {.path = "networks.*.ipam", .type = T::object},
    {.path = "networks.*.ipam.config", .type = T::list, .merge = Merge::ipam_config},
    {.path = "networks.*.ipam.config[]", .type = T::object, .flags = keep_empty},
    {.path = "networks.*.ipam.config[].aux_addresses", .type = T::scalars, .flags = text_values},
    {.path = "networks.*.ipam.config[].gateway", .type = T::text},
    {.path = "networks.*.ipam.config[].ip_range", .type = T::text},
    {.path = "networks.*.ipam.config[].subnet", .type = T::text},
    {.path = "networks.*.ipam.driver", .type = T::text},
    {.path = "networks.*.ipam.options", .type = T::scalars, .unique = Unique::key, .flags = text_values},
    {.path = "networks.*.labels", .type = T::key_values, .merge = Merge::sequence, .unique = Unique::key},
    {.path = "networks.*.name", .type = T::text},

    {.path = "volumes", .type = T::names},
    {.path = "volumes.*", .type = T::object, .also = form_null, .flags = keep_empty},
    {.path = "volumes.*.driver", .type = T::text},
    {.path = "volumes.*.driver_opts", .type = T::scalars},
    {.path = "volumes.*.external", .type = T::object, .also = form_boolean | form_text},
    {.path = "volumes.*.external.name", .type = T::text},
    {.path = "volumes.*.labels", .type = T::key_values, .merge = Merge::sequence},
    {.path = "volumes.*.name", .type = T::text},

    {.path = "secrets", .type = T::names},
    {.path = "secrets.*", .type = T::object, .flags = keep_empty},
    {.path = "secrets.*.driver", .type = T::text},
    {.path = "secrets.*.driver_opts", .type = T::scalars},
    {.path = "secrets.*.environment", .type = T::text},
    {.path = "secrets.*.external", .type = T::object, .also = form_boolean | form_text},
    {.path = "secrets.*.external.name", .type = T::text},
    {.path = "secrets.*.file", .type = T::text, .place = Place::unix_path},
    {.path = "secrets.*.labels", .type = T::key_values},
    {.path = "secrets.*.name", .type = T::text},
    {.path = "secrets.*.template_driver", .type = T::text},

    {.path = "configs", .type = T::names},
    {.path = "configs.*", .type = T::object, .flags = keep_empty},
    {.path = "configs.*.content", .type = T::text},
    {.path = "configs.*.environment", .type = T::text},
    {.path = "configs.*.external", .type = T::object, .also = form_boolean | form_text},
    {.path = "configs.*.external.name", .type = T::text},
    {.path = "configs.*.file", .type = T::text, .place = Place::unix_path},
    {.path = "configs.*.labels", .type = T::key_values},
    {.path = "configs.*.name", .type = T::text},
    {.path = "configs.*.template_driver", .type = T::text},

    {.path = "models", .type = T::names, .flags = any_name},
    {.path = "models.*", .type = T::object, .flags = keep_empty},
    {.path = "models.*.context_size", .type = T::integer, .flags = unconverted},
    {.path = "models.*.model", .type = T::text, .flags = required},
    {.path = "models.*.name", .type = T::text},
    {.path = "models.*.runtime_flags", .type = T::texts},
});

/// "services.*.ports[].target" -> {"services.*.ports[]", "target"}; the last part is "*" or "[]" for what each holds.
struct PathEnd {
  std::string_view parent, last;
};
PathEnd split_last(std::string_view path) {
  if (path.ends_with("[]")) return {path.substr(0, path.size() - 2), "[]"};
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {"", path};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

class ShapeTree {
 public:
  ShapeTree() {
    for (const AttributeRow& attribute : kAttributes) add(attribute);
    // Second, as the row that another is like may stand after it.
    for (const AttributeRow& attribute : kAttributes) {
      if (attribute.like.empty()) continue;
      Shape& shape = *by_path_.at(attribute.path);
      const Shape& like = *by_path_.at(attribute.like);
      shape.keys = like.keys;
      shape.each = like.each;
    }
  }
  const Shape& root() const { return *by_path_.at(""); }

 private:
  void add(const AttributeRow& attribute) {
    Shape& shape = shapes_.emplace_back();
    shape.attribute = &attribute;
    by_path_[attribute.path] = &shape;
    if (attribute.path.empty()) return;
    const auto [parent_path, last] = split_last(attribute.path);
    Shape& parent = *by_path_.at(parent_path);
    if (last == "*" || last == "[]") {
      parent.each = &shape;
    } else {
      parent.keys[last] = &shape;
    }
  }

  std::deque<Shape> shapes_;
  std::map<std::string_view, Shape*> by_path_;
};

}  // namespace

std::span<const AttributeRow> attributes() { return kAttributes; }

const Shape* Shape::key(std::string_view name) const {
  const auto found = keys.find(name);
  if (found != keys.end()) return found->second;
  return type() == Type::names ? each : nullptr;
}

std::vector<std::string> Shape::key_names() const {
  std::vector<std::string> names;
  for (const auto& [name, shape] : keys) names.emplace_back(name);
  return names;
}

const Shape& compose_file() {
  static const ShapeTree tree;
  return tree.root();
}

std::uint16_t accepted_forms(const AttributeRow& attribute) {
  const auto own = [&]() -> std::uint16_t {
    switch (attribute.type) {
      case Type::any:
        return 0xFFFF;
      case Type::object:
      case Type::names:
      case Type::scalars:
        return form_mapping;
      case Type::list:
      case Type::texts:
        return form_list;
      case Type::text:
      case Type::duration:
        return form_text;
      case Type::integer:
        return attribute.flags & unconverted ? form_integer : form_integer | form_text;
      case Type::number:
        return form_integer | form_number | form_text;
      case Type::boolean:
        return attribute.flags & unconverted ? form_boolean : form_boolean | form_text;
      case Type::bytes:
        return attribute.flags & only_text ? form_text : form_text | form_integer;
      case Type::words:
        return form_text | form_list | form_null;
      case Type::key_values:
      case Type::hosts:
      case Type::ssh_keys:
        return form_list | form_mapping;
      case Type::option_lists:
        return form_mapping;
      case Type::health_test:
        return form_text | form_list;
      case Type::count:
        return form_text | form_integer;
      case Type::file_mode:
        return form_text | form_integer | form_number;
    }
    return 0;
  }();
  const std::uint16_t of_items = attribute.type == Type::texts ? form_integer | form_number : 0;
  return static_cast<std::uint16_t>((own | attribute.also) & ~of_items);
}

}  // namespace defang::compose
