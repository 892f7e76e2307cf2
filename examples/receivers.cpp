#include "receivers.hpp"

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace example {

receivers::receivers(const arguments& a, std::uint64_t lose)
    : mona_(a.monarc, {.store = a.store, .lose = a.must_break ? lose : 0}),
      monasca_(a.monarc, {.is_monasca = true}) {
    std::remove(a.store.c_str()); // what an earlier run left would be counted too
}

bool receivers::start() {
    return mona_.start() && monasca_.start();
}

bool receivers::restart_mona() {
    mona_.kill();
    std::this_thread::sleep_for(100ms);
    return mona_.start();
}

monarc::exporter_options receivers::options(std::string user_id) const {
    return {
        .mona = monarc::mona_forward_options{.port = mona_.port(), .user_id = std::move(user_id)},
        .monasca =
            monarc::monasca_options{
                .url = "http://127.0.0.1:" + std::to_string(monasca_.monasca_port()) + "/v2.0",
                .token = monarc::secret("example"),
                .interval = 1s},
        .close_timeout = 60s,
    };
}

receivers::summaries receivers::stop() {
    auto mona = mona_.stop();
    return {std::move(mona), monasca_.stop()};
}

} // namespace example
