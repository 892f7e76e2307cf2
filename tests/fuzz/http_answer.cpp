// An HTTP answer in two pieces, and what Monasca's destination makes of it.

#include "transport/http_answer.hpp"

#include "destinations/monasca_wire.hpp"
#include "fuzz/fuzz_target.hpp"

#include <chrono>
#include <cstdlib>

namespace monarc::fuzz {

void read(std::string_view input) {
    using progress = transport::http_answer_reader::progress;
    transport::http_answer_reader reader;
    const auto cut = input.empty() ? 0 : static_cast<unsigned char>(input.back()) % input.size();
    auto now = reader.append(input.substr(0, cut));
    if (now != progress::broken) {
        now = reader.append(input.substr(cut));
    }
    if (now == progress::partial) {
        now = reader.end();
    }
    if (now == progress::whole) {
        const auto answer = reader.take();
        if (answer.body.size() > 64u * 1024) {
            std::abort();
        }
        destinations::monasca_wire wire(std::chrono::seconds(300));
        const auto outcome = wire.judge(answer, {.wall_seconds = 1'795'293'815});
        if (outcome.retry_after > std::chrono::seconds(300) || outcome.retry_after.count() < 0) {
            std::abort();
        }
    }
}

} // namespace monarc::fuzz
