"""What the build looks for is among the packages that tools/demo and tools/test install on a fresh Debian 12."""

import os
import re
import subprocess
import sys

tree = sys.argv[1]
sys.path.insert(0, os.path.join(tree, "tests", "support"))
import cases

# The package that brings what meson calls by this name; None: the compiler does.
PACKAGE = {
    "threads": None,
    "boost": "libboost1.81-dev",
    "CLI11": "libcli11-dev",
    "concurrentqueue": "libconcurrentqueue-dev",
    "fmt": "libfmt-dev",
    "libdeflate": "libdeflate-dev",
    "libisal": "libisal-dev",
    "openssl": "libssl-dev",
    "simdjson": "libsimdjson-dev",
    "sqlite3": "libsqlite3-dev",
    "tomlplusplus": "libtomlplusplus-dev",
    "yaml-0.1": "libyaml-dev",
    "zlib": "zlib1g-dev",
}


def read(path):
    with open(os.path.join(tree, path), encoding="utf-8") as file:
        return file.read()


def installed():
    done = subprocess.run(
        ["bash", "-c", '. tools/dev/packages.sh && printf "%s\\n" "${build_packages[@]}"'],
        cwd=tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def every_dependency_has_a_package():
    wanted = set(re.findall(r"\bdependency\('([^']+)'", read("meson.build") + read("src/meson.build")))
    unknown = wanted - set(PACKAGE)
    if unknown or not wanted:
        return f"say here which package of Debian brings {', '.join(sorted(unknown)) or 'what meson.build wants'}"
    missing = {PACKAGE[name] for name in wanted} - installed() - {None}
    return f"not in build_packages of tools/dev/packages.sh: {', '.join(sorted(missing))}" if missing else None


cases.main([("every dependency of the build is a package that is installed", every_dependency_has_a_package)])
