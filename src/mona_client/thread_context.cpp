#include "mona_client/thread_context.hpp"

#include "mona_client/client_log.hpp"
#include "mona_client/process_client.hpp"

#include <utility>

namespace monarc::mona::detail {

constinit thread_local current_context here __attribute__((tls_model("initial-exec"))){};

} // namespace monarc::mona::detail

namespace monarc::mona_client {
namespace {

constinit thread_local thread_context* own __attribute__((tls_model("initial-exec"))) = nullptr;

struct owner {
    owner() = default;
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() {
        mona::detail::here = {};
        delete std::exchange(own, nullptr);
    }
};

} // namespace

thread_context& thread_context::mine() {
    if (own == nullptr) {
        own = new thread_context;
        thread_local const owner its_owner;
        (void)its_owner;
    }
    return *own;
}

void thread_context::publish() const noexcept {
    const auto& id = levels.full_id();
    mona::detail::here = {
        .exporter = levels.is_open() ? process_client::instance().gate() : nullptr,
        .id = id.data(),
        .id_bytes = id.size()};
}

} // namespace monarc::mona_client

namespace monarc::mona::detail {

bool find_exporter() noexcept {
    using namespace mona_client;
    try {
        auto& client = process_client::instance();
        client.load();
        if (client.is_off()) {
            return false;
        }
        auto& mine = thread_context::mine();
        if (!mine.levels.is_open()) {
            say(log_level::debug,
                "no_context",
                "mona: push outside of any context: nothing is sent; open a context_scope first");
            return false;
        }
        if (client.start() == nullptr) {
            return false;
        }
        mine.publish();
        return true;
    } catch (...) { // bad options of the environment, no memory: export_message says so
        return false;
    }
}

} // namespace monarc::mona::detail
