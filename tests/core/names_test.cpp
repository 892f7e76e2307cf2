#include "core/names.hpp"

#include <monarc/detail/slot.hpp>
#include <monarc/field.hpp>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace monarc;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

// Whether the library sees the fields where the inline half lays them.
template <class... Fields>
void check_layout(const Fields&...) {
    const auto& s = shape_of_number(detail::shape_of<"layout", Fields...>::load());
    constexpr std::array<detail::value_type, sizeof...(Fields)> types{Fields::type...};
    const std::array<std::string_view, sizeof...(Fields)> names{Fields::name()...};
    const auto offsets = []<std::size_t... Index>(std::index_sequence<Index...>) {
        return std::array<std::size_t, sizeof...(Index)>{
            detail::fixed_offset<Index, Fields...>()...};
    }
    (std::index_sequence_for<Fields...>{});

    CHECK(name_of(s.class_name).text == "layout");
    CHECK(s.fixed_bytes == detail::fixed_total<Fields...>);
    REQUIRE(s.fields.size() == sizeof...(Fields));
    for (std::size_t i = 0; i < sizeof...(Fields); ++i) {
        CAPTURE(i);
        CHECK(name_of(s.fields[i].key).text == names[i]);
        CHECK(s.fields[i].type == types[i]);
        if (types[i] != detail::value_type::null) {
            CHECK(s.fields[i].offset == offsets[i]);
        }
    }
}

std::uint32_t interned(std::string_view signature) {
    std::atomic<std::uint32_t> number{0};
    const auto returned = detail::intern_shape(number, signature.data(), signature.size());
    CHECK(number.load() == returned);
    return returned;
}

} // namespace

TEST_SUITE("core/names") {
TEST_CASE("a name has one number for as long as the process lives") {
    const auto number = intern_key("names.once");

    CHECK(intern_key("names.once"s) == number);
    CHECK(name_of(number).text == "names.once");
    CHECK_FALSE(name_of(number).repaired);
}

TEST_CASE("names that differ anywhere have different numbers") {
    const std::array names{
        ""sv, "a"sv, "A"sv, "a "sv, "a\0"sv, "a\0b"sv, "a\0c"sv, "\0"sv, "\xc3\xa4"sv};

    for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK(name_of(intern_key(names[i])).text == names[i]);
        for (std::size_t k = 0; k < i; ++k) {
            CHECK(intern_key(names[i]) != intern_key(names[k]));
        }
    }
}

TEST_CASE("what a number stands for stays where it is when more names come") {
    const auto& early = name_of(intern_key("names.early"));
    const auto* const text = early.text.data();

    for (int i = 0; i < 5000; ++i) {
        intern_key("names.more." + std::to_string(i));
    }

    CHECK(&name_of(intern_key("names.early")) == &early);
    CHECK(early.text.data() == text);
    CHECK(early.text == "names.early");
}

TEST_CASE("a name of 255 bytes has a number, with one more it is too long") {
    const std::string longest(255, 'x');

    CHECK(name_of(intern_key(longest)).text == longest);
    CHECK(intern_key(longest + "x") == key_too_long);
    CHECK(intern_key(std::string(100'000, 'x')) == key_too_long);
}

TEST_CASE("D-4.4 bytes of a name that are not UTF-8 become U+FFFD, and the name tells") {
    const auto& broken = name_of(intern_key("names.\xff.\xe2\x82"));

    CHECK(broken.text == "names.\xef\xbf\xbd.\xef\xbf\xbd");
    CHECK(broken.repaired);
    CHECK_FALSE(name_of(intern_key("names.\xe2\x82\xac")).repaired);
}

TEST_CASE("D-4.3 a name is reserved if it begins with MONA_, and only then") {
    for (const auto name : {"MONA_"sv, "MONA_x"sv, "MONA_ARC_CLASS"sv, "MONA_\xff"sv, "MONA__"sv}) {
        CAPTURE(name);
        CHECK(name_of(intern_key(name)).reserved);
    }
    for (const auto name :
         {""sv,
          "MONA"sv,
          "mona_x"sv,
          "Mona_x"sv,
          " MONA_x"sv,
          "xMONA_"sv,
          "MONA-x"sv,
          "MONA\0_x"sv,
          "\xffMONA_x"sv}) {
        CAPTURE(name);
        CHECK_FALSE(name_of(intern_key(name)).reserved);
    }
}

TEST_CASE("equal signatures share one shape, whoever interns them") {
    const auto signature = "\5names"
                           "i\1a"
                           "s\2bc"s;

    const auto number = interned(signature);

    CHECK(number > detail::record_shape);
    CHECK(interned(signature) == number);
    CHECK(
        interned("\5names"
                 "u\1a"
                 "s\2bc"s) != number);
    CHECK(
        interned("\5names"
                 "s\2bc"
                 "i\1a"s) != number);
    CHECK(
        interned("\0"
                 "i\1a"
                 "s\2bc"s) != number);
}

TEST_CASE(
    "what stands in an object or array is behind it, and only the record's own keys are its keys") {
    using namespace monarc::literals;
    const std::array<float, 2> floats{};
    const auto number = [](const auto&... fields) {
        return detail::shape_of<"", std::remove_cvref_t<decltype(fields)>...>::load();
    };

    const auto& s = shape_of_number(number(
        "a"_key = 1,
        "o"_key = object(
            "b"_key = "text",
            "p"_key = object("c"_key = std::optional<double>(), "e"_key = object()),
            "d"_key = array(true, floats, array())),
        "z"_key = std::optional<std::string_view>()));

    struct row {
        std::string key;
        char type;
        int members, inside, offset, flag;
        bool operator==(const row&) const = default;
    };
    std::vector<row> rows;
    for (const auto& field : s.fields) {
        rows.push_back(
            {field.key != key_without_room ? name_of(field.key).text : "-",
             static_cast<char>(field.type),
             field.members,
             field.inside,
             field.offset,
             field.is_optional ? field.flag_offset : -1});
    }
    CHECK(
        rows == std::vector<row>{
                    {"a", 'i', 0, 0, 0, -1},
                    {"o", '{', 3, 8, 0, -1},
                    {"b", 's', 0, 0, 16, -1},
                    {"p", '{', 2, 2, 0, -1},
                    {"c", 'd', 0, 0, 8, 22},
                    {"e", '{', 0, 0, 0, -1},
                    {"d", '[', 3, 3, 0, -1},
                    {"-", 'b', 0, 0, 23, -1},
                    {"-", 'F', 0, 0, 18, -1},
                    {"-", '[', 0, 0, 0, -1},
                    {"z", 's', 0, 0, 20, 24}});
    CHECK(s.keys == std::vector{intern_key("a"), intern_key("o"), intern_key("z")});
    CHECK(s.fixed_bytes == 32);
    CHECK(s.has_numbers);
    CHECK_FALSE(s.has_json);
    CHECK(shape_of_number(number("j"_key = object("k"_key = json("1")))).has_json);
}

TEST_CASE("shapes that nest otherwise are others") {
    CHECK(interned("\0{\1oi\1a}"s) != interned("\0{\1o}i\1a"s));
    CHECK(interned("\0{\1oi\1a}"s) != interned("\0[\1oi}"s));
    CHECK(interned("\0?i\1a"s) != interned("\0i\1a"s));
}

TEST_CASE("shapes that share a key give it the same number") {
    const auto& one = shape_of_number(interned("\5names"
                                               "i\6shared"s));
    const auto& other = shape_of_number(interned("\0"
                                                 "b\1z"
                                                 "s\6shared"s));

    CHECK(one.fields[0].key == other.fields[1].key);
    CHECK(one.fields[0].key == intern_key("shared"));
    CHECK(other.class_name == key_without_room);
}

TEST_CASE("a class and a key may have 255 bytes") {
    const std::string name(255, 'n');
    const auto& s = shape_of_number(interned("\xff" + name + "d\xff" + name));

    CHECK(name_of(s.class_name).text == name);
    CHECK(name_of(s.fields[0].key).text == name);
    CHECK(s.fields[0].type == detail::value_type::real);
}

TEST_CASE("the offsets of a shape are those at which the inline half lays the values") {
    check_layout();
    check_layout("a"_key = 1);
    check_layout("a"_key = nullptr, "b"_key = nullptr);
    check_layout("a"_key = true, "b"_key = "text", "c"_key = 1);
    check_layout(
        "a"_key = true,
        "b"_key = 1.5,
        "c"_key = "text",
        "d"_key = nullptr,
        "e"_key = 7u,
        "f"_key = std::string_view("x"),
        "g"_key = false,
        "h"_key = -7,
        "i"_key = 0.5f,
        "j"_key = nullptr,
        "k"_key = true);
    check_layout("a"_key = "1", "b"_key = true, "c"_key = "2", "d"_key = false, "e"_key = "3");
}

// In a process of its own: no name of data fits afterwards.
TEST_CASE("names that data brings take a quarter of the numbers and leave the rest to programs") {
    const auto child = ::fork();
    if (child == 0) {
        int fresh = 0;
        while (intern_key_of_data("names.data." + std::to_string(fresh)) != key_without_room) {
            ++fresh;
        }
        const bool is_right = fresh == 65'535 / 4 &&
                              intern_key_of_data("names.data.0") != key_without_room &&
                              intern_key("names.of a program") != key_without_room &&
                              intern_key_of_data("names.of a program") != key_without_room;
        ::_exit(is_right ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);

    CHECK(status == 0);
}

// In a process of its own: no name fits afterwards.
TEST_CASE("beyond 65 535 names and shapes new ones are refused and old ones still found") {
    const auto known_key = intern_key("names.known");
    const auto known_shape = interned("\5names"
                                      "i\1a"s);

    const auto child = ::fork();
    if (child == 0) {
        int fresh = 0;
        key_number last = 0;
        for (; fresh < 70'000; ++fresh) {
            const auto number = intern_key("names.flood." + std::to_string(fresh));
            if (number == key_without_room) {
                break;
            }
            last = number;
        }
        std::atomic<std::uint32_t> none{0};
        const auto with_new_key = "\0"
                                  "i\7unheard"s;
        const bool keys_are_right =
            last == 65'535 && intern_key("names.known") == known_key &&
            intern_key("names.flood.0") != key_without_room &&
            detail::intern_shape(none, with_new_key.data(), with_new_key.size()) == 0;

        std::uint32_t last_shape = 0;
        for (int i = 0; i < 70'000; ++i) { // a byte of the type tells them apart
            std::string signature("\5names", 6);
            for (int digit = i; digit != 0; digit /= 4) {
                signature += "iuds"[digit % 4];
                signature += "\1a";
            }
            std::atomic<std::uint32_t> number{0};
            const auto got = detail::intern_shape(number, signature.data(), signature.size());
            if (got == 0) {
                break;
            }
            last_shape = got;
        }
        std::atomic<std::uint32_t> again{0};
        const auto known = "\5names"
                           "i\1a"s;
        const bool shapes_are_right =
            last_shape == 65'535 &&
            detail::intern_shape(again, known.data(), known.size()) == known_shape;
        ::_exit(keys_are_right && shapes_are_right ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);

    CHECK(status == 0);
}
}
