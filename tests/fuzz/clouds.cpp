// clouds.yaml: either clouds or a reason.

#include "fuzz/fuzz_target.hpp"
#include "monasca/clouds_file.hpp"

#include <cstdlib>

namespace monarc::fuzz {

void read(std::string_view input) {
    const auto file = tool::parse_clouds("clouds.yaml", input);
    if (!file.wrong.empty() && !file.wrong.starts_with("clouds.yaml: ")) {
        std::abort();
    }
    for (const auto& [name, cloud] : file.clouds) {
        for (const auto& [option, value] : cloud) {
            if (!option.starts_with("--") || value.empty()) {
                std::abort();
            }
        }
    }
}

} // namespace monarc::fuzz
