#pragma once

// Data with the shape of the real thing.

#include <monarc/monarc.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::bench {

// Random UUIDs as text, 36 bytes each; the same ones in every run.
inline std::vector<std::string> sample_ids(std::size_t count, std::uint64_t seed = 1) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::mt19937_64 random(seed);
    std::vector<std::string> ids(count);
    for (auto& id : ids) {
        id.resize(36);
        std::uint64_t bits = 0;
        int left = 0;
        for (std::size_t i = 0; i < id.size(); ++i) {
            if (i == 8 || i == 13 || i == 18 || i == 23) {
                id[i] = '-';
                continue;
            }
            if (left-- == 0) {
                bits = random();
                left = 15;
            }
            id[i] = digits[bits & 15];
            bits >>= 4;
        }
    }
    return ids;
}

// Four fields of an order: a price in cents, a size in lots, a score of two digits, one of eight
// venues of 12 bytes; or price and score with all the digits that a double has, which no codec can
// shrink.
enum class digits { few, all };

struct sample_order {
    double price;
    std::int64_t quantity;
    double score;
    std::string_view venue;
};

inline std::vector<sample_order> sample_orders(std::size_t count, digits of = digits::few) {
    static constexpr std::array<std::string_view, 8> venues{
        "XNAS-PRIMARY",
        "XNYS-PRIMARY",
        "ARCX-REGULAR",
        "BATS-REGULAR",
        "XLON-REGULAR",
        "XETR-AUCTION",
        "XPAR-AUCTION",
        "DARK-MIDPRIC"};
    std::mt19937_64 random(2);
    const auto share = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
    std::vector<sample_order> orders(count);
    for (auto& order : orders) {
        order.price = 80.0 + 40.0 * share();
        order.quantity = static_cast<std::int64_t>(1 + random() % 20) * 100;
        order.score = share();
        if (of == digits::few) {
            order.price = std::round(order.price * 100.0) / 100.0;
            order.score = std::round(order.score * 100.0) / 100.0;
        }
        order.venue = venues[random() % venues.size()];
    }
    return orders;
}

} // namespace monarc::bench
