// What it costs to find a record's context among many and append to it. `--bars` prints the bars;
// without it, Google Benchmark.

#include "aggregate/aggregator.hpp"
#include "bars.hpp"
#include "core/names.hpp"
#include "hollow_exporter.hpp"
#include "orders.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>
#include <time.h>

#include <cstddef>
#include <random>
#include <vector>

namespace monarc::bench {
namespace {

using namespace monarc::literals;

constexpr std::int64_t wall = std::int64_t{1'700'000'000} * 1'000'000'000;

// Takes one record off the queue and keeps it, to be added under other ids.
class keeping_taker final : public queue::record_taker {
public:
    void take(queued_record record) noexcept override {
        kept = record.view();
        body = kept.body;
        kept.body = body;
    }

    record_view kept{};
    std::string body;
};

constexpr std::size_t gathered = 1000;

double thread_seconds() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::size_t heap_bytes() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

// An aggregator that holds so many contexts, and records that go to them at random.
class crowd {
public:
    explicit crowd(std::size_t contexts)
        : ids_(sample_ids(contexts)),
          holds_({.max_contexts = 2 * contexts, .max_context_bytes = std::size_t{4} << 30}) {
        hollow_exporter hollow;
        push_order(hollow.face(), "order"_class(ids_.front()), 0, sample_orders(1).front());
        hollow.queue().drain(taker_, ~std::uint64_t{0}, ~std::size_t{0});
        const auto before = heap_bytes();
        for (const auto& id : ids_) {
            add(id);
        }
        holds_.clear_batch();
        bytes_per_context_ =
            static_cast<double>(heap_bytes() - before) / static_cast<double>(contexts);
        std::mt19937_64 random(3);
        order_.resize(std::size_t{1} << 20);
        for (auto& one : order_) {
            one = static_cast<std::uint32_t>(random() % contexts);
        }
    }

    // Adds so many records, the batch taken away whenever it is full. The ids are gathered first,
    // as they come off the queue one behind the other. Returns: seconds of CPU time that adding
    // took.
    double merge(std::size_t records) {
        double seconds = 0.0;
        for (std::size_t done = 0; done < records; done += gathered_.size()) {
            for (auto& id : gathered_) {
                id = ids_[order_[next_++ % order_.size()]];
            }
            const auto begun = thread_seconds();
            for (const auto& id : gathered_) {
                add(id);
            }
            seconds += thread_seconds() - begun;
        }
        return seconds;
    }

    std::size_t live() const noexcept { return holds_.live_contexts(); }
    double bytes_per_context() const noexcept { return bytes_per_context_; }

private:
    void add(const std::string& id) {
        auto& record = taker_.kept;
        record.id = id;
        while (!holds_.add(record, wall, {})) {
            holds_.clear_batch();
        }
    }

    std::vector<std::string> ids_;
    std::vector<std::uint32_t> order_;
    std::vector<std::string> gathered_ = sample_ids(gathered);
    std::size_t next_ = 0;
    keeping_taker taker_;
    aggregate::aggregator holds_;
    double bytes_per_context_ = 0;
};

run_result run() {
    constexpr std::size_t contexts = 1'000'000;
    constexpr std::size_t records = 2'000'000;
    crowd all(contexts);
    all.merge(records / 4);
    const auto seconds = all.merge(records);
    run_result result;
    if (all.live() != contexts) {
        result.implausible = fmt::format("{} contexts are held, not {}", all.live(), contexts);
    }
    result.figures.push_back(
        {.goal = "merge at 1e6 live contexts",
         .value = 1e9 * seconds / static_cast<double>(records),
         .unit = "ns",
         .judged = rule::at_most,
         .bar = 600.0});
    result.figures.push_back(
        {.goal = "memory per context, its id of 36 bytes included",
         .value = all.bytes_per_context(),
         .unit = "B",
         .judged = rule::at_most,
         .bar = 300.0});
    return result;
}

void merge_at_random(benchmark::State& state) {
    crowd all(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        state.SetIterationTime(all.merge(gathered));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(gathered));
    state.counters["B/context"] = all.bytes_per_context();
}
BENCHMARK(merge_at_random)
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->ArgName("contexts")
    ->UseManualTime();

} // namespace
} // namespace monarc::bench

int main(int argc, char** argv) {
    if (monarc::bench::wants_bars(argc, argv)) {
        return monarc::bench::judge_bars("aggregate_bench", [] { return monarc::bench::run(); });
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
