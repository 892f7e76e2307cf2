#include "aggregate/context_table.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

using namespace monarc;
using aggregate::context_table;

namespace {

std::uint32_t find(const context_table& in, const std::string& id) {
    return in.find(id, hash_of_id(id));
}

} // namespace

TEST_SUITE("aggregate/context_table") {
TEST_CASE("what is held is found, also when hashes meet, and what was let go is not") {
    context_table table;
    std::unordered_map<std::string, std::uint32_t> model;
    std::mt19937 random(5);
    for (int step = 0; step < 60'000; ++step) {
        // Lengths around the longest id that lies in the table itself.
        const auto number = random() % 3000;
        const auto id = std::to_string(number) + std::string(number % 5 * 20, 'x');
        const auto hash = hash_of_id(id) % 64 + 1; // many meet; nothing is let go here
        const auto found = table.find(id, hash);
        const auto known = model.find(id);
        REQUIRE((found != context_table::none) == (known != model.end()));
        if (known == model.end()) {
            model[id] = table.hold(id, hash);
        } else {
            REQUIRE(found == known->second);
            REQUIRE(table[found].id() == id);
        }
        if (step % 1000 == 0) {
            REQUIRE(table.live() == model.size());
        }
    }
}

TEST_CASE("places are used again, and long ids leave no memory behind") {
    context_table table;
    const auto id_of = [](int i) { return std::to_string(i) + std::string(1000, 'y'); };
    std::vector<std::uint32_t> places;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 2000; ++i) {
            const auto id = id_of(i + round);
            REQUIRE(find(table, id) == context_table::none);
            places.push_back(table.hold(id, hash_of_id(id)));
        }
        for (const auto place : places) {
            const auto generation = table[place].generation;
            table.let_go(place);
            CHECK(table[place].generation == generation + 1);
        }
        places.clear();
        CHECK(table.live() == 0);
        CHECK(table.places() == 2000);
        CHECK(table.memory_bytes() < 2000 * 64 * 4);
    }
}

TEST_CASE("any order of letting go keeps the rest to be found") {
    context_table table;
    std::unordered_map<std::string, std::uint32_t> model;
    std::mt19937 random(6);
    for (int step = 0; step < 40'000; ++step) {
        const auto id = std::to_string(random() % 500);
        const auto found = find(table, id);
        if (found == context_table::none) {
            REQUIRE(!model.contains(id));
            model[id] = table.hold(id, hash_of_id(id));
        } else {
            REQUIRE(model.at(id) == found);
            table.let_go(found);
            model.erase(id);
        }
        if (step % 500 == 0) {
            for (const auto& [held, place] : model) {
                REQUIRE(find(table, held) == place);
            }
        }
    }
}

TEST_CASE("an id of zero bytes is an id; nothing is found in an empty table") {
    context_table table;
    CHECK(find(table, "") == context_table::none);
    const auto place = table.hold("", hash_of_id(""));
    CHECK(find(table, "") == place);
    CHECK(table[place].id().empty());
}

TEST_CASE("the oldest goes first, unless it was used since the hand last came by") {
    context_table table;
    for (const char* const id : {"a", "b", "c"}) {
        table.hold(id, hash_of_id(id));
    }
    table[find(table, "b")].was_used = true;
    table.let_oldest_go();
    table.let_oldest_go();
    CHECK(table.live() == 1);
    CHECK(find(table, "b") != context_table::none);
}

TEST_CASE("each byte of an id counts, whatever its length, and none beside it is read") {
    for (std::size_t length = 0; length <= 80; ++length) {
        std::vector<char> exact(length, 'a'); // the address sanitizer sees a read behind its end
        const auto hash_of = [&] { return hash_of_id({exact.data(), exact.size()}); };
        const auto hash = hash_of();
        CHECK(hash != 0);
        for (auto& byte : exact) {
            byte = 'b';
            CHECK(hash_of() != hash);
            byte = 'a';
        }
    }
}
}
