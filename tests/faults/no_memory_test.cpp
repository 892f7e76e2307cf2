// D-9.10: an allocation that fails in the middle of an attempt ends that attempt and nothing else:
// the next one finds its turn free and no trace of it on the connection.

#include "core/payload.hpp"
#include "destinations/mona_forward.hpp"
#include "support/plain_receiver.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string>

namespace {

thread_local int allocations_left = 0; // the last of them fails; 0: none does

} // namespace

void* operator new(std::size_t bytes) {
    const bool fails = allocations_left != 0 && --allocations_left == 0;
    if (void* const memory = fails ? nullptr : std::malloc(bytes)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

using namespace monarc;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// A message without entries that wants to be acknowledged.
std::shared_ptr<const payload> made(const std::string& id) {
    payload p;
    p.head.assign("\x93\xa1t\xc4\x00", 5);
    p.tail = "\x81\xa5"
             "chunk" +
             std::string(1, static_cast<char>(0xa0 + id.size())) + id;
    p.id = id;
    p.entry_records = {1};
    p.records = 1;
    return std::make_shared<const payload>(std::move(p));
}

class sender {
public:
    explicit sender(std::uint16_t port)
        : to_(io_.get_executor(),
              {.options = {.host = "127.0.0.1", .port = port}, .tls = {}, .response_timeout = 2s},
              descriptor_,
              random_) {}

    struct attempt {
        bool is_over = false;
        bool has_thrown = false;
        outcome result{};
    };
    std::shared_ptr<attempt> begin(const std::string& id) {
        auto one = std::make_shared<attempt>();
        auto sending = to_.send(made(id));
        const auto ended = [one](std::exception_ptr thrown, outcome result) {
            one->is_over = true;
            one->has_thrown = thrown != nullptr;
            one->result = std::move(result);
        };
        asio::co_spawn(io_, std::move(sending), ended);
        io_.restart(); // it may have run out of work
        return one;
    }
    // Until it is over, for a while. What Asio has no memory for while it starts an operation it
    // throws out of the loop, and lets go of the coroutine without a word: then nobody but us knows
    // the attempt.
    void run_until_over(const std::shared_ptr<attempt>& one) {
        const auto end = std::chrono::steady_clock::now() + 30s;
        while (!one->is_over && one.use_count() > 1 && std::chrono::steady_clock::now() < end) {
            try {
                io_.run_one_for(100ms);
            } catch (const std::bad_alloc&) {
            }
        }
    }
    bool is_delivered(const std::string& id) {
        const auto one = begin(id);
        run_until_over(one);
        REQUIRE(one->is_over);
        return one->result.what == verdict::delivered;
    }

private:
    asio::io_context io_{1};
    std::atomic<int> descriptor_{-1};
    std::mt19937_64 random_{41};
    destinations::mona_forward to_;
};

} // namespace

TEST_SUITE("faults/no_memory") {
TEST_CASE("F41 an attempt that finds no memory, wherever it is, leaves the way to the next one") {
    const support::plain_receiver receiver;
    int thrown = 0;
    int let_go = 0;
    int place = 0;
    for (bool was_reached = true; was_reached && place < 1000;) {
        ++place;
        CAPTURE(place);
        sender s(receiver.port());
        const auto first = s.begin("first");
        const auto second = s.begin("second"); // waits for its turn
        allocations_left = place;
        s.run_until_over(first);
        s.run_until_over(second);
        was_reached = allocations_left == 0;
        allocations_left = 0;

        for (const auto& one : {first, second}) {
            const bool is_let_go = !one->is_over && one.use_count() == 2; // ours, and `one` itself
            let_go += is_let_go ? 1 : 0;
            CHECK((one->is_over || is_let_go));
        }
        thrown += first->has_thrown || second->has_thrown ? 1 : 0;
        // One may still meet the connection that failed.
        CHECK((s.is_delivered("third") || s.is_delivered("fourth")));
    }
    MESSAGE(place << " places: " << thrown << " ended an attempt, Asio let go of " << let_go);
    CHECK(thrown > 0);
    CHECK(receiver.seen().malformed == 0);
}
}
