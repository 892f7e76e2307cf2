// A configuration file: options or one error that says something, never anything else.

#include "fuzz/fuzz_target.hpp"

#include <monarc/options.hpp>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <system_error>

namespace monarc::fuzz {

void read(std::string_view input) {
    // Files that the text names are not this test's business.
    if (input.find("file:") != input.npos) {
        return;
    }
    static const int file =
        ::memfd_create("options", MFD_CLOEXEC); // one for all: a new one is slow
    if (file < 0 || ::ftruncate(file, 0) != 0 ||
        ::pwrite(file, input.data(), input.size(), 0) < 0) {
        std::abort();
    }
    try {
        option_sources from;
        from.file = fmt::format("/proc/self/fd/{}", file);
        from.log = [](const log_line&) {};
        static_cast<void>(load_options(from));
    } catch (const std::system_error& error) {
        if (std::string_view(error.what()).empty()) {
            std::abort();
        }
    }
}

} // namespace monarc::fuzz
