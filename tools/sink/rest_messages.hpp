#pragma once

// What a request of Mona's REST interface carries (mona-rest.md sections 4, 5 and 9), read and
// judged. Pure.

#include "sink/python_json.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

// What the interface takes, as far as anybody knows, and the contract does not want.
enum class rest_violation : std::uint8_t {
    content_type,    ///< Not `application/json`.
    needless_token,  ///< Authorization at the door that wants none.
    empty_request,   ///< No messages.
    large_request,   ///< More than 1000 messages or 16 MB.
    unknown_member,  ///< Of the envelope or of a message.
    repeated_member, ///< Two equal keys in one object: one is lost.
    two_timestamps,  ///< exportTimestamp and sendTimestamp.
    unknown_action,  ///< None of OVERWRITE, ADD, NEW.
    reserved_name,   ///< A field that begins with MONA_.
    field_name,      ///< Of a field: characters, or only a number or symbol.
    class_name,      ///< Of a class: characters.
};
inline constexpr std::size_t rest_violation_count =
    static_cast<std::size_t>(rest_violation::class_name) + 1;

std::string_view name(rest_violation v) noexcept;

struct found_rest_violation {
    rest_violation what{};
    std::string detail{};
};

// One message that is refused, by its place in the request.
struct refused_message {
    std::size_t index = 0;
    std::string context_id_json{}; ///< As it came, or null.
    std::string reason{};
};

struct rest_body {
    std::string refusal{};    ///< Of the whole request; empty: none, and what follows counts.
    std::size_t messages = 0; ///< Of all its envelopes.
    std::vector<std::string> records{}; ///< Of the good ones: JSON objects for the store.
    std::vector<refused_message> refused{};
    std::vector<found_rest_violation> violations{};
};

// Reads one envelope, or at the door without authentication an array of them.
rest_body read_rest_body(std::string_view json, bool may_be_array);

} // namespace monarc::sink
