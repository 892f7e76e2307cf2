#pragma once

// Ids as services make them up. From one seed always the same ones in the same order, so that two
// runs can be compared; they guard nothing.

#include <cstdint>
#include <random>
#include <string>

namespace monarc::sink {

// Threads: one at a time.
class seeded_ids {
public:
    // 0: another seed each time.
    explicit seeded_ids(std::uint64_t seed)
        : bits_(seed != 0 ? seed : (std::uint64_t{std::random_device{}()} << 32) + 1) {}

    std::string uuid();
    std::string base64url(std::size_t characters);

private:
    std::mt19937_64 bits_;
};

} // namespace monarc::sink
