// From a sealed batch to MessagePack, without compression, and from a JSON text to fields. Items
// are records as pushed.

#include "core/json_block.hpp"
#include "destinations/mona_forward_wire.hpp"
#include "encode/json_reader.hpp"
#include "encode/msgpack_writer.hpp"
#include "payloads.hpp"
#include "samples.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

// The text of a push_json, to the fields that a record has.
void read_json_text(benchmark::State& state) {
    std::vector<std::string> texts;
    for (const auto& order : sample_orders(1000)) {
        texts.push_back(fmt::format(
            R"({{"price": {}, "size": {}, "score": {}, "is_maker": true, "venue": "{}"}})",
            order.price,
            order.quantity,
            order.score,
            order.venue));
        texts.back().append(json_padding_bytes, '\0');
    }
    encode::json_reader reader;
    std::string fields;
    std::size_t bytes = 0;
    for (auto _ : state) {
        for (const auto& text : texts) {
            fields.clear();
            json_facts facts;
            const std::string_view json(text.data(), text.size() - json_padding_bytes);
            if (!reader.read_record(json, fields, facts)) {
                state.SkipWithError(reader.why());
            }
            bytes += json.size();
            benchmark::DoNotOptimize(fields.data());
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(texts.size()));
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(read_json_text);

} // namespace
} // namespace monarc::bench

BENCHMARK_MAIN();
