// The configuration file that mona_client watches, and the variables that it reads.

#include "mona_client/switch_file.hpp"

#include "fuzz/fuzz_target.hpp"
#include "mona_client/environment.hpp"
#include "mona_client/message_fields.hpp"

#include <cstdlib>
#include <string>

namespace monarc::fuzz {

void read(std::string_view input) {
    const auto reading = mona_client::read_switch_text(input);
    if (!reading.wrong.empty() && reading.is_off) {
        std::abort(); // whatever is wrong means "on"
    }
    const std::string text(input);
    static_cast<void>(mona_client::read_switch(text.c_str(), true));
    static_cast<void>(mona_client::read_value(text));
}

} // namespace monarc::fuzz
