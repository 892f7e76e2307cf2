#pragma once

// Notification methods, alarm definitions, alarms and their history as the sink's Monasca offers
// them. Alarms appear and change as measurements arrive. Knows no socket and no clock.

#include "sink/http_message.hpp"
#include "sink/monasca_alarms.hpp"
#include "sink/monasca_body.hpp"
#include "sink/monasca_call.hpp"
#include "sink/monasca_query.hpp"
#include "sink/monasca_store.hpp"
#include "sink/seeded_ids.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace monarc::sink {

// Threads: one at a time. The resources throw monasca_refusal where Monasca answers with an error.
class monasca_alarming {
public:
    explicit monasca_alarming(std::uint64_t seed) : ids_(seed) {}

    http_response list_types(const monasca_call& c);
    http_response list_methods(const monasca_call& c);
    http_response create_method(const monasca_call& c);
    http_response show_method(const monasca_call& c);
    http_response update_method(const monasca_call& c);
    http_response patch_method(const monasca_call& c);
    http_response delete_method(const monasca_call& c);

    http_response list_definitions(const monasca_call& c);
    http_response create_definition(const monasca_call& c);
    http_response show_definition(const monasca_call& c);
    http_response update_definition(const monasca_call& c);
    http_response patch_definition(const monasca_call& c);
    http_response delete_definition(const monasca_call& c);

    http_response list_alarms(const monasca_call& c);
    http_response count_alarms(const monasca_call& c);
    http_response show_alarm(const monasca_call& c);
    http_response update_alarm(const monasca_call& c);
    http_response patch_alarm(const monasca_call& c);
    http_response delete_alarm(const monasca_call& c);
    http_response list_history(const monasca_call& c);
    http_response show_history(const monasca_call& c);

    // A measurement that was stored: alarms of definitions that it is for.
    void take(
        const std::string& tenant,
        const measurement& m,
        const monasca_store::series_map& series,
        std::int64_t now);

private:
    tenant_alarming& of(const monasca_call& c) { return tenants_[c.who.project]; }

    std::map<std::string, tenant_alarming> tenants_;
    seeded_ids ids_;
};

// What the files of the class share. `resources` is the address without the id.
std::string resource_links(std::string_view resources, std::string_view id);
std::string without_id(const monasca_call& c);
http_response no_content();
[[noreturn]] void refuse_missing();
[[noreturn]] void refuse_conflict(std::string description);
[[noreturn]] void refuse_update(std::string description);

// Throws if a map has no such id, or no room.
template <class Map>
auto& require_id(Map& all, const std::string& id) {
    const auto at = all.find(id);
    if (at == all.end())
        refuse_missing();
    return at->second;
}
void require_room(std::size_t count, std::size_t max_count);

} // namespace monarc::sink
