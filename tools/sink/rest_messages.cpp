#include "sink/rest_messages.hpp"

#include "sink/json_members.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace monarc::sink {
namespace {

using python::kind;
using python::value;

constexpr std::size_t most_messages = 1000;
constexpr std::size_t most_bytes = 16'000'000;

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_name_character(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '@';
}

bool has_name_characters(std::string_view name) noexcept {
    return std::all_of(name.begin(), name.end(), is_name_character);
}

bool is_field_name(std::string_view name) noexcept {
    const bool is_number = std::all_of(name.begin(), name.end(), is_digit);
    const bool is_symbol = name.size() == 1 && (name[0] == '-' || name[0] == '_' || name[0] == '@');
    return has_name_characters(name) && !is_number && !is_symbol;
}

bool is_given(const value* member) noexcept {
    return member != nullptr && member->kind != kind::none;
}

bool has_not_a_number(const value& v) {
    if (v.kind == kind::number)
        return v.text == "NaN" || v.text.ends_with("Infinity");
    return std::any_of(
        v.members.begin(), v.members.end(), [](const auto& m) { return has_not_a_number(m.held); });
}

bool fits_64_bits(std::string_view digits) noexcept {
    std::int64_t with_sign = 0;
    std::uint64_t without = 0;
    const auto* const end = digits.data() + digits.size();
    return std::from_chars(digits.data(), end, with_sign).ec == std::errc() ||
           std::from_chars(digits.data(), end, without).ec == std::errc();
}

// Numbers that other readers of JSON do not take become texts, as where records come by forward.
void append_storable(std::string& out, const value& v) {
    switch (v.kind) {
    case kind::none:
    case kind::boolean: out += v.text; return;
    case kind::integer:
        out += fits_64_bits(v.text) ? std::string(v.text) : fmt::format("\"{}\"", v.text);
        return;
    case kind::number:
        out += std::isfinite(python::to_double(v)) ? std::string(v.text)
                                                   : fmt::format("\"{}\"", v.text);
        return;
    case kind::text: append_json_string(out, v.text); return;
    case kind::list:
    case kind::object: break;
    }
    const bool is_object = v.kind == kind::object;
    out += is_object ? '{' : '[';
    bool is_first = true;
    for (const auto& m : v.members) {
        out += is_first ? "" : ",";
        is_first = false;
        if (is_object) {
            append_json_string(out, m.key);
            out += ':';
        }
        append_storable(out, m.held);
    }
    out += is_object ? '}' : ']';
}

// Ten digits are seconds, thirteen milliseconds; a text may also be an ISO date.
bool is_timestamp(const value& v) noexcept {
    const auto text = v.text;
    const auto whole = text.substr(0, v.kind == kind::number ? text.find('.') : text.size());
    if (std::all_of(whole.begin(), whole.end(), is_digit))
        return whole.size() == 10 || whole.size() == 13;
    const bool begins_as_date = text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
                                std::all_of(text.begin(), text.begin() + 4, is_digit);
    return v.kind == kind::text && begins_as_date;
}

// Reads the messages of one request.
class body_reader {
public:
    explicit body_reader(rest_body& into) : into_(into) {}

    // Returns: why the envelope is refused.
    std::string read_envelope(const value& envelope) {
        if (envelope.kind != kind::object)
            return "the request is no object";
        const auto* const user = envelope.find("userId");
        if (user == nullptr || user->kind != kind::text || user->text.empty())
            return "userId is missing, or no text";
        const auto* const messages = envelope.find("messages");
        if (messages == nullptr || messages->kind != kind::list)
            return "messages is missing, or no array";
        for (const auto& m : envelope.members) {
            if (m.key == "defaultAction")
                check_action(m.held);
            else if (m.key != "userId" && m.key != "messages" && m.key != "sampleConfigName")
                record(rest_violation::unknown_member, m.key);
        }
        for (const auto& m : messages->members)
            read_message(user->text, m.held);
        return {};
    }

private:
    void record(rest_violation what, std::string_view detail) {
        into_.violations.push_back({what, std::string(detail)});
    }

    void check_action(const value& action) {
        static constexpr std::array<std::string_view, 3> known{"OVERWRITE", "ADD", "NEW"};
        if (action.kind != kind::none &&
            std::find(known.begin(), known.end(), action.text) == known.end())
            record(rest_violation::unknown_action, action.text);
    }

    // Returns: why the message is refused. The rules of the server that are known.
    static std::string_view why_refused(const value& message) {
        if (message.kind != kind::object)
            return "the message is no object";
        const auto* const name = message.find("arcClass");
        if (!is_given(name) || name->kind != kind::text || name->text.empty())
            return "the class is missing, empty, or no text";
        if (name->text.ends_with('.'))
            return "the class ends with a dot";
        if (const auto* const id = message.find("contextId"); is_given(id)) {
            if (id->kind != kind::text)
                return "the context id is no text";
            if (std::count(id->text.begin(), id->text.end(), '.') >
                std::count(name->text.begin(), name->text.end(), '.'))
                return "the context id has more dots than the class";
        }
        for (const auto* const member : {"exportTimestamp", "sendTimestamp"})
            if (const auto* const time = message.find(member);
                is_given(time) && !is_timestamp(*time))
                return "the timestamp has not 10 or 13 digits and is no ISO date";
        const auto* const fields = message.find("message");
        if (!is_given(fields) || fields->kind != kind::object || fields->members.empty())
            return "the message has no fields";
        return {};
    }

    void read_message(std::string_view user, const value& message) {
        const auto index = into_.messages++;
        if (const auto why = why_refused(message); !why.empty()) {
            const auto* const id = message.find("contextId");
            into_.refused.push_back(
                {index, id != nullptr ? python::to_json(*id) : "null", std::string(why)});
            return;
        }
        check(message);
        std::string record = "{\"userId\":";
        append_json_string(record, user);
        for (const auto& m : message.members) {
            record += ',';
            append_json_string(record, m.key);
            record += ':';
            append_storable(record, m.held);
        }
        into_.records.push_back(std::move(record) + '}');
    }

    void check(const value& message) {
        static constexpr std::array<std::string_view, 7> known{
            "message",
            "contextId",
            "action",
            "sampleConfigName",
            "exportTimestamp",
            "sendTimestamp",
            "arcClass"};
        for (const auto& m : message.members)
            if (std::find(known.begin(), known.end(), m.key) == known.end())
                record(rest_violation::unknown_member, m.key);
        if (is_given(message.find("exportTimestamp")) && is_given(message.find("sendTimestamp")))
            record(rest_violation::two_timestamps, "exportTimestamp and sendTimestamp");
        if (const auto* const action = message.find("action"))
            check_action(*action);
        auto name = message.find("arcClass")->text;
        for (auto dot = name.find('.'); dot != name.npos; dot = name.find('.')) {
            if (!has_name_characters(name.substr(0, dot)))
                break;
            name.remove_prefix(dot + 1);
        }
        if (!has_name_characters(name))
            record(rest_violation::class_name, message.find("arcClass")->text);
        for (const auto& field : message.find("message")->members) {
            if (field.key.starts_with("MONA_"))
                record(rest_violation::reserved_name, field.key);
            else if (!is_field_name(field.key))
                record(rest_violation::field_name, field.key);
        }
    }

    rest_body& into_;
};

} // namespace

std::string_view name(rest_violation v) noexcept {
    switch (v) {
    case rest_violation::content_type: return "content_type";
    case rest_violation::needless_token: return "needless_token";
    case rest_violation::empty_request: return "empty_request";
    case rest_violation::large_request: return "large_request";
    case rest_violation::unknown_member: return "unknown_member";
    case rest_violation::repeated_member: return "repeated_member";
    case rest_violation::two_timestamps: return "two_timestamps";
    case rest_violation::unknown_action: return "unknown_action";
    case rest_violation::reserved_name: return "reserved_name";
    case rest_violation::field_name: return "field_name";
    case rest_violation::class_name: return "class_name";
    }
    return "unknown";
}

rest_body read_rest_body(std::string_view json, bool may_be_array) {
    rest_body body;
    const auto document = python::document::read(json);
    if (!document || has_not_a_number(document->root())) {
        body.refusal = "the request is no JSON";
        return body;
    }
    const auto& root = document->root();
    body_reader reader(body);
    if (root.kind != kind::list) {
        body.refusal = reader.read_envelope(root);
    } else if (!may_be_array) {
        body.refusal =
            "the request is an array: only the end point without authentication takes one";
    } else {
        for (const auto& envelope : root.members)
            if (body.refusal.empty())
                body.refusal = reader.read_envelope(envelope.held);
    }
    if (!body.refusal.empty())
        return body;
    if (document->has_repeated_keys())
        body.violations.push_back(
            {rest_violation::repeated_member, "two equal keys in one object"});
    if (body.messages == 0)
        body.violations.push_back({rest_violation::empty_request, "no message"});
    if (body.messages > most_messages || json.size() > most_bytes)
        body.violations.push_back(
            {rest_violation::large_request,
             fmt::format("{} messages in {} bytes", body.messages, json.size())});
    return body;
}

} // namespace monarc::sink
