// What a push costs the thread that makes it. `--bars` prints the bars of the hot path; without it,
// Google Benchmark.

#include "bars.hpp"
#include "baseline.hpp"
#include "core/clock.hpp"
#include "hollow_exporter.hpp"
#include "peer_spdlog.hpp"
#include "pushes.hpp"
#include "receiver.hpp"
#include "samples.hpp"

#include <monarc/monarc.hpp>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace monarc::bench {
namespace {

using namespace std::chrono_literals;

constexpr int counted_rounds = 400;
constexpr int warm_rounds = 30;
constexpr four_numbers values{.price = 101.25, .size = 300, .score = 0.71, .account = 81'345};
constexpr std::string_view venue = "XNAS-PRIMARY";
constexpr std::string_view json =
    R"({"price": 101.25, "size": 300, "score": 0.71, "account": 81345, "venue": "XNAS-PRIMARY"})";

const std::string& sample_id() {
    static const std::string id = sample_ids(1).front();
    return id;
}

push_subject subject_of(exporter& e) {
    return {
        .through = e,
        .handle = e.open_context("order", "42"),
        .values = e.open_series("order.price", {{"desk", "fx"}}),
        .id = sample_id(),
        .venue = venue,
        .json = json};
}

// --- rounds of 512, interleaved ---

struct lane {
    std::string name;
    std::function<void()> push;
    std::function<void()> drain;
    std::function<void()> prepare = [] {};
    std::vector<double> nanoseconds{}; // a push, one value for each round

    double median() const { return quantile(nanoseconds, 0.5); }
};

void interleave(std::vector<lane>& lanes) {
    for (int round = 0; round < warm_rounds + counted_rounds; ++round) {
        for (auto& one : lanes) {
            one.prepare();
            const auto begun = monotonic_nanoseconds();
            one.push();
            const auto ended = monotonic_nanoseconds();
            one.drain();
            if (round >= warm_rounds) {
                one.nanoseconds.push_back(static_cast<double>(ended - begun) / round_pushes);
            }
        }
    }
}

// Empties a baseline's queue on a thread of its own, on demand, as the I/O thread does.
class drainer {
public:
    drainer() : thread_([this] { run(); }) {}
    ~drainer() {
        what_ = nullptr;
        wanted_.release();
        thread_.join();
    }
    void drain(baseline& what) {
        what_ = &what;
        wanted_.release();
        done_.acquire();
    }

private:
    void run() {
        while (wanted_.acquire(), what_ != nullptr) {
            what_->drain();
            done_.release();
        }
    }

    baseline* what_ = nullptr;
    std::binary_semaphore wanted_{0};
    std::binary_semaphore done_{0};
    std::thread thread_;
};

void add_baseline(std::vector<lane>& to, std::string name, baseline& b, drainer* other) {
    to.push_back(
        {.name = std::move(name),
         .push = [&b] { b.push_round(values); },
         .drain = [&b, other] { other != nullptr ? other->drain(b) : (void)b.drain(); }});
}

void add_pushes(
    std::vector<lane>& to, push_subject& s, const std::function<void()>& drain, exporter& e) {
    const auto add = [&](std::string name, push_function push) {
        to.push_back(
            {.name = std::move(name), .push = [push, &s] { push(s, values); }, .drain = drain});
    };
    const auto add_disabled = [&](std::string name, push_function push) {
        to.push_back(
            {.name = std::move(name),
             .push = [push, &s] { push(s, values); },
             .drain = [&e] { e.set_enabled(true); },
             .prepare = [&e] { e.set_enabled(false); }});
    };
    add("handle + 4 numbers", push_handle_round);
    add("36-byte id + 4 fields", push_id_round);
    add("handle, inlined into a large function", push_handle_round_in_large);
    add("id, inlined into a large function", push_id_round_in_large);
    add_disabled("disabled, handle", push_handle_round);
    add_disabled("disabled, id", push_id_round);
    add("series", push_series_round);
}

// A busy machine changes its pace between rounds, but seldom within one.
double median_of_ratios(const lane& one, const lane& base) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < one.nanoseconds.size(); ++i) {
        ratios.push_back(one.nanoseconds[i] / base.nanoseconds[i]);
    }
    return quantile(ratios, 0.5);
}

struct round_figures {
    double handle_by_round = 0, id_by_round = 0;
    double raw = 0, b2 = 0, handle = 0, id = 0, large_handle = 0, large_id = 0, disabled = 0,
           series = 0, json = 0, current = 0, peer = 0;
};

round_figures medians(const std::vector<lane>& lanes) {
    round_figures f{
        .handle_by_round = median_of_ratios(lanes[2], lanes[1]),
        .id_by_round = median_of_ratios(lanes[3], lanes[1]),
        .raw = lanes[0].median(),
        .b2 = lanes[1].median(),
        .handle = lanes[2].median(),
        .id = lanes[3].median(),
        .large_handle = lanes[4].median(),
        .large_id = lanes[5].median(),
        .disabled = std::max(lanes[6].median(), lanes[7].median()),
        .series = lanes[8].median()};
    if (lanes.size() > 9) {
        f.json = lanes[9].median();
        f.current = lanes[10].median();
        f.disabled = std::max(f.disabled, lanes[11].median());
    }
    if (lanes.size() > 12) {
        f.peer = lanes[12].median();
    }
    return f;
}

// The measuring thread empties the queues between the rounds; nothing else runs.
round_figures rounds_drained_here() {
    const auto raw = make_raw();
    const auto b2 = make_b2();
    const auto peer = make_spdlog();
    hollow_exporter hollow;
    auto subject = subject_of(hollow.face());
    std::vector<lane> lanes;
    add_baseline(lanes, "raw", *raw, nullptr);
    add_baseline(lanes, "B2", *b2, nullptr);
    add_pushes(
        lanes, subject, [&hollow] { hollow.drain(); }, hollow.face());
    lanes.push_back(
        {.name = "push_json",
         .push = [&subject] { push_json_round(subject, values); },
         .drain = [&hollow] { hollow.drain_texts(); }});
    // As an open context_scope leaves it.
    mona::detail::here = {
        .exporter = &hollow.queue(), .id = subject.id.data(), .id_bytes = subject.id.size()};
    lanes.push_back(
        {.name = "current context",
         .push = [&subject] { push_current_round(subject, values); },
         .drain = [&hollow] { hollow.drain(); }});
    lanes.push_back(
        {.name = "disabled, current context",
         .push = [&subject] { push_current_round(subject, values); },
         .drain = [&hollow] { hollow.face().set_enabled(true); },
         .prepare = [&hollow] { hollow.face().set_enabled(false); }});
    if (peer != nullptr) {
        add_baseline(lanes, "spdlog", *peer, nullptr);
    }
    interleave(lanes);
    mona::detail::here = {};
    return medians(lanes);
}

exporter_options options_to(std::uint16_t port) {
    exporter_options options;
    options.mona = mona_forward_options{.port = port};
    return options;
}

// A whole exporter, delivering to the receiver; between the rounds the pushing thread waits until
// everything is acknowledged. A thread of their own empties the baselines' queues.
round_figures rounds_drained_elsewhere(std::uint16_t port) {
    const auto raw = make_raw();
    const auto b2 = make_b2();
    drainer other;
    exporter whole(options_to(port));
    auto subject = subject_of(whole);
    std::vector<lane> lanes;
    add_baseline(lanes, "raw", *raw, &other);
    add_baseline(lanes, "B2", *b2, &other);
    add_pushes(
        lanes, subject, [&whole] { whole.flush(10s); }, whole);
    interleave(lanes);
    return medians(lanes);
}

// --- a thread that empties queues once a millisecond ---

void run_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

class poller {
public:
    explicit poller(std::function<void()> drain)
        : thread_([this, drain] {
              run_on(0);
              while (!stopped_) {
                  std::this_thread::sleep_for(1ms);
                  drain();
              }
          }) {}
    ~poller() {
        stopped_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> stopped_{false};
    std::thread thread_;
};

// --- one push a microsecond ---

struct quantiles {
    double p50 = 0, p99 = 0, p999 = 0;
};

std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
    unsigned cpu = 0;
    return __rdtscp(&cpu);
#else
    return monotonic_nanoseconds();
#endif
}

double nanoseconds_per_tick() {
    const auto begun = monotonic_nanoseconds();
    const auto first = ticks();
    std::this_thread::sleep_for(50ms);
    const auto last = ticks();
    return static_cast<double>(monotonic_nanoseconds() - begun) / static_cast<double>(last - first);
}

template <class Push>
void pace(int pushes, double ticks_apart, std::vector<std::uint32_t>& to, Push&& push) {
    auto due = static_cast<double>(ticks());
    for (int i = 0; i < pushes; ++i) {
        while (static_cast<double>(ticks()) < due) {
        }
        const auto begun = ticks();
        push();
        const auto ended = ticks();
        to.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(ended - begun, ~0u)));
        due = std::max(due + ticks_apart, static_cast<double>(begun));
    }
}

// The clock of many processors moves in steps of ten nanoseconds and more: within a step the values
// are taken to be spread evenly.
double grouped_quantile(std::vector<std::uint32_t> values, double share) {
    std::sort(values.begin(), values.end());
    const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
    const auto [first, last] = std::equal_range(values.begin(), values.end(), values[at]);
    const auto next = last != values.end() ? *last : values[at];
    const auto before = first != values.begin() ? *std::prev(first) : values[at];
    const auto from = (static_cast<double>(before) + values[at]) / 2.0;
    const auto to = (static_cast<double>(next) + values[at]) / 2.0;
    const auto passed = values.begin() + static_cast<std::ptrdiff_t>(at) - first;
    return from + (to - from) * static_cast<double>(passed) / static_cast<double>(last - first);
}

struct paced_figures {
    quantiles nothing, raw, handle, id;
};

paced_figures paced() {
    static const double nanoseconds = nanoseconds_per_tick();
    const auto raw = make_raw();
    hollow_exporter hollow;
    auto subject = subject_of(hollow.face());
    std::vector<std::uint32_t> of_nothing, of_raw, of_handle, of_id;
    cpu_set_t before;
    ::sched_getaffinity(0, sizeof before, &before);
    {
        const poller other([&] {
            raw->drain();
            hollow.drain();
        });
        run_on(1);
        constexpr int chunk = 10'000;
        for (int i = 0; i < 40; ++i) {
            pace(chunk / 10, 1000.0 / nanoseconds, of_nothing, [] {});
            pace(chunk, 1000.0 / nanoseconds, of_raw, [&] { raw->push_one(values); });
            pace(chunk, 1000.0 / nanoseconds, of_handle, [&] { push_handle(subject, values); });
            pace(chunk, 1000.0 / nanoseconds, of_id, [&] { push_id(subject, values); });
        }
    }
    ::sched_setaffinity(0, sizeof before, &before);
    const auto in_nanoseconds = [&](const std::vector<std::uint32_t>& of) {
        return quantiles{
            .p50 = nanoseconds * grouped_quantile(of, 0.5),
            .p99 = nanoseconds * grouped_quantile(of, 0.99),
            .p999 = nanoseconds * grouped_quantile(of, 0.999)};
    };
    return {
        .nothing = in_nanoseconds(of_nothing),
        .raw = in_nanoseconds(of_raw),
        .handle = in_nanoseconds(of_handle),
        .id = in_nanoseconds(of_id)};
}

// --- threads ---

// Microseconds of the first push of threads that are all alive at once, so that each needs a part
// of the queue that never was; then of as many threads that find one to take over.
struct first_push_figures {
    double fresh = 0, again = 0;
};

double first_push(hollow_exporter& hollow, int threads) {
    std::vector<double> microseconds(static_cast<std::size_t>(threads));
    std::barrier all_done(threads);
    std::vector<std::thread> running;
    for (auto& slot : microseconds) {
        running.emplace_back([&] {
            auto subject = subject_of(hollow.face());
            const auto begun = monotonic_nanoseconds();
            push_handle(subject, values);
            slot = static_cast<double>(monotonic_nanoseconds() - begun) / 1000.0;
            all_done.arrive_and_wait();
        });
    }
    for (auto& one : running) {
        one.join();
    }
    return quantile(microseconds, 0.5);
}

first_push_figures first_pushes() {
    hollow_exporter hollow;
    auto subject = subject_of(hollow.face());
    push_handle(subject, values); // the shape is known
    first_push_figures f;
    f.fresh = first_push(hollow, 200);
    hollow.drain();
    f.again = first_push(hollow, 200);
    return f;
}

// Nanoseconds a push, median over bursts of 64; each thread makes one every 8 ms.
double bursts(hollow_exporter& hollow, int threads) {
    constexpr int burst = 64;
    constexpr int bursts_of_thread = 150;
    std::vector<std::vector<double>> nanoseconds(static_cast<std::size_t>(threads));
    {
        const poller other([&] { hollow.drain(); });
        std::vector<std::thread> running;
        for (auto& mine : nanoseconds) {
            running.emplace_back([&] {
                auto subject = subject_of(hollow.face());
                for (int i = 0; i < bursts_of_thread; ++i) {
                    std::this_thread::sleep_for(8ms);
                    const auto begun = monotonic_nanoseconds();
                    for (int k = 0; k < burst; ++k) {
                        push_handle(subject, values);
                    }
                    const auto ended = monotonic_nanoseconds();
                    mine.push_back(static_cast<double>(ended - begun) / burst);
                }
            });
        }
        for (auto& one : running) {
            one.join();
        }
    }
    std::vector<double> all;
    for (const auto& mine : nanoseconds) {
        all.insert(all.end(), mine.begin(), mine.end());
    }
    return quantile(all, 0.5);
}

// --- the bars ---

figure
at_most(std::string goal, double value, std::string_view base_name, double base, double bar) {
    return {
        .goal = std::move(goal),
        .value = value,
        .unit = "ns",
        .base_name = std::string(base_name),
        .base = base,
        .judged = rule::at_most,
        .bar = bar};
}

figure
reported(std::string goal, double value, std::string_view base_name = {}, double base = 1.0) {
    auto line = at_most(std::move(goal), value, base_name, base, 0.0);
    line.judged = rule::reported;
    return line;
}

run_result run(std::uint16_t port) {
    run_result result;
    auto& lines = result.figures;
    const auto here = rounds_drained_here();
    const auto elsewhere = rounds_drained_elsewhere(port);
    if (here.raw > 25.0) {
        result.implausible = fmt::format("raw takes {:.1f} ns, more than 25", here.raw);
    } else if (here.b2 > 3.0 * here.raw) {
        result.implausible =
            fmt::format("B2 takes {:.1f} ns, more than 3 x raw ({:.1f})", here.b2, here.raw);
    }
    lines.push_back(reported("raw", here.raw));
    lines.push_back(reported("B2", here.b2));
    lines.push_back(at_most("handle + 4 numbers", here.handle, "B2", here.b2, 1.4));
    lines.push_back(at_most("36-byte id + 4 fields", here.id, "B2", here.b2, 1.7));
    lines.push_back(
        at_most("current context (36-byte id) + 4 fields", here.current, "B2", here.b2, 1.7));
    const auto by_round = [](std::string goal, double ratio) {
        auto line = reported(std::move(goal), ratio);
        line.unit = "x B2 of the same round";
        return line;
    };
    lines.push_back(by_round("handle + 4 numbers, median of the ratios", here.handle_by_round));
    lines.push_back(by_round("36-byte id + 4 fields, median of the ratios", here.id_by_round));
    lines.push_back(
        reported("handle, in a large function (goal 1.6)", here.large_handle, "B2", here.b2));
    lines.push_back(reported("id, in a large function (goal 2.0)", here.large_id, "B2", here.b2));
    lines.push_back(at_most("disabled push", here.disabled, "raw", here.raw, 0.4));
    lines.push_back(reported("series handle, a gauge's value", here.series, "B2", here.b2));
    lines.push_back(reported(
        fmt::format("push_json through a handle, {} bytes", json.size()),
        here.json,
        "B2",
        here.b2));
    if (here.peer != 0) {
        lines.push_back(reported("spdlog async, null sink, same fields", here.peer, "B2", here.b2));
    }
    lines.push_back(reported("other core empties: raw", elsewhere.raw));
    lines.push_back(reported("other core empties: B2", elsewhere.b2));
    lines.push_back(
        reported("other core empties: handle + 4 numbers", elsewhere.handle, "B2", elsewhere.b2));
    lines.push_back(
        reported("other core empties: 36-byte id + 4 fields", elsewhere.id, "B2", elsewhere.b2));

    const auto pace = paced();
    lines.push_back(reported("paced 1 us: nothing (the clock itself), p50", pace.nothing.p50));
    lines.push_back(at_most("paced 1 us: handle, p50", pace.handle.p50, "raw", pace.raw.p50, 1.5));
    lines.push_back(at_most("paced 1 us: handle, p99", pace.handle.p99, "raw", pace.raw.p99, 1.5));
    lines.push_back(at_most("paced 1 us: id, p50", pace.id.p50, "raw", pace.raw.p50, 1.5));
    lines.push_back(at_most("paced 1 us: id, p99", pace.id.p99, "raw", pace.raw.p99, 1.5));
    lines.push_back(reported("paced 1 us: handle, p99.9", pace.handle.p999, "raw", pace.raw.p999));

    const auto first = first_pushes();
    figure of_thread{
        .goal = "first push of a thread, median",
        .value = first.fresh,
        .unit = "us",
        .judged = rule::at_most,
        .bar = 10.0};
    lines.push_back(of_thread);
    of_thread.goal = "first push of a thread that takes over, median";
    of_thread.value = first.again;
    lines.push_back(of_thread);

    hollow_exporter hollow;
    const auto alone = bursts(hollow, 1);
    const auto many = bursts(hollow, 64);
    lines.push_back(at_most("64 producers, p50", many, "1 producer", alone, 2.0));
    return result;
}

// --- Google Benchmark ---

void rounds(benchmark::State& state, const std::function<void()>& push, auto&& drain) {
    for (auto _ : state) {
        const auto begun = monotonic_nanoseconds();
        push();
        state.SetIterationTime(static_cast<double>(monotonic_nanoseconds() - begun) * 1e-9);
        drain();
    }
    state.SetItemsProcessed(state.iterations() * round_pushes);
}

void raw_enqueue(benchmark::State& state) {
    const auto queue = make_raw();
    rounds(
        state, [&] { queue->push_round(values); }, [&] { queue->drain(); });
}
void b2_enqueue(benchmark::State& state) {
    const auto queue = make_b2();
    rounds(
        state, [&] { queue->push_round(values); }, [&] { queue->drain(); });
}
void push_to_handle(benchmark::State& state) {
    hollow_exporter hollow;
    auto subject = subject_of(hollow.face());
    rounds(
        state, [&] { push_handle_round(subject, values); }, [&] { hollow.drain(); });
}
void push_with_id(benchmark::State& state) {
    hollow_exporter hollow;
    auto subject = subject_of(hollow.face());
    rounds(
        state, [&] { push_id_round(subject, values); }, [&] { hollow.drain(); });
}
void push_disabled(benchmark::State& state) {
    hollow_exporter hollow;
    auto subject = subject_of(hollow.face());
    hollow.face().set_enabled(false);
    rounds(
        state, [&] { push_handle_round(subject, values); }, [] {});
}
BENCHMARK(raw_enqueue)->UseManualTime();
BENCHMARK(b2_enqueue)->UseManualTime();
BENCHMARK(push_to_handle)->UseManualTime();
BENCHMARK(push_with_id)->UseManualTime();
BENCHMARK(push_disabled)->UseManualTime();

} // namespace
} // namespace monarc::bench

int main(int argc, char** argv) {
    if (monarc::bench::wants_bars(argc, argv)) {
        const monarc::bench::receiver receiver;
        return monarc::bench::judge_bars(
            "push_bench", [&] { return monarc::bench::run(receiver.port()); });
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
