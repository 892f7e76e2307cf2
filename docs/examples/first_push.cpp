#include <monarc/monarc.hpp>
using namespace monarc::literals;

int main() {
    monarc::exporter exporter({.mona = monarc::mona_forward_options{.host = "127.0.0.1"}});
    auto loan = exporter.open_context("loan", "42");
    loan.push("age"_key = 33, "score"_key = 0.71, "approved"_key = true);
}   // flushes, then stops
