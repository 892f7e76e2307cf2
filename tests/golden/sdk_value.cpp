#include "golden/sdk_value.hpp"

#include "encode/json_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace monarc::golden {
namespace {

using sink::python::kind;
using sink::python::member;

// RFC 4648, section 5, without padding.
std::string base64url(std::string_view bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    unsigned word = 0;
    int bits = 0;
    for (const char byte : bytes) {
        word = word << 8 | static_cast<unsigned char>(byte);
        for (bits += 8; bits >= 6; bits -= 6) {
            out += digits[word >> (bits - 6) & 0x3f];
        }
    }
    if (bits != 0) {
        out += digits[word << (6 - bits) & 0x3f];
    }
    return out;
}

std::string with_ports(std::string text, const sdk_places& places) {
    const auto replace = [&](std::string_view mask, std::uint16_t port) {
        for (auto at = text.find(mask); at != text.npos; at = text.find(mask)) {
            text.replace(at, mask.size(), std::to_string(port));
        }
    };
    replace("<PORT>", places.live);
    replace("<DEAD>", places.dead);
    return text;
}

// What an object with one member that begins with $ stands for; empty if for nothing here.
std::string meaning(const member& what, const sdk_places& places) {
    const auto& held = what.held;
    if (what.key == "$url" || what.key == "$dead_url") {
        const auto port = what.key == "$url" ? places.live : places.dead;
        return fmt::format("http://127.0.0.1:{}{}", port, held.text);
    }
    if (what.key == "$host") {
        return fmt::format("127.0.0.1:{}", held.text == "live" ? places.live : places.dead);
    }
    if (what.key == "$jwt") {
        return fmt::format(
            "{}.{}.c2ln",
            base64url(R"({"alg":"HS256","typ":"JWT"})"),
            base64url(sink::python::to_json(held)));
    }
    return {};
}

void put(std::string& to, const json_value& value, const sdk_places& places) {
    if (value.kind == kind::text) {
        encode::put_json_text(to, with_ports(std::string(value.text), places));
        return;
    }
    const bool is_object = value.kind == kind::object;
    if (!is_object && value.kind != kind::list) {
        to += value.text;
        return;
    }
    if (is_object && value.members.size() == 1) {
        if (const auto text = meaning(value.members.front(), places); !text.empty()) {
            encode::put_json_text(to, text);
            return;
        }
    }
    to += is_object ? '{' : '[';
    for (const auto& one : value.members) {
        to += &one == value.members.data() ? "" : ",";
        if (is_object) {
            encode::put_json_text(to, one.key);
            to += ':';
        }
        put(to, one.held, places);
    }
    to += is_object ? '}' : ']';
}

template <class Put>
std::string sorted_object(const json_value& object, bool keeps_nulls, Put put_value) {
    std::vector<const member*> members;
    for (const auto& one : object.members) {
        if (keeps_nulls || one.held.kind != kind::none) {
            members.push_back(&one);
        }
    }
    std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
        return a->key < b->key;
    });
    std::string text = "{";
    for (const auto* const one : members) {
        text += text.size() == 1 ? "" : ",";
        encode::put_json_text(text, one->key);
        text += ':';
        text += put_value(*one);
    }
    return text + "}";
}

template <class Put>
std::string list(const json_value& all, Put put_value) {
    std::string text = "[";
    for (const auto& one : all.members) {
        text += text.size() == 1 ? "" : ",";
        text += put_value(one.held);
    }
    return text + "]";
}

} // namespace

std::string placed(const json_value& value, const sdk_places& places) {
    std::string text;
    put(text, value, places);
    return text;
}

std::string canonical_message(const json_value& message) {
    if (message.kind != kind::object) {
        return canonical(message, {});
    }
    return sorted_object(message, false, [](const member& one) { return canonical(one.held, {}); });
}

std::string canonical_body(const json_value& body) {
    if (body.kind != kind::object) {
        return canonical(body, {});
    }
    return sorted_object(body, true, [](const member& one) {
        return one.key == "messages" && one.held.kind == kind::list
                   ? list(one.held, canonical_message)
                   : canonical(one.held, {});
    });
}

std::string canonical_result(const json_value& value) {
    if (value.kind == kind::list) {
        return list(value, canonical_result);
    }
    return value.kind == kind::object
               ? sorted_object(
                     value, true, [](const member& one) { return canonical_result(one.held); })
               : canonical(value, {});
}

} // namespace monarc::golden
