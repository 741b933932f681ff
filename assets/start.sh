#!/bin/sh
# Installs what Burnish needs from the system (Debian, Ubuntu), builds it and opens the window.
# Usage: sh assets/start.sh [PROJECT]
set -eu
cd "$(dirname "$0")/.."
. assets/system.sh
# The compiler and linker, the Vulkan loader with drivers, and what a window needs under X11 and Wayland.
install_missing gcc libc6-dev libvulkan1 mesa-vulkan-drivers libxkbcommon0 libxkbcommon-x11-0 libx11-6 libx11-xcb1 \
    libxcursor1 libxi6 libxrandr2 libwayland-client0 libegl1
if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust is missing. Install it from https://rustup.rs, open a new terminal and run this command again." >&2
    exit 1
fi
exec cargo run --release -- "$@"
