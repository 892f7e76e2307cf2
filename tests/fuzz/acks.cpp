// Acknowledgements of a forward receiver, in two pieces.

#include "destinations/mona_forward_wire.hpp"
#include "fuzz/fuzz_target.hpp"

namespace monarc::fuzz {

void read(std::string_view input) {
    destinations::ack_reader reader;
    const auto cut = input.empty() ? 0 : static_cast<unsigned char>(input[0]) % input.size();
    for (const auto piece : {input.substr(0, cut), input.substr(cut)}) {
        reader.append(piece);
        while (true) {
            const auto id = reader.next();
            if (!id) {
                return;
            }
            if (id->empty()) {
                break;
            }
        }
    }
}

} // namespace monarc::fuzz
