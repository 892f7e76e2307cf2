#include "monasca/clouds_file.hpp"

#include "core/text_file.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <yaml.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace monarc::tool {
namespace {

constexpr std::size_t max_bytes = std::size_t{1} << 20;

// One document of libyaml, with what belongs to it.
class yaml_document {
public:
    explicit yaml_document(std::string_view text) {
        ::yaml_parser_initialize(&parser_);
        ::yaml_parser_set_input_string(
            &parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
        is_loaded_ = ::yaml_parser_load(&parser_, &document_) != 0;
    }
    ~yaml_document() {
        if (is_loaded_) {
            ::yaml_document_delete(&document_);
        }
        ::yaml_parser_delete(&parser_);
    }
    yaml_document(const yaml_document&) = delete;
    yaml_document& operator=(const yaml_document&) = delete;

    bool is_loaded() const noexcept { return is_loaded_; }
    std::string why() const {
        return fmt::format(
            "line {}: {}",
            parser_.problem_mark.line + 1,
            parser_.problem != nullptr ? parser_.problem : "not YAML");
    }
    yaml_node_t* root() { return ::yaml_document_get_root_node(&document_); }
    yaml_node_t* node(int index) { return ::yaml_document_get_node(&document_, index); }

    // Calls `take(key, node)` for each pair of a mapping.
    template <class Take>
    void each(yaml_node_t* mapping, Take&& take) {
        if (mapping == nullptr || mapping->type != YAML_MAPPING_NODE) {
            return;
        }
        for (auto* pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top;
             ++pair) {
            take(text(node(pair->key)), node(pair->value));
        }
    }
    static std::string text(const yaml_node_t* scalar) {
        if (scalar == nullptr || scalar->type != YAML_SCALAR_NODE) {
            return {};
        }
        return {
            reinterpret_cast<const char*>(scalar->data.scalar.value), scalar->data.scalar.length};
    }

private:
    yaml_parser_t parser_{};
    yaml_document_t document_{};
    bool is_loaded_ = false;
};

std::string option_of(std::string_view key) {
    if (key == "cacert" || key == "cert" || key == "key" || key == "auth_type" ||
        key == "region_name" || key == "interface" || key == "endpoint_type") {
        return "--os-" + std::string(key);
    }
    return key == "monitoring_endpoint_override" ? "--monasca-api-url" : std::string();
}

bool is_no(std::string word) {
    std::transform(word.begin(), word.end(), word.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return word == "false" || word == "no" || word == "off" || word == "0";
}

cloud_settings read_cloud(yaml_document& all, yaml_node_t* cloud) {
    cloud_settings made;
    const auto set = [&](std::string option, const yaml_node_t* value) {
        std::replace(option.begin(), option.end(), '_', '-');
        if (auto text = yaml_document::text(value); !text.empty()) {
            made.insert_or_assign(std::move(option), std::move(text));
        }
    };
    all.each(cloud, [&](const std::string& key, yaml_node_t* value) {
        if (key == "auth") {
            all.each(value, [&](const std::string& name, yaml_node_t* held) {
                set("--os-" + name, held);
            });
        } else if (key == "verify") {
            if (is_no(yaml_document::text(value))) {
                made.insert_or_assign("--insecure", "true");
            }
        } else if (auto option = option_of(key); !option.empty()) {
            set(std::move(option), value);
        }
    });
    return made;
}

// The first that exists; empty: none does.
std::string find_file() {
    if (const char* const named = std::getenv("OS_CLIENT_CONFIG_FILE");
        named != nullptr && *named != '\0') {
        return named;
    }
    std::vector<std::string> folders{"."};
    const char* const config = std::getenv("XDG_CONFIG_HOME");
    const char* const home = std::getenv("HOME");
    if (config != nullptr && *config != '\0') {
        folders.push_back(std::string(config) + "/openstack");
    } else if (home != nullptr && *home != '\0') {
        folders.push_back(std::string(home) + "/.config/openstack");
    }
    folders.emplace_back("/etc/openstack");
    for (const auto& folder : folders) {
        for (const std::string_view ending : {"yaml", "yml", "json"}) {
            auto path = fmt::format("{}/clouds.{}", folder, ending);
            if (::access(path.c_str(), F_OK) == 0) {
                return path;
            }
        }
    }
    return {};
}

} // namespace

clouds_file parse_clouds(std::string path, std::string_view text) {
    clouds_file made{.path = std::move(path)};
    yaml_document all(text);
    if (!all.is_loaded()) {
        made.wrong = fmt::format("{}: {}", made.path, all.why());
        return made;
    }
    bool has_clouds = false;
    all.each(all.root(), [&](const std::string& key, yaml_node_t* value) {
        if (key == "clouds" && value->type == YAML_MAPPING_NODE) {
            has_clouds = true;
            all.each(value, [&](const std::string& name, yaml_node_t* cloud) {
                made.clouds.insert_or_assign(name, read_cloud(all, cloud));
            });
        }
    });
    if (!has_clouds) {
        made.wrong = fmt::format("{}: there is no mapping `clouds:` in it", made.path);
    }
    return made;
}

clouds_file read_clouds() {
    const auto path = find_file();
    if (path.empty()) {
        return {};
    }
    auto file = read_text_file(path, max_bytes);
    if (!file.wrong.empty()) {
        return {.path = path, .wrong = file.wrong};
    }
    return parse_clouds(path, file.text);
}

} // namespace monarc::tool
