# What is needed, as Debian 12 names it, and how it gets there. Sourced by tools/test and tools/demo.

# For the library, the commands and the examples. Boost is headers only.
build_packages=(
    g++ meson ninja-build pkg-config python3
    libboost1.81-dev libconcurrentqueue-dev libfmt-dev libtomlplusplus-dev zlib1g-dev libisal-dev libdeflate-dev
    libcli11-dev libsimdjson-dev libssl-dev libyaml-dev
)

# What of a package a build finds, a command or a header: looked for where there is no dpkg.
declare -A brings=(
    [ninja-build]=ninja
    [libboost1.81-dev]=boost/asio/awaitable.hpp
    [libconcurrentqueue-dev]=concurrentqueue/concurrentqueue.h
    [libfmt-dev]=fmt/format.h
    [libtomlplusplus-dev]=toml++/toml.h
    [zlib1g-dev]=zlib.h
    [libisal-dev]=isa-l.h
    [libdeflate-dev]=libdeflate.h
    [libcli11-dev]=CLI/CLI.hpp
    [libsimdjson-dev]=simdjson.h
    [libssl-dev]=openssl/ssl.h
    [libyaml-dev]=yaml.h
    [doctest-dev]=doctest/doctest.h
    [libbenchmark-dev]=benchmark/benchmark.h
    [libspdlog-dev]=spdlog/spdlog.h
)

is_installed() {
    local part=${brings[$1]:-$1}
    if command -v dpkg-query >/dev/null; then
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
    elif [[ $part == *.h* ]]; then
        compgen -G "/usr/include/$part" || compgen -G "/usr/local/include/$part" || compgen -G "/usr/include/*-linux-gnu/$part"
    else
        command -v "$part"
    fi >/dev/null
}

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -qy --no-install-recommends "$@"
}

# require_packages WHO RUN PACKAGE...: what is missing is installed by `RUN apt_install PACKAGE...`.
# Returns 1 if something is missing and this is no Debian or not root, or if apt-get failed; WHO
# says then on standard error which packages.
require_packages() {
    local who=$1 run=$2 missing=() package
    shift 2
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        echo "$# packages needed, all installed"
    elif ! command -v dpkg-query >/dev/null; then
        echo "$who: missing here, which is no Debian; as Debian 12 names them: ${missing[*]}" >&2
        return 1
    elif [ "$(id -u)" -ne 0 ]; then
        echo "$who: missing packages; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
        return 1
    else
        "$run" apt_install "${missing[@]}" || {
            echo "$who: apt-get could not install: ${missing[*]}" >&2
            return 1
        }
    fi
}
