# Sourced by scripts/demo and scripts/test: what a bare Debian 12 lacks. Needs root.
# shellcheck shell=bash

say() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }

# Installs those of the Debian packages that are missing, without starting any service.
install_packages() {
    local missing=() package policy=/usr/sbin/policy-rc.d
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "Missing Debian packages; as root: apt-get install ${missing[*]}" >&2
        return 1
    fi
    say "Debian packages: ${missing[*]}"
    # docker.io and docker-registry would start daemons of the machine's own.
    local quiet_services=no
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        quiet_services=yes
    fi
    local status=0
    {
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                "${missing[@]}" >/dev/null
    } </dev/null >&2 || status=$?
    [ "$quiet_services" = no ] || rm -f "$policy"
    return "$status"
}

# Makes a virtual environment of Debian's Python 3.11 (or newer) and prints its path.
# $1: its folder; the rest goes to pip install.
make_venv() {
    local folder=$1
    shift
    local python=/usr/bin/python3
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || python=python3
    [ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --quiet --disable-pip-version-check "$@" </dev/null >&2
}
