#pragma once

// Reads the JSON in records before anything else is done with them (D-4.7): the texts of push_json,
// and json() values among typed fields.
//
// Threads: the I/O thread only.

#include "core/byte_buffer.hpp"
#include "core/json_block.hpp"
#include "core/names.hpp"
#include "core/record_view.hpp"
#include "encode/json_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::pipeline {

struct json_counts {
    std::uint64_t bad_fields = 0;
    std::uint64_t utf8_repaired = 0; // in values; of whole texts json_facts says it
};

class json_texts {
public:
    explicit json_texts(const encode::json_dialect& dialect = {}) : reader_(dialect) {}

    // Whether records of this shape have any.
    bool concerns(std::uint32_t shape) noexcept {
        const auto known = shape < kinds_.size() ? kinds_[shape] : kind::unknown;
        return (known != kind::unknown ? known : learn(shape)) == kind::with_json;
    }

    enum class verdict { ready, bad, no_memory };

    // Makes of the record one that the aggregator takes; what it then refers to holds until the
    // next call. Frees what the record owned.
    verdict read(record_view& record) noexcept;

    // What long texts made it grow to.
    void release_memory() noexcept;

    // What was wrong with the last one that was bad.
    const char* why() const noexcept { return reader_.why(); }

    const json_counts& counts() const noexcept { return counts_; }
    std::size_t memory_bytes() const noexcept {
        return reader_.memory_bytes() + body_.capacity() + value_.capacity() + id_.capacity();
    }

private:
    enum class kind : std::uint8_t { unknown, plain, with_json };

    kind learn(std::uint32_t shape) noexcept;
    bool read_record(record_view& record, const json_block& block);
    void read_values(record_view& record);

    encode::json_reader reader_;
    json_counts counts_;
    std::vector<kind> kinds_;
    json_facts facts_;
    std::string body_;
    std::string id_;
    byte_buffer value_;
};

} // namespace monarc::pipeline
