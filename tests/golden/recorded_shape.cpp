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

bool is_connection(const json_value& value) {
    static const auto messages = list_of(
        object_with({{"tag", is_anything}, {"time", is_anything}, {"record", is_anything}}));
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
         object_with({{"sni", list_of(is_anything)}, {"handshake_errors", is(kind::integer)}})}};
    return wrong_form(expected, known);
}

std::string wrong_form_of_mona_sdk(const json_value& expected) {
    const auto text = is(kind::text);
    static const std::vector<member_form> known{
        {"load_error", text},
        {"results", list_of(object_with({{"step", is(kind::integer)}, {"op", text}}))},
        {"log", list_of(object_with({{"level", text}, {"code", text}, {"logger", text}}))},
        {"http",
         list_of(object_with(
             {{"method", text},
              {"path", text},
              {"headers", is(kind::object)},
              {"body", is_anything}}))}};
    return wrong_form(expected, known);
}

} // namespace monarc::golden
