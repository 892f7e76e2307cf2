#pragma once

// Texts of the application become what crosses the queue (mona-client.md section 5).

#include "core/record_view.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace monarc::mona_client {

struct message_fields {
    enum class fault { none, not_object, not_json };

    fault wrong = fault::none;
    std::string why;  // it is no JSON
    std::string body; // in the self-described form (core/fields.hpp), without reserved keys
    json_facts facts;
};

// The fields of an object.
message_fields read_message(std::string_view json);

// Any value as MessagePack; none if it is no JSON.
std::optional<std::string> read_value(std::string_view json);
std::string packed_text(std::string_view text);

// What Python takes for true, of a value as MessagePack.
bool is_truthy(std::string_view packed) noexcept;
bool is_object(std::string_view packed) noexcept;

// Adds a field whose value is MessagePack.
void add_field(message_fields& to, std::string_view key, std::string_view packed);

} // namespace monarc::mona_client
