#pragma once

// Which contexts are kept, by a hash of their id, so that a context is kept or left out as a whole,
// in every process alike (mona-rest.md section 8.1, D-4.8).
//
// Threads: the I/O thread only.

#include "core/names.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::pipeline {

// In [0, 1): the remainder of SHA-224 by ten million.
double sampling_place_of(std::string_view id);

class context_sampler {
public:
    // `shares`: of each class; `*` of all others. `uniform` in [0, 1) decides where there is no id.
    context_sampler(std::map<std::string, double> shares, std::function<double()> uniform)
        : shares_(std::move(shares)), uniform_(std::move(uniform)) {}

    bool is_active() const noexcept { return !shares_.empty(); }

    // What decides without an id, from now on.
    void set_uniform(std::function<double()> uniform) { uniform_ = std::move(uniform); }

    // Throws std::bad_alloc.
    bool keeps(key_number class_name, std::string_view id);

private:
    double share_of(key_number class_name);

    std::map<std::string, double> shares_;
    std::function<double()> uniform_;
    std::vector<double> known_; // by class; less than 0: not looked up yet
};

} // namespace monarc::pipeline
