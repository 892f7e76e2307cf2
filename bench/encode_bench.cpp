// From a sealed batch to MessagePack, without compression. Items are records as pushed.

#include "destinations/mona_forward_wire.hpp"
#include "encode/msgpack_writer.hpp"
#include "payloads.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>

namespace monarc::bench {
namespace {

// A batch of 1000 records, so many of them merged into one event.
void encode_events(benchmark::State& state) {
    constexpr std::size_t records = 1000;
    const auto held = batch_of(records, static_cast<std::size_t>(state.range(0)));
    destinations::mona_forward_wire wire({.gzip = false});
    std::size_t bytes = 0;
    for (auto _ : state) {
        const auto made = wire.encode(held.open_batch(), {});
        bytes = made->body.size();
        benchmark::DoNotOptimize(made->body.data());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
    state.counters["bytes/record"] = static_cast<double>(bytes) / records;
}
BENCHMARK(encode_events)->Arg(1)->Arg(4)->ArgName("merged");

// What the writer alone costs: one map of four fields, its keys encoded ahead.
void write_four_fields(benchmark::State& state) {
    byte_buffer out;
    for (auto _ : state) {
        out.clear();
        encode::msgpack_writer to(out);
        to.map(4);
        to.raw("\xa5price");
        to.real(101.25);
        to.raw("\xa4size");
        to.integer(300);
        to.raw("\xa5venue");
        to.text("XNAS-PRIMARY");
        to.raw("\xa8is_maker");
        to.boolean(true);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(write_four_fields);

} // namespace
} // namespace monarc::bench

BENCHMARK_MAIN();
