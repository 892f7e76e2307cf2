#include "sink/event_facts.hpp"

#include "encode/msgpack_reader.hpp"
#include "sink/json_text.hpp"

namespace monarc::sink {
namespace {

using encode::msgpack_kind;
using encode::msgpack_reader;
using encode::msgpack_token;
using encode::read_status;

constexpr std::string_view special_prefix = "MONA_";
constexpr std::string_view class_key = "MONA_ARC_CLASS";

msgpack_kind kind_of(std::string_view object) noexcept {
    auto kind = msgpack_kind::nil;
    (void)msgpack_reader(object).peek(kind);
    return kind;
}

void count_member(std::string_view key, event_facts& facts) noexcept {
    if (key.starts_with(special_prefix))
        ++facts.special;
    else
        ++facts.fields;
}

void take_sum(std::string_view raw, event_facts& facts) noexcept {
    msgpack_token token;
    (void)msgpack_reader(raw).next(token);
    facts.has_sum = token.kind == msgpack_kind::unsigned_integer ||
                    token.kind == msgpack_kind::negative_integer;
    facts.has_other_sum = !facts.has_sum;
    facts.sum = token.kind == msgpack_kind::unsigned_integer ? int128{token.unsigned_value}
                                                             : int128{token.negative_value};
}

void take_sum(const simdjson::dom::element& value, event_facts& facts) noexcept {
    facts.has_sum = value.is_int64() || value.is_uint64();
    facts.has_other_sum = !facts.has_sum;
    if (value.is_uint64())
        facts.sum = value.get_uint64().value_unsafe();
    else if (value.is_int64())
        facts.sum = value.get_int64().value_unsafe();
}

} // namespace

void fact_reader::read_message(std::string_view raw, event_facts& facts) {
    msgpack_reader message(raw);
    std::uint32_t pairs = 0;
    (void)message.read_map(pairs);
    for (std::uint32_t i = 0; i < pairs; ++i) {
        std::string_view key;
        if (message.read_bytes(key) != read_status::ok) {
            (void)message.skip();
            key = {};
        }
        std::string_view value;
        if (message.skip(value, 63) != read_status::ok)
            return;
        count_member(key, facts);
        if (key == class_key) {
            facts.has_class = true;
            if (std::string_view text; msgpack_reader(value).read_bytes(text) == read_status::ok) {
                facts.class_name = as_utf8(text, class_name_);
            } else {
                class_name_.clear();
                append_json(class_name_, value);
                facts.class_name = class_name_;
            }
        }
        if (!sum_field_.empty() && key == sum_field_)
            take_sum(value, facts);
    }
}

event_facts fact_reader::read(std::string_view msgpack_map) {
    event_facts facts;
    msgpack_reader record(msgpack_map);
    std::uint32_t pairs = 0;
    (void)record.read_map(pairs);
    std::string_view message;
    bool has_context = false;
    for (std::uint32_t i = 0; i < pairs; ++i) {
        std::string_view key;
        if (record.read_bytes(key) != read_status::ok)
            (void)record.skip();
        std::string_view value;
        if (record.skip(value, 63) != read_status::ok)
            return facts;
        std::string_view text;
        const bool is_text = msgpack_reader(value).read_text(text) == read_status::ok;
        if (key == "context") {
            has_context = is_text;
            facts.context = as_utf8(text, context_);
        } else if (key == "user_id" && is_text) {
            facts.user_id = as_utf8(text, user_id_);
        } else if (key == "message") {
            message = value;
        }
    }
    facts.is_envelope = has_context && !message.empty() && kind_of(message) == msgpack_kind::map;
    if (!facts.is_envelope)
        return event_facts{};
    read_message(message, facts);
    return facts;
}

event_facts fact_reader::read(const simdjson::dom::object& json) {
    event_facts facts;
    simdjson::dom::object message;
    if (json["context"].get_string().get(facts.context) != simdjson::SUCCESS ||
        json["message"].get_object().get(message) != simdjson::SUCCESS)
        return event_facts{};
    if (json["user_id"].get_string().get(facts.user_id) != simdjson::SUCCESS)
        facts.user_id = {};
    facts.is_envelope = true;
    read_message(message, facts);
    return facts;
}

void fact_reader::read_message(const simdjson::dom::object& message, event_facts& facts) {
    for (const auto member : message) {
        count_member(member.key, facts);
        if (member.key == class_key) {
            facts.has_class = true;
            if (member.value.get_string().get(facts.class_name) != simdjson::SUCCESS) {
                class_name_ = simdjson::minify(member.value);
                facts.class_name = class_name_;
            }
        }
        if (!sum_field_.empty() && member.key == sum_field_)
            take_sum(member.value, facts);
    }
}

event_facts fact_reader::read_rest(const simdjson::dom::object& json) {
    event_facts facts;
    simdjson::dom::object message;
    if (json["message"].get_object().get(message) != simdjson::SUCCESS)
        return facts;
    facts.is_envelope = true;
    read_message(message, facts);
    if (json["userId"].get_string().get(facts.user_id) != simdjson::SUCCESS)
        facts.user_id = {};
    if (json["contextId"].get_string().get(facts.context) != simdjson::SUCCESS)
        facts.context = {};
    facts.is_nameless = facts.context.empty();
    // Its class stands beside the message: one that says nothing else is no class message.
    facts.has_class = facts.fields != 0 &&
                      json["arcClass"].get_string().get(facts.class_name) == simdjson::SUCCESS;
    if (!facts.has_class)
        facts.class_name = {};
    return facts;
}

} // namespace monarc::sink
