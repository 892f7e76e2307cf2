// The functions of mona-client: one program, since the client belongs to the process.

#include "support/forward_receiver.hpp"
#include "support/temporary_folder.hpp"
#include "support/three_counts.hpp"

#include <monarc/mona_client.hpp>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::literals;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

// The receiver, the client on it, and what was accepted.
struct scene {
    scene() {
        receiver.start();
        write(R"({"disable_all": false})");
        mona::set_log(log.writer());
        mona::client_options options;
        options.forward.host = "127.0.0.1";
        options.forward.port = receiver.port();
        options.forward.user_id = "me";
        options.forward.use_tls = false;
        options.config_file = folder.path("config.json");
        options.exporter.batch.max_delay = 10ms;
        mona::init_client(options);
    }

    // In place.
    void write(std::string_view text) const { folder.write("config.json", text); }

    bool counted(bool accepted, std::uint64_t count = 1) {
        fields += accepted ? count : 0;
        return accepted;
    }
    bool counted(mona::export_result result, std::uint64_t count = 1) {
        return counted(result == mona::export_result::accepted, count);
    }

    // Whatever was accepted has arrived.
    void check_arrival() {
        CHECK(process_exporter().flush(patience).is_clean());
        CHECK(receiver.wait_for_fields(fields, patience));
        CHECK(receiver.fields() == fields);
        CHECK(process_exporter().stats().is_exact());
    }

    forward_receiver receiver;
    temporary_folder folder;
    log_book log;
    std::atomic<std::uint64_t> fields{0};
};

scene& the_scene() {
    static scene one;
    return one;
}

// Whether the switch is obeyed, as an open context shows it.
bool becomes(bool is_off) {
    const auto latest = std::chrono::steady_clock::now() + patience;
    while (mona::full_context_id().empty() != is_off) {
        if (std::chrono::steady_clock::now() > latest) {
            return false;
        }
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

std::vector<received_event> events_of(const std::string& context) {
    const auto all = the_scene().receiver.events_by_context();
    const auto found = all.find(context);
    return found != all.end() ? found->second : std::vector<received_event>();
}

} // namespace

TEST_SUITE("integration/mona_client") {
TEST_CASE("typed fields and messages go to the context that is open, the class before them") {
    auto& s = the_scene();
    CHECK_FALSE(mona::push("outside"_key = 1));
    CHECK(mona::export_message(R"({"outside":1})") == mona::export_result::refused);
    {
        const mona::context_scope run("LOAN", "typed");
        CHECK(run.id() == "typed");
        CHECK(s.counted(mona::push("age"_key = 33, "name"_key = "Ada"), 2));
        {
            const mona::sub_context_scope part("STEP", "one");
            CHECK(s.counted(mona::push("n"_key = 1)));
        }
        CHECK(s.counted(mona::push("score"_key = 0.5)));
        CHECK(s.counted(
            mona::export_message(
                object("tags"_key = array("a", "b"), "model"_key = object("version"_key = 7))),
            2));
        CHECK(s.counted(mona::push("long"_key = std::string(1000, 'x'))));
    }
    CHECK_FALSE(mona::push("outside"_key = 1));

    s.check_arrival();
    const auto events = events_of("typed");
    REQUIRE(events.size() >= 2);
    CHECK(events.front().class_name == "LOAN");
    CHECK(events.front().user_id == "me");
    CHECK(*events[1].find("age") == received_value(std::uint64_t{33}));
    const auto part = events_of("typed.one");
    REQUIRE(part.size() == 2);
    CHECK(part[0].class_name == "STEP");
}

TEST_CASE("a context belongs to its thread; thread and resume_scope take it along") {
    auto& s = the_scene();
    const mona::context_scope run(nullptr, "threads");
    const mona::sub_context_scope part(nullptr, "p");
    std::string plain = "?";
    std::string continued;
    std::string resumed;
    std::string afterwards = "?";

    std::thread([&] { plain = mona::full_context_id(); }).join();
    mona::thread(
        [&](int n) {
            continued = mona::full_context_id();
            s.counted(mona::push("thread"_key = n));
            mona::close_sub_context(); // guarded
        },
        7)
        .join();
    const auto captured = mona::capture();
    std::async(std::launch::async, [&, captured] {
        const mona::context_scope other(nullptr, "of the pool");
        {
            const mona::resume_scope here(captured);
            resumed = mona::full_context_id();
            s.counted(mona::push("pool"_key = 1));
        }
        afterwards = mona::full_context_id();
    }).get();

    CHECK(plain == "");
    CHECK(continued == "threads.p");
    CHECK(resumed == "threads.p");
    CHECK(afterwards == "of the pool");
    CHECK(mona::full_context_id() == "threads.p");
    s.check_arrival();
    CHECK(events_of("threads.p").size() >= 1);
}

TEST_CASE("what one thread exports before another is started arrives first") {
    auto& s = the_scene();
    constexpr int rounds = 50;
    for (int i = 0; i < rounds; ++i) {
        const mona::context_scope run(nullptr, "order");
        s.counted(mona::export_message("{\"n\":" + std::to_string(2 * i) + "}"));
        mona::thread([&] {
            s.counted(mona::export_message("{\"n\":" + std::to_string(2 * i + 1) + "}"));
        }).join();
    }

    s.check_arrival();
    const auto numbers = numbers_by_context(s.receiver, "n").at("order");
    CHECK(numbers.size() == 2 * rounds);
    CHECK(ascends(numbers));
}

TEST_CASE("the file switches off and on, however it is changed") {
    auto& s = the_scene();
    namespace fs = std::filesystem;
    const auto file = s.folder.path("config.json");
    const std::string off = R"({"disable_all": true})";
    const mona::context_scope run(nullptr, "switch");
    const auto check = [&](bool is_off) {
        CHECK(becomes(is_off));
        CHECK(s.counted(mona::push("n"_key = 1)) == !is_off);
        CHECK(s.counted(mona::export_message(R"({"m":1})")) == !is_off);
    };
    const auto says = [&](const std::string& why) { // the file may be read a moment later
        const auto line = why + "; exporting is on; write {\"disable_all\": true}";
        return wait_until([&] { return s.log.count(line) != 0; }, monarc::support::patience(20s));
    };

    SUBCASE("written in place") {
        s.write(off);
        check(true);
    }
    SUBCASE("renamed over") {
        fs::rename(s.folder.write("fresh", off), file);
        check(true);
    }
    SUBCASE("replaced by a link, whose target is then swapped as Kubernetes does") {
        fs::create_directory(s.folder.path("one"));
        fs::create_directory(s.folder.path("two"));
        s.folder.write("one/config.json", off);
        s.folder.write("two/config.json", R"({"disable_all": false})");
        fs::create_directory_symlink("one", s.folder.path("data"));
        fs::remove(file);
        fs::create_symlink("data/config.json", file);
        check(true);
        fs::create_directory_symlink("two", s.folder.path("data.new"));
        fs::rename(s.folder.path("data.new"), s.folder.path("data"));
        check(false);
        fs::remove(file);
        for (const char* const one : {"one", "two", "data"}) {
            fs::remove_all(s.folder.path(one));
        }
    }
    SUBCASE("replaced a thousand times") {
        for (int i = 0; i < 1000; ++i) {
            fs::rename(s.folder.write("fresh", i % 2 == 0 ? off : "{}"), file);
        }
        fs::rename(s.folder.write("fresh", off), file);
        check(true);
    }
    SUBCASE(
        "gone, a directory, unreadable, huge or no JSON: on, and the log says why and what to do") {
        s.write(off);
        check(true);
        fs::remove(file);
        check(false);
        fs::create_directory(file);
        check(false);
        CHECK(says("is a directory"));
        fs::remove(file);
        s.write(off);
        check(true);
        fs::remove(file);
        fs::create_symlink("config.json", file); // nobody can read it, not even root
        check(false);
        CHECK(says("Too many levels of symbolic links"));
        fs::remove(file);
        s.write(off);
        check(true);
        s.write(off + std::string(std::size_t{2} << 20, ' '));
        check(false);
        CHECK(says("is larger than 1048576 bytes"));
        s.write(off);
        check(true);
        s.write("disable_all = true");
        check(false);
        CHECK(says("is no JSON"));
    }
    s.write(R"({"disable_all": false})");
    check(false);
    s.check_arrival();
}

// Measured at the receiver, while threads go on pushing as fast as they can.
TEST_CASE("the big red button stops all traffic within a second, and released it resumes") {
    auto& s = the_scene();
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> refused{0};
    std::vector<std::thread> pushers;
    for (int i = 0; i < 2; ++i) {
        pushers.emplace_back([&] {
            while (!is_over) {
                const mona::context_scope run(nullptr, "button");
                refused += s.counted(mona::push("n"_key = 1)) ? 0 : 1;
                refused += s.counted(mona::export_message(R"({"m":1})")) ? 0 : 1;
                std::this_thread::sleep_for(200us);
            }
        });
    }
    const auto flows = [&] {
        const auto before = s.receiver.fields();
        return wait_until(
            [&] { return s.receiver.fields() > before; }, monarc::support::patience(20s));
    };
    CHECK(flows());

    s.write(R"({"disable_all": true})");
    std::this_thread::sleep_for(monarc::support::patience(1s));
    const auto arrived = s.receiver.messages().size();
    const auto refused_by_then = refused.load();
    std::this_thread::sleep_for(500ms);

    CHECK(s.receiver.messages().size() == arrived);
    CHECK(refused > refused_by_then); // they did go on pushing

    s.write(R"({"disable_all": false})");
    CHECK(flows());
    is_over = true;
    for (auto& one : pushers) {
        one.join();
    }
    s.check_arrival();
}

TEST_CASE("a message that no payload holds is rejected, and says why") {
    auto& s = the_scene();
    const mona::context_scope run(nullptr, "large");
    const auto large = R"({"s":")" + std::string(std::size_t{6} << 20, 'x') + "\"}";

    CHECK(mona::export_message(large) == mona::export_result::rejected);
    CHECK(s.log.count("is rejected (oversize)") == 1);
    mona::raise_exceptions(true);
    CHECK_THROWS_AS(mona::export_message(large), mona::export_error);
    const mona::event incomplete{.arc_class = "A", .context_id = "x"};
    CHECK_THROWS_AS(mona::export_batch({&incomplete, 1}), mona::missing_key_error);
    mona::raise_exceptions(false);
    CHECK(mona::export_batch({&incomplete, 1}));
    CHECK(s.counted(
        mona::export_message(R"({"s":")" + std::string(std::size_t{1} << 20, 'x') + "\"}")));
    s.check_arrival();
    CHECK(events_of("x").empty());
}

// The last one: nothing is exported after it.
TEST_CASE("after close exports are rejected, and pushes too") {
    auto& s = the_scene();
    mona::close();
    mona::raise_exceptions(true);
    CHECK_THROWS_AS(mona::context_scope("A", "x"), mona::export_error);
    mona::raise_exceptions(false);
    CHECK(mona::full_context_id() == ""); // as if it had not been
    const mona::context_scope run(nullptr, "late");

    CHECK(mona::export_message(R"({"a":1})") == mona::export_result::rejected);
    CHECK_FALSE(mona::push("a"_key = 1));
    const auto stats = process_exporter().stats();
    CHECK(stats.is_exact());
    REQUIRE(stats.destinations.size() == 1);
    CHECK(stats.destinations[0].delivered_unacked == stats.accepted);
    CHECK(s.receiver.fields() == s.fields);
    mona::set_log({});
}
}
