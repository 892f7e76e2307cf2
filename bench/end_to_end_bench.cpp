// A whole exporter against a receiver in another process: records per second, where the I/O
// thread's time goes, bytes on the wire, and what an idle exporter costs. `--bars` prints the bars;
// without it, Google Benchmark.

#include "bars.hpp"
#include "compress/gzip.hpp"
#include "core/clock.hpp"
#include "orders.hpp"
#include "receiver.hpp"

#include <monarc/monarc.hpp>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

// --- in front of gzip_writer::append (see meson.build) ---

namespace monarc::bench {
namespace {

double thread_seconds(clockid_t clock = CLOCK_THREAD_CPUTIME_ID) noexcept {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Written before an exporter starts, read after it was closed; its I/O thread alone is in between.
struct gzip_front {
    std::unique_ptr<compress::gzip_writer> writer;
    double seconds = 0.0; // of the thread's CPU time
};
gzip_front in_front_of_gzip;

} // namespace
} // namespace monarc::bench

// The library's own, and what its callers get instead.
monarc::result<std::size_t>
real_append(monarc::compress::gzip_writer* self, std::string_view bytes, std::string& out) asm(
    "__real__ZN6monarc8compress11gzip_writer6appendESt17basic_string_viewIcSt11char_traitsIcEE"
    "RNSt7__cxx1112basic_stringIcS4_SaIcEEE");
monarc::result<std::size_t>
front_append(monarc::compress::gzip_writer* self, std::string_view bytes, std::string& out) asm(
    "__wrap__ZN6monarc8compress11gzip_writer6appendESt17basic_string_viewIcSt11char_traitsIcEE"
    "RNSt7__cxx1112basic_stringIcS4_SaIcEEE");

monarc::result<std::size_t>
front_append(monarc::compress::gzip_writer* self, std::string_view bytes, std::string& out) {
    auto& front = monarc::bench::in_front_of_gzip;
    const auto begun = monarc::bench::thread_seconds();
    const auto written =
        real_append(front.writer != nullptr ? front.writer.get() : self, bytes, out);
    front.seconds += monarc::bench::thread_seconds() - begun;
    return written;
}

namespace monarc::bench {
namespace {

using namespace std::chrono_literals;
using namespace monarc::literals;

// --- one flow of records ---

struct flow_settings {
    std::optional<compress::codec> codec{}; // none: without gzip
    std::size_t merged = 1;                 // pushes of one context that become one event
    bool is_fresh = false;                  // each event is of a context never seen, its class told
    digits of = digits::few;
};

struct flow_figures {
    double wall_rate = 0;  // records a second
    double io_rate = 0;    // records a second of the I/O thread's CPU time
    double gzip_share = 0; // of the I/O thread's CPU time
    double wire_bytes = 0; // a record, frames included, as the receiver read them
    double event_bytes = 0;
    bool is_clean = false;
};

// The clock of the CPU time of the exporter's thread, found by its name.
clockid_t io_thread_clock() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        std::getline(std::ifstream(task.path() / "comm") >> std::ws, name);
        if (name == "monarc-io") {
            const auto thread = std::stoi(task.path().filename().string());
            return static_cast<clockid_t>(~static_cast<unsigned>(thread) << 3 | 6u); // the kernel's
        }
    }
    fmt::print(stderr, "end_to_end_bench: no thread is named monarc-io\n");
    std::exit(2);
}

const std::vector<std::string>& known_ids() {
    static const auto ids = sample_ids(16'384);
    return ids;
}
const std::vector<std::string>& fresh_ids() {
    static const auto ids = sample_ids(1'000'000, 7);
    return ids;
}
const std::vector<sample_order>& orders(digits of) {
    static const auto few = sample_orders(65'536);
    static const auto all = sample_orders(65'536, digits::all);
    return of == digits::all ? all : few;
}

// A producer that is refused waits a little, so that the I/O thread never waits for it. It waits
// also for a receiver that got no processor for long: an exporter would drop the oldest by then.
class producer {
public:
    producer(exporter& to, const receiver& behind, const flow_settings& settings)
        : to_(to), behind_(behind), settings_(settings) {}

    std::uint64_t run_for(std::chrono::nanoseconds time) {
        constexpr auto order = "order"_class;
        const auto& ids = settings_.is_fresh ? fresh_ids() : known_ids();
        const auto& orders = bench::orders(settings_.of);
        const auto end = monotonic_nanoseconds() + static_cast<std::uint64_t>(time.count());
        const auto begun = next_;
        const auto events_before = behind_.events();
        while (monotonic_nanoseconds() < end) {
            for (int i = 0; i < 256; ++i) {
                const auto event = next_ / settings_.merged;
                const auto& values = orders[next_ % orders.size()];
                while (!push_order(
                    to_, order(ids[event % ids.size()]), next_ % settings_.merged, values)) {
                    std::this_thread::sleep_for(200us);
                }
                ++next_;
            }
            while ((next_ - begun) / settings_.merged >
                   behind_.events() - events_before + most_under_way) {
                std::this_thread::sleep_for(200us);
            }
        }
        return next_ - begun;
    }

private:
    static constexpr std::uint64_t most_under_way = 150'000;

    exporter& to_;
    const receiver& behind_;
    flow_settings settings_;
    std::uint64_t next_ = 0;
};

exporter_options options_to(std::uint16_t port, bool gzip) {
    exporter_options options;
    options.mona = mona_forward_options{.port = port, .gzip = gzip};
    options.memory_limit = std::size_t{256} << 20;
    return options;
}

flow_figures flow(const receiver& to, const flow_settings& settings, std::chrono::seconds time) {
    in_front_of_gzip = {};
    if (settings.codec) {
        in_front_of_gzip.writer = std::make_unique<compress::gzip_writer>(*settings.codec);
    }
    exporter e(options_to(to.port(), settings.codec.has_value()));
    const auto io_clock = io_thread_clock();
    producer orders_of(e, to, settings);
    orders_of.run_for(500ms); // the classes of the known contexts are told
    e.flush(60s);

    const auto before = e.stats();
    const auto bytes_before = to.bytes();
    in_front_of_gzip.seconds = 0.0; // nothing is being compressed after a flush
    const auto io_before = thread_seconds(io_clock);
    const auto begun = monotonic_nanoseconds();
    const auto pushed = static_cast<double>(orders_of.run_for(time));
    const auto flushed = e.flush(60s);
    const auto seconds = static_cast<double>(monotonic_nanoseconds() - begun) * 1e-9;
    const auto io_seconds = thread_seconds(io_clock) - io_before;
    const auto after = e.stats();
    return {
        .wall_rate = pushed / seconds,
        .io_rate = pushed / io_seconds,
        .gzip_share = in_front_of_gzip.seconds / io_seconds,
        .wire_bytes = static_cast<double>(to.bytes() - bytes_before) / pushed,
        .event_bytes =
            static_cast<double>(
                after.destinations[0].payload_bytes - before.destinations[0].payload_bytes) /
            pushed,
        .is_clean = flushed.is_clean() && after.is_exact() &&
                    after.destinations[0].delivered == after.accepted};
}

// --- nothing to do ---

double process_seconds() {
    ::rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The same of a thread that does nothing but sleep as long as an idle exporter does: what the
// machine itself takes for it.
double sleeping_percent() {
    constexpr auto poll = 5ms;
    constexpr int polls = 2000;
    const auto used = process_seconds();
    const auto begun = monotonic_nanoseconds();
    for (int i = 0; i < polls; ++i) {
        std::this_thread::sleep_for(poll);
    }
    const auto seconds = static_cast<double>(monotonic_nanoseconds() - begun) * 1e-9;
    return 100.0 * (process_seconds() - used) / seconds;
}

// The share of one core, in percent, of the whole process over a minute; connected.
double idle_percent(const receiver& to) {
    exporter e(options_to(to.port(), true));
    e.push("order"_class("42"), "price"_key = 101.25);
    e.flush(10s);
    std::this_thread::sleep_for(100ms);
    const auto used = process_seconds();
    const auto begun = monotonic_nanoseconds();
    std::this_thread::sleep_for(60s);
    const auto seconds = static_cast<double>(monotonic_nanoseconds() - begun) * 1e-9;
    return 100.0 * (process_seconds() - used) / seconds;
}

// --- the bars ---

double least_share(compress::codec which) {
    switch (which) {
    case compress::codec::isal: return 0.60;
    case compress::codec::libdeflate: return 0.80;
    case compress::codec::zlib: return 0.88;
    }
    return 1.0;
}

figure plain(std::string goal, double value, std::string unit) {
    return {.goal = std::move(goal), .value = value, .unit = std::move(unit)};
}

figure judged(std::string goal, double value, std::string unit, rule how, double bar) {
    auto line = plain(std::move(goal), value, std::move(unit));
    line.judged = how;
    line.bar = bar;
    return line;
}

std::string text_of(const flow_settings& of) {
    return fmt::format(
        "{}, {}{}{}",
        of.codec ? name(*of.codec) : "no gzip",
        of.merged == 1 ? "1 push per context" : fmt::format("{} merged", of.merged),
        of.is_fresh ? ", each class told" : "",
        of.of == digits::all ? ", all digits" : "");
}

run_result run(const receiver& to) {
    constexpr auto time = 3s;
    run_result result;
    auto& lines = result.figures;
    const auto measure = [&](const flow_settings& settings) {
        const auto f = flow(to, settings, time);
        const auto what = text_of(settings);
        if (!f.is_clean) {
            result.implausible = what + ": not everything was delivered";
        }
        lines.push_back(plain(what + ": records", f.wall_rate, "/s"));
        lines.push_back(plain(what + ": records by I/O CPU time", f.io_rate, "/s"));
        lines.push_back(plain(what + ": MessagePack", f.event_bytes, "B/record"));
        if (settings.codec) {
            const bool is_bar =
                settings.merged == 1 && !settings.is_fresh && settings.of == digits::few;
            lines.push_back(judged(
                what + ": gzip's share of the I/O thread",
                f.gzip_share,
                "",
                is_bar ? rule::at_least : rule::reported,
                least_share(*settings.codec)));
        }
        const bool has_wire_bar = settings.codec == compress::codec::isal && !settings.is_fresh &&
                                  settings.of == digits::few;
        lines.push_back(judged(
            what + ": on the wire",
            f.wire_bytes,
            "B/record",
            has_wire_bar ? rule::at_most : rule::reported,
            settings.merged == 1 ? 57.0 : 25.0));
        return f;
    };
    flow_figures of_zlib;
    for (const auto codec : compress::codecs()) {
        const auto f = measure({.codec = codec});
        measure({.codec = codec, .merged = 4});
        if (codec == compress::codec::zlib) {
            of_zlib = f;
        }
    }
    measure({.codec = compress::codecs().front(), .is_fresh = true});
    measure({.codec = compress::codecs().front(), .of = digits::all});
    measure({.codec = compress::codecs().front(), .merged = 4, .of = digits::all});
    const auto without = measure({});
    measure({.merged = 4});
    auto line =
        judged("no gzip against zlib, by I/O CPU time", without.io_rate, "/s", rule::at_least, 5.0);
    line.base_name = "zlib";
    line.base = of_zlib.io_rate;
    lines.push_back(line);
    line.goal = "no gzip against zlib, by the clock on the wall";
    line.value = without.wall_rate;
    line.base = of_zlib.wall_rate;
    lines.push_back(line);
    lines.push_back(
        plain("a thread that sleeps 5 ms at a time", sleeping_percent(), "% of a core"));
    lines.push_back(judged("idle over 60 s", idle_percent(to), "% of a core", rule::at_most, 0.6));
    return result;
}

void exporter_to_receiver(benchmark::State& state, const receiver& to, flow_settings settings) {
    for (auto _ : state) {
        const auto f = flow(to, settings, 2s);
        if (!f.is_clean) {
            state.SkipWithError("not everything was delivered");
        }
        state.counters["records/s"] = f.wall_rate;
        state.counters["records/s of I/O CPU"] = f.io_rate;
        state.counters["gzip share"] = f.gzip_share;
        state.counters["wire B/record"] = f.wire_bytes;
    }
}

int run_benchmarks(int argc, char** argv, const receiver& to) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    std::vector<flow_settings> all{{}, {.merged = 4}};
    for (const auto codec : compress::codecs()) {
        all.push_back({.codec = codec});
        all.push_back({.codec = codec, .merged = 4});
    }
    for (const auto& settings : all) {
        benchmark::RegisterBenchmark(
            text_of(settings).c_str(),
            [&to, settings](benchmark::State& state) { exporter_to_receiver(state, to, settings); })
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

} // namespace
} // namespace monarc::bench

int main(int argc, char** argv) {
    const monarc::bench::receiver receiver; // forks: before any thread
    if (monarc::bench::wants_bars(argc, argv)) {
        return monarc::bench::judge_bars(
            "end_to_end_bench", [&] { return monarc::bench::run(receiver); });
    }
    return monarc::bench::run_benchmarks(argc, argv, receiver);
}
