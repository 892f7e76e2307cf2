#pragma once

/// The conditions that only monarc can name. System and zlib failures keep their own category.

#include <monarc/api.hpp>

#include <system_error>

namespace monarc {

enum class errc {
    bad_options = 1, ///< An option is unknown or out of range; the text names it.
    closed,          ///< The exporter was closed, or belongs to the parent of this forked process.
    too_large,       ///< Input beyond a stated limit.
    too_many_names,  ///< More than 65 535 keys or shapes in one process.
    would_deadlock,  ///< flush, close or stats called from the I/O thread itself.
    timed_out,       ///< The time given was over before the work was done.
    bad_data,        ///< Bytes from a peer or a file that break their format.
    bad_series,      ///< A series that Monasca would refuse; the text names what of it.
    http_status,     ///< A service answered with a status that means no.
    unauthorized,    ///< It was 401: the credentials, the token or its role.
};

MONARC_API const std::error_category& error_category() noexcept;
MONARC_API std::error_code make_error_code(errc code) noexcept;

} // namespace monarc

template <>
struct std::is_error_code_enum<monarc::errc> : std::true_type {};
