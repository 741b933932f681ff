# Sourced by start.sh and tests/run.sh: installs Debian packages that are not there yet.
# It knows package names only; a system without apt is left as it is, with a hint.
install_missing() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        [ "$(uname -s)" = Linux ] && echo "This is not Debian or Ubuntu: install the equivalents of: $*" >&2
        return 0
    fi
    missing=""
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    as_root=""
    [ "$(id -u)" -ne 0 ] && as_root=sudo
    echo "Installing from the system's packages:$missing" >&2
    $as_root apt-get update -qq
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
}
