#include "send/row_text.hpp"

#include "core/utf8.hpp"
#include "encode/json_writer.hpp"

#include <fmt/format.h>

#include <string_view>

namespace monarc::send {
namespace {

void put_text(std::string& out, std::string_view text) {
    if (is_utf8(text)) {
        encode::put_json_text(out, text);
        return;
    }
    std::string repaired;
    append_utf8(text, repaired);
    encode::put_json_text(out, repaired);
}

struct value_writer {
    std::string& out;

    void operator()(missing) const { out += "null"; }
    void operator()(nested) const { out += "null"; }
    void operator()(std::nullptr_t) const { out += "null"; }
    void operator()(bool flag) const { out += flag ? "true" : "false"; }
    void operator()(std::int64_t number) const { out += fmt::format("{}", number); }
    void operator()(std::uint64_t number) const { out += fmt::format("{}", number); }
    void operator()(double number) const { encode::put_json_number(out, number); }
    void operator()(std::string_view text) const { put_text(out, text); }
};

} // namespace

void put_json(std::string& out, const row& r) {
    char before = '{';
    for (const auto& [name, what] : r.fields) {
        out += before;
        before = ',';
        put_text(out, name);
        out += ':';
        std::visit(value_writer{out}, what);
    }
    out += before == '{' ? "{}" : "}";
}

} // namespace monarc::send
