#include "auth/masked.hpp"

#include "encode/json_writer.hpp"

#include <string.h>

namespace monarc::auth {
namespace {

void replace_all(std::string& in, std::string_view hidden) {
    constexpr std::string_view stars = "***";
    for (auto at = in.find(hidden); at != in.npos; at = in.find(hidden, at + stars.size())) {
        in.replace(at, hidden.size(), stars);
    }
}

} // namespace

std::string masked(std::string_view text, std::initializer_list<const secret*> hidden) {
    std::string out(text);
    for (const auto* const one : hidden) {
        const auto plain = one->reveal();
        if (plain.empty()) {
            continue;
        }
        std::string in_json;
        in_json.reserve(plain.size() * 6 + 2); // so that it is wiped whole
        encode::put_json_text(in_json, plain);
        const auto escaped = std::string_view(in_json).substr(1, in_json.size() - 2);
        replace_all(out, plain);
        if (escaped != plain) {
            replace_all(out, escaped);
        }
        ::explicit_bzero(in_json.data(), in_json.size());
    }
    return out;
}

} // namespace monarc::auth
