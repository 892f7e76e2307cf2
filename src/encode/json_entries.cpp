#include "encode/json_entries.hpp"

namespace monarc::encode {

std::vector<std::size_t> entries_of(std::string_view array) {
    std::vector<std::size_t> at;
    int depth = 0;
    bool is_in_text = false;
    for (std::size_t i = 0; i < array.size(); ++i) {
        const char c = array[i];
        if (is_in_text) {
            i += c == '\\' ? 1 : 0;
            is_in_text = c != '"';
        } else if (c == '"') {
            is_in_text = true;
        } else if (c == '{' && depth++ == 0) {
            at.push_back(i);
        } else if (c == '}') {
            --depth;
        } else if (c == ']' && depth == 0) {
            at.push_back(i);
            break;
        }
    }
    return at;
}

} // namespace monarc::encode
