#pragma once

// Which series are open: the same name and dimensions are the same series.

#include "core/series.hpp"

#include <monarc/metric.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace monarc::pipeline {

// Threads: any.
class series_registry {
public:
    // `added`: dimensions that every series has.
    explicit series_registry(monasca_rules::text_pairs added) : added_(std::move(added)) {}

    // Fails: throws std::system_error(errc::bad_series).
    std::shared_ptr<series_definition>
    open(std::string_view name, const dimensions& own, const series_options& options);

private:
    monasca_rules::text_pairs added_;
    std::mutex lock_;
    std::map<std::string, std::weak_ptr<series_definition>, std::less<>> open_;
    std::size_t look_at_ = 64; // entries at which those of closed series are removed
};

// What options say every series has, or this machine's name as `hostname`.
monasca_rules::text_pairs added_dimensions(const monasca_options& options);

} // namespace monarc::pipeline
