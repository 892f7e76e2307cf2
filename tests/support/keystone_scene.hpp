#pragma once

// An exporter's surroundings with a Keystone: a Monasca on loopback that takes the tokens of that
// Keystone and no others, and the log of both.

#include "support/fake_keystone.hpp"
#include "support/monasca_receiver.hpp"
#include "support/three_counts.hpp"

#include <monarc/monarc.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

namespace monarc::support {

// The two kinds of 401 (monasca-api.md section 3).
inline constexpr auto token_401 =
    R"({"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}})";
inline constexpr auto role_401 =
    R"({"title":"Forbidden","description":"The request does not have access to this service"})";

class keystone_scene {
public:
    explicit keystone_scene(monasca_settings settings = {}) : monasca(std::move(settings)) {
        keystone.set_service(monasca.url());
        monasca.on_request([this](const monasca_request& r, monasca_reaction& reaction) {
            const std::string token(r.http.field("X-Auth-Token"));
            if (!keystone.is_good(token)) {
                ++refused;
                reaction.refuse(401, {{"Content-Type", "application/json"}}, token_401);
            }
            if (also) {
                also(r, reaction);
            }
        });
    }

    exporter_options options() {
        exporter_options o;
        o.monasca = monasca_options{
            .auth_url = keystone.url(),
            .username = "agent",
            .password = secret("s3cret-\"word"),
            .project = "metrics",
            .interval = std::chrono::seconds(1),
            .dimensions = std::map<std::string, std::string>{}};
        o.queue.capacity = 4096;
        o.batch.max_delay = std::chrono::milliseconds(5);
        o.response_timeout = std::chrono::seconds(2);
        o.log = log.writer();
        return o;
    }

    fake_keystone keystone;
    monasca_receiver monasca;
    monasca_receiver::request_hook also; // before monasca.start()
    log_book log;
    std::atomic<int> refused{0}; // requests with a token that is not good
};

inline const destination_stats& only(const exporter_stats& stats) {
    REQUIRE(stats.destinations.size() == 1);
    return stats.destinations[0];
}

inline series open_each(exporter& e) {
    return e.open_series("each", {}, {.kind = series_kind::every});
}

// At rest: what was accepted is what the store holds, nothing was lost.
inline void
check_all_arrived(const exporter_stats& stats, const keystone_scene& s, std::uint64_t pushed) {
    CHECK(stats.is_exact());
    CHECK(only(stats).delivered == pushed);
    const auto summary = s.monasca.summary();
    CHECK(summary.violations == 0);
    const auto* const each = summary.find("each");
    REQUIRE(each != nullptr);
    CHECK(each->count == pushed);
}

// How long a run lasts: as a variable of the environment says, in whole seconds.
inline std::chrono::seconds length_of_run(const char* variable, std::chrono::seconds usual) {
    const auto* const wish = std::getenv(variable);
    return wish != nullptr ? std::chrono::seconds(std::atoi(wish)) : usual;
}

} // namespace monarc::support
