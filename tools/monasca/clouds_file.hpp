#pragma once

// clouds.yaml: named sets of what the options --os-… say.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::tool {

// By the option's name, `--os-auth-url`; `--insecure` has the value of verify, negated.
using cloud_settings = std::map<std::string, std::string, std::less<>>;

struct clouds_file {
    std::string path{}; // empty: there is none
    std::map<std::string, cloud_settings> clouds{};
    std::string wrong{}; // why it could not be read; empty: it could
};

// The first of those that are looked for (monasca-cli.md section 2).
clouds_file read_clouds();

// Of the text of one. Pure.
clouds_file parse_clouds(std::string path, std::string_view text);

} // namespace monarc::tool
