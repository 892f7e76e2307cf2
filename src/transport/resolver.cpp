#include "transport/resolver.hpp"

#include "core/start_thread.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace monarc::transport {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

class resolver_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "resolver"; }
    std::string message(int value) const override { return ::gai_strerror(value); }
};

const std::error_category& category() noexcept {
    static const resolver_category instance;
    return instance;
}

result<endpoints> look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
        code != 0) {
        return std::error_code(code, category());
    }
    endpoints all;
    for (const auto* one = found; one != nullptr; one = one->ai_next) {
        tcp::endpoint peer;
        if (one->ai_addrlen <= peer.capacity()) {
            std::memcpy(peer.data(), one->ai_addr, one->ai_addrlen);
            peer.resize(one->ai_addrlen);
            all.push_back(peer);
        }
    }
    ::freeaddrinfo(found);
    return all;
}

} // namespace

// Shared by the I/O thread and the thread that asks; whoever is last lets it go.
struct resolver::question {
    std::string host;
    std::uint16_t port = 0;
    std::mutex lock; // guards what follows
    asio::steady_timer* waiting =
        nullptr; // cancelled when the answer is there; null: nobody waits any more
    asio::any_io_executor executor;
    bool is_answered = false;
    result<endpoints> answer = std::make_error_code(std::errc::timed_out);
};

resolver::resolver(asio::any_io_executor executor, std::chrono::milliseconds life)
    : executor_(std::move(executor)), life_(life) {}

resolver::~resolver() {
    cancel();
}

// However a coroutine ends, resumed or not: nothing may wake it any more.
class resolver::waiting_for {
public:
    explicit waiting_for(question& asked) : asked_(asked) {}
    ~waiting_for() {
        const std::lock_guard guard(asked_.lock);
        asked_.waiting = nullptr;
        asked_.executor = {};
    }
    waiting_for(const waiting_for&) = delete;
    waiting_for& operator=(const waiting_for&) = delete;

private:
    question& asked_;
};

void resolver::cancel() noexcept {
    for (const auto& asked : std::exchange(running_, {})) {
        const std::lock_guard guard(asked->lock);
        if (asked->waiting != nullptr) {
            asked->waiting->cancel();
            asked->waiting = nullptr;
        }
    }
}

// Returns: false if there is no thread to be had.
bool resolver::start(const std::shared_ptr<question>& asked) {
    try {
        start_thread([asked] {
            auto answer = look_up(asked->host, asked->port);
            const std::lock_guard guard(asked->lock);
            asked->answer = std::move(answer);
            asked->is_answered = true;
            if (asked->waiting != nullptr) {
                asio::post(asked->executor, [asked] {
                    const std::lock_guard posted_guard(asked->lock);
                    if (asked->waiting != nullptr) {
                        asked->waiting->cancel();
                    }
                });
            }
        }).detach();
    } catch (const std::system_error&) {
        return false;
    }
    return true;
}

void resolver::remember(const endpoints& answer) {
    known_ = answer;
    known_until_ = std::chrono::steady_clock::now() + life_;
}

asio::awaitable<result<endpoints>>
resolver::resolve(std::string host, std::uint16_t port, std::chrono::milliseconds timeout) {
    boost::system::error_code not_digits;
    const auto address = asio::ip::make_address(host, not_digits);
    if (!not_digits) {
        endpoints one{tcp::endpoint(address, port)};
        co_return one;
    }
    if (host == host_ && port == port_ && std::chrono::steady_clock::now() < known_until_) {
        co_return known_;
    }
    asio::steady_timer until(executor_, timeout);
    auto asked = std::make_shared<question>();
    asked->host = host;
    asked->port = port;
    asked->waiting = &until;
    asked->executor = executor_;
    const waiting_for mine(*asked);
    running_.push_back(asked);
    aside_ = nullptr; // this one is newer
    if (!start(asked)) {
        std::erase(running_, asked);
        co_return std::make_error_code(std::errc::resource_unavailable_try_again);
    }

    boost::system::error_code ignored;
    auto into = asio::redirect_error(asio::use_awaitable, ignored);
    co_await until.async_wait(into);

    std::erase(running_, asked);
    auto answer = [&] {
        const std::lock_guard guard(asked->lock);
        return asked->answer;
    }();
    if (answer) {
        host_ = host;
        port_ = port;
        remember(*answer);
    }
    co_return answer;
}

bool resolver::has_moved(const tcp::endpoint& peer) {
    if (known_.empty()) {
        return false; // nothing had to be looked up
    }
    const auto now = std::chrono::steady_clock::now();
    bool is_answered = false;
    if (aside_) {
        const std::lock_guard guard(aside_->lock);
        is_answered = aside_->is_answered;
    }
    if (is_answered) { // the thread is done with it
        const auto asked = std::exchange(aside_, nullptr);
        if (asked->answer) {
            remember(*asked->answer);
        }
    } else if (!aside_ && now >= std::max(known_until_, next_look_)) {
        auto asked = std::make_shared<question>();
        asked->host = host_;
        asked->port = port_;
        next_look_ = now + life_;
        if (start(asked)) {
            aside_ = std::move(asked);
        }
    }
    return std::find(known_.begin(), known_.end(), peer) == known_.end();
}

} // namespace monarc::transport
