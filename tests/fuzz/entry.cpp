// What libFuzzer calls. With MONARC_FUZZ_CANARY a fault is planted that only a fuzzer which sees
// branches finds, and only a sanitizer reports.

#include "fuzz/fuzz_target.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#ifdef MONARC_FUZZ_CANARY
namespace {
void read_behind_the_end(std::string_view input) {
    for (std::size_t i = 0; i + 1 < input.size(); ++i) {
        if (input[i] == '#' && static_cast<unsigned char>(input[i + 1]) >= 0x80) {
            static_cast<void>(*static_cast<const volatile char*>(input.data() + input.size()));
        }
    }
}
} // namespace
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(bytes), size);
#ifdef MONARC_FUZZ_CANARY
    read_behind_the_end(input);
#endif
    monarc::fuzz::read(input);
    return 0;
}
