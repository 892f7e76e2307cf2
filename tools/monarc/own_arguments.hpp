#pragma once

// The words of the command line, for nobody else to read.

#include <string>
#include <vector>

namespace monarc::tool {

// The last one first, as CLI11 takes them. Secrets among them are overwritten where everybody can
// see them, and warned about (delivery.md D-11.9).
std::vector<std::string> take_arguments(int argc, char** argv);

} // namespace monarc::tool
