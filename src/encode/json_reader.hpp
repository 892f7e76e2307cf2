#pragma once

// JSON texts of the application, read with simdjson and written as MessagePack, or as the fields of
// a record. Of a key that stands twice in an object the later value counts, at the first place, as
// in a Python dict; at every depth.
//
// Threads: one. Keeps its buffers between texts.

#include "core/byte_buffer.hpp"
#include "core/names.hpp"
#include "core/record_view.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace monarc::encode {

struct json_dialect {
    // NaN, Infinity and -Infinity are numbers, as for Python's json.
    bool takes_not_finite = false;
    // Integers beyond 64 bits are numbers, which go on as their digits.
    bool takes_any_integer = false;
    // Of a record keys that begin with MONA_, too.
    bool keeps_reserved = false;
    // Of objects and arrays in one another, the text's own included.
    std::size_t max_levels = detail::max_levels;
};

// What reads JSON until it is stopped at exit calls it before it registers that: simdjson has
// static objects, which are made at first use and else would come apart before. A reader calls it.
void prepare_to_read_json() noexcept;

class json_reader {
public:
    explicit json_reader(const json_dialect& dialect = {});
    ~json_reader();
    json_reader(const json_reader&) = delete;
    json_reader& operator=(const json_reader&) = delete;

    // Appends the fields of an object in the self-described form, without reserved keys.
    // json_padding_bytes may be read behind `text`. Returns: false if it is no JSON object that
    // fits a record; why() says what is wrong. Throws std::bad_alloc.
    bool read_record(std::string_view text, std::string& fields, json_facts& facts);

    // Appends a value of any type as MessagePack. `level`: that of what it stands in; the record
    // itself is level 1. Returns, throws: as read_record.
    bool
    read_value(std::string_view text, std::size_t level, byte_buffer& packed, bool& is_repaired);

    const char* why() const noexcept { return why_; }
    // Whether the last text was JSON, of whatever type and however deep.
    bool was_json() const noexcept { return was_json_; }
    bool was_object() const noexcept { return was_object_; } // to read_record
    std::size_t memory_bytes() const noexcept;
    void release_memory() noexcept; // what it grew to

private:
    struct parsed; // what simdjson needs and gives

    bool parse(std::string_view text, bool& is_repaired);
    bool spell_numbers(std::string_view text);
    std::size_t number_to_spell(std::string_view text, std::size_t at, bool& is_to_spell) const;
    key_number number_of(std::string_view key);
    key_number number_of(std::size_t place, std::string_view key);

    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };

    json_dialect dialect_;
    std::string too_deep_; // what is wrong then
    std::unique_ptr<parsed> parsed_;
    bool was_json_ = false;
    bool was_object_ = false;
    std::string repaired_;
    std::string spelled_;
    std::string padded_;
    byte_buffer value_;
    using known_names = std::unordered_map<std::string, key_number, text_hash, std::equal_to<>>;
    known_names numbers_;
    std::vector<const known_names::value_type*> usual_; // at its place in a record; null: none yet
    const char* why_ = "";
};

} // namespace monarc::encode
