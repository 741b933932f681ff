#!/bin/sh
# Runs all tests. Installs lavapipe (a Vulkan device in software) and Xvfb (a display in memory) when they are missing; needs no
# GPU, no display and, once the crates are downloaded, no network. Usage: sh tests/run.sh [cargo test arguments]
set -eu
cd "$(dirname "$0")/.."
. assets/system.sh
install_missing gcc libc6-dev libvulkan1 mesa-vulkan-drivers xvfb xauth libxkbcommon0 libxkbcommon-x11-0 libx11-6 libx11-xcb1 \
    libxcursor1 libxi6 libxrandr2 libegl1 dbus
# Vulkan and the window system want a private folder for their sockets.
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
    XDG_RUNTIME_DIR=$(mktemp -d)
    export XDG_RUNTIME_DIR
    chmod 700 "$XDG_RUNTIME_DIR"
fi
# Tests must see the same machine everywhere: the software device only, unless BURNISH_TEST_GPU names another; and the least kernel tuning (20 seconds a shape there).
for file in /usr/share/vulkan/icd.d/lvp_icd*.json; do
    [ -f "$file" ] && [ -z "${BURNISH_TEST_GPU:-}" ] && export VK_DRIVER_FILES="$file" VK_ICD_FILENAMES="$file"
done
export CUBECL_AUTOTUNE_LEVEL=0
# Snapshots and the smoke test start their own Xvfb; a display of the user's is never used.
unset DISPLAY WAYLAND_DISPLAY || true
exec cargo test --release "$@"
