#pragma once

// The values of mona_sdk's recordings (their README.md): what they stand for where they are played.

#include "golden/recorded_value.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::golden {

struct sdk_places {
    std::uint16_t live = 0; // port of the recording server
    std::uint16_t dead = 0; // port where nobody listens
};

// As JSON text: $url, $dead_url, $host and $jwt are what they stand for, and so are the masks of
// ports in texts. Everything else stays as it is.
std::string placed(const json_value& value, const sdk_places& places);

// One request's body, to be compared as text: without the members of the messages that are null,
// the keys of envelopes and messages in alphabetical order, those of fields as they come.
std::string canonical_body(const json_value& body);
// One of its messages, likewise.
std::string canonical_message(const json_value& message);
// A result, keys in alphabetical order throughout.
std::string canonical_result(const json_value& value);

} // namespace monarc::golden
