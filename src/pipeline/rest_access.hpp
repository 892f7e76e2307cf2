#pragma once

// What mona_sdk can say and our targets cannot: for what compares us with it, message by message.
// Nothing else needs it.

#include "core/result.hpp"

#include <monarc/exporter.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace monarc::pipeline {

struct rest_event {
    std::string class_name{}; // decides the sampling rate
    std::string id{};         // what sampling hashes; empty: a random number decides
    std::string members{};    // beside `message`, verbatim JSON without braces; may be empty
    std::string message{};    // JSON; NaN and infinities are left out, counted
    std::optional<bool> drops_nulls{};
};

// not_json, not_object: nothing was pushed.
enum class rest_push { accepted, rejected, not_json, not_object };

// Each of an exporter whose options.mona is mona_rest_options.

// Never merged.
rest_push push_rest_event(exporter& to, const rest_event& event);

// Members of the envelope beside userId and messages, of batches that are sealed from now on.
void set_rest_envelope(exporter& to, const std::string& members);

// Decide in the place of the random generator, in order.
void set_rest_random(exporter& to, std::vector<double> numbers);

// Where exports go, and for whom. Logs in if there is no token yet.
struct rest_address {
    std::string url;
    std::string user_id;
};
result<rest_address> rest_sign_in(exporter& to, std::chrono::milliseconds timeout);

} // namespace monarc::pipeline
