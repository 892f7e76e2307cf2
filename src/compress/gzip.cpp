#include "compress/gzip.hpp"

#include <monarc/error.hpp>

#ifdef MONARC_WITH_ISAL
#include <isa-l.h>
#endif
#ifdef MONARC_WITH_LIBDEFLATE
#include <libdeflate.h>
#endif
#include <zlib.h>

#include <array>
#include <cstdint>
#include <new>
#include <system_error>

namespace monarc::compress {
namespace {

constexpr int level = 1;

// ISA-L and zlib count in 32 bits. A payload has 5 MiB at most; this only has to be well below 4
// GiB.
constexpr std::size_t max_input_bytes = std::size_t{1} << 30;

constexpr std::array available{
#ifdef MONARC_WITH_ISAL
    codec::isal,
#endif
#ifdef MONARC_WITH_LIBDEFLATE
    codec::libdeflate,
#endif
    codec::zlib,
};

std::error_code out_of_memory() noexcept {
    return std::make_error_code(std::errc::not_enough_memory);
}

} // namespace

std::span<const codec> codecs() noexcept {
    return available;
}

std::string_view name(codec which) noexcept {
    switch (which) {
    case codec::isal: return "isal";
    case codec::libdeflate: return "libdeflate";
    case codec::zlib: return "zlib";
    }
    return "unknown";
}

// A member is written to `scratch_` first and then copied: growing `out` by the bound would fill
// all of it with zeros, which costs more than the copy of what compression left, and a failure
// leaves `out` untouched.
struct gzip_writer::state {
    std::unique_ptr<unsigned char[]> scratch_;
    std::size_t scratch_bytes_ = 0;

    bool make_room(std::size_t bytes) noexcept {
        if (bytes <= scratch_bytes_)
            return true;
        scratch_.reset(new (std::nothrow) unsigned char[bytes]);
        scratch_bytes_ = scratch_ ? bytes : 0;
        return scratch_ != nullptr;
    }

#ifdef MONARC_WITH_ISAL
    // A smaller level buffer holds fewer tokens, so blocks get shorter: measured on 256 KiB of
    // envelopes, the minimum gives 218 MB/s, the default 640 MB/s, twice the default no more.
    static constexpr std::uint32_t level_buffer_bytes = ISAL_DEF_LVL1_DEFAULT;
    std::unique_ptr<isal_zstream> isal_;
    std::unique_ptr<std::uint8_t[]> level_buffer_;

    result<std::size_t> write_isal(std::string_view bytes) noexcept {
        if (!isal_)
            isal_.reset(new (std::nothrow) isal_zstream);
        if (!level_buffer_)
            level_buffer_.reset(new (std::nothrow) std::uint8_t[level_buffer_bytes]);
        // Incompressible input becomes stored blocks (5 bytes per 65 535), but the first table it
        // tried may have been written already: leave room for it.
        const std::size_t bound = bytes.size() + bytes.size() / 1000 + 1024;
        if (!isal_ || !level_buffer_ || !make_room(bound))
            return out_of_memory();

        isal_deflate_stateless_init(isal_.get()); // forgets the level and its buffer
        isal_->level = level;
        isal_->level_buf = level_buffer_.get();
        isal_->level_buf_size = level_buffer_bytes;
        isal_->gzip_flag = IGZIP_GZIP;
        isal_->flush = NO_FLUSH;
        isal_->end_of_stream = 1;
        // The library takes a pointer to non-const, but only reads.
        isal_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
        isal_->avail_in = static_cast<std::uint32_t>(bytes.size());
        isal_->next_out = scratch_.get();
        isal_->avail_out = static_cast<std::uint32_t>(bound);

        if (isal_deflate_stateless(isal_.get()) != COMP_OK || isal_->avail_in != 0)
            return std::make_error_code(std::errc::no_buffer_space);
        return std::size_t{isal_->total_out};
    }
#endif

#ifdef MONARC_WITH_LIBDEFLATE
    struct free_compressor {
        void operator()(libdeflate_compressor* p) const noexcept { libdeflate_free_compressor(p); }
    };
    std::unique_ptr<libdeflate_compressor, free_compressor> libdeflate_;

    result<std::size_t> write_libdeflate(std::string_view bytes) noexcept {
        if (!libdeflate_)
            libdeflate_.reset(libdeflate_alloc_compressor(level));
        if (!libdeflate_)
            return out_of_memory();
        const auto bound = libdeflate_gzip_compress_bound(libdeflate_.get(), bytes.size());
        if (!make_room(bound))
            return out_of_memory();

        const auto written = libdeflate_gzip_compress(
            libdeflate_.get(), bytes.data(), bytes.size(), scratch_.get(), scratch_bytes_);
        if (written == 0)
            return std::make_error_code(std::errc::no_buffer_space);
        return written;
    }
#endif

    struct end_deflate {
        void operator()(z_stream* p) const noexcept {
            deflateEnd(p);
            delete p;
        }
    };
    std::unique_ptr<z_stream, end_deflate> zlib_;

    bool open_zlib() noexcept {
        constexpr int gzip_window_bits = 15 + 16;
        constexpr int default_memory_level = 8;
        auto* stream = new (std::nothrow) z_stream{};
        if (stream == nullptr)
            return false;
        const int rc = deflateInit2(
            stream, level, Z_DEFLATED, gzip_window_bits, default_memory_level, Z_DEFAULT_STRATEGY);
        if (rc != Z_OK) {
            delete stream;
            return false;
        }
        zlib_.reset(stream);
        return true;
    }

    result<std::size_t> write_zlib(std::string_view bytes) noexcept {
        if (zlib_)
            deflateReset(zlib_.get());
        else if (!open_zlib())
            return out_of_memory();
        const std::size_t bound = deflateBound(zlib_.get(), static_cast<uLong>(bytes.size()));
        if (!make_room(bound))
            return out_of_memory();

        zlib_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        zlib_->avail_in = static_cast<uInt>(bytes.size());
        zlib_->next_out = scratch_.get();
        zlib_->avail_out = static_cast<uInt>(bound);
        if (deflate(zlib_.get(), Z_FINISH) != Z_STREAM_END)
            return std::make_error_code(std::errc::no_buffer_space);
        return std::size_t{zlib_->total_out};
    }

    result<std::size_t> write(codec which, std::string_view bytes) noexcept {
        switch (which) {
#ifdef MONARC_WITH_ISAL
        case codec::isal: return write_isal(bytes);
#endif
#ifdef MONARC_WITH_LIBDEFLATE
        case codec::libdeflate: return write_libdeflate(bytes);
#endif
        case codec::zlib: return write_zlib(bytes);
        default: return std::make_error_code(std::errc::not_supported);
        }
    }
};

gzip_writer::gzip_writer(codec which) noexcept : codec_(which) {}

gzip_writer::~gzip_writer() = default;

result<std::size_t> gzip_writer::append(std::string_view bytes, std::string& out) {
    if (bytes.size() > max_input_bytes)
        return errc::too_large;
    if (!state_)
        state_.reset(new (std::nothrow) state);
    if (!state_)
        return out_of_memory();

    const auto written = state_->write(codec_, bytes);
    if (!written)
        return written.error();
    try {
        out.append(reinterpret_cast<const char*>(state_->scratch_.get()), *written);
    } catch (const std::bad_alloc&) {
        return out_of_memory();
    }
    return *written;
}

result<std::string> gzip(codec which, std::string_view bytes) {
    gzip_writer writer(which);
    std::string out;
    if (const auto written = writer.append(bytes, out); !written)
        return written.error();
    return out;
}

} // namespace monarc::compress
