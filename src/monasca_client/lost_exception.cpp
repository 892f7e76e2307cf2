#include "monasca_client/lost_exception.hpp"

#include "core/log.hpp"

#include <fmt/format.h>

#include <exception>
#include <string>

namespace monarc::monasca_client {
namespace {

// Of the one that is being caught.
std::string text() {
    try {
        throw;
    } catch (const std::exception& lost) {
        return lost.what();
    } catch (...) {
        return "an exception of a type of its own";
    }
}

} // namespace

void log_lost_exception() noexcept {
    try {
        write_to_standard_error(
            log_level::error,
            fmt::format("monasca_client: what was called back threw, and it is lost: {}", text()));
    } catch (...) { // no memory for the line
    }
}

} // namespace monarc::monasca_client
