// Options from a file, the environment and code; what comes later wins.

#include <monarc/monarc.hpp>

#include <cstdio>

using namespace monarc::literals;
using namespace std::chrono_literals;

int main() try {
    auto options = monarc::load_options({.file = "orders.toml", .environment = true}); // file, then environment
    options.batch.max_delay = 200ms;                                                   // then code
    monarc::exporter exporter(options);

    exporter.push("order"_class("1"), "size"_key = 100);
    return exporter.close(5s).is_clean() ? 0 : 1;
} catch (const std::system_error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 2;
}
