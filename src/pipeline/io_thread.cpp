#include "pipeline/io_thread.hpp"

#include "destinations/mona_rest.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <variant>

namespace monarc::pipeline {

bool has_unverified_peer(const exporter_options& o) {
    const auto* const forward = std::get_if<mona_forward_options>(&o.mona);
    const auto* const rest = std::get_if<mona_rest_options>(&o.mona);
    return !o.tls.verify && ((forward != nullptr && forward->use_tls) ||
                             (rest != nullptr && destinations::uses_tls(*rest)) ||
                             (o.monasca && (o.monasca->url.starts_with("https:") ||
                                            o.monasca->auth_url.starts_with("https:"))));
}

void say_proxies_are_ignored(const exporter_options& o, logger& log) {
    const bool speaks_http = o.monasca || std::holds_alternative<mona_rest_options>(o.mona);
    for (const auto* const name :
         {"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
        const auto* const value = std::getenv(name);
        if (speaks_http && value != nullptr && *value != '\0') {
            log(log_level::warning,
                fmt::format(
                    "io_loop: {} is set: no proxy is used, destinations are connected to directly",
                    name));
            return;
        }
    }
}

void place_thread(const io_thread_options& o, logger& log) {
    if (o.cpu >= 0) {
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(static_cast<unsigned>(o.cpu), &only);
        if (const auto code = ::pthread_setaffinity_np(::pthread_self(), sizeof only, &only)) {
            log(log_level::warning,
                fmt::format(
                    "io_loop: io_thread.cpu = {}: {}; it runs on any processor",
                    o.cpu,
                    std::system_category().message(code)));
        }
    }
    // On Linux each thread has a nice value of its own.
    if (o.priority != 0 &&
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), o.priority) != 0) {
        log(log_level::warning,
            fmt::format(
                "io_loop: io_thread.priority = {}: {}; it runs with that of the process",
                o.priority,
                std::system_category().message(errno)));
    }
}

} // namespace monarc::pipeline
