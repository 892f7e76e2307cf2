// A text of push_json on its way to Mona's REST interface: what is made of it is JSON again, with
// the same fields.

#include "core/json_block.hpp"
#include "encode/json_reader.hpp"
#include "encode/json_values.hpp"
#include "encode/json_writer.hpp"
#include "fuzz/fuzz_target.hpp"

#include <cstdlib>
#include <string>

namespace monarc::fuzz {
namespace {

constexpr encode::json_dialect dialect{
    .takes_not_finite = true, .takes_any_integer = true, .keeps_reserved = true, .max_levels = 512};

// Empty: it is no object.
std::string made_of(std::string_view input, std::size_t& fields) {
    encode::json_reader reader(dialect);
    std::string padded(input);
    padded.resize(input.size() + json_padding_bytes);
    std::string body;
    json_facts facts;
    if (!reader.read_record({padded.data(), input.size()}, body, facts)) {
        return {};
    }
    std::string out = "{";
    encode::json_value_counts counts;
    fields = 0;
    visit_self_described(body, [&](const field_view& field) {
        const auto before = out.size();
        out += out.size() == 1 ? "" : ",";
        encode::put_json_text(
            out,
            field.key != key_without_room ? std::string_view(name_of(field.key).text) : field.name);
        out += ':';
        if (encode::put_json_field(out, nullptr, body, field, counts)) {
            ++fields;
        } else {
            out.resize(before);
        }
    });
    return out + '}';
}

} // namespace

void read(std::string_view input) {
    std::size_t fields = 0;
    const auto once = made_of(input, fields);
    if (once.empty()) {
        return;
    }
    std::size_t again = 0;
    if (made_of(once, again) != once || again != fields) {
        std::abort();
    }
}

} // namespace monarc::fuzz
