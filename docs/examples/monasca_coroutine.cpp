// Requests that nobody waits for: two lists asked for by a coroutine, a third one beside them.

#include <monarc/monasca_client.hpp>

#include <coroutine>
#include <cstdio>
#include <exception>
#include <latch>

using namespace monarc::monasca;

// Begins at once, and nobody waits for it but the latch.
struct task {
    struct promise_type {
        task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

task count_metrics(const client& c, std::latch& over) {
    auto asked = c.metrics().list({.name = "cpu.load"});
    const auto page = co_await asked;
    const auto names = co_await c.metrics().list_names();
    if (page && names) {
        std::printf("%zu of cpu.load, %zu names\n", page->elements.size(), names->elements.size());
    } else {
        std::puts("no answer");
    }
    over.count_down();
}

int main() try {
    const client c(client_options::from_env());
    std::latch over(2);
    count_metrics(c, over);
    c.metrics().list_dimension_names().then([&](const answer<page<dimension_name>>& got) {
        std::printf("%zu names of dimensions\n", got ? got->elements.size() : 0);
        over.count_down();
    });
    over.wait();
    return 0;
} catch (const std::system_error& wrong) { // options that cannot work
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
}
