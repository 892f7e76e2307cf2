#include "golden/recorded_shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

namespace monarc::golden {
namespace {

using sink::python::kind;
using form = std::function<bool(const json_value&)>;

form is(kind wanted) {
    return [wanted](const json_value& value) { return value.kind == wanted; };
}

bool is_anything(const json_value&) {
    return true;
}

bool is_text_or_null(const json_value& value) {
    return value.kind == kind::text || value.kind == kind::none;
}

form list_of(form of_each) {
    return [of_each = std::move(of_each)](const json_value& value) {
        return value.kind == kind::list &&
               std::all_of(value.members.begin(), value.members.end(), [&](const auto& one) {
                   return of_each(one.held);
               });
    };
}

struct member_form {
    std::string_view name;
    golden::form form;
};

form object_with(std::vector<member_form> needed) {
    return [needed = std::move(needed)](const json_value& value) {
        return value.kind == kind::object &&
               std::all_of(needed.begin(), needed.end(), [&](const member_form& one) {
                   const auto* const member = value.find(one.name);
                   return member != nullptr && one.form(*member);
               });
    };
}

// Of nothing else.
form object_of(std::vector<member_form> needed, std::vector<std::string_view> allowed = {}) {
    for (const auto& one : needed) {
        allowed.push_back(one.name);
    }
    return [has_needed = object_with(std::move(needed)),
            allowed = std::move(allowed)](const json_value& value) {
        return has_needed(value) &&
               std::all_of(value.members.begin(), value.members.end(), [&](const auto& one) {
                   return std::find(allowed.begin(), allowed.end(), one.key) != allowed.end();
               });
    };
}

bool is_connection(const json_value& value) {
    static const auto messages =
        list_of(object_of({{"tag", is_anything}, {"time", is_anything}, {"record", is_anything}}));
    const auto* const foreign = value.find("not_msgpack_frames");
    return value.kind == kind::object ? foreign != nullptr && foreign->text == "true"
                                      : messages(value);
}

// `known`: not all of them are needed.
std::string wrong_form(const json_value& expected, const std::vector<member_form>& known) {
    if (expected.kind != kind::object) {
        return "recording: expected is no object";
    }
    for (const auto& [name, one] : known) {
        const auto* const member = expected.find(name);
        if (member != nullptr && !one(*member)) {
            return fmt::format("recording: expected.{} has another form", name);
        }
    }
    return {};
}

} // namespace

std::string wrong_form_of_mona_client(const json_value& expected) {
    const auto text = is(kind::text);
    static const std::vector<member_form> known{
        {"load_error", text},
        {"results", list_of(object_with({{"step", text}, {"op", text}}))},
        {"log", list_of(object_with({{"level", text}, {"code", text}}))},
        {"wire", list_of(is_connection)},
        {"raw_base64", list_of(text)},
        {"stdout_lines_matching", list_of(is(kind::boolean))},
        {"tls",
         object_of({{"sni", list_of(is_text_or_null)}, {"handshake_errors", is(kind::integer)}})}};
    return wrong_form(expected, known);
}

std::string wrong_form_of_mona_sdk(const json_value& expected) {
    const auto text = is(kind::text);
    static const std::vector<member_form> known{
        {"load_error", text},
        {"results", list_of(object_with({{"step", is(kind::integer)}, {"op", text}}))},
        {"log", list_of(object_of({{"level", text}, {"code", text}, {"logger", text}}))},
        {"http",
         list_of(object_of(
             {{"method", text},
              {"path", text},
              {"headers", object_of({}, {"authorization", "content-type", "content-encoding"})},
              {"body", is_anything}},
             {"body_text"}))}};
    return wrong_form(expected, known);
}

} // namespace monarc::golden
