// What becomes of a payload that Monasca refuses as a whole, and whether it is asked to take gzip:
// the destination and its list against the sink's code (delivery.md D-7.2, monasca-api.md section
// 8).

#include "core/log.hpp"
#include "destinations/monasca.hpp"
#include "pipeline/lane.hpp"
#include "support/monasca_receiver.hpp"
#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

// The destination without what stands before it, so that bad measurements come through.
class bare_lane {
public:
    bare_lane(const monasca_receiver& receiver, compression_mode compression)
        : log_(book.writer()),
          to_(io_.get_executor(), settings_of(receiver, compression), descriptors_, random_),
          lane_(io_, to_, delivery_of(), log_, random_, [] {}) {}

    // Series n0, n1, … with the value of their number; a bad one has a dimension that is refused.
    void append(int first, int count, const std::set<int>& bad) {
        const auto good = opened({{"hostname", "web-1"}, {"service", "shop"}});
        const auto worse = opened({{"hostname", "a=b"}});
        measurement_batch batch;
        const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::system_clock::now().time_since_epoch());
        for (int i = first; i < first + count; ++i) {
            batch.entries.push_back(
                {.of = bad.contains(i) ? worse : good,
                 .name = 0,
                 .statistic = 0,
                 .records = 1,
                 .milliseconds = now.count() - i,
                 .value = static_cast<double>(i)});
        }
        batch.records = static_cast<std::uint64_t>(count);
        const auto present = std::chrono::steady_clock::now();
        lane_.list().append(to_.encode(batch, present), present);
    }
    void deliver_all() {
        lane_.pump();
        io_.run_for(patience(30s));
        io_.restart();
    }
    const delivery::delivery_list& list() const { return lane_.list(); }

    log_book book;

private:
    static destinations::monasca::settings
    settings_of(const monasca_receiver& receiver, compression_mode compression) {
        return {
            .options = {.url = receiver.url(), .token = secret("t"), .compression = compression},
            .tls = {},
            .response_timeout = 5s,
            .max_retry_after = 60s,
            .say = [](log_level, std::string_view) {}};
    }
    static delivery::delivery_settings delivery_of() {
        return {
            .retry = {.min_wait = 1s, .max_wait = 60s},
            .max_in_flight = destinations::monasca::max_connections,
            .is_ordered = false};
    }
    static std::shared_ptr<series_definition> opened(monasca_rules::text_pairs dimensions) {
        auto made = std::make_shared<series_definition>();
        made->names = {"n"};
        made->dimensions = std::move(dimensions);
        made->kind = series_kind::every;
        return made;
    }

    boost::asio::io_context io_{1};
    std::array<std::atomic<int>, destinations::monasca::max_descriptors> descriptors_{};
    std::mt19937_64 random_{14};
    logger log_;
    destinations::monasca to_;
    pipeline::lane lane_;
};

std::set<int> drawn(std::mt19937& random, int count, int below) {
    std::set<int> all;
    while (static_cast<int>(all.size()) < count) {
        all.insert(std::uniform_int_distribution<int>(0, below - 1)(random));
    }
    return all;
}

std::size_t
requests_for(compression_mode compression, const char* how, int payloads, std::size_t& packed) {
    monasca_settings settings;
    if (*how != '\0') {
        REQUIRE(sink::read_switch(how, settings.monasca.switches) == "");
    }
    monasca_receiver receiver(settings);
    receiver.start();
    bare_lane lane(receiver, compression);
    for (int i = 0; i < payloads; ++i) { // one after the other, so that the answer is known
        lane.append(i * 100, 100, {});
        lane.deliver_all();
    }
    CHECK(lane.list().counts().delivered == static_cast<std::uint64_t>(payloads) * 100);
    CHECK(lane.list().counts().retries == 0);
    CHECK(receiver.measurements().size() == static_cast<std::size_t>(payloads) * 100);
    const auto all = receiver.requests();
    packed = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const auto& one) {
        return one.http.field("Content-Encoding") == "gzip";
    }));
    return all.size();
}

} // namespace

TEST_SUITE("integration/monasca_answers") {
TEST_CASE(
    "F14 1, 2 and 10 bad among 1000: exactly those are dead, the others arrive, few requests") {
    std::mt19937 random(14);
    for (const int count : {1, 2, 10}) {
        monasca_receiver receiver;
        receiver.start();
        const auto bad = drawn(random, count, 1000);
        bare_lane lane(receiver, compression_mode::automatic);
        lane.append(0, 500, bad);
        lane.append(500, 500, bad);
        lane.deliver_all();

        const auto& counts = lane.list().counts();
        CHECK(counts.dead[reason::rejected] == static_cast<std::uint64_t>(count));
        CHECK(counts.delivered == static_cast<std::uint64_t>(1000 - count));
        CHECK(lane.list().is_empty());
        std::set<int> got;
        for (const auto& one : receiver.measurements()) {
            CHECK(got.insert(static_cast<int>(one.what.value)).second); // once each
        }
        for (int i = 0; i < 1000; ++i) {
            CHECK(got.contains(i) != bad.contains(i));
        }
        CHECK(receiver.requests().size() <= (count == 1 ? 21u : 256u));
        // The log says what was refused, not each half of it.
        CHECK(lane.book.count("422") >= 1);
        CHECK(lane.book.count("422") <= 4);
        MESSAGE(count << " bad: " << receiver.requests().size() << " requests");
    }
}

TEST_CASE("compression auto: one request more where gzip is refused, none where it is taken") {
    std::size_t packed = 0;

    CHECK(requests_for(compression_mode::automatic, "", 10, packed) == 11);
    CHECK(packed == 1);
    for (const auto* const taker : {"gzip=accept", "profile=java"}) {
        CHECK(requests_for(compression_mode::automatic, taker, 10, packed) == 10);
        CHECK(packed == 10);
    }
    CHECK(requests_for(compression_mode::none, "gzip=accept", 10, packed) == 10);
    CHECK(packed == 0);
    CHECK(requests_for(compression_mode::gzip, "gzip=accept", 10, packed) == 10);
    CHECK(packed == 10);
}

TEST_CASE("F13 413 to compressed payloads: halved until they are taken") {
    monasca_settings settings;
    settings.monasca.switches.takes_gzip = true;
    monasca_receiver receiver(settings);
    receiver.on_request([](const monasca_request& r, monasca_reaction& reaction) {
        if (r.http.body.size() > 600) {
            reaction.refuse(413);
        }
    });
    receiver.start();
    bare_lane lane(receiver, compression_mode::gzip);
    lane.append(0, 500, {});
    lane.deliver_all();

    CHECK(lane.list().counts().delivered == 500);
    CHECK(lane.list().counts().splits > 1);
    CHECK(receiver.measurements().size() == 500);
}

TEST_CASE("after any 5xx the next request goes over a new connection") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& r, monasca_reaction& reaction) {
        if (r.number == 2) {
            reaction.refuse(500);
        }
    });
    receiver.start();
    bare_lane lane(receiver, compression_mode::none);
    std::vector<std::size_t> connections;
    for (int i = 0; i < 2; ++i) {
        lane.append(i, 1, {});
        lane.deliver_all();
    }
    std::this_thread::sleep_for(1100ms);
    lane.deliver_all();

    const auto all = receiver.requests();
    REQUIRE(all.size() == 3);
    CHECK(all[0].http.connection == all[1].http.connection);
    CHECK(all[2].http.connection != all[1].http.connection);
}
}
