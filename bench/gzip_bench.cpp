// Each codec on payloads of events. Bytes per second of what goes in; `ratio` of what comes out.

#include "compress/gzip.hpp"
#include "payloads.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>

namespace monarc::bench {
namespace {

void gzip_payload(benchmark::State& state) {
    const auto body = events_of(static_cast<std::size_t>(state.range(1)));
    compress::gzip_writer writer(compress::codecs()[static_cast<std::size_t>(state.range(0))]);
    std::string packed;
    for (auto _ : state) {
        packed.clear();
        if (!writer.append(body, packed)) {
            state.SkipWithError("gzip failed");
            break;
        }
        benchmark::DoNotOptimize(packed.data());
    }
    state.SetLabel(std::string(name(writer.which())));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
    state.counters["ratio"] = static_cast<double>(body.size()) / static_cast<double>(packed.size());
}

void every_codec(benchmark::internal::Benchmark* b) {
    for (std::size_t codec = 0; codec < compress::codecs().size(); ++codec) {
        for (std::int64_t bytes = 1 << 10; bytes <= 1 << 20; bytes <<= 2) {
            b->Args({static_cast<std::int64_t>(codec), bytes});
        }
    }
}
BENCHMARK(gzip_payload)->Apply(every_codec)->ArgNames({"codec", "bytes"});

} // namespace
} // namespace monarc::bench

BENCHMARK_MAIN();
