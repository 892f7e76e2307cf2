// Runs under callgrind for tools/dev/instructions: rounds of pushes, each followed by its drain.

#include "hollow_exporter.hpp"
#include "pushes.hpp"
#include "samples.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

namespace monarc::bench {

// Counted from here on; the names are what callgrind is told.
[[gnu::noinline]] void
measured(hollow_exporter& hollow, push_subject& to, const four_numbers& v, bool with_id) noexcept {
    with_id ? push_id_round(to, v) : push_handle_round(to, v);
    hollow.drain();
}

} // namespace monarc::bench

int main(int argc, char** argv) {
    using namespace monarc::bench;
    const std::string_view what = argc == 2 ? argv[1] : "";
    if (what != "handle" && what != "id") {
        fmt::print(stderr, "usage: instructions_probe handle|id\n");
        return 2;
    }
    constexpr int rounds = 200;
    const auto id = sample_ids(1).front();
    hollow_exporter hollow(
        {.counter = true}); // what valgrind says of the processor does not matter
    push_subject subject{
        .through = hollow.face(),
        .handle = hollow.face().open_context("order", "42"),
        .values = hollow.face().open_series("order.price", {}),
        .id = id,
        .venue = "XNAS-PRIMARY",
        .json = {}};
    const four_numbers values{.price = 101.25, .size = 300, .score = 0.71, .account = 81'345};
    what == "id" ? push_id(subject, values) : push_handle(subject, values); // the first of a thread
    hollow.drain();
    for (int i = 0; i < rounds; ++i) {
        measured(hollow, subject, values, what == "id");
    }
    fmt::print("pushes {}\n", rounds * round_pushes);
    return 0;
}
