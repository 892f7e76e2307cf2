#include "encode/json_reader.hpp"

#include "core/fields.hpp"
#include "core/json_block.hpp"
#include "core/utf8.hpp"
#include "encode/msgpack_writer.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <functional>
#include <limits>
#include <new>
#include <utility>
#include <vector>

namespace monarc::encode {
namespace {

namespace dom = simdjson::dom;
static_assert(json_padding_bytes >= simdjson::SIMDJSON_PADDING);

constexpr std::size_t few = 16;
constexpr std::size_t most_usual = 64; // members of a record whose names are expected
// What simdjson keeps for each byte of the longest text: tape, strings, index.
constexpr std::size_t parser_bytes_per_byte = 14;

struct member {
    std::string_view key;
    dom::element value;
};

// Appends the members of an object. Returns: how many keys stood there before.
std::size_t take_members(const dom::object& object, std::vector<member>& members) {
    const auto begin = static_cast<std::ptrdiff_t>(members.size());
    for (const auto [key, value] : object) {
        members.push_back({.key = key, .value = value});
    }
    const auto first = members.begin() + begin;
    const auto count = static_cast<std::size_t>(members.end() - first);
    auto end = first; // of those that are kept
    if (count <= few) {
        for (auto at = first; at != members.end(); ++at) {
            const auto same =
                std::find_if(first, end, [&](const member& one) { return one.key == at->key; });
            if (same != end) {
                same->value = at->value;
            } else {
                *end++ = *at;
            }
        }
    } else {
        // Sorted by key and place, so that no choice of keys makes it slow.
        std::vector<std::uint32_t> order(count);
        for (std::uint32_t i = 0; i < count; ++i) {
            order[i] = i;
        }
        const auto key_of = [&](std::uint32_t i) { return first[i].key; };
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            const auto compared = key_of(a).compare(key_of(b));
            return compared != 0 ? compared < 0 : a < b;
        });
        std::vector<bool> is_repeat(count);
        for (std::size_t i = 0; i < count;) {
            const auto first_of_key = order[i];
            while (++i < count && key_of(order[i]) == key_of(first_of_key)) {
                first[first_of_key].value = first[order[i]].value;
                is_repeat[order[i]] = true;
            }
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            if (!is_repeat[i]) {
                *end++ = first[i];
            }
        }
    }
    const auto repeated = static_cast<std::size_t>(members.end() - end);
    members.erase(end, members.end());
    return repeated;
}

// The words that Python's json has beyond JSON. While simdjson reads, a text stands for each, and
// for each integer that is too long for it: its spelling behind a mark, a control character that
// stands in no other text.
struct word {
    std::string_view spelling;
    double number;
};
using limits = std::numeric_limits<double>;
constexpr std::array<word, 3> words{
    {{"NaN", limits::quiet_NaN()},
     {"Infinity", limits::infinity()},
     {"-Infinity", -limits::infinity()}}};

constexpr char no_mark = '\x7f';
constexpr char last_mark = '\x07'; // from zero up: their only spelling is the long escape

std::string escaped(char mark) {
    return fmt::format("\\u{:04x}", static_cast<unsigned>(mark));
}

// no_mark: the text has them all.
char free_mark(std::string_view text) {
    for (char mark = 0; mark <= last_mark; ++mark) {
        if (text.find(escaped(mark)) == text.npos) {
            return mark;
        }
    }
    return no_mark;
}

const word* word_at(std::string_view text) noexcept {
    const auto found = std::find_if(words.begin(), words.end(), [&](const word& one) {
        return text.starts_with(one.spelling);
    });
    return found != words.end() ? &*found : nullptr;
}

// What a text stands for; null if for itself, or for an integer.
const word* word_of(std::string_view text, char mark) noexcept {
    if (mark == no_mark || !text.starts_with(mark)) [[likely]] {
        return nullptr;
    }
    const auto found = std::find_if(words.begin(), words.end(), [&](const word& one) {
        return text.substr(1) == one.spelling;
    });
    return found != words.end() ? &*found : nullptr;
}

// The digits of an integer that a text stands for; empty if for something else.
std::string_view digits_of(std::string_view text, char mark) noexcept {
    const bool is_marked = mark != no_mark && text.starts_with(mark);
    return is_marked && word_of(text, mark) == nullptr ? text.substr(1) : std::string_view();
}

// Whether it is an integer, and has too many digits for 64 bits.
bool is_long_integer(std::string_view number) noexcept {
    const bool is_negative = number.starts_with('-');
    const auto digits = number.substr(is_negative ? 1 : 0);
    if (digits.empty() || digits.front() == '0' ||
        digits.find_first_not_of("0123456789") != digits.npos) {
        return false;
    }
    std::int64_t negative = 0;
    std::uint64_t natural = 0;
    const auto* const end = number.data() + number.size();
    const auto read = is_negative ? std::from_chars(number.data(), end, negative)
                                  : std::from_chars(number.data(), end, natural);
    return read.ec == std::errc::result_out_of_range;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) noexcept {
    return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

// The end of the text that begins at `at`, behind its closing quote.
std::size_t skip_text(std::string_view text, std::size_t at) noexcept {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return std::min(at + 1, text.size());
}

struct put_state {
    std::size_t max_levels;
    char mark; // of texts that stand for words
    std::vector<member>& members;
};

void put_text(std::string_view text, const put_state& state, msgpack_writer& to) {
    if (const auto* const found = word_of(text, state.mark)) {
        to.real(found->number);
    } else if (const auto digits = digits_of(text, state.mark); !digits.empty()) {
        to.digits(digits);
    } else {
        to.text(text);
    }
}

// `level` is that of the value if it is an object or array. Returns: false if it is too deep.
bool put(const dom::element& value, std::size_t level, const put_state& state, msgpack_writer& to) {
    auto& members = state.members;
    switch (value.type()) {
    case dom::element_type::NULL_VALUE: to.nil(); return true;
    case dom::element_type::BOOL: to.boolean(bool(value)); return true;
    case dom::element_type::INT64: to.integer(std::int64_t(value)); return true;
    case dom::element_type::UINT64: to.natural(std::uint64_t(value)); return true;
    case dom::element_type::DOUBLE: to.real(double(value)); return true;
    case dom::element_type::STRING: put_text(std::string_view(value), state, to); return true;
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT: break;
    }
    if (level > state.max_levels) {
        return false;
    }
    if (value.type() == dom::element_type::ARRAY) {
        const dom::array array(value);
        std::size_t count = 0;
        for ([[maybe_unused]] const auto one : array) {
            ++count; // size() stops counting at 2^24
        }
        to.array(count);
        for (const auto one : array) {
            if (!put(one, level + 1, state, to)) {
                return false;
            }
        }
        return true;
    }
    const auto begin = members.size();
    take_members(dom::object(value), members);
    const auto end = members.size();
    to.map(end - begin);
    for (auto i = begin; i != end; ++i) {
        const auto one = members[i]; // further ones may move it
        to.text(one.key);
        if (!put(one.value, level + 1, state, to)) {
            return false;
        }
    }
    members.resize(begin);
    return true;
}

} // namespace

struct json_reader::parsed {
    dom::parser parser;
    dom::element root;
    std::vector<member> members;
    char mark = no_mark;

    put_state state(const json_dialect& dialect) {
        return {.max_levels = dialect.max_levels, .mark = mark, .members = members};
    }
};

void prepare_to_read_json() noexcept {
    (void)simdjson::get_active_implementation()->name(); // chooses one for this processor
}

json_reader::json_reader(const json_dialect& dialect)
    : dialect_(dialect),
      too_deep_(fmt::format(
          "objects and arrays stand in one another more than {} deep", dialect.max_levels)),
      parsed_(std::make_unique<parsed>()) {
    prepare_to_read_json();
}
json_reader::~json_reader() = default;

std::size_t json_reader::memory_bytes() const noexcept {
    return parsed_->parser.capacity() * parser_bytes_per_byte + repaired_.capacity() +
           spelled_.capacity() + padded_.capacity() + value_.capacity() +
           parsed_->members.capacity() * sizeof(member);
}

void json_reader::release_memory() noexcept {
    parsed_->parser = dom::parser();
    parsed_->members = {};
    repaired_ = {};
    spelled_ = {};
    padded_ = {};
    value_ = {};
}

// D-4.4: bytes that are not UTF-8 become U+FFFD.
bool json_reader::parse(std::string_view text, bool& is_repaired) {
    const auto read = [&](std::string_view padded) {
        return parsed_->parser.parse(padded.data(), padded.size(), false).get(parsed_->root);
    };
    const auto read_copy = [&](std::string& copy) {
        copy.reserve(copy.size() + json_padding_bytes);
        return read(copy);
    };
    parsed_->members.clear();
    parsed_->mark = no_mark;
    auto error = read(text);
    is_repaired = error == simdjson::UTF8_ERROR;
    if (is_repaired) {
        repaired_.clear();
        append_utf8(text, repaired_);
        error = read_copy(repaired_);
        text = repaired_;
    }
    const bool may_spell = dialect_.takes_not_finite || dialect_.takes_any_integer;
    if (error != simdjson::SUCCESS && error != simdjson::MEMALLOC && may_spell &&
        spell_numbers(text)) {
        error = read_copy(spelled_);
    }
    if (error == simdjson::MEMALLOC) {
        throw std::bad_alloc();
    }
    why_ = simdjson::error_message(error);
    was_json_ = error == simdjson::SUCCESS;
    return was_json_;
}

// The end of the word or number that begins at `at`; there if none does.
std::size_t
json_reader::number_to_spell(std::string_view text, std::size_t at, bool& is_to_spell) const {
    if (const auto* const found = dialect_.takes_not_finite ? word_at(text.substr(at)) : nullptr) {
        is_to_spell = true;
        return at + found->spelling.size();
    }
    const auto end = std::min(text.find_first_not_of("0123456789+-.eE", at), text.size());
    is_to_spell = dialect_.takes_any_integer && is_long_integer(text.substr(at, end - at));
    return end;
}

// Puts stand-ins in the place of words and of long integers. Returns: false if there is none, or if
// it could not be told from a text.
bool json_reader::spell_numbers(std::string_view text) {
    const auto mark = free_mark(text);
    if (mark == no_mark) {
        return false;
    }
    bool has_any = false;
    spelled_.clear();
    std::size_t kept = 0; // up to here it is in spelled_
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '"') {
            at = skip_text(text, at);
            continue;
        }
        bool is_to_spell = false;
        const auto end = number_to_spell(text, at, is_to_spell);
        if (!is_to_spell) {
            at = std::max(end, at + 1);
            continue;
        }
        spelled_.append(text, kept, at - kept);
        spelled_ += fmt::format("\"{}{}\"", escaped(mark), text.substr(at, end - at));
        at = kept = end;
        has_any = true;
        if (const auto next = skip_blanks(text, at); next < text.size() && text[next] == ':') {
            return false; // a key is a text
        }
    }
    spelled_.append(text, kept);
    parsed_->mark = has_any ? mark : no_mark;
    return has_any;
}

key_number json_reader::number_of(std::string_view key) {
    if (const auto known = numbers_.find(key); known != numbers_.end()) {
        return known->second;
    }
    if (key.size() > detail::max_name_bytes) {
        return key_without_room;
    }
    const auto number = intern_key_of_data(key);
    if (number != key_without_room) {
        numbers_.emplace(key, number);
    }
    return number;
}

// One text after the other brings the same keys in the same order, most often.
key_number json_reader::number_of(std::size_t place, std::string_view key) {
    if (place >= most_usual) {
        return number_of(key);
    }
    if (place >= usual_.size()) {
        usual_.resize(place + 1);
    }
    auto& usual = usual_[place];
    if (usual == nullptr || usual->first != key) {
        const auto number = number_of(key);
        const auto known = numbers_.find(key);
        usual = known != numbers_.end() ? &*known : nullptr;
        return number;
    }
    return usual->second;
}

bool json_reader::read_record(std::string_view text, std::string& fields, json_facts& facts) {
    was_object_ = false;
    if (!parse(text, facts.is_repaired)) {
        return false;
    }
    dom::object object;
    was_object_ = parsed_->root.get(object) == simdjson::SUCCESS;
    if (!was_object_) {
        why_ = "not an object";
        return false;
    }
    auto& members = parsed_->members;
    const auto state = parsed_->state(dialect_);
    facts.repeated = take_members(object, members);
    facts.fields = members.size() + facts.repeated;
    const auto count = members.size();
    for (std::size_t i = 0; i != count; ++i) {
        const auto [key, value] = members[i];
        if (!dialect_.keeps_reserved && key.starts_with(detail::reserved_prefix)) {
            ++facts.stripped;
            continue;
        }
        const auto add = [&,
                          key = key](detail::value_type type, const void* from, std::size_t bytes) {
            append_self_described(fields, number_of(i, key), type, from, bytes, key);
        };
        const auto add_word = [&](detail::value_type type, std::uint64_t word) {
            add(type, &word, sizeof word);
        };
        switch (value.type()) {
        case dom::element_type::NULL_VALUE: add(detail::value_type::null, nullptr, 0); break;
        case dom::element_type::BOOL: {
            const bool flag(value);
            add(detail::value_type::boolean, &flag, 1);
            break;
        }
        case dom::element_type::INT64:
            add_word(detail::value_type::integer, static_cast<std::uint64_t>(std::int64_t(value)));
            break;
        case dom::element_type::UINT64:
            add_word(detail::value_type::natural, std::uint64_t(value));
            break;
        case dom::element_type::DOUBLE:
            add_word(detail::value_type::real, std::bit_cast<std::uint64_t>(double(value)));
            break;
        case dom::element_type::STRING: {
            const std::string_view content(value);
            if (const auto* const one = word_of(content, state.mark)) {
                add_word(detail::value_type::real, std::bit_cast<std::uint64_t>(one->number));
                break;
            }
            if (const auto digits = digits_of(content, state.mark); !digits.empty()) {
                value_.clear();
                msgpack_writer(value_).digits(digits);
                add(detail::value_type::packed, value_.data(), value_.size());
                break;
            }
            add(detail::value_type::text, content.data(), content.size());
            break;
        }
        case dom::element_type::ARRAY:
        case dom::element_type::OBJECT: {
            value_.clear();
            msgpack_writer to(value_);
            if (!put(value, 2, state, to)) {
                why_ = too_deep_.c_str();
                return false;
            }
            add(detail::value_type::packed, value_.data(), value_.size());
        }
        }
    }
    return true;
}

bool json_reader::read_value(
    std::string_view text, std::size_t level, byte_buffer& packed, bool& is_repaired) {
    padded_.assign(text);
    padded_.resize(text.size() + json_padding_bytes);
    if (!parse({padded_.data(), text.size()}, is_repaired)) {
        return false;
    }
    msgpack_writer to(packed);
    if (!put(parsed_->root, level + 1, parsed_->state(dialect_), to)) {
        why_ = too_deep_.c_str();
        return false;
    }
    return true;
}

} // namespace monarc::encode
