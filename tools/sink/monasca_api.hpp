#pragma once

// Monasca's API as the sink offers it: which resource a request is for, who may use it, and what
// the answer is. Knows no socket and no clock.

#include "sink/http_message.hpp"
#include "sink/monasca_options.hpp"
#include "sink/monasca_summary.hpp"
#include "sink/monasca_switches.hpp"

#include <cstdint>
#include <memory>

namespace monarc::sink {

// Threads: any; requests are served one at a time.
class monasca_api {
public:
    explicit monasca_api(monasca_options wanted);
    ~monasca_api();
    monasca_api(const monasca_api&) = delete;
    monasca_api& operator=(const monasca_api&) = delete;

    http_response serve(const http_request& request, std::int64_t now_milliseconds);

    void set_switches(const monasca_switches& wanted);
    monasca_switches switches() const;

    // Without what the HTTP server counts.
    monasca_summary snapshot() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace monarc::sink
