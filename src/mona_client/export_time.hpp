#pragma once

// What a caller's time comes to (mona-client.md section 5.1).

#include <monarc/mona_client.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace monarc::mona_client {

struct export_time {
    enum class fault { none, not_number, out_of_range };

    std::optional<std::int64_t> seconds; // cut toward zero; empty: now
    fault wrong = fault::none;
    std::optional<std::string> offered; // where something is wrong: MessagePack, none if no JSON
};

export_time read_time(const mona::timestamp& when);

} // namespace monarc::mona_client
