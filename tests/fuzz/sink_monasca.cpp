// What anybody may send to `monarc sink` as a Monasca: the head of a request, and a body.

#include "fuzz/fuzz_target.hpp"
#include "sink/http_head.hpp"
#include "sink/monasca_metrics.hpp"
#include "sink/monasca_violations.hpp"

namespace monarc::fuzz {

void read(std::string_view input) {
    auto body = input;
    if (const auto end = sink::end_of_head(input, 0); end != input.npos) {
        sink::http_head head;
        static_cast<void>(sink::read_head(input.substr(0, end), head));
        body = input.substr(end);
    }
    const auto document = sink::python::document::read(body);
    if (document && !sink::why_not_metrics(document->root())) {
        static_cast<void>(sink::to_measurements(document->root()));
        static_cast<void>(sink::find_violations(document->root(), body.size(), 1'795'293'815'967));
    }
}

} // namespace monarc::fuzz
