#pragma once

// All that a test's sink has taken, to be asked for. Knows no socket.

#include "sink/monasca_metrics.hpp"
#include "sink/options.hpp"

#include <monarc/testing.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::testing {

// Threads: any.
class received {
public:
    // An event of a forward message; one that was taken before is not taken again, also if another
    // server took it.
    void take(const monarc::sink::arrived_event& event);

    // A measurement that Monasca accepted.
    void take(const monarc::sink::measurement& m);

    received_context context(std::string_view class_name, std::string_view id) const;
    std::vector<std::string> ids(std::string_view class_name) const;
    std::uint64_t records() const;
    std::vector<received_measurement>
    measurements(std::string_view name, const dimensions& among) const;

    bool wait_until(const std::function<bool()>& holds, std::chrono::milliseconds timeout) const;

private:
    struct run {
        std::string class_name{};
        std::uint64_t place = 0; // among those of which something has arrived, from 1
        received_context context{};
    };
    struct point {
        double value = 0;
        std::string value_meta{};
    };
    using points = std::map<std::int64_t, point>; // by milliseconds

    bool is_repeat(const monarc::sink::arrived_event& event);

    mutable std::mutex mutex_; // guards all below
    mutable std::condition_variable changed_;
    std::uint64_t changes_ = 0;
    std::uint64_t records_ = 0;
    std::uint64_t places_ = 0;
    std::map<std::string, run, std::less<>> runs_; // by id
    std::map<std::string, std::uint64_t, std::less<>> chunks_;
    std::map<std::string, std::map<monarc::sink::dimension_list, points>, std::less<>> metrics_;
};

} // namespace monarc::testing
