// The text of push_json: what is left of it has no reserved key, and can be walked.

#include "core/fields.hpp"
#include "core/json_block.hpp"
#include "encode/json_reader.hpp"
#include "fuzz/fuzz_target.hpp"

#include <cstdlib>
#include <string>

namespace monarc::fuzz {

void read(std::string_view input) {
    static encode::json_reader reader; // as the I/O thread keeps one
    std::string padded(input);
    padded.append(json_padding_bytes, '\0');
    const std::string_view text(padded.data(), input.size());
    std::string fields;
    json_facts facts;
    if (reader.read_record(text, fields, facts)) {
        visit_self_described(fields, [](const field_view& field) {
            const auto name = field.key == key_without_room
                                  ? field.name
                                  : std::string_view(name_of(field.key).text);
            if (name.starts_with("MONA_")) {
                std::abort();
            }
        });
    }
    byte_buffer packed;
    bool is_repaired = false;
    static_cast<void>(reader.read_value(text, 2, packed, is_repaired));
}

} // namespace monarc::fuzz
