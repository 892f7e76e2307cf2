// Requests of the client beside each other: co_await, then(), get(); where they wake up, how they
// are cancelled, one login for all; against a receiver that answers as the test says.

#include "support/forked_child.hpp"
#include "support/monasca_receiver.hpp"
#include "support/sanitizer.hpp"

#include <monarc/monasca_client.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <future>
#include <latch>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace monarc::monasca;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;

// A coroutine that begins at once; whoever holds it may destroy it while it waits.
class task {
public:
    struct promise_type {
        task get_return_object() {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void return_void() { over.set_value(); }
        void unhandled_exception() { over.set_exception(std::current_exception()); }
        std::promise<void> over;
    };

    ~task() {
        if (handle_) {
            handle_.destroy();
        }
    }
    task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    std::future<void> end() { return handle_.promise().over.get_future(); }

private:
    explicit task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

bool is_over(std::future<void>& end) {
    if (end.wait_for(patience) != std::future_status::ready) {
        return false;
    }
    end.get();
    return true;
}

// What a user's executor is: handles are put in anywhere, and resumed on the thread that runs it.
class work_list {
public:
    void put(std::coroutine_handle<> handle) {
        const std::lock_guard guard(lock_);
        handles_.push_back(handle);
        filled_.notify_all();
    }
    // Returns: whether there was one in time.
    bool run_one() {
        std::unique_lock guard(lock_);
        if (!filled_.wait_for(guard, patience, [&] { return !handles_.empty(); })) {
            return false;
        }
        const auto handle = handles_.front();
        handles_.pop_front();
        guard.unlock();
        handle.resume();
        return true;
    }
    bool wait() {
        std::unique_lock guard(lock_);
        return filled_.wait_for(guard, patience, [&] { return !handles_.empty(); });
    }

private:
    std::mutex lock_;
    std::condition_variable filled_;
    std::deque<std::coroutine_handle<>> handles_;
};

const std::string empty_list = R"({"links":[],"elements":[]})";

void say(monasca_reaction& reaction, int status, const std::string& body) {
    reaction.refuse(status, {{"Content-Type", "application/json"}}, body);
}

// A Monasca whose answers repeat what was asked for: the element's name is the parameter `name`.
void say_name(const monasca_request& request, monasca_reaction& reaction) {
    const auto name = request.http.query.substr(request.http.query.find('=') + 1);
    say(reaction, 200, R"({"links":[],"elements":[{"name":")" + name + R"("}]})");
}

client_options fixed(const monasca_receiver& receiver) {
    return {.url = receiver.url(), .login = login_method::fixed_token, .token = secret("a-token")};
}

// By a password at the receiver itself, which is both.
client_options with_password(const monasca_receiver& receiver) {
    return {
        .url = receiver.url(),
        .auth_url = receiver.url().substr(0, receiver.url().rfind('/')) + "/v3",
        .username = "u",
        .password = secret("p"),
        .project = "metrics"};
}

bool is_login(const monasca_request& request) {
    return request.http.path == "/v3/auth/tokens";
}

// For an hour, or a few seconds.
void issue(monasca_reaction& reaction, const std::string& token, int seconds = 3600) {
    const auto end =
        seconds == 3600 ? std::string("01:00:00") : "00:00:0" + std::to_string(seconds);
    reaction.refuse(
        201,
        {{"X-Subject-Token", token}},
        R"({"token":{"issued_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T)" + end +
            R"(Z"}})");
}

std::size_t count_logins(const monasca_receiver& receiver) {
    const auto all = receiver.requests();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_login));
}

task list_one(client& c, std::string name, std::string& got, std::thread::id& where) {
    const metric_filter what{.name = std::move(name)};
    auto asked = c.metrics().list(what);
    const auto page = co_await asked;
    where = std::this_thread::get_id();
    got = page ? page->elements.at(0).name : page.error().title;
}

task wait_for(client& c, std::optional<answer<page<metric>>>& got) {
    got = co_await c.metrics().list();
}

} // namespace

TEST_SUITE("integration/monasca_requests") {
TEST_CASE("co_await gives what get() gives, and wakes up on the client's thread") {
    monasca_receiver receiver;
    receiver.on_request(say_name);
    receiver.start();
    client c(fixed(receiver));
    std::string got;
    std::thread::id where;

    auto running = list_one(c, "cpu", got, where);
    auto end = running.end();
    REQUIRE(is_over(end));

    CHECK(got == "cpu");
    CHECK(where != std::this_thread::get_id());
    CHECK(c.metrics().list({.name = "cpu"}).get()->elements.at(0).name == "cpu");
}

TEST_CASE("client_options::resume says where coroutines and functions wake up") {
    monasca_receiver receiver;
    receiver.on_request(say_name);
    receiver.start();
    work_list list;
    auto options = fixed(receiver);
    options.resume = [&](std::coroutine_handle<> handle) { list.put(handle); };
    client c(options);
    std::string got;
    std::thread::id where;

    auto running = list_one(c, "cpu", got, where);
    auto end = running.end();
    REQUIRE(list.run_one());
    REQUIRE(is_over(end));
    CHECK(got == "cpu");
    CHECK(where == std::this_thread::get_id());

    where = {};
    c.metrics().list({.name = "disk"}).then([&](answer<page<metric>> page) {
        where = std::this_thread::get_id();
        got = page->elements.at(0).name;
    });
    REQUIRE(list.run_one());
    CHECK(got == "disk");
    CHECK(where == std::this_thread::get_id());

    CHECK(c.metrics().list({.name = "net"}).get()); // wakes its own thread
}

TEST_CASE("a chain of then() follows the pages of a list") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& request, monasca_reaction& reaction) {
        const auto at = request.http.query.find("offset=");
        const int number =
            at == std::string::npos ? 0 : std::stoi(request.http.query.substr(at + 7));
        const auto next = R"({"rel":"next","href":"http://elsewhere/v2.0/metrics?offset=)" +
                          std::to_string(number + 1) + R"("})";
        say(reaction,
            200,
            R"({"links":[)" + (number < 4 ? next : "") + R"(],"elements":[{"name":"m)" +
                std::to_string(number) + R"("}]})");
    });
    receiver.start();
    client c(fixed(receiver));
    std::promise<std::string> names;
    std::string all;

    std::function<void(answer<page<metric>>)> take = [&](answer<page<metric>> got) {
        all += got->elements.at(0).name;
        if (got->next.empty()) {
            names.set_value(all);
        } else {
            c.follow(*got).then(take);
        }
    };
    c.metrics().list().then(take);

    auto end = names.get_future();
    REQUIRE(end.wait_for(patience) == std::future_status::ready);
    CHECK(end.get() == "m0m1m2m3m4");
    CHECK(receiver.connections() == 1);
}

TEST_CASE("a hundred requests beside each other get their own answers over a few connections") {
    constexpr int count = 100;
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& request, monasca_reaction& reaction) {
        is_login(request) ? issue(reaction, "issued") : say_name(request, reaction);
    });
    receiver.start();
    client c(with_password(receiver));
    std::atomic<int> right{0};
    std::latch all(count);

    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) { // any thread may ask
        threads.emplace_back([&, t] {
            for (int i = t; i < count; i += 4) {
                const auto name = "m" + std::to_string(i);
                c.metrics().list({.name = name}).then([&, name](answer<page<metric>> got) {
                    right += got && got->elements.at(0).name == name ? 1 : 0;
                    all.count_down();
                });
            }
        });
    }
    for (auto& one : threads) {
        one.join();
    }
    all.wait();

    CHECK(right == count);
    CHECK(count_logins(receiver) == 1);
    CHECK(receiver.requests().size() == count + 1);
    CHECK(receiver.connections() <= 8);
}

TEST_CASE("max_connections bounds what is under way at a time") {
    std::atomic<int> asked{0};
    monasca_receiver receiver;
    receiver.on_request([&](const monasca_request&, monasca_reaction& reaction) {
        ++asked;
        say(reaction, 200, empty_list);
        reaction.wait = 20ms;
    });
    receiver.start();
    auto options = fixed(receiver);
    options.max_connections = 2;
    client c(options);
    std::latch all(10);

    for (int i = 0; i < 10; ++i) {
        c.metrics().list().then([&](const answer<page<metric>>&) { all.count_down(); });
    }
    all.wait();

    CHECK(asked == 10);
    CHECK(receiver.connections() <= 2);
    options.max_connections = 0;
    CHECK_THROWS_WITH(client{options}, doctest::Contains("max_connections must be 1..1000, got 0"));
}

TEST_CASE("one refused login is the answer of all who waited for it") {
    constexpr int count = 8; // as many as are under way at a time
    std::latch asked(1);
    monasca_receiver receiver;
    receiver.on_request([&](const monasca_request&, monasca_reaction& reaction) {
        asked.wait();
        say(reaction, 401, R"({"error":{"code":401,"message":"wrong password"}})");
    });
    receiver.start();
    client c(with_password(receiver));
    std::atomic<int> refused{0};
    std::latch all(count);

    for (int i = 0; i < count; ++i) {
        c.metrics().list().then([&](const answer<page<metric>>& got) {
            refused += !got && got.error().status == 401 && got.error().is_of_login ? 1 : 0;
            all.count_down();
        });
    }
    asked.count_down();
    all.wait();

    CHECK(refused == count);
    CHECK(receiver.requests().size() == 1);
}

TEST_CASE("a token that is refused is renewed once, whoever learns it") {
    constexpr int count = 20;
    std::atomic<int> logins{0};
    monasca_receiver receiver;
    receiver.on_request([&](const monasca_request& request, monasca_reaction& reaction) {
        if (is_login(request)) {
            issue(reaction, "token-" + std::to_string(++logins));
        } else if (request.http.field("X-Auth-Token") == "token-1") {
            say(reaction, 401, R"({"error":{"code":401}})");
        } else {
            say(reaction, 200, empty_list);
        }
    });
    receiver.start();
    client c(with_password(receiver));
    std::atomic<int> good{0};
    std::latch all(count);

    for (int i = 0; i < count; ++i) {
        c.metrics().list().then([&](const answer<page<metric>>& got) {
            good += got ? 1 : 0;
            all.count_down();
        });
    }
    all.wait();

    CHECK(good == count);
    CHECK(logins == 2);
}

TEST_CASE("a token is renewed before it ends") {
    std::atomic<int> logins{0};
    monasca_receiver receiver;
    receiver.on_request([&](const monasca_request& request, monasca_reaction& reaction) {
        if (is_login(request)) {
            issue(reaction, "token-" + std::to_string(++logins), 2);
        } else {
            say(reaction, 200, empty_list);
        }
    });
    receiver.start();
    client c(with_password(receiver));

    REQUIRE(c.metrics().list().get());
    CHECK(logins == 1);
    std::this_thread::sleep_for(1100ms); // more than half of its life
    REQUIRE(c.metrics().list().get());

    CHECK(logins == 2);
    CHECK(receiver.requests().back().http.field("X-Auth-Token") == "token-2");
}

TEST_CASE("a coroutine that is destroyed while it waits cancels its request") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& request, monasca_reaction& reaction) {
        request.number == 1 ? reaction.stall() : say(reaction, 200, empty_list);
    });
    receiver.start();
    auto options = fixed(receiver);
    options.max_connections = 1; // what is cancelled makes room
    client c(options);
    std::optional<answer<page<metric>>> got;
    {
        const auto waiting = wait_for(c, got);
        REQUIRE(receiver.wait_for_requests(1, patience));
    }

    CHECK(c.metrics().list().get());
    CHECK(!got);
}

TEST_CASE("an answer on its way to a coroutine that is destroyed meanwhile wakes nobody") {
    monasca_receiver receiver;
    receiver.on_request(say_name);
    receiver.start();
    work_list list;
    auto options = fixed(receiver);
    options.resume = [&](std::coroutine_handle<> handle) { list.put(handle); };
    client c(options);
    std::optional<answer<page<metric>>> got;
    {
        const auto waiting = wait_for(c, got);
        REQUIRE(list.wait());
    }

    CHECK(list.run_one());
    CHECK(!got);
}

TEST_CASE("then() on a named request is cancelled with it, on a temporary it goes on alone") {
    std::latch released(1);
    monasca_receiver receiver;
    receiver.on_request([&](const monasca_request&, monasca_reaction& reaction) {
        released.wait();
        say(reaction, 200, empty_list);
    });
    receiver.start();
    client c(fixed(receiver));
    std::atomic<int> called{0};
    std::latch alone(1);
    {
        auto named = c.metrics().list();
        named.then([&](const answer<page<metric>>&) { called += 10; });
        c.metrics().list().then([&](const answer<page<metric>>&) {
            ++called;
            alone.count_down();
        });
    }
    released.count_down();
    alone.wait();
    CHECK(c.metrics().list().get()); // what would still come has come

    CHECK(called == 1);
}

TEST_CASE("whoever waits when the client is destroyed is told so") {
    monasca_receiver receiver;
    receiver.on_request(
        [](const monasca_request&, monasca_reaction& reaction) { reaction.stall(); });
    receiver.start();
    auto options = fixed(receiver);
    options.max_connections = 3;
    std::optional<client> c(options);
    const auto metrics = c->metrics();
    std::optional<answer<page<metric>>> awaited;
    std::promise<std::error_code> called;
    std::promise<std::error_code> queued;

    std::thread waiting([one = c->metrics().list()]() mutable {
        const auto got = one.get();
        CHECK(!got);
        CHECK(got.error().code == errc::closed);
    });
    auto suspended = wait_for(*c, awaited);
    c->metrics().list().then(
        [&](const answer<page<metric>>& got) { called.set_value(got.error().code); });
    REQUIRE(receiver.wait_for_requests(3, patience));
    c->metrics().list().then(
        [&](const answer<page<metric>>& got) { queued.set_value(got.error().code); });
    auto later = c->metrics().list();
    c.reset();
    waiting.join();

    auto end = suspended.end();
    REQUIRE(is_over(end));
    REQUIRE(awaited);
    CHECK(awaited->error().code == errc::closed);
    CHECK(called.get_future().get() == errc::closed);
    CHECK(queued.get_future().get() == errc::closed);
    CHECK(later.get().error().code == errc::closed); // what outlives the client
    CHECK(metrics.list().get().error().code == errc::closed);
    bool is_told = false;
    metrics.list().then([&](const answer<page<metric>>& got) { is_told = !got; });
    CHECK(is_told); // at once: there is no thread any more
}

TEST_CASE("a client may be destroyed by what wakes up on its own thread") {
    monasca_receiver receiver;
    receiver.on_request(say_name);
    receiver.start();
    auto c = std::make_unique<client>(fixed(receiver));
    std::promise<bool> destroyed;

    auto& first = *c;
    first.metrics().list().then([&, mine = std::move(c)](const answer<page<metric>>& got) mutable {
        mine.reset();
        destroyed.set_value(static_cast<bool>(got));
    });

    auto end = destroyed.get_future();
    REQUIRE(end.wait_for(patience) == std::future_status::ready);
    CHECK(end.get());
}

TEST_CASE("get() on the client's own thread says that it would wait for itself") {
    monasca_receiver receiver;
    receiver.on_request(say_name);
    receiver.start();
    client c(fixed(receiver));
    std::promise<std::error_code> inner;

    c.metrics().list().then([&](const answer<page<metric>>&) {
        inner.set_value(c.metrics().list().get().error().code);
    });

    CHECK(inner.get_future().get() == errc::would_deadlock);
}

TEST_CASE("what a function throws is lost, and the client goes on") {
    monasca_receiver receiver;
    receiver.on_request(say_name);
    receiver.start();
    auto options = fixed(receiver);
    options.trace = [](const exchange_line&) { throw std::runtime_error("from the trace"); };
    client c(options);

    c.metrics().list().then([](const answer<page<metric>>&) { throw std::runtime_error("no"); });
    CHECK(c.metrics().list({.name = "a"}).get());

    options.trace = nullptr;
    options.resume = [](std::coroutine_handle<>) { throw std::runtime_error("no executor"); };
    client other(options);
    std::promise<bool> told;
    other.metrics().list().then([&](const answer<page<metric>>& got) { told.set_value(!!got); });
    CHECK(told.get_future().get()); // on the client's own thread
    CHECK(other.metrics().list({.name = "b"}).get());
}

TEST_CASE("a request that is refused before it is sent is answered at once") {
    monasca_receiver receiver;
    receiver.start();
    client c(fixed(receiver));
    bool is_told = false;

    c.metrics()
        .create({.name = "m", .value = std::numeric_limits<double>::infinity()})
        .then([&](const answer<done>& got) { is_told = got.error().code == errc::bad_series; });

    CHECK(is_told);
    CHECK(receiver.requests().empty());
}

TEST_CASE("asked again, a request gives up what it had under way") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& request, monasca_reaction& reaction) {
        request.number == 1 ? reaction.stall() : say(reaction, 200, empty_list);
    });
    receiver.start();
    client c(fixed(receiver));
    std::atomic<bool> is_called{false};

    auto asked = c.metrics().list();
    asked.then([&](const answer<page<metric>>&) { is_called = true; });
    REQUIRE(receiver.wait_for_requests(1, patience));
    CHECK(asked.get());

    CHECK(!is_called);
}

TEST_CASE("a token that is replaced is sent by all later requests") {
    monasca_receiver receiver;
    receiver.on_request(say_name);
    receiver.start();
    client c(fixed(receiver));

    c.replace_token(secret("another"));
    REQUIRE(c.metrics().list().get());

    CHECK(receiver.requests().back().http.field("X-Auth-Token") == "another");
    CHECK_THROWS_WITH(
        c.replace_token(secret("a b")), doctest::Contains("token must be visible ASCII"));
}

TEST_CASE(
    "in a forked child a client whose thread runs in the parent answers closed" *
    doctest::skip(::support::skips(
        ::support::is_sanitized,
        "a client in a forked child",
        "under g++ 12's sanitizers a child that was forked beside threads may hang in its first "
        "allocation"))) {
    monasca_receiver receiver;
    receiver.on_request(say_name);
    receiver.start();
    std::optional<client> c(fixed(receiver));
    REQUIRE(c->metrics().list({.name = "a"}).get());

    const int code = ::support::in_child([&] {
        const bool is_closed = c->metrics().list().get().error().code == errc::closed;
        c.reset(); // does not wait for a thread that is not there
        ::_exit(is_closed ? 7 : 8);
    });

    CHECK(code == 7);
    CHECK(c->metrics().list({.name = "a"}).get());
}
}
