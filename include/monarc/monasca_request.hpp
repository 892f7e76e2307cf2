#pragma once

/// A request to Monasca's API: what is asked, how it is sent, and what comes of it.

#include <monarc/api.hpp>
#include <monarc/monasca_types.hpp>

#include <coroutine>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace monarc::monasca {

/// Why there is no answer that can be used.
struct error {
    std::error_code code{};
    unsigned status = 0; ///< of HTTP; 0: it did not come to that
    std::string title{};
    std::string description{};
    std::string method{};
    std::string url{};
    std::string request_id{};
    bool is_of_login = false; ///< Keystone said no, or was not there
};

class MONARC_API request_error : public std::system_error {
public:
    explicit request_error(error why);
    const error& why() const noexcept { return why_; }

private:
    error why_;
};

namespace detail {
[[noreturn]] MONARC_API void fail(const error& why);
} // namespace detail

/// A value, or why there is none.
template <class T>
class answer {
public:
    answer(T value) : held_(std::move(value)) {}
    answer(monasca::error why) : held_(std::move(why)) {}

    explicit operator bool() const noexcept { return std::holds_alternative<T>(held_); }
    T& operator*() noexcept { return *std::get_if<T>(&held_); }
    const T& operator*() const noexcept { return *std::get_if<T>(&held_); }
    T* operator->() noexcept { return std::get_if<T>(&held_); }
    const T* operator->() const noexcept { return std::get_if<T>(&held_); }
    const monasca::error& error() const noexcept { return *std::get_if<monasca::error>(&held_); }

    /// Fails: throws request_error.
    T& value() {
        if (const auto* why = std::get_if<monasca::error>(&held_)) {
            detail::fail(*why);
        }
        return **this;
    }

private:
    std::variant<T, monasca::error> held_;
};

/// Any request of the API.
struct call {
    std::string method = "GET";
    std::string path{}; ///< behind the API's URL, with its first slash; may end in a query
    ordered_pairs query{};
    std::string body{}; ///< JSON; empty: none
};

/// What the API said to it, with a status of 2xx.
struct reply {
    unsigned status = 0;
    std::string body{};
    std::string url{}; ///< that was asked in the end
};

namespace detail {

class client_state;
class asking;

/// What requests of all types have in common: a call, and how it goes once it is sent.
class MONARC_API exchange {
public:
    using continuation = std::function<void(answer<reply>&)>;

    exchange(std::shared_ptr<client_state> with, call what);
    explicit exchange(monasca::error why); ///< There is nothing to send.
    ~exchange();
    exchange(exchange&&) noexcept;
    exchange& operator=(exchange&&) noexcept;

    answer<reply> get();

    /// Sends it; `woken` is called once with the answer.
    /// Returns: false if there is an answer at once; then take() has it, and nobody is woken.
    bool send(continuation woken);
    answer<reply> take();
    /// It goes on without this.
    void let_go() noexcept;

private:
    void drop() noexcept;

    std::shared_ptr<client_state> with_;
    std::shared_ptr<const call> what_;
    monasca::error refused_;
    std::shared_ptr<asking> running_;
};

} // namespace detail

/// Something to ask for. Nothing is sent before get(), co_await or then(); each of them sends it
/// anew, and gives up what this request had under way.
///
/// Threads: one at a time; requests of one client run beside each other.
/// Owns:    what is under way: a request that is destroyed is cancelled, and nobody is woken. On
///          another thread than the one where things wake up that may have begun by then.
template <class T>
class [[nodiscard]] request {
public:
    using reader = std::function<answer<T>(answer<reply>&&)>;

    request(detail::exchange what, reader read)
        : exchange_(std::move(what)), read_(std::move(read)) {}

    /// Waits for the answer.
    /// Fails:   errc::would_deadlock on the client's own thread.
    answer<T> get() { return read_(exchange_.get()); }

    /// `co_await` suspends until the answer is there, and wakes up where client_options::resume
    /// says. With g++ 12 name a request whose parameters stand between braces on the line above,
    /// and await the name: that compiler destroys them twice in a co_await expression.
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) {
        return exchange_.send([waiting](answer<reply>&) { waiting.resume(); });
    }
    answer<T> await_resume() { return read_(exchange_.take()); }

    /// Returns at once; f(answer<T>) is called where a coroutine would wake up, or here if nothing
    /// has to be sent for the answer. On a temporary the request goes on alone:
    /// `c.metrics().list().then(f)`.
    /// Fails:   what f throws is logged and lost.
    template <class F>
    void then(F f) & {
        send(std::move(f));
    }
    template <class F>
    void then(F f) && {
        send(std::move(f));
        exchange_.let_go();
    }

private:
    template <class F>
    void send(F f) {
        auto call_back = [read = read_, held = std::make_shared<F>(std::move(f))](
                             answer<reply>& got) { (*held)(read(std::move(got))); };
        if (!exchange_.send(call_back)) {
            auto got = exchange_.take();
            call_back(got);
        }
    }

    detail::exchange exchange_;
    reader read_;
};

} // namespace monarc::monasca
