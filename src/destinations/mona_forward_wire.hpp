#pragma once

// What goes over the wire to a forward receiver, and what comes back: pure functions of bytes
// (forward.md).

#include "compress/gzip.hpp"
#include "core/batch.hpp"
#include "core/byte_buffer.hpp"
#include "core/fields.hpp"
#include "core/payload.hpp"
#include "core/result.hpp"
#include "encode/msgpack_put.hpp"

#include <monarc/options.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::destinations {

struct wire_counts {
    std::uint64_t overwritten_fields = 0;
    std::uint64_t utf8_repaired = 0;
};

// Bytes that go out again and again. Copied sixteen at a time, so that no call has to find out how
// many: what is written to needs `room`.
class encoded_piece {
public:
    encoded_piece() = default;
    explicit encoded_piece(std::string_view bytes) : size_(bytes.size()), padded_(bytes) {
        padded_.resize((size_ + step - 1) / step * step);
    }

    bool is_empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    std::size_t room() const noexcept { return padded_.size(); }
    char* put(char* to) const noexcept {
        const char* const from = padded_.data(); // read once: `to` might be anywhere
        const auto size = size_;
        for (std::size_t at = 0; at < size; at += step) {
            std::memcpy(to + at, from + at, step);
        }
        return to + size;
    }

private:
    static constexpr std::size_t step = 16;

    std::size_t size_ = 0;
    std::string padded_;
};

// A second since 1970, which most often is the one of last time.
class encoded_second {
public:
    static constexpr std::size_t room = 16;

    char* put(std::int64_t second, char* to) noexcept {
        if (second != second_) [[unlikely]] {
            second_ = second;
            size_ = static_cast<std::size_t>(encode::put_integer(bytes_, second) - bytes_);
        }
        std::memcpy(to, bytes_, room);
        return to + size_;
    }

private:
    std::int64_t second_ = 0;
    std::size_t size_ = 1;
    char bytes_[room] = {}; // of 0
};

// Threads: one at a time. Keeps buffers and the encoded pieces of shapes between batches.
class mona_forward_wire {
public:
    explicit mona_forward_wire(const mona_forward_options& options);

    // What an event takes beside its id and its fields, at most.
    std::size_t entry_bytes() const noexcept;

    // `random` makes the payload's id.
    // Fails: std::errc::not_enough_memory.
    result<payload> encode(const batch& b, const std::array<unsigned char, 16>& random);

    // D-3.6: the same entries in two payloads, cut behind an entry that has a count.
    // Fails: errc::too_large if there is nothing to cut.
    result<std::array<payload, 2>>
    split(const payload& whole, const std::array<std::array<unsigned char, 16>, 2>& random);

    const wire_counts& counts() const noexcept { return counts_; }

private:
    // What put_part writes itself, values that are not optional; a json() that was none it leaves
    // out; the rest is for put_field_value.
    enum class field_form : unsigned char { real, integer, natural, boolean, text, json, other };
    struct field_piece {
        encoded_piece key;
        field_form form;
        std::uint16_t offset;
        std::uint16_t inside;
    };
    struct known_shape {
        const shape* s = nullptr;
        std::vector<field_piece> fields;
    };
    // What put_last_values has found of a key.
    struct last_value {
        field_view field;
        const batch_part* part;
    };

    static field_form form_of(const shape_field& field) noexcept;
    const known_shape& learn(std::uint32_t number);
    const known_shape& known(std::uint32_t number) {
        return number < shapes_.size() && shapes_[number].s != nullptr ? shapes_[number]
                                                                       : learn(number);
    }
    const encoded_piece& key_piece(key_number number);
    char* put_key(const field_view& field, char* at);
    void encode_entry(const batch& b, const batch_entry& entry, byte_buffer& out);
    char* put_last_values(const batch& b, const batch_entry& entry, char* to);
    char* put_part(const batch& b, const batch_part& part, char* at);
    char* put_text(std::string_view text, char* at);
    std::string_view repaired(std::string_view text);
    char* put_value(const field_view& field, char* at);
    char* put_field_value(
        const known_shape& shape,
        std::size_t index,
        std::string_view body,
        std::size_t& text_at,
        char* at);
    char* put_members(
        const known_shape& shape,
        std::size_t index,
        std::string_view body,
        std::size_t& text_at,
        char* at);
    result<payload> wrap(
        std::string_view entries,
        std::size_t last_entry_at,
        std::vector<std::uint32_t> entry_records,
        const std::array<unsigned char, 16>& random);

    mona_forward_options options_;
    compress::gzip_writer gzip_;
    wire_counts counts_;
    encoded_piece before_time_; // of an event
    encoded_piece before_id_;   // from the head of the envelope to the key "context"
    encoded_piece before_fields_;
    encoded_piece before_seconds_;
    encoded_piece class_key_;
    encoded_second pushed_;
    encoded_second seconds_;
    std::size_t entry_room_; // of the pieces and heads of any event
    byte_buffer entries_;
    std::vector<known_shape> shapes_;
    std::vector<encoded_piece> key_pieces_;
    std::vector<std::uint32_t>
        last_of_key_; // by key number: where encode_last_values has put it, plus one
    std::string repaired_;
    std::string packed_;
};

// Finds the chunk ids of acknowledgements in a stream that comes in pieces.
// Fails: errc::bad_data if something else stands there; `what` then says what, for the log.
class ack_reader {
public:
    void append(std::string_view bytes) { pending_.append(bytes); }

    // The next id, empty if the bytes are not all there yet. The view holds until the next call.
    result<std::string_view> next();
    const std::string& what() const noexcept { return what_; }

private:
    std::string pending_;
    std::size_t at_ = 0;
    std::string what_;
};

} // namespace monarc::destinations
