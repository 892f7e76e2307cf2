#include "pipeline/context_sampler.hpp"

#include "transport/digest.hpp"

namespace monarc::pipeline {

double sampling_place_of(std::string_view id) {
    constexpr std::uint32_t places = 10'000'000;
    std::uint32_t rest = 0;
    for (const auto byte : transport::sha224(id)) {
        rest = (rest * 256 + byte) % places; // below 2^32
    }
    return static_cast<double>(rest) / places;
}

double context_sampler::share_of(key_number class_name) {
    if (class_name >= known_.size()) {
        known_.resize(class_name + 1u, -1.0);
    }
    auto& share = known_[class_name];
    if (share < 0) {
        auto found = shares_.find(name_of(class_name).text);
        found = found != shares_.end() ? found : shares_.find("*");
        share = found != shares_.end() ? found->second : 1.0;
    }
    return share;
}

bool context_sampler::keeps(key_number class_name, std::string_view id) {
    const auto share = share_of(class_name);
    if (share >= 1) {
        return true;
    }
    return (id.empty() ? uniform_() : sampling_place_of(id)) <= share;
}

} // namespace monarc::pipeline
