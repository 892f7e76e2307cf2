#include "mona_client/export_time.hpp"

#include "core/byte_buffer.hpp"
#include "encode/msgpack_reader.hpp"
#include "encode/msgpack_writer.hpp"
#include "mona_client/message_fields.hpp"

namespace monarc::mona_client {
namespace {

using fault = export_time::fault;

// 0001-01-02 and the end of 9999, with UTC for the local time that the original goes through.
constexpr std::int64_t first_second = -62'135'510'400;
constexpr std::int64_t last_second = 253'402'300'799;

export_time of_real(double seconds, std::string offered) {
    export_time time;
    if (seconds >= double(first_second) && seconds < double(last_second + 1)) {
        time.seconds = static_cast<std::int64_t>(seconds);
    } else { // NaN, too
        time.wrong = fault::out_of_range;
        time.offered = std::move(offered);
    }
    return time;
}

export_time of_whole(std::int64_t seconds, std::string offered) {
    export_time time;
    if (seconds >= first_second && seconds <= last_second) {
        time.seconds = seconds;
    } else {
        time.wrong = fault::out_of_range;
        time.offered = std::move(offered);
    }
    return time;
}

template <class Put>
std::string packed(Put put) {
    byte_buffer out;
    encode::msgpack_writer to(out);
    put(to);
    return std::string(out.view());
}

export_time of_json(const std::string& text) {
    export_time time{.seconds = {}, .wrong = fault::not_number, .offered = read_value(text)};
    if (!time.offered) {
        return time;
    }
    if (!is_truthy(*time.offered)) {
        return {};
    }
    encode::msgpack_reader reader(*time.offered);
    encode::msgpack_token token;
    if (reader.next(token) != encode::read_status::ok) {
        return time;
    }
    switch (token.kind) {
    case encode::msgpack_kind::boolean: return {.seconds = 1, .wrong = fault::none, .offered = {}};
    case encode::msgpack_kind::unsigned_integer: {
        const bool is_early = token.unsigned_value <= std::uint64_t(last_second);
        return of_whole(
            is_early ? static_cast<std::int64_t>(token.unsigned_value) : last_second + 1,
            std::move(*time.offered));
    }
    case encode::msgpack_kind::negative_integer:
        return of_whole(token.negative_value, std::move(*time.offered));
    case encode::msgpack_kind::float_number: return of_real(token.number, std::move(*time.offered));
    default: return time;
    }
}

} // namespace

export_time read_time(const mona::timestamp& when) {
    using encode::msgpack_writer;
    switch (when.what()) {
    case mona::timestamp::kind::none: break;
    case mona::timestamp::kind::whole:
        if (when.whole() != 0) {
            return of_whole(
                when.whole(), packed([&](msgpack_writer& to) { to.integer(when.whole()); }));
        }
        break;
    case mona::timestamp::kind::moment:
        return of_whole(
            when.whole(), packed([&](msgpack_writer& to) { to.integer(when.whole()); }));
    case mona::timestamp::kind::real:
        if (when.real() != 0) {
            return of_real(when.real(), packed([&](msgpack_writer& to) { to.real(when.real()); }));
        }
        break;
    case mona::timestamp::kind::json: return of_json(when.text());
    }
    return {};
}

} // namespace monarc::mona_client
