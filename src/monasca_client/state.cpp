#include "monasca_client/state.hpp"

#include "monasca_client/lost_exception.hpp"
#include "monasca_client/target.hpp"

#include <monarc/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace monarc::monasca::detail {
namespace asio = boost::asio;
using monasca_client::call_out;
using monasca_client::encoded_path;
using steady = std::chrono::steady_clock;

namespace {

constexpr std::size_t most_connections = 1000;

client_options checked(client_options options) {
    if (options.max_connections < 1 || options.max_connections > most_connections) {
        throw std::system_error(
            errc::bad_options,
            fmt::format(
                "max_connections must be 1..{}, got {}",
                most_connections,
                options.max_connections));
    }
    return options;
}

// A coroutine for client_options::resume: wakes whoever wants the answer, and is over. In between
// the request may be destroyed, so the user's own handle is never handed out.
struct waker {
    struct promise_type {
        waker get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { monasca_client::log_lost_exception(); }
    };
    std::coroutine_handle<> handle;
};

waker wake(std::shared_ptr<asking> one) {
    one->wake();
    co_return;
}

// Of what an exception says, which was to be an answer.
error broken_by(std::exception_ptr why) {
    try {
        std::rethrow_exception(std::move(why));
    } catch (const std::system_error& failed) { // TLS files
        return {.code = failed.code(), .title = failed.what()};
    } catch (const std::bad_alloc&) {
        return {
            .code = std::make_error_code(std::errc::not_enough_memory), .title = "out of memory"};
    } catch (const std::exception& failed) {
        return {.code = std::make_error_code(std::errc::io_error), .title = failed.what()};
    } catch (...) {
        return {.code = std::make_error_code(std::errc::io_error), .title = "an unknown exception"};
    }
}

} // namespace

error closed_error() {
    return {
        .code = errc::closed, .title = "the client is closed, or belongs to the parent process"};
}

client_state::client_state(client_options options)
    : options_(checked(std::move(options))), traffic_(thread_.where(), options_),
      login_(options_, traffic_) {}

std::shared_ptr<asking>
client_state::ask(std::shared_ptr<const call> what, exchange::continuation woken) const {
    return std::make_shared<asking>(
        std::move(what), std::move(woken), steady::now() + options_.timeout);
}

std::optional<error> client_state::begin(std::shared_ptr<asking> one) {
    try {
        const auto self = shared_from_this();
        const bool is_begun = thread_.run(self, [this, one] { admit(one); });
        return is_begun ? std::nullopt : std::optional(closed_error());
    } catch (const std::system_error&) { // no thread can be made
        return broken_by(std::current_exception());
    }
}

void client_state::cancel(std::shared_ptr<asking> one) {
    thread_.run_in_time([one] { one->stop().ask(); });
}

void client_state::replace_token(secret token) {
    require_token_text(token, "token");
    thread_.run_in_time([this, token = std::move(token)] { login_.replace(token); });
}

void client_state::close() noexcept {
    call_out([this] { thread_.end([this] { stop_all(); }); });
}

void client_state::admit(std::shared_ptr<asking> one) {
    if (running_.size() < options_.max_connections) {
        start(std::move(one));
    } else {
        queued_.push_back(std::move(one));
    }
}

void client_state::start(std::shared_ptr<asking> one) {
    running_.push_back(one);
    auto work = run(one);
    asio::co_spawn(thread_.where(), std::move(work), [this, one](std::exception_ptr broken) {
        if (broken) {
            one->put(broken_by(std::move(broken)));
        }
        std::erase(running_, one);
        start_next();
        settle(one);
    });
}

void client_state::start_next() {
    while (!queued_.empty() && running_.size() < options_.max_connections) {
        auto next = std::move(queued_.front());
        queued_.pop_front();
        if (!next->is_dropped()) {
            start(std::move(next));
        }
    }
}

// Wakes who wants the answer.
void client_state::settle(std::shared_ptr<asking> one) {
    if (!options_.resume || one->is_waited_for() || one->is_dropped()) {
        one->wake();
        return;
    }
    const auto handle = wake(std::move(one)).handle;
    if (!call_out([&] { options_.resume(handle); })) {
        handle.resume(); // here, so that nobody waits for ever
    }
}

void client_state::stop_all() {
    is_closing_ = true;
    for (const auto& one : std::exchange(queued_, {})) {
        one->put(closed_error());
        settle(one);
    }
    const auto running = running_; // it changes meanwhile
    for (const auto& one : running) {
        one->stop().ask();
    }
}

asio::awaitable<void> client_state::run(std::shared_ptr<asking> one) {
    if (one->is_dropped() || is_closing_) {
        one->put(closed_error());
        co_return;
    }
    auto got = co_await send(*one);
    if (is_closing_ && !got) {
        one->put(closed_error());
    } else {
        one->put(std::move(got));
    }
}

asio::awaitable<answer<reply>> client_state::send(asking& one) {
    const auto& what = one.what();
    const auto query = monasca_client::encoded_query(what.query);
    const bool has_query = what.path.find('?') != what.path.npos;
    std::uint64_t refused = 0; // the number of a token that was
    while (true) {
        auto why = co_await login_.require(one, refused);
        if (why) {
            co_return std::move(*why);
        }
        if (!login_.service()) {
            co_return error{
                .code = errc::bad_options,
                .title = "where the API is was never told: neither by url nor by a catalogue"};
        }
        const auto number = login_.number();
        const wanted asked{
            .method = what.method,
            .origin = *login_.service(),
            .target = login_.service()->path + encoded_path(what.path) +
                      (query.empty() ? ""
                       : has_query   ? "&"
                                     : "?") +
                      query,
            .token = login_.token(),
            .body = what.body,
            .deadline = one.deadline()};
        auto said = co_await traffic_.exchange(one.stop(), asked);
        if (!said.got.is_answered) {
            co_return traffic_.failed(asked, said);
        }
        auto& http = said.got.http;
        if (http.status == 401 && !login_.is_fixed() && refused == 0) {
            refused = number;
            continue;
        }
        if (http.status / 100 != 2) {
            co_return traffic_.refused(asked, said);
        }
        if (http.is_cut) {
            co_return error{
                .code = errc::too_large,
                .status = http.status,
                .title = fmt::format(
                    "{}: the answer is larger than {} bytes; ask for less with a limit",
                    said.url,
                    max_answer_bytes),
                .method = what.method,
                .url = said.url};
        }
        co_return reply{.status = http.status, .body = std::move(http.body), .url = said.url};
    }
}

} // namespace monarc::monasca::detail
