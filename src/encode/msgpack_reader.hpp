#pragma once

// Reads MessagePack that came from somebody else: acknowledgements, handshakes, spooled payloads,
// and what clients send to the sink. Allocates nothing; a length is believed only once the bytes
// are there (D-13.1).

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace monarc::encode {

inline constexpr int max_msgpack_depth = 16; // D-13.1; a scalar has depth 0, an array of scalars 1
inline constexpr int max_own_depth = 512;    // of what this library has written itself

enum class read_status {
    ok,
    more,      ///< Right so far, but cut off: come back with more bytes.
    malformed, ///< Byte c1, or nested too deeply: no further byte can help.
    mismatch,  ///< A well-formed object, but not of the kind asked for.
};

enum class msgpack_kind : std::uint8_t {
    nil,
    boolean,
    unsigned_integer,
    negative_integer,
    float_number,
    text,
    binary,
    array,
    map,
    extension,
};

// A scalar, or the head of an array or map whose content follows.
struct msgpack_token {
    msgpack_kind kind = msgpack_kind::nil;
    std::int8_t extension_type = 0;
    bool boolean = false;
    std::uint32_t count = 0; ///< Elements of an array, pairs of a map.
    std::uint64_t unsigned_value =
        0; ///< unsigned_integer: any integer that is not negative, however packed.
    std::int64_t negative_value = 0; ///< negative_integer.
    double number = 0;               ///< float_number, from 32 or 64 bits.
    std::string_view bytes;          ///< text, binary, extension: a view of the input.
};

// A cursor over bytes that may end in the middle of an object. A call that does not return ok
// leaves the cursor where it was.
class msgpack_reader {
public:
    msgpack_reader() = default;
    explicit msgpack_reader(std::string_view bytes) noexcept : bytes_(bytes) {}

    std::size_t position() const noexcept { return position_; }
    bool at_end() const noexcept { return position_ == bytes_.size(); }
    std::string_view rest() const noexcept { return bytes_.substr(position_); }

    // What stands here, without moving; its payload need not be there yet.
    read_status peek(msgpack_kind& kind) const noexcept;

    // Takes a scalar, or the head of an array or map.
    read_status next(msgpack_token& token) noexcept;

    // Takes one whole object; `raw` is its encoding. Nested deeper than `max_depth`: malformed.
    read_status skip(int max_depth = max_msgpack_depth) noexcept;
    read_status skip(std::string_view& raw, int max_depth = max_msgpack_depth) noexcept;

    read_status read_nil() noexcept;
    read_status read_boolean(bool& value) noexcept;
    read_status read_unsigned(std::uint64_t& value) noexcept; ///< mismatch if negative.
    read_status read_integer(std::int64_t& value) noexcept;   ///< mismatch beyond int64.
    read_status read_number(double& value) noexcept;          ///< float 32, float 64, any integer.
    read_status read_text(std::string_view& value) noexcept;
    read_status read_binary(std::string_view& value) noexcept;
    read_status
    read_bytes(std::string_view& value) noexcept; ///< text or binary: peers mix them up.
    read_status read_extension(std::int8_t& type, std::string_view& value) noexcept;
    read_status read_array(std::uint32_t& count) noexcept;
    read_status read_map(std::uint32_t& pairs) noexcept;

private:
    template <class Take>
    read_status take(Take take_token) noexcept;

    std::string_view bytes_;
    std::size_t position_ = 0;
};

// Finds the end of one object in a buffer that grows at its end, looking at each byte once however
// the object trickles in.
class msgpack_framer {
public:
    explicit msgpack_framer(int max_depth = max_msgpack_depth) noexcept : max_depth_(max_depth) {}

    // `buffer` begins where the object begins and holds at least what the call before was shown.
    // ok: the object has size() bytes. more: it has at least size() bytes, as far as its heads
    // tell, so a claim of a gigabyte can be refused at once. malformed: start no more.
    read_status scan(std::string_view buffer) noexcept;

    std::size_t size() const noexcept { return size_; }

    // Ready for the next object.
    void reset() noexcept;

private:
    static constexpr int stack_size = max_own_depth + 1;

    // How many objects are still to come in each open array or map (of these only the first depth_
    // are ever read, so they are not cleared first), and in all of them together.
    std::array<std::uint64_t, stack_size> open_;
    int depth_ = 0;
    int max_depth_;
    std::uint64_t outstanding_ = 1;
    std::size_t position_ = 0;
    std::size_t size_ = 1;
};

} // namespace monarc::encode
