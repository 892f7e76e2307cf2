#pragma once

// What an event says about Mona: its context, its class, how many fields. The same answer from what
// arrives and from the JSON that the store kept.

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace monarc::sink {

__extension__ using int128 = __int128; // sums of 64-bit numbers are kept exactly

struct event_facts {
    bool is_envelope =
        false; ///< A map with a text `context` and a map `message`; else nothing below is set.
    std::string_view user_id;
    std::string_view context;
    std::uint64_t fields = 0;    ///< Members of `message` that do not begin with MONA_.
    std::uint64_t special = 0;   ///< Those that do.
    bool is_nameless = false;    ///< A REST message without an id, which is a context of its own.
    bool has_class = false;      ///< There is a MONA_ARC_CLASS, or a REST message's arcClass.
    std::string_view class_name; ///< Its text, or the JSON of what it is instead.
    bool has_sum = false;        ///< The field to add up is there and an integer.
    bool has_other_sum = false;  ///< It is there and no integer.
    int128 sum = 0;
};

// Reads facts into buffers of its own; they live until the next call and no longer than the input.
class fact_reader {
public:
    explicit fact_reader(std::string sum_field) : sum_field_(std::move(sum_field)) {}

    event_facts read(std::string_view msgpack_map);
    event_facts read(const simdjson::dom::object& json);
    event_facts read_rest(const simdjson::dom::object& json);

private:
    void read_message(std::string_view raw, event_facts& facts);
    void read_message(const simdjson::dom::object& message, event_facts& facts);

    std::string sum_field_;
    std::string user_id_;
    std::string context_;
    std::string class_name_;
};

} // namespace monarc::sink
