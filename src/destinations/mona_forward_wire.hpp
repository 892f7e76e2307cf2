#pragma once

// What goes over the wire to a forward receiver, and what comes back: pure functions of bytes
// (forward.md).

#include "compress/gzip.hpp"
#include "core/batch.hpp"
#include "core/byte_buffer.hpp"
#include "core/payload.hpp"
#include "core/result.hpp"

#include <monarc/options.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::destinations {

struct wire_counts {
    std::uint64_t overwritten_fields = 0;
    std::uint64_t utf8_repaired = 0;
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
    struct field_piece {
        std::string key; // encoded
        detail::value_type type;
        std::uint16_t offset;
    };
    struct known_shape {
        bool is_known = false;
        std::uint32_t fixed_bytes = 0;
        std::vector<field_piece> fields;
        std::uint32_t repaired_keys = 0;
    };

    const known_shape& known(std::uint32_t number);
    const std::string& key_piece(key_number number);
    void encode_entry(const batch& b, const batch_entry& entry, byte_buffer& out);
    void encode_fields(const batch& b, const batch_entry& entry, byte_buffer& out);
    void encode_last_values(const batch& b, const batch_entry& entry, byte_buffer& out);
    void encode_part(const batch& b, const batch_part& part, byte_buffer& out);
    std::size_t count_fields(const batch& b, const batch_entry& entry);
    void encode_text(std::string_view text, byte_buffer& out);
    void encode_value(
        detail::value_type type, std::uint64_t word, std::string_view text, byte_buffer& out);
    result<payload> wrap(
        std::string_view entries,
        std::size_t last_entry_at,
        std::vector<std::uint32_t> entry_records,
        const std::array<unsigned char, 16>& random);

    mona_forward_options options_;
    compress::gzip_writer gzip_;
    wire_counts counts_;
    std::string before_time_; // of an event
    std::string before_id_;   // from the head of the envelope to the key "context"
    byte_buffer entries_;
    byte_buffer scratch_;
    std::vector<known_shape> shapes_;
    std::vector<std::string> key_pieces_;
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
