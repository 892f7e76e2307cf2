#pragma once

// Writes MessagePack to the end of a buffer that grows. What has measured its room beforehand uses
// the functions of msgpack_put.hpp.

#include "core/byte_buffer.hpp"
#include "encode/msgpack_put.hpp"

#include <cstdint>
#include <string_view>

namespace monarc::encode {

class msgpack_writer {
public:
    explicit msgpack_writer(byte_buffer& out) noexcept : out_(out) {}

    void nil() { end(put_nil(begin())); }
    void boolean(bool value) { end(put_boolean(begin(), value)); }
    void natural(std::uint64_t value) { end(put_natural(begin(), value)); }
    void integer(std::int64_t value) { end(put_integer(begin(), value)); }
    void real(double value) { end(put_real(begin(), value)); }
    void text(std::string_view value) {
        text_head(value.size());
        raw(value);
    }
    void text_head(std::size_t bytes) { end(put_text_head(begin(), bytes)); }
    void binary_head(std::size_t bytes) { end(put_binary_head(begin(), bytes)); }
    void digits(std::string_view number) {
        end(put_extension_head(begin(), digits_extension, number.size()));
        raw(number);
    }
    void array(std::size_t count) { end(put_array(begin(), count)); }
    void map(std::size_t count) { end(put_map(begin(), count)); }

    // Bytes that are MessagePack already.
    void raw(std::string_view encoded) { out_.append(encoded); }

private:
    char* begin() { return out_.room_for(most_head_bytes); }
    void end(const char* at) noexcept {
        out_.commit(static_cast<std::size_t>(at - (out_.data() + out_.size())));
    }

    byte_buffer& out_;
};

} // namespace monarc::encode
