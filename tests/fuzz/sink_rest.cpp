// A body for the sink's REST interface, at both of its doors.

#include "fuzz/fuzz_target.hpp"
#include "sink/python_json.hpp"
#include "sink/rest_messages.hpp"

#include <cstdlib>

namespace monarc::fuzz {

void read(std::string_view input) {
    for (const bool may_be_array : {true, false}) {
        const auto body = sink::read_rest_body(input, may_be_array);
        if (!body.refusal.empty()) {
            continue;
        }
        if (body.records.size() + body.refused.size() != body.messages) {
            std::abort();
        }
        for (const auto& record : body.records) { // what is stored is JSON again
            if (!sink::python::document::read(record)) {
                std::abort();
            }
        }
    }
}

} // namespace monarc::fuzz
